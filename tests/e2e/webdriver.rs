//! The least WebDriver that drives a window: each command is one request on loopback with a deadline.
//!
//! `WebKitWebDriver` attaches to an app that is already running, so a window that a link has opened is driven like any
//! other.

use anyhow::{Context, bail, ensure};
use keybearer_tests::loopback::request;
use keybearer_tests::until::until;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};

/// The key under which the standard hides an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A hand in the window's web views.
#[derive(Debug)]
pub(crate) struct WebDriver {
    driver: Child,
    session: String,
}

/// An element of a page, as the driver names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element(String);

/// What has become of an element since it was found.
pub(crate) const GONE: &[&str] = &["stale element reference", "no such element"];

impl WebDriver {
    /// Attaches to the app whose inspector listens on this port, once it has a window.
    pub(crate) fn attach(inspector: u16) -> anyhow::Result<WebDriver> {
        let port = free_port()?;
        let mut command = Command::new("WebKitWebDriver");
        command.args([format!("--port={port}"), format!("--target=127.0.0.1:{inspector}")]);
        let driver = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let driver = driver.context("WebKitWebDriver can't be started: `cargo xtask e2e` installs it")?;
        let root = format!("http://127.0.0.1:{port}");
        // Held from here on, so that the driver ends whatever comes.
        let mut hand = WebDriver { driver, session: root.clone() };
        let wanted = json!({ "capabilities": { "alwaysMatch": {} } });
        hand.session = until("a window to attach to", || {
            // Until the driver listens and the window stands, there is nothing to talk to.
            let Ok(session) = hand.post("/session", &wanted) else { return Ok(None) };
            Ok(session["sessionId"].as_str().map(|id| format!("{root}/session/{id}")))
        })?;
        Ok(hand)
    }

    /// Asks for something.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.command("GET", path, None)
    }

    /// Does something.
    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.command("POST", path, Some(&body.to_string()))
    }

    /// Runs a script in the page; `arguments` are its `arguments`.
    pub(crate) fn execute(&self, script: &str, arguments: &[Value]) -> anyhow::Result<Value> {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// The same for a script that takes its time: its last argument is the function that brings the answer.
    pub(crate) fn execute_to_end(&self, script: &str, arguments: &[Value]) -> anyhow::Result<Value> {
        self.post("/execute/async", &json!({ "script": script, "args": arguments }))
    }

    fn command(&self, method: &str, path: &str, body: Option<&str>) -> anyhow::Result<Value> {
        let answer = request(method, &format!("{}{path}", self.session), body).with_context(|| path.to_owned())?;
        let mut answer: Value = serde_json::from_str(&answer.body).with_context(|| path.to_owned())?;
        let value = answer["value"].take();
        if let Some(error) = value["error"].as_str() {
            bail!("{path}: {error}: {}", value["message"].as_str().unwrap_or_default());
        }
        Ok(value)
    }
}

impl Drop for WebDriver {
    fn drop(&mut self) {
        // The app may be gone already, and its session with it.
        let _ = self.command("DELETE", "", None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Element {
    /// The elements in a script's answer.
    pub(crate) fn all_in(answer: &Value) -> Vec<Element> {
        let ids = answer.as_array().into_iter().flatten().filter_map(|found| found[ELEMENT].as_str());
        ids.map(|id| Element(id.to_owned())).collect()
    }

    /// As a script's argument.
    pub(crate) fn as_argument(&self) -> Value {
        json!({ ELEMENT: self.0 })
    }

    /// The path of a command about it.
    pub(crate) fn path(&self, command: &str) -> String {
        format!("/element/{}/{command}", self.0)
    }
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    ensure!(port != 0, "no port is free");
    Ok(port)
}
