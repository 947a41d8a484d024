//! `keybearer bridge`: a client of stdio, and whatever server and agent do behind it.

pub(crate) mod client;
mod server;

use client::Client;
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use server::{Server, hello, result};
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// A Keybearer with an account for this server, which wants no sign-in.
fn world_with(server: &Server) -> World {
    let world = World::new().unwrap();
    world.ok(&["add", &server.url, "--name", "test", "--auth", "none", "--no-sign-in"]).unwrap();
    world
}

fn signed_in() -> (World, Practice) {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--plant-token", "canary"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

/// A server whose answer to `slow` begins, and goes on when the gate opens.
fn slow(gate: &Gate) -> Server {
    let held = gate.clone();
    Server::shaking_hands(move |seen, reply| match seen.asks() {
        "slow" => {
            let mut events = reply.events();
            events.write(": there\n\n");
            held.wait();
        }
        _ => reply.json(200, &result(seen, &json!({}))),
    })
}

fn name(answer: &Value) -> &str {
    answer["error"]["data"]["name"].as_str().unwrap_or_default()
}

fn sum(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

/// Opened once, for threads of a server that wait.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |open| !*open).unwrap());
    }
}

#[test]
fn a_client_that_knows_no_tokens_works_while_they_end_under_it() {
    let (world, practice) = signed_in();
    let mut client = Client::open(&world, "practice");
    let tools = client.call(1, "tools/list", &json!({}));
    assert!(tools["result"]["tools"].as_array().is_some_and(|tools| tools.len() == 4), "{tools}");
    let mut said = tools.to_string();
    for number in 2..8 {
        practice.control(&json!({ "expire_all": true })).unwrap();
        let answer = client.call_tool(number, "add", &json!({ "a": number, "b": 1 }));
        assert_eq!(sum(&answer), (number + 1).to_string(), "{answer}");
        said += &answer.to_string();
    }
    assert!(practice.count("refreshes").unwrap() >= 6);
    assert!(world.ok(&["grants"]).unwrap().contains("practice"), "an open bridge is seen among the grants");
    client.finish();
    let ended = client.ended();
    assert_eq!((ended.code, ended.err.as_str(), ended.rest.len()), (Some(0), "", 0));
    assert!(!said.contains("canary") && !world.ok(&["activity", "--json"]).unwrap().contains("canary"));
    assert!(!world.ok(&["grants"]).unwrap().contains("practice"), "and is none any more");
}

#[test]
fn what_can_not_be_opened_is_told_to_the_first_request_in_words() {
    let (world, _practice) = signed_in();
    world.ok(&["sign-out", "practice"]).unwrap();
    for (account, said, code) in [("nobody", "profile_not_found", 11), ("practice", "auth_required", 15)] {
        let mut client = Client::start(&world, account);
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/early" }));
        let answer = client.call(json!("hello"), "initialize", &json!({}));
        assert_eq!(name(&answer), said, "{answer}");
        let ended = client.ended();
        assert_eq!((ended.code, ended.rest.len()), (Some(code), 0));
        assert!(ended.err.starts_with("keybearer: "), "{}", ended.err);
    }
    // The connection stays the program's own.
    let mut program = world.programs().unwrap();
    for _ in 0..2 {
        let refused = program.call("bridge.open", &json!({ "profile": "practice" })).unwrap();
        assert_eq!(name(&refused), "auth_required", "{refused}");
    }
    assert!(!world.ok(&["grants"]).unwrap().contains("practice"));
}

#[test]
fn a_revoked_sign_in_is_told_and_the_next_one_serves_the_same_bridge() {
    let (world, practice) = signed_in();
    let mut client = Client::open(&world, "practice");
    practice.control(&json!({ "revoke_all": true })).unwrap();
    let refused = client.call_tool(1, "add", &json!({ "a": 1, "b": 1 }));
    assert_eq!(
        (name(&refused), &refused["error"]["data"]["action"]),
        ("auth_required", &json!("keybearer sign-in practice"))
    );
    world.run(&["sign-in", "practice"]).unwrap();
    assert_eq!(sum(&client.call_tool(2, "add", &json!({ "a": 1, "b": 1 }))), "2");
}

#[test]
fn a_killed_agent_costs_the_open_requests_and_nothing_else() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = Server::shaking_hands(move |seen, reply| match seen.asks() {
        "slow" => {
            held.wait();
            reply.empty(500);
        }
        _ => reply.json(200, &result(seen, &json!({ "said": seen.asks() }))),
    });
    let world = world_with(&server);
    let mut client = Client::open(&world, "test");
    for id in 1..=3 {
        client.ask(id, "slow", &json!({}));
    }
    until("the requests", || Ok((server.count("slow") == 3).then_some(()))).unwrap();
    world.kill_agent().unwrap();
    let mut cut: Vec<Value> = (0..3).map(|_| client.next()).collect();
    cut.sort_by_key(|answer| answer["id"].as_u64());
    for (answer, id) in cut.iter().zip(1..) {
        assert_eq!((answer["id"].as_u64(), name(answer)), (Some(id), "agent_unreachable"), "{answer}");
        assert_eq!(answer["error"]["data"]["reason"], "cut_off");
    }
    // The next finds another agent, to which the handshake was said again; the client sees none of that.
    assert_eq!(client.call(4, "fast", &json!({}))["result"]["said"], "fast");
    assert_eq!((server.count("initialize"), server.count("notifications/initialized")), (2, 2));
    let hellos: Vec<Value> = server
        .seen()
        .iter()
        .filter(|seen| seen.asks() == "initialize")
        .map(|seen| seen.body["params"].clone())
        .collect();
    assert_eq!(hellos[0], hellos[1]);
    client.finish();
    let ended = client.ended();
    assert_eq!((ended.code, ended.rest.len(), ended.err.lines().count()), (Some(0), 0, 1), "{}", ended.err);
    gate.open();
}

#[test]
fn a_lock_ends_what_is_open_and_an_unlocked_agent_goes_on() {
    let gate = Gate::default();
    let server = slow(&gate);
    let world = world_with(&server);
    let mut client = Client::open(&world, "test");
    client.ask(1, "slow", &json!({}));
    until("the request", || Ok((server.count("slow") == 1).then_some(()))).unwrap();
    world.ok(&["lock"]).unwrap();
    let locked = client.next();
    assert_eq!((&locked["id"], name(&locked)), (&json!(1), "agent_locked"), "{locked}");
    let locked = client.call(2, "fast", &json!({}));
    assert_eq!(name(&locked), "agent_locked", "{locked}");
    assert_eq!(server.count("fast"), 0);
    world.ok(&["unlock"]).unwrap();
    assert!(client.call(3, "fast", &json!({}))["result"].is_object());
    gate.open();
}

#[test]
fn a_grant_that_is_taken_back_ends_the_bridge_in_the_middle_of_a_request() {
    let gate = Gate::default();
    let server = slow(&gate);
    let world = World::with_desktop().unwrap();
    world.ok(&["add", &server.url, "--name", "test", "--auth", "none", "--no-sign-in"]).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let mut client = Client::start(&world, "test");
    // Asked about is the program that started the bridge, and not the bridge.
    let prompt = prompter.answer("once").unwrap();
    assert!(!prompt["program"]["name"].as_str().unwrap().starts_with("keybearer"), "{prompt}");
    client.shake_hands("2025-11-25");
    // Once is for the bridge as long as it lasts.
    assert!(client.call(1, "fast", &json!({}))["result"].is_object());
    assert!(prompter.prompts().unwrap().is_empty());
    client.ask(2, "slow", &json!({}));
    until("the request", || Ok((server.count("slow") == 1).then_some(()))).unwrap();
    let grants = world.json(&["grants"]).unwrap();
    let grant = grants[0]["grant"].as_str().unwrap_or_else(|| panic!("{grants}")).to_owned();
    world.ok(&["grants", "revoke", &grant]).unwrap();
    let ended = client.next();
    assert_eq!((&ended["id"], name(&ended)), (&json!(2), "consent_required"), "{ended}");
    // The next message is asked about; one that is said while the connection ends is told so instead.
    let mut id = 3;
    client.ask(id, "fast", &json!({}));
    until("a prompt", || {
        if let Some(cut_off) = client.heard() {
            assert_eq!((&cut_off["id"], name(&cut_off)), (&json!(id), "agent_unreachable"), "{cut_off}");
            id += 1;
            client.ask(id, "fast", &json!({}));
        }
        Ok((!prompter.prompts()?.is_empty()).then_some(()))
    })
    .unwrap();
    prompter.answer("deny").unwrap();
    let denied = client.next();
    assert_eq!((&denied["id"], name(&denied)), (&json!(id), "consent_denied"), "{denied}");
    assert_eq!(server.count("fast"), 1);
    gate.open();
}

#[test]
fn a_stream_comes_as_it_is_said_and_the_server_can_ask_back() {
    let answered = Gate::default();
    let heard = answered.clone();
    let server = Server::shaking_hands(move |seen, reply| match seen.asks() {
        "tools/call" => {
            let mut events = reply.events();
            let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progress": 1 } });
            events.message(&progress);
            events.message(&json!({ "jsonrpc": "2.0", "id": 70, "method": "sampling/createMessage", "params": {} }));
            // Nothing more before the client has answered.
            heard.wait();
            // Over several lines, as a stream may have it.
            events.write(&format!(
                "data: {{\"jsonrpc\":\"2.0\",\r\ndata:  \"id\":{},\ndata: \"result\":{{\"of\":\"\u{fc}\"}}}}\n\n",
                seen.body["id"]
            ));
            events.end();
        }
        _ => {
            if seen.body["id"] == 70 && seen.body["result"]["text"] == "hi" {
                heard.open();
            }
            reply.empty(202);
        }
    });
    let world = world_with(&server);
    let mut client = Client::open(&world, "test");
    client.ask(1, "tools/call", &json!({ "name": "ask" }));
    assert_eq!(client.next()["method"], "notifications/progress");
    let asked = client.next();
    assert_eq!((&asked["id"], &asked["method"]), (&json!(70), &json!("sampling/createMessage")));
    client.send(&json!({ "jsonrpc": "2.0", "id": 70, "result": { "text": "hi" } }));
    assert_eq!(client.next(), json!({ "jsonrpc": "2.0", "id": 1, "result": { "of": "ü" } }));
    let said = server.seen();
    assert!(
        said.iter()
            .skip(1)
            .filter(|seen| seen.method == "POST")
            .all(|seen| seen.header("mcp-protocol-version") == "2025-11-25")
    );
}

#[test]
fn a_request_that_is_taken_back_is_taken_back_at_the_server_and_gets_no_answer() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = Server::shaking_hands(move |seen, reply| match seen.asks() {
        "slow" => {
            let events = reply.events();
            held.wait();
            events.end();
        }
        "notifications/cancelled" => {
            held.open();
            reply.empty(202);
        }
        _ => reply.json(200, &result(seen, &json!({}))),
    });
    let world = world_with(&server);
    let mut client = Client::open(&world, "test");
    client.ask(1, "slow", &json!({}));
    until("the request", || Ok((server.count("slow") == 1).then_some(()))).unwrap();
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }));
    until("the word of it", || Ok((server.count("notifications/cancelled") == 1).then_some(()))).unwrap();
    assert!(client.call(2, "fast", &json!({}))["result"].is_object());
    client.finish();
    assert_eq!(client.ended().rest, Vec::<String>::new());
}

#[test]
fn a_stream_that_breaks_is_taken_up_where_it_was_left() {
    let server = Server::shaking_hands(|seen, reply| match (seen.asks(), seen.header("last-event-id")) {
        ("cut", _) => {
            let mut events = reply.events();
            events.write("retry: 1\nid: one\ndata:\n\n");
            // An event that isn't whole doesn't count, nor does its id.
            events.write("id: two\ndata: {\"jsonrpc\":");
        }
        ("", "one") => {
            let mut events = reply.events();
            events.write("id: two\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n");
            events.end();
        }
        ("", "two") => {
            let mut events = reply.events();
            events.message(&json!({ "jsonrpc": "2.0", "id": 1, "result": { "whole": true } }));
            events.end();
        }
        ("lost", _) => drop(reply.events()),
        _ => reply.empty(404),
    });
    let world = world_with(&server);
    let mut client = Client::open(&world, "test");
    client.ask(1, "cut", &json!({}));
    assert_eq!(client.next()["method"], "notifications/message");
    assert_eq!(client.next()["result"]["whole"], true);
    assert_eq!(server.count("cut"), 1, "what was sent isn't sent again");
    // One that can't be taken up has an answer all the same.
    let lost = client.call(2, "lost", &json!({}));
    assert!(["provider_error", "provider_unreachable"].contains(&name(&lost)), "{lost}");
}

#[test]
fn a_session_that_the_server_forgot_is_begun_anew_unseen() {
    let sessions = AtomicUsize::new(0);
    let server = Server::start(move |seen, reply| match (seen.method.as_str(), seen.asks()) {
        ("POST", "initialize") => {
            let session = sessions.fetch_add(1, Ordering::SeqCst);
            reply.json_with(&format!("Mcp-Session-Id: session-{session}\r\n"), &hello(seen));
        }
        ("POST", "notifications/initialized") => reply.empty(202),
        ("POST", _) if seen.header("mcp-session-id") == "session-0" => reply.empty(404),
        ("POST", _) => reply.json(200, &result(seen, &json!({ "in": seen.header("mcp-session-id") }))),
        ("DELETE", _) => reply.empty(200),
        _ => reply.empty(405),
    });
    let world = world_with(&server);
    let mut client = Client::open(&world, "test");
    for id in 1..=4 {
        client.ask(id, "work", &json!({}));
    }
    let mut ids: Vec<u64> = (0..4)
        .map(|_| {
            let answer = client.next();
            assert_eq!(answer["result"]["in"], "session-1", "{answer}");
            answer["id"].as_u64().unwrap()
        })
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 4]);
    assert_eq!((server.count("initialize"), server.count("notifications/initialized")), (2, 2));
    client.finish();
    assert_eq!(client.ended().code, Some(0));
    let last = until("the end of the session", || Ok(server.seen().into_iter().find(|seen| seen.method == "DELETE")));
    assert_eq!(last.unwrap().header("mcp-session-id"), "session-1");
}

#[test]
fn what_the_server_says_by_itself_comes_and_is_taken_up_again() {
    let server = Server::start(|seen, reply| match (seen.method.as_str(), seen.asks()) {
        ("POST", "initialize") => reply.json(200, &hello(seen)),
        ("POST", _) => reply.empty(202),
        ("GET", _) => {
            let mut events = reply.events();
            let from = seen.header("last-event-id").parse().unwrap_or(0);
            events.write(&format!("retry: 1\nid: {}\ndata: {{\"method\":\"notifications/n{from}\"}}\n\n", from + 1));
            if from == 2 {
                events.left();
            }
        }
        _ => reply.empty(405),
    });
    let world = world_with(&server);
    let mut client = Client::open(&world, "test");
    for number in 0..3 {
        assert_eq!(client.next()["method"], format!("notifications/n{number}"));
    }
}

#[test]
fn fifty_megabytes_go_through_a_bridge_that_stays_small() {
    const LENGTH: usize = 50 * 1024 * 1024;
    let server = Server::shaking_hands(|seen, reply| {
        reply.json(200, &result(seen, &json!({ "all": "x".repeat(LENGTH) })));
    });
    let world = world_with(&server);
    let mut client = Client::open(&world, "test");
    client.ask(1, "all", &json!({}));
    let answer = client.line();
    assert_eq!(answer.bytes().filter(|byte| *byte == b'x').count(), LENGTH);
    let peak = peak_kilobytes(client.pid());
    assert!(peak < 16 * 1024, "{peak} kB at most");
    // And the other way.
    let long = "y".repeat(LENGTH);
    client.ask(2, "take", &json!({ "text": long }));
    client.line();
    let took = server.seen().into_iter().find(|seen| seen.asks() == "take").unwrap();
    assert_eq!(took.body["params"]["text"].as_str().map(str::len), Some(LENGTH));
    let peak = peak_kilobytes(client.pid());
    assert!(peak < 16 * 1024, "{peak} kB at most");
}

fn peak_kilobytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn sixty_four_requests_at_one_time_are_each_answered_once() {
    let (waiting, gate) = (Arc::new(AtomicUsize::new(0)), Gate::default());
    let (come, held) = (waiting.clone(), gate.clone());
    let server = Server::shaking_hands(move |seen, reply| {
        // None is answered before all are there.
        if come.fetch_add(1, Ordering::SeqCst) == 63 {
            held.open();
        }
        held.wait();
        reply.json(200, &result(seen, &seen.body["params"]));
    });
    let world = world_with(&server);
    let mut client = Client::open(&world, "test");
    for id in 0..64 {
        client.ask(format!("n{id}"), "work", &json!({ "number": id }));
    }
    let mut numbers: Vec<u64> = (0..64)
        .map(|_| {
            let answer = client.next();
            let number = answer["result"]["number"].as_u64().unwrap_or_else(|| panic!("{answer}"));
            assert_eq!(answer["id"], format!("n{number}"));
            number
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..64).collect::<Vec<_>>());
    client.finish();
    assert_eq!(client.ended().rest, Vec::<String>::new());
}

#[test]
fn what_is_no_message_is_refused_and_costs_itself_alone() {
    let server = Server::shaking_hands(|seen, reply| match seen.asks() {
        "page" => reply.whole(200, "Content-Type: text/html\r\n", "<p>hello</p>"),
        "strange" => reply.json(200, &json!({ "jsonrpc": "2.0", "id": "somebody else's", "result": {} })),
        "half" => reply.whole(200, "Content-Type: application/json\r\n", "{\"jsonrpc\":\"2.0\",\"id\":"),
        "refused" => {
            reply.json(400, &json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32022, "message": "no" } }))
        }
        "broken" => reply.empty(500),
        _ => reply.json(200, &result(seen, &json!({}))),
    });
    let world = world_with(&server);
    let mut client = Client::open(&world, "test");
    for line in ["nonsense", "{", "[]", "7", r#"{"jsonrpc":"2.0"}}"#] {
        client.say(line);
        let refused = client.next();
        assert_eq!((name(&refused), &refused["id"]), ("parse_error", &Value::Null), "{line}: {refused}");
    }
    // One whose id can be seen is answered under it.
    client.say(r#"{"jsonrpc":"2.0","id":1,"method":"x",}"#);
    assert_eq!(client.next()["id"], 1);
    let endless = format!(r#"{{"jsonrpc":"2.0","id":2,"method":"x","params":"{}"}}"#, "z".repeat(65 * 1024 * 1024));
    client.say(&endless);
    let refused = client.next();
    assert_eq!((&refused["id"], &refused["error"]["data"]["reason"]), (&json!(2), &json!("too_large")));
    client.say("\r");
    client.say("");
    for method in ["page", "strange", "half"] {
        let refused = client.call(3, method, &json!({}));
        assert_eq!(refused["error"]["data"]["reason"], "no_answer", "{method}: {refused}");
    }
    assert_eq!(client.call(4, "refused", &json!({}))["error"], json!({ "code": -32022, "message": "no" }));
    assert_eq!(name(&client.call(5, "broken", &json!({}))), "provider_unreachable");
    assert!(client.call(6, "good", &json!({}))["result"].is_object());
}

#[test]
fn a_batch_goes_as_it_is_and_each_of_its_requests_is_answered() {
    let server = Server::shaking_hands(|seen, reply| {
        let batch = seen.body.as_array().expect("a batch");
        let answers = batch
            .iter()
            .filter(|message| message["id"] == 1)
            .map(|message| json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} }));
        reply.json(200, &answers.collect());
    });
    let world = world_with(&server);
    let mut client = Client::start(&world, "test");
    client.shake_hands("2025-03-26");
    client.say(r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"},{"jsonrpc":"2.0","id":2,"method":"c"}]"#);
    assert_eq!(client.next()[0]["id"], 1);
    let forgotten = client.next();
    assert_eq!((&forgotten["id"], &forgotten["error"]["data"]["reason"]), (&json!(2), &json!("no_answer")));
}

#[test]
fn a_server_of_the_old_transport_is_spoken_to_in_its_way() {
    let stream: Arc<Mutex<Option<server::Events>>> = Arc::default();
    let open = stream.clone();
    let server = Server::start(move |seen, reply| match (seen.method.as_str(), seen.path.as_str(), seen.asks()) {
        ("GET", "/mcp", _) => {
            let mut events = reply.events();
            events.write("event: endpoint\ndata: /messages?session=7\n\n");
            *open.lock().unwrap() = Some(events);
        }
        ("POST", "/messages?session=7", asks) => {
            let answer = match asks {
                "initialize" => Some(hello(seen)),
                "work" => Some(result(seen, &json!({ "done": true }))),
                _ => None,
            };
            reply.empty(202);
            if let Some(answer) = answer {
                open.lock().unwrap().as_mut().unwrap().message(&answer);
            }
        }
        _ => reply.empty(405),
    });
    let world = world_with(&server);
    let mut client = Client::start(&world, "test");
    assert_eq!(client.shake_hands("2024-11-05")["result"]["serverInfo"]["name"], "test");
    assert_eq!(client.call(1, "work", &json!({}))["result"]["done"], true);
    client.ask(2, "slow", &json!({}));
    until("the request", || Ok((server.count("slow") == 1).then_some(()))).unwrap();
    *stream.lock().unwrap() = None;
    assert_eq!(name(&client.next()), "provider_unreachable");
    assert_eq!(client.call(3, "work", &json!({}))["result"]["done"], true);
    assert_eq!((server.count("initialize"), server.count("notifications/initialized")), (3, 2));
}

#[test]
fn the_tools_of_a_server_of_the_old_transport_are_listed_by_its_stream_and_at_its_own_endpoint_alone() {
    let stream: Arc<Mutex<Option<server::Events>>> = Arc::default();
    let elsewhere = Server::start(|_, reply| reply.empty(202));
    let stranger = elsewhere.url.clone();
    let server = Server::start(move |seen, reply| match (seen.method.as_str(), seen.path.as_str(), seen.asks()) {
        ("GET", "/mcp", _) => {
            // Whoever hears of the endpoint finds the stream.
            let mut open = stream.lock().unwrap();
            let events = open.insert(reply.events());
            events.write(": hello\n\nevent: endpoint\ndata: /messages?session=7\n\n");
        }
        ("GET", "/strange", _) => {
            reply.events().write(&format!("event: endpoint\ndata: {stranger}\n\n"));
        }
        ("POST", "/messages?session=7", asks) => {
            let answer = match asks {
                "initialize" => Some(hello(seen)),
                "tools/list" => Some(result(seen, &json!({ "tools": [{ "name": "add" }, { "name": "count" }] }))),
                _ => None,
            };
            // Before the request is accepted, and behind what the server says for itself.
            if let (Some(answer), Some(events)) = (answer, stream.lock().unwrap().as_mut()) {
                events.message(&json!({ "jsonrpc": "2.0", "id": seen.body["id"], "method": "ping" }));
                events.message(&answer);
            }
            reply.empty(202);
        }
        _ => reply.empty(405),
    });
    let world = World::new().unwrap();
    let add = |name: &str, url: &str| {
        let arguments = ["add", url, "--name", name, "--auth", "bearer", "--secret-stdin"];
        assert_eq!(world.run_with(&arguments, "a-token").unwrap().code, 0);
    };
    add("old", &server.url);
    assert_eq!(world.ok(&["test", "old"]).unwrap(), "test 1 answers with 2 tools: add, count");
    let at_endpoint = server.seen().into_iter().filter(|seen| seen.path.starts_with("/messages"));
    assert!(
        at_endpoint.clone().count() > 0 && at_endpoint.clone().all(|it| it.header("authorization") == "Bearer a-token")
    );

    // Signing in looks at the tools as well.
    let open = world.ok(&["add", &server.url, "--name", "open"]).unwrap();
    assert!(open.contains("2 tools"), "{open}");

    add("strange", &server.url.replace("/mcp", "/strange"));
    let strange = world.run(&["test", "strange"]).unwrap();
    assert!(strange.code == 27 && strange.err.contains("another server's address"), "{strange:?}");
    assert!(elsewhere.seen().is_empty(), "the token went to {}", elsewhere.url);
}

#[test]
fn a_server_without_handshake_finds_in_headers_what_it_wants() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = Server::start(move |seen, reply| match seen.asks() {
        "subscriptions/listen" => {
            let mut events = reply.events();
            events.message(&json!({ "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged" }));
            events.left();
            held.open();
        }
        _ => reply.json(200, &result(seen, &json!({}))),
    });
    let world = world_with(&server);
    let mut client = Client::start(&world, "test");
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
    client.call(1, "tools/call", &json!({ "name": "grüße", "arguments": {}, "_meta": meta }));
    client.ask(2, "subscriptions/listen", &json!({ "_meta": meta }));
    assert_eq!(client.next()["method"], "notifications/subscriptions/acknowledged");
    // Here a request is taken back by the end of its connection.
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 2 } }));
    gate.wait();
    assert!(client.call(3, "tools/list", &json!({ "_meta": meta }))["result"].is_object());
    let said: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| ["mcp-protocol-version", "mcp-method", "mcp-name"].map(|name| seen.header(name).to_owned()))
        .collect();
    let expected = [
        ["2026-07-28", "tools/call", "=?base64?Z3LDvMOfZQ==?="],
        ["2026-07-28", "subscriptions/listen", ""],
        ["2026-07-28", "tools/list", ""],
    ];
    assert_eq!(said, expected);
}

/// Opens a bridge by hand and goes on as another program, or has another process speak.
const OPENER: &str = r#"
import json, os, socket, sys
wire = socket.socket(socket.AF_UNIX)
wire.connect(sys.argv[1])
file = wire.makefile("rw", encoding="utf-8", newline="\n")
def call(id, method, params, session=None):
    print(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params, "session": session}), file=file, flush=True)
    return json.loads(file.readline())
hello = call(1, "session.open", {"protocol": {"min": 1, "max": 1}, "client": {"name": "test", "version": "1"}})
opened = call(2, "bridge.open", {"profile": "test"}, hello["result"]["session"])
assert opened["result"]["profile"] == "test", opened
ASK = b'{"jsonrpc":"2.0","id":1,"method":"work","params":{}}\n'
def ask():
    try:
        wire.sendall(ASK)
        print((wire.recv(65536) or b"hung up").decode().strip(), flush=True)
    except OSError:
        print("hung up", flush=True)
if sys.argv[2] == "itself":
    ask()
elif sys.argv[2] == "child":
    if os.fork() == 0:
        ask()
        os._exit(0)
    os.wait()
else:
    os.set_inheritable(wire.fileno(), True)
    again = "import socket, sys\nwire = socket.socket(fileno=%d)\nwire.sendall(%r)\ntry:\n    print((wire.recv(65536) or b'hung up').decode().strip())\nexcept OSError:\n    print('hung up')\n"
    os.execv(sys.executable, [sys.executable, "-c", again % (wire.fileno(), ASK)])
"#;

#[test]
fn a_bridge_serves_the_program_that_opened_it_and_no_other() {
    let server = Server::start(|seen, reply| reply.json(200, &result(seen, &json!({ "served": true }))));
    let world = world_with(&server);
    let socket = world.programs_socket();
    world.ok(&["status"]).unwrap();
    let said = |as_whom: &str| {
        let mut program = world.program("python3");
        program.args(["-c", OPENER]).arg(&socket).arg(as_whom).stderr(Stdio::inherit());
        String::from_utf8(program.output().unwrap().stdout).unwrap().trim().to_owned()
    };
    let own: Value = serde_json::from_str(&said("itself")).unwrap();
    assert_eq!(own["result"]["served"], true);
    assert_eq!(said("child"), "hung up");
    assert_eq!(said("another program"), "hung up");
    assert_eq!(server.count("work"), 1);
    for cause in ["another_process", "became_another"] {
        until("the record of it", || Ok(world.ok(&["activity", "--json"])?.contains(cause).then_some(()))).unwrap();
    }
}

#[test]
fn a_client_that_ends_or_stops_reading_ends_the_bridge() {
    let server =
        Server::shaking_hands(|seen, reply| reply.json(200, &result(seen, &json!({ "text": "x".repeat(1 << 20) }))));
    let world = world_with(&server);
    let script = r#"exec 3>&1; "$1" bridge test | head -c 10 >/dev/null; echo over >&3"#;
    let mut shell = world.program("sh");
    shell.args(["-c", script, "sh"]).arg(world.keybearer()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell: std::process::Child = Command::spawn(&mut shell).unwrap();
    let mut input = shell.stdin.take().unwrap();
    use std::io::{Read, Write};
    writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"big"}}"#).unwrap();
    let mut said = String::new();
    shell.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "over\n");
    shell.wait().unwrap();
    drop(input);
}
