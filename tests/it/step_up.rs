//! Servers that want more than a sign-in gave (RFC 6750 §3.1).

use crate::hostile::{Hostile, bring_code, parameter, registers};
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header_exists, method, path};
use wiremock::{Mock, ResponseTemplate};

/// A server that shakes hands and lists no tools, for whoever brings a token; others are asked for `read`. Its tokens
/// can be renewed.
pub(crate) fn server() -> Hostile {
    let hostile = Hostile::start();
    let renewable = json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r" });
    let token = Mock::given(method("POST")).and(path("/token"));
    hostile.answer(token, ResponseTemplate::new(200).set_body_json(renewable));
    let issuer = hostile.authorization_server("", &registers(&hostile));
    hostile.resource(&issuer);
    hostile.serve_whoever_has_a_token();
    hostile
}

/// Signs in as the person does who is told to; gives the scopes that were asked for.
pub(crate) fn sign_in(world: &World) -> String {
    let view = world.begin_sign_in("s").unwrap();
    bring_code(world, &view);
    assert_eq!(world.sign_in_view("s").unwrap()["phase"], "signed_in");
    parameter(&view, "scope").unwrap()
}

fn signed_in(hostile: &Hostile) -> (World, Wire) {
    let world = World::new().unwrap();
    world.add("s", &hostile.url("/mcp")).unwrap();
    assert_eq!(sign_in(&world), "read");
    let program = world.programs().unwrap();
    (world, program)
}

fn ask(program: &mut Wire, params: Value) -> Value {
    let mut question = json!({ "profile": "s" });
    question.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    program.call("token.get", &question).unwrap()
}

/// Reports what the server said about the token of now.
fn report(program: &mut Wire, challenge: &str) -> Value {
    let generation = ask(program, json!({}))["result"]["generation"].clone();
    report_of(program, generation, challenge)
}

fn report_of(program: &mut Wire, generation: Value, challenge: &str) -> Value {
    let report = json!({
        "profile": "s", "generation": generation, "reason": "insufficient_scope", "www_authenticate": challenge,
    });
    program.call("token.invalidate", &report).unwrap()["result"]["scopes"].clone()
}

fn wanted(world: &World) -> Value {
    world.json(&["show", "s"]).unwrap()["wanted_scopes"].clone()
}

/// The state of the account, and how many need their person.
fn status(world: &World) -> (String, Value) {
    let status = world.json(&["show", "s"]).unwrap()["status"].as_str().unwrap().to_owned();
    (status, world.json(&["status"]).unwrap()["need_user"].clone())
}

const WRITE: &str = r#"Bearer error="insufficient_scope", scope="write""#;

#[test]
fn what_a_server_wants_is_asked_for_by_the_next_sign_in_beside_what_there_was_and_by_no_refresh() {
    let hostile = server();
    let (world, mut program) = signed_in(&hostile);
    assert_eq!(report(&mut program, WRITE), json!(["write"]));
    assert_eq!(wanted(&world), json!(["write"]));
    assert_eq!(status(&world), ("needs_more_access".to_owned(), json!(1)));
    // The program that reports it opens no browser, and what the token covers goes on.
    assert_eq!(world.sign_in_view("s").unwrap()["phase"], "signed_in");
    assert_eq!(ask(&mut program, json!({}))["result"]["generation"], 1);
    // A refresh can't widen it (RFC 6749 §6), and doesn't try to.
    assert_eq!(ask(&mut program, json!({ "force": true }))["result"]["generation"], 2);
    let refresh = hostile.requests("/token").pop().unwrap();
    assert!(!String::from_utf8_lossy(&refresh.body).contains("scope="));
    let refused = ask(&mut program, json!({ "scopes": ["write"] }));
    assert_eq!(refused["error"]["data"]["name"], "scope_unavailable", "{refused}");
    assert_eq!(refused["error"]["data"]["reason"], "more_access_needed");
    assert_eq!(refused["error"]["data"]["action"], "keybearer sign-in s");
    assert_eq!(sign_in(&world), "read+write");
    assert_eq!(ask(&mut program, json!({ "scopes": ["read", "write"] }))["result"]["generation"], 3);
    assert_eq!(wanted(&world), json!([]));
    assert_eq!(status(&world), ("connected".to_owned(), json!(0)));
    // Also the sign-in after that keeps them, until the account is signed out.
    assert_eq!(sign_in(&world), "read+write");
    world.ok(&["sign-out", "s"]).unwrap();
    assert_eq!(sign_in(&world), "read");
}

#[test]
fn three_sign_ins_ask_for_the_same_scopes_before_that_is_no_way_out_any_more() {
    let hostile = server();
    let (world, mut program) = signed_in(&hostile);
    let mut refused = |reason: &str| {
        // Whatever the token says that it covers: the server has the last word.
        assert_eq!(report(&mut program, WRITE), json!(["write"]));
        let answer = ask(&mut program, json!({ "scopes": ["write"] }));
        assert_eq!(answer["error"]["data"]["reason"], reason, "{answer}");
    };
    for _ in 0..3 {
        refused("more_access_needed");
        assert_eq!(sign_in(&world), "read+write");
    }
    refused("more_access_refused");
    // Nobody is sent for what doesn't help.
    assert_eq!(status(&world), ("connected".to_owned(), json!(0)));
    // Something else that it wants begins anew.
    let other = r#"Bearer error="insufficient_scope", scope="admin""#;
    assert_eq!(report(&mut program, other), json!(["admin"]));
    let answer = ask(&mut program, json!({ "scopes": ["admin"] }));
    assert_eq!(answer["error"]["data"]["reason"], "more_access_needed");
}

#[test]
fn only_a_refusal_of_the_current_token_for_lack_of_scopes_counts() {
    let hostile = server();
    let (world, mut program) = signed_in(&hostile);
    report_of(&mut program, json!(0), WRITE);
    report(&mut program, r#"Bearer error="invalid_token", scope="write""#);
    report(&mut program, r#"Basic scope="write""#);
    report(&mut program, r#"Bearer error="insufficient_scope""#);
    report(&mut program, "Bearer error=\"insufficient_scope\", scope=\"wr\u{e4}te\"");
    assert_eq!(wanted(&world), json!([]));
    let answer = ask(&mut program, json!({ "scopes": ["write"] }));
    assert_eq!(answer["error"]["data"]["name"], "scope_unavailable", "{answer}");
    assert_eq!(answer["error"]["data"]["action"], Value::Null);
    assert_eq!(sign_in(&world), "read");
}

#[test]
fn the_agents_own_request_hears_what_a_server_wants() {
    let hostile = server();
    let (world, _) = signed_in(&hostile);
    let listing = Mock::given(method("POST")).and(path("/mcp")).and(header_exists("authorization"));
    let listing = listing.and(body_partial_json(json!({ "method": "tools/list" })));
    let refusal = ResponseTemplate::new(403).insert_header("WWW-Authenticate", WRITE);
    hostile.runtime.block_on(listing.respond_with(refusal).with_priority(1).mount(&hostile.server));
    let test = world.run(&["test", "s"]).unwrap();
    assert_eq!(test.code, 17, "{test:?}");
    assert!(test.err.contains("wants more access") && test.err.contains("keybearer sign-in s"), "{test:?}");
    assert_eq!(wanted(&world), json!(["write"]));
}
