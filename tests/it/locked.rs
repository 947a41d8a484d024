//! The lock: nothing is given out until somebody who may ends it.

use keybearer_tests::loopback;
use keybearer_tests::practice::{Practice, callback_of};
use keybearer_tests::prompter::Prompter;
use keybearer_tests::until::until;
use keybearer_tests::world::{World, keep_ports};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn a_locked_agent_gives_out_nothing_also_after_a_restart_and_tells_what_to_do() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.ok(&["lock"]).unwrap();
    let refused = world.run(&["token", "practice"]).unwrap();
    assert_eq!((refused.code, refused.out.as_str()), (10, ""));
    assert!(refused.err.contains("keybearer unlock"), "{}", refused.err);
    for arguments in [&["list"][..], &["show", "practice"], &["test", "practice"], &["sign-in", "practice"]] {
        assert_eq!(world.run(arguments).unwrap().code, 10, "{arguments:?}");
    }
    world.kill_agent().unwrap();
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 10);
    assert_eq!(world.json(&["status"]).unwrap()["locked"], true);
    world.ok(&["unlock"]).unwrap();
    world.ok(&["token", "practice"]).unwrap();
}

#[test]
fn an_answer_of_the_browser_finds_a_locked_agent_deaf() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let view = world.begin_sign_in("practice").unwrap();
    let address = view["authorization_url"].as_str().unwrap();
    // The port that closes must not be opened by another test's agent.
    let _ports = keep_ports();
    world.ok(&["lock"]).unwrap();
    // Neither by its port, which is closed, nor by hand.
    let callback = callback_of(address).unwrap();
    assert!(loopback::request("GET", &callback, None).is_err());
    assert_eq!(world.run(&["callback", &callback]).unwrap().code, 10);
    assert_eq!(practice.count("code_exchanges").unwrap(), 0);
    world.ok(&["unlock"]).unwrap();
    world.ok(&["callback", &callback]).unwrap();
    world.ok(&["token", "practice"]).unwrap();
}

#[test]
fn anybody_locks_and_only_the_desktop_unlocks_once_there_was_one() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let first = world.spawn(&["token", "practice"]).unwrap();
    prompter.answer("while_running").unwrap();
    assert!(first.wait_with_output().unwrap().status.success());
    world.ok(&["token", "practice"]).unwrap();
    // A program may lock through its own door, and open prompts end with it.
    let mut wire = world.programs().unwrap();
    wire.call("agent.lock", &json!({})).unwrap();
    assert_eq!(world.run(&["unlock"]).unwrap().code, 34);
    prompter.0.ok("agent.unlock", &json!({})).unwrap();
    // Answers for running programs ended with the lock (REQ-C5).
    assert_eq!(world.run(&["token", "practice", "--no-prompt"]).unwrap().code, 14);
}

#[test]
fn a_sign_in_that_waits_goes_on_after_the_lock() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let before = world.begin_sign_in("practice").unwrap();
    let _ports = keep_ports();
    world.ok(&["lock"]).unwrap();
    world.ok(&["unlock"]).unwrap();
    let after = world.sign_in_view("practice").unwrap();
    assert_eq!(after["phase"], "waiting_for_browser", "{after}");
    assert_eq!(after["authorization_url"], before["authorization_url"]);
}

#[test]
fn it_locks_at_once_while_a_server_does_not_answer_and_keeps_what_that_answers_for_later() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let id = world.json(&["show", "practice"]).unwrap()["id"].as_str().unwrap().to_owned();
    let kept = || serde_json::from_str::<Value>(&world.session.read_item(&id).unwrap()).unwrap();
    let before = kept();
    practice.signal("STOP").unwrap();
    let under_way = || fs::read_dir(world.home.join("state/journal")).is_ok_and(|mut entries| entries.next().is_some());
    assert!(!under_way());
    let mut waiting = world.spawn(&["token", "practice", "--force"]).unwrap();
    until("the refresh", || Ok(under_way().then_some(()))).unwrap();
    let began = Instant::now();
    world.ok(&["lock"]).unwrap();
    // Whoever waited is told, and whoever comes.
    assert_eq!(waiting.wait().unwrap().code(), Some(10));
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 10);
    assert!(began.elapsed() < Duration::from_secs(15), "the lock waited for the server: {:?}", began.elapsed());
    practice.signal("CONT").unwrap();
    until("the answer to be kept", || Ok((kept()["tokens"] != before["tokens"]).then_some(()))).unwrap();
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 10);
    world.ok(&["unlock"]).unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), kept()["tokens"]["access_token"].as_str().unwrap());
    assert_eq!(practice.count("refreshes").unwrap(), 1);
}

#[test]
fn it_locks_at_once_while_the_keyring_is_silent_and_the_keyring_learns_of_it_later() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.session.signal_keyring("STOP").unwrap();
    let mut wire = world.programs().unwrap();
    let began = Instant::now();
    wire.call("agent.lock", &json!({})).unwrap();
    let answer = wire.call("token.get", &json!({ "profile": "practice" })).unwrap();
    let took = began.elapsed();
    world.session.signal_keyring("CONT").unwrap();
    assert_eq!(answer["error"]["data"]["name"], "agent_locked", "{answer}");
    assert!(took < Duration::from_millis(2500), "the lock waited for the keyring: {took:?}");
    until("the keyring to know", || {
        // Nothing was guarded before, so there is no item until then.
        let knows = |item: String| item.contains("\"locked\":true");
        Ok(world.session.read_item("protection").is_ok_and(knows).then_some(()))
    })
    .unwrap();
    world.kill_agent().unwrap();
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 10);
}
