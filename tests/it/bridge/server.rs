//! An MCP server that does what a test says, request by request.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    headers: HashMap<String, String>,
    pub(super) body: Value,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The method of its message.
    pub(super) fn asks(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }
}

/// A server on a port of its own.
pub(super) struct Server {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers each request with `answer`, on a thread of its own.
    pub(super) fn start(answer: impl Fn(&Seen, Reply) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let record = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (record, answer) = (record.clone(), answer.clone());
                thread::spawn(move || {
                    if let Some(request) = read(&stream) {
                        record.lock().unwrap().push(request.clone());
                        answer(&request, Reply { stream });
                    }
                });
            }
        });
        Server { url, seen }
    }

    /// One that shakes hands by itself and leaves all else to `answer`.
    pub(super) fn shaking_hands(answer: impl Fn(&Seen, Reply) + Send + Sync + 'static) -> Server {
        Server::start(move |seen, reply| match (seen.method.as_str(), seen.asks()) {
            ("POST", "initialize") => reply.json(200, &hello(seen)),
            ("POST", "notifications/initialized") => reply.empty(202),
            ("GET", _) if seen.header("last-event-id").is_empty() => reply.empty(405),
            _ => answer(seen, reply),
        })
    }

    /// All that came so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The messages of these methods that came so far.
    pub(super) fn count(&self, asks: &str) -> usize {
        self.seen().iter().filter(|seen| seen.asks() == asks).count()
    }
}

/// The answer to `initialize`.
pub(super) fn hello(seen: &Seen) -> Value {
    let version = &seen.body["params"]["protocolVersion"];
    result(
        seen,
        &json!({ "protocolVersion": version, "capabilities": {}, "serverInfo": { "name": "test", "version": "1" } }),
    )
}

/// An answer.
pub(super) fn result(seen: &Seen, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": seen.body["id"], "result": result })
}

/// Where an answer goes.
pub(super) struct Reply {
    stream: TcpStream,
}

impl Reply {
    pub(super) fn empty(self, status: u16) {
        self.whole(status, "", "");
    }

    pub(super) fn json(self, status: u16, body: &Value) {
        self.whole(status, "Content-Type: application/json\r\n", &body.to_string());
    }

    /// JSON with further header lines.
    pub(super) fn json_with(self, headers: &str, body: &Value) {
        self.whole(200, &format!("Content-Type: application/json\r\n{headers}"), &body.to_string());
    }

    pub(super) fn whole(mut self, status: u16, headers: &str, body: &str) {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n");
        let _ = self.stream.write_all(head.as_bytes()).and_then(|()| self.stream.write_all(body.as_bytes()));
        let _ = self.stream.shutdown(Shutdown::Write);
        let _ = self.stream.read(&mut [0]);
    }

    /// Begins a stream, which ends or breaks as it is told to.
    pub(super) fn events(mut self) -> Events {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = self.stream.write_all(head.as_bytes());
        Events { stream: self.stream }
    }
}

/// A stream of events; one that is dropped breaks off.
pub(super) struct Events {
    stream: TcpStream,
}

impl Events {
    /// Writes text as it is; whether somebody reads.
    pub(super) fn write(&mut self, text: &str) -> bool {
        let chunk = format!("{:x}\r\n{text}\r\n", text.len());
        self.stream.write_all(chunk.as_bytes()).and_then(|()| self.stream.flush()).is_ok()
    }

    pub(super) fn message(&mut self, message: &Value) -> bool {
        self.write(&format!("event: message\ndata: {message}\n\n"))
    }

    pub(super) fn end(mut self) {
        let _ = self.stream.write_all(b"0\r\n\r\n");
        let _ = self.stream.shutdown(Shutdown::Write);
        let _ = self.stream.read(&mut [0]);
    }

    /// Waits until nobody reads any more.
    pub(super) fn left(mut self) {
        while self.stream.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Seen { method, path, headers, body })
}
