//! Token life: renewed in one place, once, before it is too late, and never lost to a server's mood.

use crate::hostile::{Hostile, bring_code, registers};
use keybearer_tests::loopback;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, ResponseTemplate};

/// Two hundred questions at one time, on four connections.
pub(crate) fn two_hundred_tokens(world: &World) -> Vec<Value> {
    let mut wires: Vec<Wire> = (0..4).map(|_| world.programs().unwrap()).collect();
    for wire in &mut wires {
        (0..50).for_each(|id| wire.ask(id, "token.get", &json!({ "profile": "practice" })).unwrap());
    }
    wires.iter_mut().flat_map(|wire| (0..50).map(|_| wire.receive().unwrap().unwrap()).collect::<Vec<_>>()).collect()
}

fn wait_for_expiry(world: &World) {
    let ends = world.json(&["show", "practice"]).unwrap()["expires_at"].clone();
    until("the token's end", || {
        let now = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S"]).output()?.stdout;
        Ok((String::from_utf8(now)?.trim() > ends.as_str().unwrap_or_default()).then_some(()))
    })
    .unwrap();
}

#[test]
fn two_hundred_callers_with_an_expired_token_cause_one_refresh() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--token-lifetime", "3"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    wait_for_expiry(&world);
    practice.control(&json!({ "token_lifetime": 3600 })).unwrap();
    let tokens = two_hundred_tokens(&world);
    let first = &tokens[0]["result"]["access_token"];
    assert!(first.is_string(), "{:?}", tokens[0]);
    assert!(tokens.iter().all(|reply| reply["result"]["access_token"] == *first));
    assert_eq!(practice.count("refreshes").unwrap(), 1);
}

#[test]
fn two_hundred_callers_share_one_failure_as_well() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--token-lifetime", "3"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    wait_for_expiry(&world);
    practice.control(&json!({ "faults": ["slow-token", "refresh-invalid-grant"] })).unwrap();
    let replies = two_hundred_tokens(&world);
    assert!(replies.iter().all(|reply| reply["error"]["code"] == 1006), "{:?}", replies[0]);
    assert_eq!(practice.count("refreshes").unwrap(), 1);
}

#[test]
fn a_reported_401_causes_one_refresh_however_many_report_it() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let old = world.json(&["token", "practice"]).unwrap();
    practice.control(&json!({ "expire_all": true })).unwrap();
    let mut wire = world.programs().unwrap();
    let report = json!({ "profile": "practice", "generation": old["generation"], "reason": "401" });
    for _ in 0..20 {
        wire.call("token.invalidate", &report).unwrap();
    }
    let new = two_hundred_tokens(&world);
    assert!(new.iter().all(|reply| reply["result"]["access_token"] != old["access_token"]));
    // A late complaint about the old token changes nothing.
    wire.call("token.invalidate", &report).unwrap();
    assert!(world.json(&["token", "practice"]).unwrap()["from_cache"].as_bool().unwrap());
    assert_eq!(practice.count("refreshes").unwrap(), 1);
}

#[test]
fn a_program_that_asks_all_the_time_never_gets_a_token_that_the_server_rejects() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--token-lifetime", "5"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut wire = world.programs().unwrap();
    let began = Instant::now();
    let mut turns = 0;
    while began.elapsed() < Duration::from_secs(60) {
        let turn = Instant::now();
        let reply = wire.call("header.get", &json!({ "profile": "practice" })).unwrap();
        let value = reply["result"]["headers"]["Authorization"].as_str().unwrap_or_else(|| panic!("{reply}"));
        assert_eq!(ping(practice.mcp_url(), value), 200, "after {:?}", began.elapsed());
        turns += 1;
        // The pace of the program, not a wait for anything.
        std::thread::sleep(Duration::from_millis(50).saturating_sub(turn.elapsed()));
    }
    assert!(turns > 300, "only {turns} turns");
    assert_eq!((practice.count("mcp_rejected").unwrap(), practice.count("reuse_detected").unwrap()), (0, 0));
    let refreshes = practice.count("refreshes").unwrap();
    assert!((12..=40).contains(&refreshes), "{refreshes} refreshes in a minute of 5 s tokens");
}

/// The status of an `initialize` with this authorization.
fn ping(mcp_url: &str, authorization: &str) -> u16 {
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } } });
    let head = format!("Authorization: {authorization}\r\nAccept: application/json, text/event-stream");
    loopback::request_with("POST", mcp_url, &head, Some(&hello.to_string())).unwrap().status
}

#[test]
fn a_refresh_that_fails_for_now_costs_nothing() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--token-lifetime", "8"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    practice.control(&json!({ "faults": ["refresh-500"] })).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    // In the second half of its life a renewal is tried and fails; the old token is served as long as it is good.
    until("a failed refresh", || {
        assert_eq!(world.ok(&["token", "practice"])?, token);
        Ok((practice.count("refreshes")? > 0).then_some(()))
    })
    .unwrap();
    wait_for_expiry(&world);
    let failed = world.run(&["token", "practice"]).unwrap();
    assert_eq!((failed.code, failed.out.as_str()), (20, ""), "{}", failed.err);
    practice.control(&json!({ "faults": [] })).unwrap();
    assert_ne!(world.ok(&["token", "practice"]).unwrap(), token);
}

#[test]
fn a_refused_refresh_token_is_not_sent_again_and_nothing_else_is_forgotten() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    practice.control(&json!({ "faults": ["refresh-invalid-grant"] })).unwrap();
    let refused = world.run(&["token", "practice", "--force"]).unwrap();
    assert_eq!(refused.code, 15, "{}", refused.err);
    assert!(
        refused.err.contains("invalid_grant") && refused.err.contains("keybearer sign-in practice"),
        "{}",
        refused.err
    );
    // The access token is still good, and served to its end.
    assert!(!world.ok(&["token", "practice"]).unwrap().is_empty());
    world.kill_agent().unwrap();
    assert!(!world.ok(&["token", "practice"]).unwrap().is_empty());
    assert_eq!(world.run(&["token", "practice", "--force"]).unwrap().code, 0);
    assert_eq!(practice.count("refreshes").unwrap(), 1);
    practice.control(&json!({ "faults": [] })).unwrap();
    // The authorization server may have forgotten the client as well: the next sign-in registers anew.
    world.ok(&["sign-in", "practice"]).unwrap();
    assert_eq!(practice.count("registrations").unwrap(), 2);
    world.ok(&["token", "practice", "--force"]).unwrap();
}

#[test]
fn a_lost_answer_is_asked_for_again_at_once_within_the_servers_grace() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--refresh-grace", "30"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    practice.control(&json!({ "faults": ["refresh-drops-answer"] })).unwrap();
    assert_eq!(world.run(&["token", "practice", "--force"]).unwrap().code, 20);
    assert_eq!(practice.count("refreshes").unwrap(), 2);
    practice.control(&json!({ "faults": [] })).unwrap();
    world.ok(&["token", "practice", "--force"]).unwrap();
    assert_eq!(world.json(&["test", "practice"]).unwrap()["ok"], true);
}

#[test]
fn odd_answers_of_the_token_endpoint_are_understood() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    for (fault, ends) in [
        ("refresh-omits-refresh-token", true),
        ("refresh-keeps-refresh-token", true),
        ("expires-in-string", true),
        ("no-expires-in", false),
    ] {
        practice.control(&json!({ "faults": [fault] })).unwrap();
        let reply = world.json(&["token", "practice", "--force"]).unwrap();
        assert_eq!(reply["expires_at"].is_string(), ends, "{fault}");
        assert_eq!(world.json(&["test", "practice"]).unwrap()["ok"], true, "{fault}");
    }
    practice.control(&json!({ "faults": ["token-html"] })).unwrap();
    assert_eq!(world.run(&["token", "practice", "--force"]).unwrap().code, 21);
    practice.control(&json!({ "faults": [] })).unwrap();
    world.ok(&["token", "practice", "--force"]).unwrap();
}

#[test]
fn the_agents_own_request_renews_a_token_that_the_server_refuses() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    practice.control(&json!({ "expire_all": true })).unwrap();
    assert_eq!(world.json(&["test", "practice"]).unwrap()["ok"], true);
    assert_eq!(practice.count("refreshes").unwrap(), 1);
}

#[test]
fn what_a_server_says_beside_its_tokens_reaches_programs_and_outlives_a_refresh() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    let mut answer = json!({
        "access_token": "t", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r",
        "instance_url": "https://x.example", "id_token": "i",
    });
    let ask = |grant: &str| Mock::given(method("POST")).and(path("/token")).and(body_string_contains(grant));
    hostile.answer(ask("authorization_code"), ResponseTemplate::new(200).set_body_json(&answer));
    answer["instance_url"].take();
    hostile.answer(ask("refresh_token"), ResponseTemplate::new(200).set_body_json(&answer));
    let issuer = hostile.authorization_server("", &registers(&hostile));
    hostile.resource(&issuer);
    hostile.serve_whoever_has_a_token();
    world.add("s", &hostile.url("/mcp")).unwrap();
    bring_code(&world, &world.begin_sign_in("s").unwrap());
    for arguments in [&["token", "s"][..], &["token", "s", "--force"]] {
        assert_eq!(world.json(arguments).unwrap()["extra"], json!({ "instance_url": "https://x.example" }));
    }
    world.kill_agent().unwrap();
    assert_eq!(world.json(&["token", "s"]).unwrap()["extra"]["instance_url"], "https://x.example");
    // Nobody else is told.
    assert!(world.json(&["show", "s"]).unwrap().get("extra").is_none());
}
