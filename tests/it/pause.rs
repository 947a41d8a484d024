//! The pause: nothing is given out for a while, and everything is renewed meanwhile.

use crate::bridge::client::Client;
use keybearer_core::clock::now;
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::time::Duration;

fn signed_in() -> (World, Practice) {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

/// The newest row of this kind.
fn row(world: &World, kind: &str) -> Option<Value> {
    let asked = json!({ "method": "activity.list", "params": { "filter": { "kinds": [kind] } } });
    world.json(&["rpc", "--admin", &asked.to_string()]).unwrap()["rows"].get(0).cloned()
}

#[test]
fn a_paused_agent_gives_out_nothing_also_after_a_restart_and_goes_on_renewing() {
    let (world, practice) = signed_in();
    let said = world.ok(&["pause", "--for", "15m"]).unwrap();
    assert!(said.contains("paused until"), "{said}");
    for arguments in [&["token", "practice"][..], &["headers", practice.mcp_url()]] {
        let refused = world.run(arguments).unwrap();
        assert_eq!((refused.code, refused.out.as_str()), (39, ""), "{arguments:?}: {}", refused.err);
        assert!(refused.err.contains("until") && refused.err.contains("keybearer resume"), "{}", refused.err);
    }
    let renew = json!({ "method": "account.refresh", "params": { "profile": "practice" } });
    world.ok(&["rpc", "--admin", &renew.to_string()]).unwrap();
    assert_eq!(practice.count("refreshes").unwrap(), 1);
    let ends = world.json(&["status"]).unwrap()["pause"]["until"].clone();
    assert!(ends.is_string(), "{ends}");
    world.kill_agent().unwrap();
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 39);
    assert_eq!(world.json(&["status"]).unwrap()["pause"]["until"], ends);
    assert_eq!(row(&world, "paused").unwrap()["until"], ends);
    assert_eq!(row(&world, "refused").unwrap()["error"], "paused");
    // The lock comes first.
    world.ok(&["lock"]).unwrap();
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 10);
    world.ok(&["unlock"]).unwrap();
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 39);
    world.ok(&["resume"]).unwrap();
    world.ok(&["token", "practice"]).unwrap();
    assert_eq!(world.json(&["status"]).unwrap()["pause"], Value::Null);
    assert!(row(&world, "resumed").unwrap()["caller"].is_object());
    for wrong in ["0m", "90s", "25h", "soon"] {
        assert_eq!(world.run(&["pause", "--for", wrong]).unwrap().code, 64, "{wrong}");
    }
}

#[test]
fn a_pause_ends_by_itself_also_for_an_agent_that_did_not_see_it_begin() {
    let (world, _practice) = signed_in();
    world.ok(&["pause", "--for", "1m"]).unwrap();
    world.kill_agent().unwrap();
    let mut item: Value = serde_json::from_str(&world.session.read_item("protection").unwrap()).unwrap();
    let ends = now() + Duration::from_secs(3);
    item["pause"]["until"] = json!(ends);
    world.session.overwrite_item("protection", &item.to_string()).unwrap();
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 39);
    until("the pause to end", || Ok((world.run(&["token", "practice"])?.code == 0).then_some(()))).unwrap();
    assert!(now() >= ends);
    let resumed = until("its row", || Ok(row(&world, "resumed"))).unwrap();
    assert_eq!(resumed["caller"], Value::Null, "{resumed}");
    until("the keyring to forget it", || Ok((!world.session.read_item("protection")?.contains("pause")).then_some(())))
        .unwrap();
}

#[test]
fn an_open_bridge_stays_and_says_why_it_carries_nothing() {
    let (world, practice) = signed_in();
    let mut before = Client::open(&world, "practice");
    world.ok(&["pause"]).unwrap();
    // Who starts meanwhile needn't start again either.
    let mut meanwhile = Client::start(&world, "practice");
    let calls = practice.count("mcp_accepted").unwrap();
    for client in [&mut before, &mut meanwhile] {
        let refused = client.call_tool(1, "add", &json!({ "a": 1, "b": 1 }));
        assert_eq!(refused["error"]["data"]["name"], "paused", "{refused}");
        assert!(refused["error"]["message"].as_str().unwrap().contains("until you resume"), "{refused}");
    }
    assert_eq!(practice.count("mcp_accepted").unwrap(), calls);
    world.ok(&["resume"]).unwrap();
    let answer = before.call_tool(2, "add", &json!({ "a": 1, "b": 1 }));
    assert_eq!(answer["result"]["content"][0]["text"], "2", "{answer}");
    let hello = meanwhile.shake_hands("2025-11-25");
    assert!(hello["result"]["protocolVersion"].is_string(), "{hello}");
}

#[test]
fn anybody_who_manages_accounts_pauses_and_only_the_desktop_resumes_once_there_was_one() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let waiting = world.spawn(&["token", "practice"]).unwrap();
    until("the question", || {
        let queue = prompter.0.ok("prompt.next", &json!({}))?;
        Ok(queue["prompts"].get(0).map(drop))
    })
    .unwrap();
    // Whoever waits for a person waits no longer.
    world.ok(&["pause"]).unwrap();
    assert_eq!(waiting.wait_with_output().unwrap().status.code(), Some(39));
    assert_eq!(world.run(&["resume"]).unwrap().code, 34);
    let wrong_door = world.programs().unwrap().call("agent.pause", &json!({})).unwrap();
    assert_eq!(wrong_door["error"]["data"]["name"], "method_not_found");
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 39);
    prompter.0.ok("agent.resume", &json!({})).unwrap();
    assert_eq!(world.run(&["token", "practice", "--no-prompt"]).unwrap().code, 14);
}
