//! A door from outside, on sockets and on pipes alike: what callers do wrong costs themselves, and nobody else (REQ-F1,
//! REQ-F2, REQ-H1, REQ-H2, REQ-L1, REQ-L2).

#![forbid(unsafe_code)]

use keybearer_ipc::peer::Witness;
use keybearer_ipc::place::Place;
use keybearer_ipc::server::{self, Caller, Handler, Refusal, serve};
use keybearer_ipc::socket::{Stream, bind, connect};
use keybearer_protocol::session::{CallerView, Server};
use keybearer_protocol::{Door, ErrorObject};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Error, ErrorKind, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Nothing here takes longer, unless it never ends.
const PATIENCE: Duration = Duration::from_secs(30);

/// Gives back what it is asked, but for `wait`, which is never answered.
struct Echo;

impl Handler for Echo {
    fn capabilities(&self, _door: Door, _caller: &Caller) -> Vec<String> {
        vec!["echo".into(), "wait".into()]
    }

    async fn answer(&self, _: Door, _: &Caller, method: &str, params: Value) -> Result<Box<RawValue>, ErrorObject> {
        match method {
            "wait" => std::future::pending().await,
            _ => Ok(to_raw_value(&params).expect("JSON")),
        }
    }

    async fn carry(&self, _caller: Caller, _witness: Witness, _connection: impl server::Stream) {}

    fn refused(&self, _door: Door, _caller: &CallerView, _why: Refusal) {}
}

/// An agent with one door.
struct Agent {
    place: Place,
    _closing: watch::Sender<bool>,
    _runtime: Runtime,
    _home: TempDir,
}

impl Agent {
    fn start() -> Agent {
        let home = tempfile::Builder::new().prefix("kb-").tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let (runtime, place) = (runtime.expect("a runtime"), Place::of(Some(home.path())).expect("a place"));
        let (closing, closed) = watch::channel(false);
        let server = Server { name: "test".into(), version: "0".into(), instance: "0".into() };
        let entered = runtime.enter();
        let listener = bind(&place, Door::Programs).expect("a door");
        runtime.spawn(serve(listener, Door::Programs, server, Arc::new(Echo), closed));
        drop(entered);
        Agent { place, _closing: closing, _runtime: runtime, _home: home }
    }

    /// Somebody who says nothing yet.
    fn caller(&self) -> Wire {
        let stream = connect(&self.place, Door::Programs).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Wire { stream: BufReader::new(stream), session: String::new() }
    }

    /// Somebody who has said hello.
    fn guest(&self) -> Wire {
        let mut wire = self.caller();
        wire.send(&hello());
        let reply = wire.receive().expect("a welcome");
        wire.session = reply["result"]["session"].as_str().expect("a session").to_owned();
        wire
    }
}

fn hello() -> Value {
    let params = json!({ "protocol": { "min": 1, "max": 1 }, "client": { "name": "test", "version": "0" } });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "session.open", "params": params })
}

/// A connection on which every byte is the test's own.
struct Wire {
    stream: BufReader<Stream>,
    session: String,
}

impl Wire {
    fn write(&mut self, bytes: &[u8]) {
        // An agent that has hung up shows when it is asked for its answer.
        let _ = self.stream.get_mut().write_all(bytes);
    }

    fn send(&mut self, value: &Value) {
        self.write(format!("{value}\n").as_bytes());
    }

    fn request(&self, id: u64, method: &str, params: &Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params, "session": self.session })
    }

    /// The next answer; none if the agent hung up.
    fn receive(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).expect("JSON")),
            // What the agent hadn't read when it hung up makes an error of the end.
            Err(error) => {
                assert!(!matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock), "nothing happens");
                None
            }
        }
    }

    fn echo(&mut self, text: &str) -> Option<Value> {
        self.send(&self.request(7, "echo", &json!({ "text": text })));
        Some(self.receive()?["result"]["text"].clone())
    }

    /// The name of the last error before the agent hung up.
    fn refused(mut self) -> Option<String> {
        let answer = self.receive()?;
        assert_eq!(self.receive(), None, "after {answer}");
        answer["error"]["data"]["name"].as_str().map(str::to_owned)
    }
}

#[test]
fn only_whoever_has_read_the_nonce_is_answered_however_the_bytes_come() {
    let agent = Agent::start();
    let mut guest = agent.guest();
    let mut pieces = format!("{}\n", guest.request(1, "echo", &json!({ "text": "whole" }))).into_bytes();
    let rest = pieces.split_off(20);
    guest.write(&pieces);
    guest.write(&rest);
    assert_eq!(guest.receive().expect("an answer")["result"]["text"], "whole");
    assert_eq!(guest.echo("again"), Some(json!("again")));

    let mut stranger = agent.guest();
    stranger.session = "0".repeat(32);
    stranger.send(&stranger.request(1, "echo", &json!({})));
    assert_eq!(stranger.refused().as_deref(), Some("invalid_request"));

    let mut impolite = agent.caller();
    impolite.send(&impolite.request(1, "echo", &json!({})));
    assert_eq!(impolite.refused().as_deref(), Some("invalid_request"));
}

#[test]
fn what_is_no_line_of_json_ends_the_connection_before_it_is_read_to_its_end() {
    let agent = Agent::start();
    for (bytes, name) in [
        (&b"GET / HTTP/1.1\r\n"[..], "parse_error"),
        (b"\x00\xff\xfe\n", "parse_error"),
        (b"[]\n", "invalid_request"),
        (b"{\"a\":1,\"a\":2}\n", "parse_error"),
        // Without an end: it is over the limit before that could come.
        (&[b'a'; 64 * 1024 + 1], "parse_error"),
        (&[b' '; 1024 * 1024], "parse_error"),
    ] {
        let mut guest = agent.guest();
        guest.write(bytes);
        // On a socket, what the agent didn't read takes its answer along.
        let refused = guest.refused();
        assert!(refused.as_deref() == Some(name) || (refused.is_none() && bytes.len() > 64 * 1024), "{refused:?}");
    }
    // A line of just the limit, with its end.
    let mut guest = agent.guest();
    let frame = guest.request(1, "echo", &json!({ "text": "" })).to_string().len() + 1;
    guest.send(&guest.request(1, "echo", &json!({ "text": "a".repeat(64 * 1024 - frame) })));
    assert!(guest.receive().expect("an answer")["result"]["text"].is_string());
}

#[test]
fn requests_and_connections_of_one_program_are_counted() {
    let agent = Agent::start();
    let mut guest = agent.guest();
    for id in 0..65 {
        guest.send(&guest.request(id, "wait", &json!({})));
    }
    let busy = guest.receive().expect("an answer");
    assert_eq!((&busy["id"], &busy["error"]["data"]["name"]), (&json!(64), &json!("busy")));

    let mut guests: Vec<Wire> = (1..64).map(|_| agent.guest()).collect();
    assert_eq!(agent.caller().refused().as_deref(), Some("busy"));
    guests.pop();
    let until = Instant::now() + PATIENCE;
    loop {
        let mut next = agent.caller();
        next.send(&hello());
        if next.receive().is_some_and(|answer| answer["result"].is_object()) {
            break;
        }
        assert!(Instant::now() < until, "a place that was given back is nobody's");
    }
}

#[test]
fn callers_that_stall_are_hung_up_on_in_time_and_hold_up_nobody() {
    let agent = Agent::start();
    let began = Instant::now();
    // Who says nothing, who stops within the hello, and who stops within a request.
    let mut silent: Vec<Wire> = (0..16).map(|_| agent.caller()).collect();
    for wire in silent.iter_mut().step_by(2) {
        wire.write(b"{\"jsonrpc\"");
    }
    let mut partial = agent.guest();
    partial.write(b"{\"jsonrpc\"");
    // Who asks for more than the system keeps, and takes nothing of it.
    let mut greedy = agent.guest();
    let large = "a".repeat(60 * 1024);
    let stream = greedy.stream.get_ref().try_clone().expect("a connection");
    stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    let ask = greedy.request(1, "echo", &json!({ "text": large }));
    for _ in 0..64 {
        greedy.send(&ask);
    }
    let mut guest = agent.guest();
    let slowest = (0..200)
        .map(|_| {
            let asked = Instant::now();
            assert_eq!(guest.echo("quick"), Some(json!("quick")));
            asked.elapsed()
        })
        .max();
    assert!(slowest < Some(Duration::from_secs(1)), "{slowest:?}");
    for mut wire in silent {
        assert_eq!(wire.receive(), None);
    }
    let hello = began.elapsed();
    assert_eq!(partial.receive(), None);
    let line = began.elapsed();
    assert!(hello >= Duration::from_secs(2) && line >= Duration::from_secs(5) && line < PATIENCE, "{hello:?} {line:?}");
    assert_eq!(guest.echo("still here"), Some(json!("still here")));
    // The greedy one can't even write any more.
    let gave_up = loop {
        let more = greedy.stream.get_mut().write_all(b" ");
        let still_waits = |error: &Error| matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock);
        if more.is_err_and(|error| !still_waits(&error)) {
            break began.elapsed();
        }
        assert!(began.elapsed() < PATIENCE, "whoever takes nothing is kept");
    };
    assert!(gave_up >= Duration::from_secs(5), "{gave_up:?}");
}
