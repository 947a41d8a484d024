//! A raw connection to the agent, for what no client of ours would send.

use anyhow::Context;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A connection on which every byte is the test's own.
#[derive(Debug)]
pub struct Wire {
    stream: BufReader<UnixStream>,
    /// The nonce of the handshake.
    pub session: String,
    /// The methods behind the door, as the handshake names them.
    pub capabilities: Vec<String>,
}

impl Wire {
    /// Connects and says nothing.
    pub fn connect(socket: &Path) -> anyhow::Result<Wire> {
        let stream = UnixStream::connect(socket).with_context(|| format!("{} can't be reached", socket.display()))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Wire { stream: BufReader::new(stream), session: String::new(), capabilities: Vec::new() })
    }

    /// The request that opens a session.
    pub fn hello() -> String {
        let params = json!({ "protocol": { "min": 1, "max": 1 }, "client": { "name": "test", "version": "0" } });
        json!({ "jsonrpc": "2.0", "id": 0, "method": "session.open", "params": params }).to_string()
    }

    /// Connects and opens a session.
    pub fn open(socket: &Path) -> anyhow::Result<Wire> {
        let mut wire = Wire::connect(socket)?;
        wire.send(&Wire::hello())?;
        let reply = wire.receive()?.context("the agent hung up")?;
        wire.session = reply["result"]["session"].as_str().context("a session")?.to_owned();
        let names = reply["result"]["capabilities"].as_array().into_iter().flatten();
        wire.capabilities = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
        Ok(wire)
    }

    /// The connection itself, for whoever takes it over.
    pub fn into_stream(self) -> OwnedFd {
        self.stream.into_inner().into()
    }

    /// Sends a line as it is.
    pub fn send(&mut self, line: &str) -> anyhow::Result<()> {
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes())?;
        Ok(())
    }

    /// Sends a piece of a line.
    pub fn send_part(&mut self, text: &str) -> anyhow::Result<()> {
        self.stream.get_mut().write_all(text.as_bytes())?;
        Ok(())
    }

    /// Sends a request and doesn't wait for its answer.
    pub fn ask(&mut self, id: u64, method: &str, params: &Value) -> anyhow::Result<()> {
        let session = self.session.clone();
        self.send(
            &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params, "session": session }).to_string(),
        )
    }

    /// Sends a request and waits for its answer.
    pub fn call(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        self.ask(1, method, params)?;
        self.receive()?.context("the agent hung up")
    }

    /// The next line; `None` if the agent hung up.
    pub fn receive(&mut self) -> anyhow::Result<Option<Value>> {
        let mut line = String::new();
        // A connection that the agent closed with our bytes unread ends in an error instead of an end.
        match self.stream.read_line(&mut line) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(serde_json::from_str(&line)?)),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
