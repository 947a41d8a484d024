//! News that come unasked: what is told, to whom, and what is not.

use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};

fn subscribed(world: &World, topics: &[&str]) -> Wire {
    let mut wire = world.programs().unwrap();
    let reply = wire.call("events.subscribe", &json!({ "topics": topics })).unwrap();
    assert_eq!(reply["result"]["topics"], json!(topics), "{reply}");
    wire
}

/// The next event of this name; other topics may come between.
fn next(wire: &mut Wire, name: &str) -> Value {
    loop {
        let line = wire.receive().unwrap().expect("the agent hung up");
        assert!(line.get("id").is_none(), "{line}");
        if line["method"] == name {
            return line["params"].clone();
        }
    }
}

/// Whatever was told until now: the answer to a question comes after it.
fn so_far(wire: &mut Wire) -> Vec<Value> {
    wire.ask(9, "agent.ping", &json!({})).unwrap();
    let lines = std::iter::from_fn(|| Some(wire.receive().unwrap().expect("the agent hung up")));
    lines.take_while(|line| line["id"] != 9).collect()
}

#[test]
fn a_subscriber_is_told_of_another_token_another_name_and_the_lock_and_gets_no_secret() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--plant-token", "canary"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut wire = subscribed(&world, &["token.rotated", "profile.changed", "lock.changed"]);
    let mut other = subscribed(&world, &["lock.changed"]);
    world.ok(&["rpc", "--admin", r#"{"method":"account.refresh","params":{"profile":"practice"}}"#]).unwrap();
    let rotated = next(&mut wire, "token.rotated");
    assert_eq!((&rotated["profile"], &rotated["seq"]), (&json!("practice"), &json!(1)), "{rotated}");
    let got = wire.call("token.get", &json!({ "profile": "practice" })).unwrap();
    assert_eq!(got["result"]["generation"], rotated["generation"]);
    assert!(!rotated.to_string().contains("canary"));
    world.ok(&["rename", "practice", "work"]).unwrap();
    let renamed = next(&mut wire, "profile.changed");
    let (profile, before, removed) = (&renamed["profile"], &renamed["renamed_from"], &renamed["removed"]);
    assert_eq!((profile, before, removed), (&json!("work"), &json!("practice"), &json!(false)));
    world.ok(&["lock"]).unwrap();
    assert_eq!(next(&mut wire, "lock.changed")["locked"], true);
    // Each counts its own, and is told of its topics alone.
    assert_eq!(next(&mut other, "lock.changed"), json!({ "seq": 1, "locked": true }));
    world.ok(&["unlock"]).unwrap();
    assert_eq!(next(&mut wire, "lock.changed")["locked"], false);
    let left = wire.call("events.unsubscribe", &json!({ "topics": ["lock.changed"] })).unwrap();
    assert_eq!(left["result"]["topics"], json!(["token.rotated", "profile.changed"]));
    world.ok(&["remove", "work"]).unwrap();
    assert_eq!(next(&mut wire, "profile.changed")["removed"], true);
    assert_eq!(wire.call("events.unsubscribe", &json!({})).unwrap()["result"]["topics"], json!([]));
    world.add("new", practice.mcp_url()).unwrap();
    world.ok(&["lock"]).unwrap();
    assert_eq!(next(&mut other, "lock.changed")["locked"], false);
    assert_eq!(next(&mut other, "lock.changed")["locked"], true);
    assert_eq!(so_far(&mut wire), Vec::<Value>::new());
}

#[test]
fn a_program_is_told_of_what_it_may_use_and_of_its_own_answers_alone() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("mine", practice.mcp_url()).unwrap();
    world.sign_in("theirs", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let mut wire = subscribed(&world, &["token.rotated", "grant.revoked"]);
    wire.ask(2, "grant.request", &json!({ "profile": "mine" })).unwrap();
    prompter.answer("while_running").unwrap();
    let granted = wire.receive().unwrap().unwrap();
    let grant = granted["result"]["grant"]["grant"].clone();
    assert!(grant.is_string(), "{granted}");
    for profile in ["theirs", "mine"] {
        let refresh = json!({ "method": "account.refresh", "params": { "profile": profile } });
        world.ok(&["rpc", "--admin", &refresh.to_string()]).unwrap();
    }
    let first = next(&mut wire, "token.rotated");
    assert_eq!((&first["profile"], &first["seq"]), (&json!("mine"), &json!(1)), "{first}");
    prompter.0.ok("grant.revoke", &json!({ "grant": grant })).unwrap();
    let revoked = next(&mut wire, "grant.revoked");
    assert_eq!((&revoked["grant"], &revoked["profile"]), (&grant, &json!("mine")));
    // From now on the account is none of its business, and what is the admin door's never was.
    world.ok(&["rpc", "--admin", r#"{"method":"account.refresh","params":{"profile":"mine"}}"#]).unwrap();
    for topic in ["auth.required", "auth.completed", "prompt.*"] {
        let refused = wire.call("events.subscribe", &json!({ "topics": [topic] })).unwrap();
        assert_eq!(refused["error"]["code"], 1031, "{topic}: {refused}");
    }
    let mut admin = Wire::open(&world.admin_socket()).unwrap();
    admin.call("events.subscribe", &json!({ "topics": ["lock.changed"] })).unwrap();
    world.ok(&["lock"]).unwrap();
    next(&mut admin, "lock.changed");
    assert_eq!(so_far(&mut wire), Vec::<Value>::new());
}

#[test]
fn the_admin_door_is_told_of_sign_ins_and_prompts() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let mut wire = Wire::open(&world.admin_socket()).unwrap();
    let topics = json!({ "topics": ["auth.required", "auth.completed", "prompt.*"] });
    assert!(wire.call("events.subscribe", &topics).unwrap()["result"].is_object());
    let asking = world.spawn(&["token", "practice"]).unwrap();
    let prompt = prompter.prompt().unwrap();
    let asked = next(&mut wire, "prompt.asked");
    assert_eq!((&asked["prompt"], &asked["profile"]), (&prompt["prompt"], &json!("practice")));
    // Who asks is for the prompter alone.
    assert_eq!(asked.as_object().unwrap().len(), 3, "{asked}");
    prompter.answer("deny").unwrap();
    assert_eq!(next(&mut wire, "prompt.ended")["prompt"], prompt["prompt"]);
    assert_eq!(asking.wait_with_output().unwrap().status.code(), Some(13));
    world.ok(&["sign-out", "practice"]).unwrap();
    assert_eq!(next(&mut wire, "auth.required")["profile"], "practice");
    world.ok(&["sign-in", "practice"]).unwrap();
    let completed = next(&mut wire, "auth.completed");
    assert_eq!((&completed["profile"], &completed["signed_in"]), (&json!("practice"), &json!(true)));
}

#[test]
fn the_command_follows_what_its_requests_have_subscribed_to() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let log = world.session.folder().join("followed");
    let mut command = world.command(&["rpc", "-", "--follow"]);
    let requests = world
        .session
        .write("requests", "{\"method\":\"events.subscribe\",\"params\":{\"topics\":[\"lock.changed\"]}}\n")
        .unwrap();
    command.stdin(std::fs::File::open(requests).unwrap()).stdout(std::fs::File::create(&log).unwrap());
    let mut following = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    let said = || std::fs::read_to_string(&log).unwrap();
    until("the subscription", || Ok(said().contains("result").then_some(()))).unwrap();
    world.ok(&["lock"]).unwrap();
    until("the lock", || Ok(said().contains(r#""lock.changed""#).then_some(()))).unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    assert_eq!(following.wait().unwrap().code(), Some(30), "{}", said());
}
