//! An MCP client of stdio, at the other end of `keybearer bridge`.

use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Nothing here takes longer, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client, and its bridge.
pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// How a bridge ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) err: String,
    /// What it had still said.
    pub(crate) rest: Vec<String>,
}

impl Client {
    /// Starts a bridge and says nothing.
    pub(crate) fn start(world: &World, account: &str) -> Client {
        let mut command = world.command(&["bridge", account]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::with_capacity(1 << 20, output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        Client { child, input, lines }
    }

    /// The same, and shakes hands.
    pub(crate) fn open(world: &World, account: &str) -> Client {
        let mut client = Client::start(world, account);
        let hello = client.shake_hands("2025-11-25");
        assert!(hello["result"]["protocolVersion"].is_string(), "{hello}");
        client
    }

    /// Shakes hands in this revision; gives the answer.
    pub(crate) fn shake_hands(&mut self, protocol: &str) -> Value {
        let info = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": protocol, "capabilities": {}, "clientInfo": info });
        let hello = self.call(json!("hello"), "initialize", &params);
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        hello
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says a line as it is.
    pub(crate) fn say(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        // A bridge that has ended reads nothing; what it has said is looked at.
        let _ = input.write_all(line.as_bytes()).and_then(|()| input.write_all(b"\n")).and_then(|()| input.flush());
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.say(&message.to_string());
    }

    pub(crate) fn ask(&mut self, id: impl Into<Value>, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params }));
    }

    /// The next line.
    pub(crate) fn line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the bridge said {line:?}"))
    }

    /// The next message, if it is there.
    pub(crate) fn heard(&mut self) -> Option<Value> {
        let line = self.lines.try_recv().ok()?;
        Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("the bridge said {line:?}")))
    }

    /// Asks, and gives the answer, which must be what comes next.
    pub(crate) fn call(&mut self, id: impl Into<Value>, method: &str, params: &Value) -> Value {
        let id = id.into();
        self.ask(id.clone(), method, params);
        let answer = self.next();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    pub(crate) fn call_tool(&mut self, id: impl Into<Value>, name: &str, arguments: &Value) -> Value {
        self.call(id, "tools/call", &json!({ "name": name, "arguments": arguments }))
    }

    /// Nothing more is said.
    pub(crate) fn finish(&mut self) {
        self.input = None;
    }

    /// Waits until the bridge has ended.
    pub(crate) fn ended(mut self) -> Ended {
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code();
        let rest = std::iter::from_fn(|| self.lines.recv_timeout(PATIENCE).ok()).collect();
        Ended { code, err, rest }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
