//! What survives the end of an agent.

use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World, keep_ports, share_ports};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command};

/// A `sign-in` that waits for its browser, and the address that the browser would open.
fn waiting_sign_in(world: &World, name: &str) -> (Child, String) {
    let mut child = world.spawn(&["sign-in", name, "--no-browser", "--json"]).unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    child.stdout = Some(out.into_inner());
    let said: Value = serde_json::from_str(&line).unwrap();
    (child, said["authorization_url"].as_str().unwrap().to_owned())
}

fn browse(url: &str) -> std::process::Output {
    Command::new(executable("keybearer-practice")).args(["browse", url]).output().unwrap()
}

#[test]
fn a_callback_completes_the_sign_in_of_an_agent_that_was_killed_while_the_browser_was_open() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let _ports = keep_ports();
    let (waiting, url) = waiting_sign_in(&world, "practice");
    world.kill_agent().unwrap();
    // The command that waits starts the next agent, which opens the same port again.
    let next = until("the next agent", || {
        let view = world.sign_in_view("practice")?;
        Ok((view["phase"] == "waiting_for_browser").then_some(view))
    })
    .unwrap();
    assert_eq!(next["authorization_url"], url);
    let browsed = browse(&url);
    assert!(browsed.status.success(), "{}", String::from_utf8_lossy(&browsed.stderr));
    let ended = Run::from(waiting.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.out.as_str()), (0, "{\"ok\":true,\"profile\":\"practice\"}\n"), "{}", ended.err);
    assert_eq!(world.json(&["test", "practice"]).unwrap()["ok"], true);
    assert_eq!(practice.count("authorizations").unwrap(), 1);
}

#[test]
fn tokens_outlive_the_agent_and_are_not_renewed_without_need() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    world.kill_agent().unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    world.ok(&["agent", "stop"]).unwrap();
    let lock = std::fs::File::open(world.home.join("state/agent.lock")).unwrap();
    assert!(lock.try_lock().is_ok(), "the agent said that it had stopped, and lives");
    drop(lock);
    assert_eq!(world.run(&["agent", "status"]).unwrap().code, 30);
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    assert_eq!(practice.count("refreshes").unwrap(), 0);
}

#[test]
fn many_commands_at_once_start_one_agent() {
    let world = World::new().unwrap();
    let commands: Vec<Child> = (0..12).map(|_| world.spawn(&["status", "--json"]).unwrap()).collect();
    let mut pids: Vec<Value> = commands
        .into_iter()
        .map(|command| {
            let output = command.wait_with_output().unwrap();
            let status: Value = serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
            status["pid"].clone()
        })
        .collect();
    pids.dedup();
    assert_eq!(pids.len(), 1, "{pids:?}");
    assert_eq!(world.run(&["agent", "start"]).unwrap().code, 26);
}

#[test]
fn a_keyring_that_was_restarted_is_found_again() {
    let (mut world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    world.session.lock().unwrap();
    let locked = world.run(&["token", "practice"]).unwrap();
    assert_eq!((locked.code, locked.out.as_str()), (10, ""), "{}", locked.err);
    assert_eq!(world.json(&["list"]).unwrap()[0]["status"], "locked");
    assert_eq!(world.json(&["status"]).unwrap()["vault"], "locked");
    world.session.unlock().unwrap();
    // The agent that saw it locked serves from it as soon as it is unlocked.
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
}

#[test]
fn an_agent_that_is_told_to_stop_keeps_the_token_that_is_just_being_renewed() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    practice.control(&serde_json::json!({ "faults": ["slow-token"] })).unwrap();
    let mut asking = world.spawn(&["token", "practice", "--force"]).unwrap();
    // The server has spent the old refresh token, and takes its time to say so.
    until("the refresh", || Ok((practice.count("refreshes_ok")? == 1).then_some(()))).unwrap();
    // Whoever asked has left: nobody but the agent itself cares for the answer.
    asking.kill().unwrap();
    asking.wait().unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    practice.control(&serde_json::json!({ "faults": [] })).unwrap();
    world.ok(&["token", "practice", "--force"]).unwrap();
    assert_eq!(practice.count("reuse_detected").unwrap(), 0);
}

#[test]
fn an_agent_that_is_told_to_stop_finishes_the_sign_in_whose_answer_has_come() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--fault", "slow-token"]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let (mut waiting, url) = {
        let _shared = share_ports();
        waiting_sign_in(&world, "practice")
    };
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    let mut browser = Command::new(executable("keybearer-practice")).args(["browse", &url]).spawn().unwrap();
    until("the code exchange", || Ok((practice.count("code_exchanges")? == 1).then_some(()))).unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    assert_eq!(world.json(&["test", "practice"]).unwrap()["ok"], true);
    browser.wait().unwrap();
}

#[test]
fn a_sign_in_that_waits_ends_with_an_agent_that_is_told_to_stop_and_with_a_removed_account() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    for (name, end, code) in [("one", &["agent", "stop"][..], 30), ("two", &["remove", "two"], 11)] {
        world.add(name, practice.mcp_url()).unwrap();
        let waiting = {
            let _shared = share_ports();
            waiting_sign_in(&world, name).0
        };
        world.ok(end).unwrap();
        assert_eq!(Run::from(waiting.wait_with_output().unwrap()).code, code, "{end:?}");
    }
    world.ok(&["agent", "stop"]).unwrap();
    assert_eq!(world.run(&["agent", "status"]).unwrap().code, 30);
}

#[test]
fn a_sign_out_that_the_keyring_does_not_take_loses_nothing() {
    let (mut world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    world.session.lock().unwrap();
    for _ in 0..2 {
        assert_eq!(world.run(&["sign-out", "practice"]).unwrap().code, 10);
    }
    assert_eq!(practice.count("revocations").unwrap(), 0);
    world.session.unlock().unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    assert_eq!(world.ok(&["sign-out", "practice"]).unwrap(), "practice is signed out; its tokens were revoked");
}

#[test]
fn an_account_is_removed_whole_or_not_at_all() {
    let (mut world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    world.session.lock().unwrap();
    assert_eq!(world.run(&["remove", "practice"]).unwrap().code, 10);
    assert_eq!(world.json(&["list"]).unwrap()[0]["profile"], "practice");
    world.session.unlock().unwrap();
    assert_eq!(world.json(&["test", "practice"]).unwrap()["ok"], true);
    world.ok(&["remove", "practice"]).unwrap();
    assert!(world.session.keyring_items().unwrap().is_empty());
}
