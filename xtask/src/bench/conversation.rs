//! A program's conversation with an MCP server, over the pipes of a process or over HTTP, and how long it waits.

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The revision that the program asks for.
const REVISION: &str = "2025-06-18";
/// Nothing takes longer. Whoever takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A conversation that was opened.
pub(crate) struct Conversation {
    road: Road,
    /// How many requests were made.
    asked: u64,
    /// From the start of the process, or of the connection, to the answer to `initialize`.
    pub(crate) opened_within: Duration,
}

enum Road {
    Pipes { child: Child, input: ChildStdin, output: BufReader<ChildStdout> },
    Http(Connection),
}

impl Conversation {
    /// Starts this process and says hello to it.
    pub(crate) fn with(command: &mut Command) -> anyhow::Result<Conversation> {
        let began = Instant::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = child.stdin.take().context("a pipe")?;
        let output = BufReader::new(child.stdout.take().context("a pipe")?);
        Conversation::open(Road::Pipes { child, input, output }, began)
    }

    /// Connects to this address and says hello there, with these header lines in each request.
    pub(crate) fn at(url: &str, headers: &str) -> anyhow::Result<Conversation> {
        let began = Instant::now();
        Conversation::open(Road::Http(Connection::open(url, headers)?), began)
    }

    fn open(road: Road, began: Instant) -> anyhow::Result<Conversation> {
        let mut conversation = Conversation { road, asked: 0, opened_within: Duration::ZERO };
        let client = json!({ "name": "keybearer-bench", "version": "1" });
        let hello = json!({ "protocolVersion": REVISION, "capabilities": {}, "clientInfo": client });
        let answer = conversation.ask("initialize", &hello)?;
        conversation.opened_within = began.elapsed();
        ensure!(answer["protocolVersion"].is_string(), "no server: {answer}");
        conversation.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(conversation)
    }

    /// Calls a tool of the practice server; gives how long that took.
    pub(crate) fn call(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let answer = self.ask("tools/call", &json!({ "name": "echo", "arguments": { "text": "here" } }))?;
        let took = began.elapsed();
        ensure!(answer["content"][0]["text"] == "here", "no echo: {answer}");
        Ok(took)
    }

    /// The process at the other end of the pipes.
    pub(crate) fn pid(&self) -> Option<u32> {
        match &self.road {
            Road::Pipes { child, .. } => Some(child.id()),
            Road::Http(_) => None,
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        self.asked += 1;
        self.say(&json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params }))?;
        loop {
            let mut message = self.hear()?;
            if message["id"] == self.asked {
                ensure!(message["result"].is_object(), "{method}: {message}");
                return Ok(message["result"].take());
            }
        }
    }

    fn say(&mut self, message: &Value) -> anyhow::Result<()> {
        match &mut self.road {
            Road::Pipes { input, .. } => Ok(input.write_all(format!("{message}\n").as_bytes())?),
            Road::Http(connection) => connection.post(&message.to_string()),
        }
    }

    fn hear(&mut self) -> anyhow::Result<Value> {
        match &mut self.road {
            Road::Pipes { output, .. } => {
                let mut line = String::new();
                ensure!(output.read_line(&mut line)? > 0, "the process has ended");
                Ok(serde_json::from_str(&line)?)
            }
            Road::Http(connection) => connection.message(),
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        if let Road::Pipes { child, .. } = &mut self.road {
            // What it would still have to say to the server is no part of any figure.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The least HTTP that a client of MCP can do with: one connection, one request at a time.
struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    path: String,
    /// In each request, each with the end of its line.
    headers: String,
    /// The last answer's body, as far as it wasn't heard yet.
    body: String,
}

impl Connection {
    fn open(url: &str, headers: &str) -> anyhow::Result<Connection> {
        let rest = url.strip_prefix("http://").context("only http is spoken here")?;
        let (host, path) = rest.split_once('/').context("an address has a path")?;
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let headers = format!(
            "{headers}\r\nAccept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
             MCP-Protocol-Version: {REVISION}\r\n"
        );
        let (host, path) = (host.to_owned(), path.to_owned());
        Ok(Connection { stream: BufReader::new(stream), host, path, headers, body: String::new() })
    }

    /// Sends a message, and takes the whole answer in.
    fn post(&mut self, message: &str) -> anyhow::Result<()> {
        let Connection { host, path, headers, .. } = self;
        let length = message.len();
        let request =
            format!("POST /{path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n{message}");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse()?,
                "transfer-encoding" => chunked = value == "chunked",
                "mcp-session-id" if !self.headers.contains("Mcp-Session-Id") => {
                    self.headers += &format!("Mcp-Session-Id: {value}\r\n");
                }
                _ => {}
            }
        }
        self.body = if chunked { self.chunks()? } else { self.bytes(length)? };
        ensure!(status.starts_with("HTTP/1.1 2"), "{status}: {}", self.body);
        Ok(())
    }

    /// The next message of the last answer: an event's, or the whole body.
    fn message(&mut self) -> anyhow::Result<Value> {
        let body = std::mem::take(&mut self.body);
        if body.starts_with('{') {
            return Ok(serde_json::from_str(&body)?);
        }
        let mut lines = body.split_inclusive('\n');
        while let Some(line) = lines.next() {
            if let Some(data) = line.strip_prefix("data:").map(str::trim).filter(|data| !data.is_empty()) {
                self.body = lines.collect();
                return Ok(serde_json::from_str(data)?);
            }
        }
        bail!("an answer without a message: {body:?}")
    }

    fn chunks(&mut self) -> anyhow::Result<String> {
        let mut body = String::new();
        loop {
            let size = usize::from_str_radix(&self.line()?, 16)?;
            body += &self.bytes(size)?;
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn bytes(&mut self, length: usize) -> anyhow::Result<String> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(String::from_utf8(bytes)?)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line)? > 0, "the server hung up");
        Ok(line.trim_end().to_owned())
    }
}
