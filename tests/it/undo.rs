//! Ways back: what was removed or forgotten is gone at once, and can be had again for half a minute.

use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

fn signed_in() -> (World, Practice) {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

fn admin(world: &World, method: &str, params: &Value) -> Value {
    world.json(&["rpc", "--admin", &json!({ "method": method, "params": params }).to_string()]).unwrap()
}

/// The exit code of a request that is refused.
fn refused(world: &World, method: &str, params: &Value) -> i32 {
    world.run(&["rpc", "--admin", &json!({ "method": method, "params": params }).to_string()]).unwrap().code
}

fn remove(world: &World) -> Value {
    json!({ "undo": admin(world, "profile.remove", &json!({ "profile": "practice" }))["undo"] })
}

fn kinds(world: &World) -> Vec<String> {
    let rows = admin(world, "activity.list", &json!({}));
    let kind = |row: &Value| row["kind"].as_str().unwrap().to_owned();
    rows["rows"].as_array().unwrap().iter().map(kind).collect()
}

/// A script that asks for a token, with what else it says. Another command follows, so that the shell stays what it is.
fn script(world: &World, asking: &str) -> Child {
    let path = world.session.write("asks.sh", "\"$KEYBEARER\" token practice $ASKING\nexit $?\n").unwrap();
    let mut command = world.program("sh");
    command.arg(path).env("KEYBEARER", world.keybearer()).env("ASKING", asking);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What it gets without anybody being asked: its exit code, and a token.
fn unasked(world: &World) -> (i32, String) {
    let output = script(world, "--no-prompt").wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// A person allows it for good.
fn allow(world: &World, prompter: &mut Prompter) {
    let asking = script(world, "");
    prompter.answer("always").unwrap();
    assert!(asking.wait_with_output().unwrap().status.success());
}

fn name(answer: &Value) -> &str {
    answer["error"]["data"]["name"].as_str().unwrap_or("none")
}

#[test]
fn a_removed_account_is_gone_at_once_and_comes_back_whole() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    allow(&world, &mut prompter);
    prompter.0.ok("gateway.add_key", &json!({ "profile": "practice", "client": "Some client" })).unwrap();
    let grants = admin(&world, "grant.list", &json!({}));
    assert_eq!(grants["grants"].as_array().unwrap().len(), 2, "{grants}");
    let (token, shown) = (unasked(&world).1, world.json(&["show", "practice"]).unwrap());

    let undo = remove(&world);
    assert_eq!(world.json(&["list"]).unwrap(), json!([]));
    assert_eq!(unasked(&world).0, 11);
    assert_eq!(admin(&world, "grant.list", &json!({}))["grants"], json!([]));
    // What guards the tokens is all that the keyring has left.
    assert_eq!(world.session.count_keyring_items().unwrap(), 1);
    assert_eq!(refused(&world, "profile.restore", &undo), 34);
    assert_eq!(name(&prompter.0.call("grant.restore", &undo).unwrap()), "not_there");

    let view = prompter.0.ok("profile.restore", &undo).unwrap();
    assert_eq!((&view["profile"], &view["status"]), (&json!("practice"), &json!("connected")));
    let again = world.json(&["show", "practice"]).unwrap();
    for same in ["id", "client_id", "generation", "issuer", "signed_in_at", "scopes"] {
        assert_eq!(again[same], shown[same], "{same}");
    }
    assert_eq!(unasked(&world), (0, token.clone()));
    let known = |grants: &Value| -> Vec<Value> {
        grants["grants"].as_array().unwrap().iter().map(|grant| grant["grant"].clone()).collect()
    };
    assert_eq!(known(&admin(&world, "grant.list", &json!({}))), known(&grants));
    assert_eq!(name(&prompter.0.call("profile.restore", &undo).unwrap()), "not_there");
    let kinds = kinds(&world);
    assert!(kinds.contains(&"account_restored".to_owned()) && !kinds.contains(&"signed_out".to_owned()), "{kinds:?}");
    // Also the next agent has it.
    drop(prompter);
    world.ok(&["agent", "stop"]).unwrap();
    assert_eq!(practice.count("revocations").unwrap(), 0);
    assert_eq!(unasked(&world), (0, token));
}

#[test]
fn what_is_not_taken_back_in_time_is_revoked() {
    let (world, practice) = signed_in();
    let undo = remove(&world);
    let began = Instant::now();
    until("the revocation", || Ok((practice.count("revocations")? == 2).then_some(()))).unwrap();
    assert!(began.elapsed() > Duration::from_secs(25), "{:?}", began.elapsed());
    assert_eq!(refused(&world, "profile.restore", &undo), 35);
    until("its row", || Ok((kinds(&world)[0] == "signed_out").then_some(()))).unwrap();
}

#[test]
fn a_lock_and_a_stop_end_every_way_back_and_a_killed_agent_leaves_nothing() {
    let (world, practice) = signed_in();
    let undo = remove(&world);
    world.ok(&["lock"]).unwrap();
    until("the revocation", || Ok((practice.count("revocations")? == 2).then_some(()))).unwrap();
    world.ok(&["unlock"]).unwrap();
    assert_eq!(refused(&world, "profile.restore", &undo), 35);

    world.sign_in("practice", practice.mcp_url()).unwrap();
    remove(&world);
    world.ok(&["agent", "stop"]).unwrap();
    assert_eq!(practice.count("revocations").unwrap(), 4);

    world.sign_in("practice", practice.mcp_url()).unwrap();
    let undo = remove(&world);
    world.kill_agent().unwrap();
    // The removal is done, and only what the server could have been told is not.
    assert_eq!(world.json(&["list"]).unwrap(), json!([]));
    let left = world.session.read_item("protection").is_ok();
    assert_eq!(world.session.count_keyring_items().unwrap(), usize::from(left));
    assert_eq!(refused(&world, "profile.restore", &undo), 35);
    assert_eq!(practice.count("revocations").unwrap(), 4);
}

#[test]
fn an_account_comes_back_in_nobodys_place_and_the_way_back_stays_until_it_does() {
    let (mut world, practice) = signed_in();
    let undo = remove(&world);
    world.add("practice", practice.mcp_url()).unwrap();
    assert_eq!(refused(&world, "profile.restore", &undo), 33);
    world.ok(&["rename", "practice", "other"]).unwrap();
    world.session.lock().unwrap();
    assert_eq!(refused(&world, "profile.restore", &undo), 10);
    world.session.unlock().unwrap();
    assert_eq!(world.json(&["list"]).unwrap().as_array().unwrap().len(), 1);
    assert_eq!(admin(&world, "profile.restore", &undo)["status"], "connected");
    world.ok(&["token", "practice"]).unwrap();
}

#[test]
fn a_forgotten_answer_holds_no_more_at_once_and_can_be_remembered_again() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    allow(&world, &mut prompter);
    let grant = json!({ "grant": admin(&world, "grant.list", &json!({}))["grants"][0]["grant"] });
    let undo = prompter.0.ok("grant.revoke", &grant).unwrap();
    assert_eq!(unasked(&world).0, 14);
    assert_eq!(refused(&world, "grant.restore", &undo), 34);
    prompter.0.ok("grant.restore", &undo).unwrap();
    assert_eq!(unasked(&world).0, 0);
    assert_eq!(name(&prompter.0.call("grant.restore", &undo).unwrap()), "not_there");
    assert_eq!(kinds(&world)[1], "grant_restored");
    // Also for the next agent.
    world.kill_agent().unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    assert_eq!(unasked(&world).0, 0);
    // What the person says meanwhile is newer.
    let undo = prompter.0.ok("grant.revoke", &grant).unwrap();
    allow(&world, &mut prompter);
    let late = prompter.0.call("grant.restore", &undo).unwrap();
    assert_eq!(name(&late), "not_there", "{late}");
}

/// What the command names to take it back, if it names something.
fn offered(said: &str) -> Option<String> {
    Some(said.split("keybearer undo ").nth(1)?.trim().to_owned())
}

#[test]
fn the_command_names_the_way_back_where_it_may_go_it() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    let removed = world.run(&["remove", "practice"]).unwrap();
    let id = offered(&removed.err).unwrap_or_else(|| panic!("{removed:?}"));
    assert_eq!(removed.out, "practice was removed\n");
    assert_eq!(world.ok(&["undo", &id]).unwrap(), "practice is back, as it was");
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    assert_eq!(world.run(&["undo", &id]).unwrap().code, 35);
    // Once a person is asked, ways back are the window's.
    let mut prompter = Prompter::register(&world).unwrap();
    allow(&world, &mut prompter);
    let grant = admin(&world, "grant.list", &json!({}))["grants"][0]["grant"].as_str().unwrap().to_owned();
    let revoked = world.run(&["grants", "revoke", &grant]).unwrap();
    assert_eq!((revoked.code, offered(&revoked.err)), (0, None), "{revoked:?}");
    // Where every program may again, an answer comes back like an account.
    allow(&world, &mut prompter);
    prompter.0.ok("settings.set", &json!({ "approval": "same_user" })).unwrap();
    let grant = admin(&world, "grant.list", &json!({}))["grants"][0]["grant"].as_str().unwrap().to_owned();
    let revoked = world.run(&["grants", "revoke", &grant]).unwrap();
    let id = offered(&revoked.err).unwrap_or_else(|| panic!("{revoked:?}"));
    assert_eq!(world.ok(&["undo", &id]).unwrap(), "the answer is remembered again");
    assert_eq!(admin(&world, "grant.list", &json!({}))["grants"][0]["grant"], grant);
}
