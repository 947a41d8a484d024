//! A program that talks to the agent on one connection of its own, driven by a test.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The program, as long as it is held.
#[derive(Debug)]
pub struct StandIn {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl StandIn {
    /// Runs the executable at `program`, a copy of the stand-in, with a connection to this socket.
    pub fn start(program: &Path, socket: &Path) -> anyhow::Result<StandIn> {
        let mut command = Command::new(program);
        command.arg("relay").arg(socket);
        StandIn::of(command)
    }

    /// Runs a command that becomes a stand-in in a role that takes requests.
    pub fn of(mut command: Command) -> anyhow::Result<StandIn> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("{} can't be started", command.get_program().display()))?;
        let requests = child.stdin.take().context("a pipe")?;
        let answers = BufReader::new(child.stdout.take().context("a pipe")?);
        Ok(StandIn { child, requests, answers })
    }

    /// Makes a request; gives the whole answer.
    pub fn call(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        writeln!(self.requests, "{}", json!({ "method": method, "params": params }))?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the stand-in said {line:?}"))
    }

    /// Makes a request that must be granted; gives its result.
    pub fn ok(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let answer = self.call(method, params)?;
        ensure!(answer.get("error").is_none(), "{method}: {answer}");
        Ok(answer["result"].clone())
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
