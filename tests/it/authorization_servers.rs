//! Which of several authorization servers a sign-in goes to.

use crate::hostile::{Hostile, bring_code, parameter};
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

/// A server that names the authorization servers at these paths. Those that are good give a client of their own name.
fn server(named: &[&str], good: &[&str]) -> Hostile {
    let hostile = Hostile::start();
    hostile.serve_whoever_has_a_token();
    for at in good {
        good_one(&hostile, at);
    }
    names(&hostile, named);
    hostile
}

fn good_one(hostile: &Hostile, at: &str) {
    let register = Mock::given(method("POST")).and(path(format!("{at}/register")));
    let client = json!({ "client_id": at.trim_matches('/') });
    hostile.answer(register, ResponseTemplate::new(201).set_body_json(client));
    hostile.authorization_server(at, &json!({ "registration_endpoint": hostile.url(&format!("{at}/register")) }));
}

fn names(hostile: &Hostile, named: &[&str]) {
    let named: Vec<String> = named.iter().map(|at| hostile.url(at)).collect();
    let document = json!({ "resource": hostile.server.uri(), "authorization_servers": named });
    hostile.json("/.well-known/oauth-protected-resource", &document);
}

/// An account of this server that goes to sign in.
fn sign_in(hostile: &Hostile) -> (World, Value) {
    let world = World::new().unwrap();
    world.add("s", &hostile.url("/mcp")).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    (world, view)
}

fn client(view: &Value) -> Option<String> {
    assert_eq!(view["phase"], "waiting_for_browser", "{view}");
    parameter(view, "client_id")
}

fn metadata(at: &str) -> String {
    format!("/.well-known/oauth-authorization-server{at}")
}

#[test]
fn one_that_cannot_be_used_makes_way_for_the_next() {
    let hostile = server(&["/gone", "/no-pkce", "/closed", "/good", "/late"], &["/good", "/late"]);
    hostile.authorization_server("/no-pkce", &json!({ "code_challenge_methods_supported": [] }));
    hostile.authorization_server("/closed", &json!({}));
    let (_world, view) = sign_in(&hostile);
    assert_eq!(client(&view).as_deref(), Some("good"));
    assert!(hostile.requests(&metadata("/late")).is_empty());
    // With a client that was registered by hand, the one that registers nobody will do.
    let world = World::new().unwrap();
    world.ok(&["add", &hostile.url("/mcp"), "--name", "s", "--client-id", "bot", "--no-sign-in"]).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert!(view["authorization_url"].as_str().unwrap().starts_with(&hostile.url("/closed/authorize")), "{view}");
}

#[test]
fn one_that_gives_itself_out_for_another_ends_the_sign_in() {
    let hostile = server(&["/liar", "/good"], &["/good"]);
    hostile.authorization_server("/liar", &json!({ "issuer": "https://bank.example" }));
    let (_world, view) = sign_in(&hostile);
    assert_eq!(view["error"]["data"]["reason"], "metadata_issuer_mismatch", "{view}");
    assert!(hostile.requests(&metadata("/good")).is_empty());
    // So does one without protection.
    let hostile = server(&[], &["/good"]);
    let named = json!(["http://as.example", hostile.url("/good")]);
    let document = json!({ "resource": hostile.server.uri(), "authorization_servers": named });
    hostile.first("/.well-known/oauth-protected-resource", ResponseTemplate::new(200).set_body_json(document));
    let (_world, view) = sign_in(&hostile);
    assert_eq!(view["error"]["data"]["reason"], "address_not_allowed", "{view}");
}

#[test]
fn five_are_tried_and_the_first_that_can_be_read_says_what_is_missing() {
    let hostile = server(&["/1", "/2", "/3", "/4", "/5", "/good"], &["/good"]);
    hostile.authorization_server("/3", &json!({ "code_challenge_methods_supported": [] }));
    let (_world, view) = sign_in(&hostile);
    assert_eq!(view["error"]["data"]["reason"], "pkce_unsupported", "{view}");
    assert_eq!((hostile.requests(&metadata("/5")).len(), hostile.requests(&metadata("/good")).len()), (1, 0));
    let hostile = server(&["/1", "/2"], &[]);
    let (_world, view) = sign_in(&hostile);
    assert_eq!(view["error"]["data"]["reason"], "server_metadata_missing", "{view}");
    assert!(view["error"]["message"].as_str().unwrap().contains(&hostile.url("/1")), "{view}");
}

#[test]
fn the_one_that_the_account_has_a_sign_in_at_goes_first_and_is_waited_for() {
    let hostile = server(&["/two"], &["/one", "/two"]);
    let (world, view) = sign_in(&hostile);
    assert_eq!(client(&view).as_deref(), Some("two"));
    bring_code(&world, &view);
    // The server names another one before it now.
    let both = json!({
        "resource": hostile.server.uri(), "authorization_servers": [hostile.url("/one"), hostile.url("/two")],
    });
    hostile.first("/.well-known/oauth-protected-resource", ResponseTemplate::new(200).set_body_json(both));
    assert_eq!(client(&world.begin_sign_in("s").unwrap()).as_deref(), Some("two"));
    // The client that is known there is the one that is used there.
    assert_eq!((hostile.requests("/two/register").len(), hostile.requests("/one/register").len()), (1, 0));
    world.ok(&["sign-in", "s", "--cancel"]).unwrap();
    hostile.first(&metadata("/two"), ResponseTemplate::new(503));
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(view["error"]["data"]["name"], "provider_unreachable", "{view}");
    // Once it is gone for good, the other takes its place, as a client of its own.
    hostile.runtime.block_on(hostile.server.reset());
    hostile.serve_whoever_has_a_token();
    good_one(&hostile, "/one");
    names(&hostile, &["/one", "/two"]);
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(client(&view).as_deref(), Some("one"));
    bring_code(&world, &view);
    let sent = String::from_utf8(hostile.requests("/one/token")[0].body.clone()).unwrap();
    assert!(sent.contains("client_id=one"), "{sent}");
}

#[test]
fn where_the_user_says_to_sign_in_is_the_only_place() {
    let hostile = server(&["/one", "/two"], &["/one", "/two"]);
    let (world, two) = (World::new().unwrap(), hostile.url("/two"));
    world.ok(&["add", &hostile.url("/mcp"), "--name", "s", "--issuer", &two, "--no-sign-in"]).unwrap();
    assert_eq!(client(&world.begin_sign_in("s").unwrap()).as_deref(), Some("two"));
    assert!(hostile.requests(&metadata("/one")).is_empty());
    world.ok(&["change", "s", "--issuer", "https://elsewhere.example"]).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(view["error"]["data"]["reason"], "client_elsewhere", "{view}");
    // A client that was registered by hand stays where it was first used.
    world.ok(&["change", "s", "--client-id", "bot", "--issuer", &two]).unwrap();
    bring_code(&world, &world.begin_sign_in("s").unwrap());
    world.ok(&["change", "s", "--issuer", ""]).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert!(view["authorization_url"].as_str().unwrap().starts_with(&hostile.url("/two/authorize")), "{view}");
}

#[test]
fn a_server_that_names_none_is_signed_in_to_where_the_user_says() {
    let hostile = Hostile::start();
    hostile.serve_whoever_has_a_token();
    good_one(&hostile, "/as");
    let (world, view) = sign_in(&hostile);
    assert_eq!(view["error"]["data"]["reason"], "server_metadata_missing", "{view}");
    let way_out = view["error"]["data"]["action"].as_str().unwrap();
    assert!(way_out.contains("keybearer change s --issuer URL"), "{way_out}");
    world.ok(&["change", "s", "--issuer", &hostile.url("/as")]).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(client(&view).as_deref(), Some("as"));
    assert_eq!(
        parameter(&view, "resource").map(|it| it.replace("%3A", ":").replace("%2F", "/")),
        Some(hostile.url("/mcp"))
    );
    bring_code(&world, &view);
    assert_eq!(world.json(&["test", "s"]).unwrap()["ok"], true);
    assert!(fs::read_to_string(world.servers_file()).unwrap().contains(&hostile.url("/as")));
}
