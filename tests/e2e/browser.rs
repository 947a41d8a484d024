//! The browser and the person in front of it: keeps the addresses that it is told to open, and goes there when a test
//! says so, which may be after everything else was killed.

use anyhow::{Context, ensure};
use keybearer_tests::loopback;
use keybearer_tests::practice;
use keybearer_tests::session::Session;
use keybearer_tests::until::until;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// A browser with nobody's tabs but the test's own.
#[derive(Debug)]
pub(crate) struct Browser {
    /// The program that takes an address to open.
    pub(crate) program: PathBuf,
    opened: PathBuf,
}

impl Browser {
    /// A browser in this session.
    pub(crate) fn new(session: &Session) -> anyhow::Result<Browser> {
        let opened = session.write("opened", "")?;
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{}'\n", opened.display());
        let program = session.write("browser", &script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        Ok(Browser { program, opened })
    }

    /// Makes it the session's browser, as a distribution would: by a desktop file and the session's list of handlers.
    pub(crate) fn install(&self, session: &Session, mut xdg_mime: Command) -> anyhow::Result<()> {
        let file = format!(
            "[Desktop Entry]\nType=Application\nName=Browser\nExec={} %u\nNoDisplay=true\n\
             MimeType=x-scheme-handler/http;x-scheme-handler/https;\n",
            self.program.display()
        );
        session.write("data/applications/browser.desktop", &file)?;
        xdg_mime.args(["default", "browser.desktop", "x-scheme-handler/http", "x-scheme-handler/https"]);
        ensure!(xdg_mime.status().context("xdg-mime can't be started")?.success(), "the browser can't be made default");
        Ok(())
    }

    /// The addresses that it was told to open so far.
    pub(crate) fn opened(&self) -> Vec<String> {
        let opened = fs::read_to_string(&self.opened).unwrap_or_default();
        opened.lines().map(str::to_owned).collect()
    }

    /// The address that it was told to open last, once there are this many.
    pub(crate) fn wait_for(&self, count: usize) -> anyhow::Result<String> {
        until("the browser", || Ok(self.opened().get(count - 1).cloned()))
    }

    /// Signs in as a person would; gives the address that the browser is sent back to, and goes no further.
    pub(crate) fn consent(&self, address: &str) -> anyhow::Result<String> {
        practice::callback_of(address)
    }

    /// Goes back to a listener on loopback.
    pub(crate) fn return_to(&self, callback: &str) -> anyhow::Result<()> {
        let answer = loopback::request("GET", callback, None)?;
        ensure!(answer.status == 200, "the listener answered {}: {}", answer.status, answer.body);
        Ok(())
    }
}
