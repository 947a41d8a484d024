//! The practice server as a process, which ends with whoever holds it.

use crate::executables::executable;
use crate::loopback;
use anyhow::Context;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The address that the browser comes back to, after the person at this consent page has said yes.
pub fn callback_of(authorization_url: &str) -> anyhow::Result<String> {
    let mut person = Command::new(executable("keybearer-practice"));
    let output = person.args(["browse", "--print", authorization_url]).output()?;
    anyhow::ensure!(output.status.success(), "the person got: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A practice server.
#[derive(Debug)]
pub struct Practice {
    child: Child,
    ready: Value,
}

impl Practice {
    /// Starts one on any free port, with further arguments of `keybearer-practice serve`.
    pub fn start(arguments: &[&str]) -> anyhow::Result<Practice> {
        Practice::start_at(&executable("keybearer-practice"), arguments)
    }

    /// The same with this executable.
    pub fn start_at(executable: &Path, arguments: &[&str]) -> anyhow::Result<Practice> {
        Practice::start_by(Command::new(executable), arguments)
    }

    /// The same with whatever starts one.
    pub fn start_by(mut command: Command, arguments: &[&str]) -> anyhow::Result<Practice> {
        command.args(["serve", "--exit-with-parent"]).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let out = child.stdout.take().context("a pipe")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).with_context(|| format!("the practice server said {line:?}"))?;
        Ok(Practice { child, ready })
    }

    /// The MCP server that wants a sign-in.
    pub fn mcp_url(&self) -> &str {
        self.address("mcp_url")
    }

    /// The MCP server that wants none.
    pub fn open_mcp_url(&self) -> &str {
        self.address("open_mcp_url")
    }

    /// The authorization server.
    pub fn issuer(&self) -> &str {
        self.address("issuer")
    }

    /// The port that it listens on, for another one in its place.
    pub fn port(&self) -> anyhow::Result<String> {
        let port = self.issuer().rsplit(':').next().context("an address with a port")?;
        Ok(port.trim_end_matches('/').to_owned())
    }

    /// Changes how it behaves from now on.
    pub fn control(&self, change: &Value) -> anyhow::Result<()> {
        let answer = loopback::request("POST", self.address("control_url"), Some(&change.to_string()))?;
        anyhow::ensure!(answer.status == 200, "the practice server refused {change}: {}", answer.body);
        Ok(())
    }

    /// How often something has happened there so far.
    pub fn count(&self, what: &str) -> anyhow::Result<u64> {
        let answer = loopback::request("GET", self.address("control_url"), None)?;
        let counters: Value = serde_json::from_str(&answer.body)?;
        counters.get(what).and_then(Value::as_u64).with_context(|| format!("the practice server doesn't count {what}"))
    }

    /// What became of each sign-in so far, in their order: the tallies of the practice server.
    pub fn grants(&self) -> anyhow::Result<Vec<Value>> {
        let answer = loopback::request("GET", &format!("{}/grants", self.address("control_url")), None)?;
        serde_json::from_str(&answer.body).context("the practice server gave no tallies")
    }

    /// The gate before the MCP server, with nothing behind it.
    pub fn gate_url(&self) -> String {
        format!("{}/gate", self.issuer())
    }

    /// Sends it a signal: with `STOP` it takes connections and answers nothing, until `CONT`.
    pub fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status()?;
        anyhow::ensure!(sent.success(), "the practice server gets no {signal}");
        Ok(())
    }

    fn address(&self, name: &str) -> &str {
        self.ready.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
