//! A token belongs to one server: an edited address never moves it.

use crate::hostile::{Hostile, bring_code};
use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Stdio};
use wiremock::ResponseTemplate;

/// Replaces text in `servers.json`, as an editor would.
fn edit(world: &World, from: &str, to: &str) {
    let text = fs::read_to_string(world.servers_file()).unwrap();
    assert!(text.contains(from));
    #[expect(clippy::disallowed_methods, reason = "an editor writes like this")]
    fs::write(world.servers_file(), text.replace(from, to)).unwrap();
}

#[test]
fn a_changed_address_never_sends_the_old_token_to_the_new_host() {
    let (world, old) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let new = Practice::start(&["--plant-token", "other"]).unwrap();
    world.sign_in("practice", old.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    edit(&world, old.mcp_url(), new.mcp_url());
    for command in
        [&["token", "practice"][..], &["headers", "practice"], &["test", "practice"], &["token", new.mcp_url()]]
    {
        let run = world.run(command).unwrap();
        assert_eq!((run.code, run.out.as_str()), (15, ""), "{command:?}: {}", run.err);
    }
    // Also in an agent that has never seen the old address.
    world.kill_agent().unwrap();
    assert_eq!(world.run(&["test", "practice"]).unwrap().code, 15);
    assert_eq!((new.count("mcp_accepted").unwrap(), new.count("mcp_rejected").unwrap()), (0, 0));
    // Nothing was lost: with the old address the old sign-in is back.
    edit(&world, new.mcp_url(), old.mcp_url());
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    // A sign-in that is begun and given up costs the old one nothing either.
    edit(&world, old.mcp_url(), new.mcp_url());
    assert_eq!(world.begin_sign_in("practice").unwrap()["phase"], "waiting_for_browser");
    world.ok(&["sign-in", "practice", "--cancel"]).unwrap();
    edit(&world, new.mcp_url(), old.mcp_url());
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    world.kill_agent().unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    // With the new address, a new sign-in at the new server.
    edit(&world, old.mcp_url(), new.mcp_url());
    world.ok(&["sign-in", "practice"]).unwrap();
    assert!(world.ok(&["token", "practice"]).unwrap().starts_with("other-"));
    assert_eq!(new.count("mcp_rejected").unwrap(), 0);
}

#[test]
fn a_header_is_given_for_addresses_of_its_server_alone() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut wire = world.programs().unwrap();
    let mut ask = |url: &str| {
        let params = serde_json::json!({ "profile": "practice", "url": url });
        let reply = wire.call("header.get", &params).unwrap();
        reply["error"]["code"].as_i64()
    };
    assert_eq!(ask(practice.mcp_url()), None);
    assert_eq!(ask(&format!("{}/messages", practice.mcp_url())), None);
    for foreign in ["https://evil.example/mcp", practice.issuer(), "http://127.0.0.1:1/mcp", "nonsense"] {
        assert_eq!(ask(foreign), Some(1009), "{foreign}");
    }
}

#[test]
fn two_profiles_never_share_tokens_even_with_a_copied_id() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("one", practice.mcp_url()).unwrap();
    let text = fs::read_to_string(world.servers_file()).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    document["mcpServers"]["two"] = document["mcpServers"]["one"].clone();
    edit(&world, &text, &document.to_string());
    assert_eq!(world.run(&["token", "two"]).unwrap().code, 15);
    assert_eq!(world.run(&["token", "one"]).unwrap().code, 0);
}

#[test]
fn an_address_edited_while_the_browser_is_open_ends_that_sign_in_and_leaves_room_for_the_next() {
    let (world, old) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let new = Practice::start(&["--plant-token", "other"]).unwrap();
    world.add("practice", old.mcp_url()).unwrap();
    assert_eq!(world.begin_sign_in("practice").unwrap()["phase"], "waiting_for_browser");
    edit(&world, old.mcp_url(), new.mcp_url());
    assert_eq!(world.sign_in_view("practice").unwrap()["phase"], "failed");
    assert_eq!(world.ok(&["sign-in", "practice"]).unwrap(), "practice is signed in (4 tools)");
    assert!(world.ok(&["token", "practice"]).unwrap().starts_with("other-"));
    assert_eq!(old.count("code_exchanges").unwrap(), 0);
}

#[test]
fn an_address_edited_while_the_code_is_exchanged_costs_the_old_sign_in_nothing() {
    let (world, old) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", old.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    old.control(&serde_json::json!({ "faults": ["slow-token"] })).unwrap();
    let view = world.begin_sign_in("practice").unwrap();
    let url = view["authorization_url"].as_str().unwrap();
    let mut browser = Command::new(executable("keybearer-practice"));
    let mut browser = browser.args(["browse", url]).stderr(Stdio::null()).spawn().unwrap();
    until("the code exchange", || Ok((old.count("code_exchanges")? == 2).then_some(()))).unwrap();
    edit(&world, old.mcp_url(), "https://elsewhere.example/mcp");
    // Another question makes the agent see the edit; nobody asks for this account meanwhile.
    assert_eq!(world.run(&["show", "nobody"]).unwrap().code, 11);
    assert!(!browser.wait().unwrap().success());
    edit(&world, "https://elsewhere.example/mcp", old.mcp_url());
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    world.kill_agent().unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
}

#[test]
fn an_entry_that_is_gone_for_a_moment_comes_back_with_its_sign_in() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    let text = fs::read_to_string(world.servers_file()).unwrap();
    for gone in ["{}", "", "{\"mcpServers\": {"] {
        edit(&world, &text, gone);
        let code = world.run(&["list"]).unwrap().code;
        assert_eq!(code, if gone == "{}" { 0 } else { 29 }, "{gone:?}");
        #[expect(clippy::disallowed_methods, reason = "an editor writes like this")]
        fs::write(world.servers_file(), &text).unwrap();
        assert_eq!(world.ok(&["token", "practice"]).unwrap(), token, "after {gone:?}");
    }
    assert_eq!(practice.count("refreshes").unwrap(), 0);
}

#[test]
fn a_client_is_used_at_the_authorization_server_that_it_is_registered_at_and_at_no_other() {
    let hostile = Hostile::start();
    hostile.refuse_all();
    let (first, second) = (hostile.authorization_server("/one", &json!({})), hostile.url("/two"));
    hostile.resource(&first);
    let world = World::new().unwrap();
    let url = hostile.url("/mcp");
    for (name, issuer, reason) in [("here", &first, Value::Null), ("elsewhere", &second, json!("client_elsewhere"))] {
        world.ok(&["add", &url, "--name", name, "--client-id", "c", "--issuer", issuer, "--no-sign-in"]).unwrap();
        let view = world.begin_sign_in(name).unwrap();
        assert_eq!(view["error"]["data"]["reason"], reason, "{view}");
    }
    // Where nobody says so, it is the first that it works at.
    world.ok(&["add", &url, "--name", "unsaid", "--client-id", "c", "--no-sign-in"]).unwrap();
    bring_code(&world, &world.begin_sign_in("unsaid").unwrap());
    let second = hostile.authorization_server("/two", &json!({}));
    let moved = json!({ "resource": hostile.server.uri(), "authorization_servers": [second] });
    hostile.first("/.well-known/oauth-protected-resource", ResponseTemplate::new(200).set_body_json(moved));
    let view = world.begin_sign_in("unsaid").unwrap();
    assert_eq!(view["error"]["data"]["reason"], "client_elsewhere", "{view}");
}
