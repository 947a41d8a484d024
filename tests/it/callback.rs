//! Callbacks: one door, whoever brings them; used once, checked, and bound to their sign-in.

use keybearer_tests::practice::{Practice, callback_of};
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World, keep_ports};
use serde_json::{Value, json};
use std::process::Command;

fn start(world: &World) -> String {
    let view = world.begin_sign_in("practice").unwrap();
    view["authorization_url"].as_str().unwrap_or_else(|| panic!("{view}")).to_owned()
}

fn view(world: &World) -> Value {
    world.sign_in_view("practice").unwrap()
}

fn bring(world: &World, callback: &str) -> Run {
    world.run_with(&["callback", "-", "--json"], callback).unwrap()
}

fn reason(run: &Run) -> String {
    let error: Value = serde_json::from_str(&run.err).unwrap_or_else(|_| panic!("{run:?}"));
    error["data"]["reason"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_pasted_callback_completes_a_sign_in_once_also_after_a_restart() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let callback = callback_of(&start(&world)).unwrap();
    // The next agent opens the port again, which must not be another test's by then.
    let _ports = keep_ports();
    world.kill_agent().unwrap();
    let first = bring(&world, &callback);
    assert_eq!((first.code, first.out.as_str()), (0, "{\"ok\":true,\"profile\":\"practice\"}\n"), "{}", first.err);
    let second = bring(&world, &callback);
    assert_eq!((second.code, reason(&second).as_str()), (21, "state_mismatch"));
    assert_eq!(practice.count("code_exchanges").unwrap(), 1);
}

#[test]
fn an_answer_that_is_brought_twice_at_one_time_is_used_once() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--fault", "slow-token"]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let callback = callback_of(&start(&world)).unwrap();
    let mut codes: Vec<i32> = std::thread::scope(|scope| {
        let bringers: Vec<_> = (0..4).map(|_| scope.spawn(|| bring(&world, &callback).code)).collect();
        bringers.into_iter().map(|bringer| bringer.join().unwrap()).collect()
    });
    codes.sort_unstable();
    assert_eq!(codes, [0, 21, 21, 21]);
    assert_eq!(practice.count("code_exchanges").unwrap(), 1);
}

#[test]
fn what_does_not_belong_to_the_sign_in_leaves_it_open() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let callback = callback_of(&start(&world)).unwrap();
    let (before, state) = callback.split_once("state=").unwrap();
    let swapped = format!("{before}state={}", state.chars().rev().collect::<String>());
    let elsewhere = callback.replace("/callback", "/other");
    for (wrong, code, why) in [
        (swapped.as_str(), 21, "state_mismatch"),
        (elsewhere.as_str(), 21, "redirect_mismatch"),
        ("not an address", 64, "callback_malformed"),
        ("http://127.0.0.1:47821/callback?code=stolen", 21, "state_mismatch"),
    ] {
        let run = bring(&world, wrong);
        assert_eq!((run.code, reason(&run).as_str()), (code, why), "{wrong}");
        assert_eq!(view(&world)["phase"], "waiting_for_browser", "{wrong}");
    }
    assert_eq!(practice.count("code_exchanges").unwrap(), 0);
    assert_eq!(bring(&world, &callback).code, 0);
}

#[test]
fn an_answer_in_a_strangers_name_ends_the_sign_in_before_any_code_is_sent() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    for (fault, why) in [("wrong-iss", "issuer_mismatch"), ("missing-iss", "issuer_missing")] {
        practice.control(&json!({ "faults": [fault] })).unwrap();
        let run = bring(&world, &callback_of(&start(&world)).unwrap());
        assert_eq!((run.code, reason(&run).as_str()), (21, why));
        assert_eq!(view(&world)["phase"], "failed");
    }
    assert_eq!(practice.count("code_exchanges").unwrap(), 0);
}

#[test]
fn a_no_in_the_browser_is_told_and_a_cancelled_sign_in_takes_no_answer() {
    let (mut world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.browser = format!("env KEYBEARER_PRACTICE_ANSWER=deny {}", world.browser);
    world.add("practice", practice.mcp_url()).unwrap();
    let denied = world.run(&["sign-in", "practice"]).unwrap();
    assert_eq!((denied.code, denied.out.as_str()), (21, ""));
    assert!(denied.err.contains("access_denied"), "{}", denied.err);
    let callback = callback_of(&start(&world)).unwrap();
    world.ok(&["sign-in", "practice", "--cancel"]).unwrap();
    assert_eq!(view(&world)["error"]["data"]["reason"], "cancelled");
    assert_eq!(reason(&bring(&world, &callback)), "state_mismatch");
}

/// The time so long from now, as the protocol writes it.
fn time(from_now: &str) -> String {
    let date = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ", "-d", from_now]).output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

#[test]
fn an_answer_that_comes_after_ten_minutes_finds_nothing() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let id = world.json(&["show", "practice"]).unwrap()["id"].as_str().unwrap().to_owned();
    // The keyring keeps until when an answer counts. Nobody waits ten minutes here, so that end is moved.
    let begin_and_end = |end: &str| {
        let callback = callback_of(&start(&world)).unwrap();
        let ends = view(&world)["expires_at"].as_str().unwrap().to_owned();
        assert!(time("9 minutes") < ends && ends < time("10 minutes 1 second"), "it ends at {ends}");
        world.kill_agent().unwrap();
        let mut record: Value = serde_json::from_str(&world.session.read_item(&id).unwrap()).unwrap();
        assert!(record["pending"]["expires_at"].is_string());
        record["pending"]["expires_at"] = time(end).into();
        world.session.overwrite_item(&id, &record.to_string()).unwrap();
        callback
    };
    let late = begin_and_end("1 second ago");
    assert_eq!(reason(&bring(&world, &late)), "state_mismatch");
    assert_eq!(view(&world)["phase"], "none");
    // An agent that still waits for it stops to.
    let late = begin_and_end("5 seconds");
    assert_eq!(view(&world)["phase"], "waiting_for_browser");
    until("the sign-in to lapse", || Ok((view(&world)["error"]["data"]["reason"] == "lapsed").then_some(()))).unwrap();
    assert_eq!(reason(&bring(&world, &late)), "state_mismatch");
    assert_eq!(practice.count("code_exchanges").unwrap(), 0);
}

#[test]
fn the_loopback_port_is_open_only_while_a_sign_in_waits_and_answers_nothing_else() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let callback = callback_of(&start(&world)).unwrap();
    let origin = callback.split("/callback").next().unwrap();
    let get = |path: &str, head: &str| {
        keybearer_tests::loopback::request_with("GET", &format!("{origin}{path}"), head, None).unwrap()
    };
    assert_eq!(get("/", "X: y").status, 404);
    assert_eq!(get("/callback?code=x&state=y", "X: y").status, 400);
    // Another name for this machine: a web page that rebound its own could ask so.
    let renamed = callback.replace("127.0.0.1", "localhost");
    assert_eq!(keybearer_tests::loopback::request("GET", &renamed, None).unwrap().status, 404);
    assert_eq!(view(&world)["phase"], "waiting_for_browser");
    let page = keybearer_tests::loopback::request("GET", &callback, None).unwrap();
    assert_eq!(page.status, 200);
    let head = page.head.to_lowercase();
    assert!(head.contains("referrer-policy: no-referrer") && head.contains("cache-control: no-store"), "{head}");
    assert!(page.body.contains("Signed in"));
    until("the port to close", || Ok(keybearer_tests::loopback::request("GET", &callback, None).err().map(drop)))
        .unwrap();
}
