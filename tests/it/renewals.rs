//! Renewals that nobody asks for: what is used is renewed ahead of its end, what isn't is left alone, and a server that is
//! of no help is left in peace.

use crate::hostile::{Hostile, bring_code, registers};
use crate::refresh::two_hundred_tokens;
use keybearer_tests::executables::executable;
use keybearer_tests::network::Network;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, ResponseTemplate};

fn show(world: &World, name: &str) -> Value {
    world.json(&["show", name]).unwrap()
}

/// The time in the account's details, in seconds since 1970.
fn seconds(time: &Value) -> f64 {
    let text = time.as_str().unwrap_or_else(|| panic!("{time} is no time"));
    let output = Command::new("date").args(["-d", text, "+%s.%N"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn now() -> f64 {
    seconds(&json!("now"))
}

/// How often the tokens of each sign-in were renewed, in the order of the sign-ins.
fn renewals(practice: &Practice) -> Vec<u64> {
    practice.grants().unwrap().iter().map(|grant| grant["refreshes"].as_u64().unwrap()).collect()
}

#[test]
fn a_token_that_is_used_is_renewed_without_anybody_asking_and_one_that_is_not_is_left_alone() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--token-lifetime", "10"]).unwrap());
    for name in ["token", "header", "tested", "idle"] {
        world.sign_in(name, practice.mcp_url()).unwrap();
        // A look from Keybearer itself is no use; what a program gets is.
        match name {
            "token" => world.ok(&["token", name]).map(drop).unwrap(),
            "header" => world.ok(&["headers", name]).map(drop).unwrap(),
            "tested" => assert_eq!(world.json(&["test", name]).unwrap()["ok"], true),
            _ => {}
        }
    }
    let of_used = show(&world, "token");
    assert!(
        of_used["generation"] != 1 || seconds(&of_used["renews_at"]) < seconds(&of_used["expires_at"]),
        "{of_used}"
    );
    until("two renewals", || Ok((renewals(&practice) == [1, 1, 0, 0]).then_some(()))).unwrap();
    // They are not used in their turn, so after their end nothing has happened.
    let ends = ["token", "header"].map(|name| seconds(&show(&world, name)["expires_at"]));
    let end = ends[0].max(ends[1]);
    until("the end of the new tokens", || Ok((now() > end).then_some(()))).unwrap();
    assert_eq!(renewals(&practice), [1, 1, 0, 0]);
    for name in ["token", "idle"] {
        // As the details say: once a day they are.
        let details = show(&world, name);
        let rest = seconds(&details["renews_at"]) - seconds(&details["received_at"]);
        assert!((0.89 * 86_400.0..=86_400.0).contains(&rest), "{details}");
    }
    assert_eq!(practice.count("mcp_rejected").unwrap(), 0);
}

#[test]
fn a_refresh_token_that_lay_for_a_day_is_exercised_by_the_agent_that_finds_it() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    for name in ["old", "new"] {
        world.sign_in(name, practice.mcp_url()).unwrap();
    }
    let id = show(&world, "old")["id"].as_str().unwrap().to_owned();
    world.kill_agent().unwrap();
    let mut record: Value = serde_json::from_str(&world.session.read_item(&id).unwrap()).unwrap();
    let before = Command::new("date").args(["-u", "-d", "25 hours ago", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
    record["tokens"]["received_at"] = json!(String::from_utf8(before.stdout).unwrap().trim());
    world.session.overwrite_item(&id, &record.to_string()).unwrap();
    world.ok(&["agent", "start"]).unwrap();
    until("the renewal", || Ok((renewals(&practice) == [1, 0]).then_some(()))).unwrap();
    until("its end", || Ok((show(&world, "old")["generation"] == 2).then_some(()))).unwrap();
    assert_eq!(renewals(&practice), [1, 0]);
}

#[test]
fn a_locked_agent_renews_nothing_and_goes_on_when_it_is_unlocked() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--token-lifetime", "8"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.ok(&["token", "practice"]).unwrap();
    let details = show(&world, "practice");
    world.ok(&["lock"]).unwrap();
    assert_eq!(practice.count("refreshes").unwrap(), 0, "{details}");
    until("the token's end", || Ok((now() > seconds(&details["expires_at"])).then_some(()))).unwrap();
    assert_eq!(practice.count("refreshes").unwrap(), 0);
    world.ok(&["unlock"]).unwrap();
    until("the renewal", || Ok((practice.count("refreshes")? == 1).then_some(()))).unwrap();
}

#[test]
fn many_programs_do_not_make_the_agent_hammer_a_server_that_is_of_no_help() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--token-lifetime", "4"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.ok(&["token", "practice"]).unwrap();
    practice.control(&json!({ "faults": ["refresh-500"] })).unwrap();
    let end = seconds(&show(&world, "practice")["expires_at"]);
    until("the token's end", || Ok((now() > end).then_some(()))).unwrap();
    let (before, began) = (practice.count("refreshes").unwrap(), Instant::now());
    let mut questions = 0;
    while began.elapsed() < Duration::from_secs(6) {
        let replies = two_hundred_tokens(&world);
        assert!(replies.iter().all(|reply| reply["error"]["code"] == 1011), "{:?}", replies[0]);
        questions += replies.len();
    }
    let (requests, took) = (practice.count("refreshes").unwrap() - before, began.elapsed().as_secs());
    // One a second for all of them, and those of the agent itself, which become rarer.
    assert!((3..=took + 4).contains(&requests), "{requests} requests for {questions} questions in {took} s");
    practice.control(&json!({ "faults": [] })).unwrap();
    world.ok(&["token", "practice"]).unwrap();
}

#[test]
fn a_server_that_says_when_to_come_again_is_not_asked_before() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    let ask = |grant: &str| Mock::given(method("POST")).and(path("/token")).and(body_string_contains(grant));
    let tokens = json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r" });
    hostile.answer(ask("authorization_code"), ResponseTemplate::new(200).set_body_json(tokens));
    hostile.answer(ask("refresh_token"), ResponseTemplate::new(429).insert_header("Retry-After", "600"));
    let issuer = hostile.authorization_server("", &registers(&hostile));
    hostile.resource(&issuer);
    hostile.serve_whoever_has_a_token();
    world.add("s", &hostile.url("/mcp")).unwrap();
    bring_code(&world, &world.begin_sign_in("s").unwrap());
    for _ in 0..3 {
        assert_eq!(world.run(&["token", "s", "--force"]).unwrap().code, 20);
        assert_eq!(world.ok(&["token", "s"]).unwrap(), "t");
    }
    let refreshes = hostile.requests("/token").len() - 1;
    assert_eq!(refreshes, 1);
    let wait = seconds(&show(&world, "s")["renews_at"]) - now();
    assert!((500.0..=600.0).contains(&wait), "{wait} s");
}

#[test]
fn the_networks_return_ends_the_wait_for_a_server() {
    let Some(network) = Network::new() else { return println!("this user may make no networks") };
    let world = World::new().unwrap();
    let [nsenter, which] = network.inside();
    let mut practice = Command::new(&nsenter);
    practice.arg(&which).arg(executable("keybearer-practice"));
    let practice = Practice::start_by(practice, &[]).unwrap();
    // Whatever the agent does, it does in that network; its doors are files.
    let keybearer = world.keybearer().to_str().unwrap().to_owned();
    let mut start = world.program(&nsenter);
    assert!(start.args([&which, &keybearer, "agent", "start"]).output().unwrap().status.success());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    network.run(&["ip", "address", "delete", "127.0.0.1/8", "dev", "lo"]).unwrap();
    assert_eq!(world.run(&["token", "practice", "--force"]).unwrap().code, 20);
    let tries = || world.log().matches("a renewal came to nothing").count();
    let since = show(&world, "practice")["unreachable_since"].clone();
    assert!(since.is_string(), "{since}");
    // After the fourth the wait is twelve seconds at least.
    until("four tries", || Ok((tries() == 4).then_some(()))).unwrap();
    // Since the first of them.
    assert_eq!(show(&world, "practice")["unreachable_since"], since);
    let failed = Instant::now();
    network.run(&["ip", "address", "add", "127.0.0.1/8", "dev", "lo"]).unwrap();
    until("the renewal", || Ok((show(&world, "practice")["generation"] == 2).then_some(()))).unwrap();
    assert!(failed.elapsed() < Duration::from_secs(8), "{:?}", failed.elapsed());
    let renewed = show(&world, "practice");
    assert_eq!((tries(), renewed["status"].as_str()), (4, Some("connected")));
    assert_eq!(renewed["unreachable_since"], Value::Null);
}

#[test]
fn a_machine_without_a_way_out_is_offline_and_serves_what_lies_on_it() {
    let Some(network) = Network::new() else { return println!("this user may make no networks") };
    let world = World::new().unwrap();
    let [nsenter, which] = network.inside();
    let keybearer = world.keybearer().to_str().unwrap().to_owned();
    let mut start = world.program(&nsenter);
    assert!(start.args([&which, &keybearer, "agent", "start"]).output().unwrap().status.success());
    let is_offline = || world.json(&["status"]).unwrap()["offline"].clone();
    assert_eq!(is_offline(), true);
    assert!(world.ok(&["status"]).unwrap().contains("network   away"));
    let asked = json!({ "method": "agent.watch", "params": {} });
    let seen = world.json(&["rpc", "--admin", &asked.to_string()]).unwrap()["revision"].clone();
    network.run(&["ip", "route", "add", "default", "dev", "lo"]).unwrap();
    assert_eq!(is_offline(), false);
    // Windows learn of it.
    let asked = json!({ "method": "agent.watch", "params": { "seen": seen, "wait_ms": 10_000 } });
    let news = world.json(&["rpc", "--admin", &asked.to_string()]).unwrap();
    assert_ne!(news["revision"], seen);
}
