//! A server that nobody here wrote, as a process that ends when its standard input does.

use keybearer_tests::executables::executable;
use keybearer_tests::loopback;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A server that answers.
pub(crate) struct Server {
    child: Child,
    ready: Value,
}

impl Server {
    /// One that is written in JavaScript.
    pub(crate) fn node(script: &str) -> Server {
        let mut command = Command::new("node");
        command.arg(folder().join("servers").join(script));
        Server::start(command)
    }

    /// oidc-provider, which lets clients in in one way and no other; it reads how from these variables.
    pub(crate) fn oidc_provider(variables: &[(&str, &str)]) -> Server {
        let mut command = Command::new("node");
        command.arg(folder().join("servers/oidc-provider.mjs")).envs(variables.iter().copied());
        Server::start(command)
    }

    /// One that is written in Python.
    pub(crate) fn python(script: &str) -> Server {
        let mut command = Command::new(folder().join(".venv/bin/python"));
        command.arg("-B").arg(folder().join("servers").join(script));
        Server::start(command)
    }

    /// The one with everything that a session can hold. It has a practice server of its own.
    pub(crate) fn everything() -> Server {
        let mut command = Command::new("node");
        command.arg(folder().join("servers/everything.mjs")).env("PRACTICE", executable("keybearer-practice"));
        Server::start(command)
    }

    /// Keybearer's own practice server, to compare with.
    pub(crate) fn practice() -> Server {
        let mut command = Command::new(executable("keybearer-practice"));
        command.args(["serve", "--exit-with-parent", "--token-lifetime", "20"]);
        Server::start(command)
    }

    fn start(mut command: Command) -> Server {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}; try `cargo xtask interop`"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line);
        let ready = ready.unwrap_or_else(|_| panic!("{command:?} said {line:?}; try `cargo xtask interop`"));
        Server { child, ready }
    }

    /// Where it speaks MCP.
    pub(crate) fn mcp_url(&self) -> &str {
        self.url("mcp_url")
    }

    /// One of several places where it does.
    pub(crate) fn url(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    /// The client that was registered there by hand: its ID and its secret.
    pub(crate) fn client(&self) -> (&str, &str) {
        let text = |name: &str| self.ready["client"][name].as_str().unwrap();
        (text("id"), text("secret"))
    }

    /// The packages that it is made of, with their versions as installed.
    pub(crate) fn packages(&self) -> String {
        let packages = self.ready["packages"].as_object().into_iter().flatten();
        let named = packages.map(|(name, version)| format!("{name} {}", version.as_str().unwrap()));
        named.collect::<Vec<_>>().join(", ")
    }

    /// Whether it takes this token. What it says of the request itself is another matter.
    pub(crate) fn takes(&self, token: &Value) -> bool {
        let hello = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
        let token = token["access_token"].as_str().unwrap();
        let headers = format!("Authorization: Bearer {token}\r\nAccept: application/json, text/event-stream");
        loopback::request_with("POST", self.mcp_url(), &headers, Some(hello)).unwrap().status != 401
    }

    /// How often something has happened there, as far as it counts.
    pub(crate) fn count(&self, what: &str) -> u64 {
        let answer = loopback::request("GET", self.ready["stats"].as_str().unwrap(), None).unwrap();
        let stats: Value = serde_json::from_str(&answer.body).unwrap();
        stats[what].as_u64().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Where the servers and the browser lie.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop")
}
