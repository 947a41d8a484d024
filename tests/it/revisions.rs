//! Servers of the oldest and of the newest revision of MCP, played by recorded answers.

use crate::hostile::{Hostile, bring_code, parameter, registers};
use keybearer_tests::world::World;
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockBuilder, ResponseTemplate};

/// A message of this method, in the words of a revision without handshake.
fn stateless(name: &str) -> MockBuilder {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
    });
    Mock::given(method("POST"))
        .and(path("/mcp"))
        .and(header("mcp-protocol-version", "2026-07-28"))
        .and(header("mcp-method", name))
        .and(body_partial_json(json!({ "method": name, "params": { "_meta": meta } })))
}

fn tools() -> ResponseTemplate {
    let server = json!({ "io.modelcontextprotocol/serverInfo": { "name": "newest", "version": "1" } });
    let result = json!({ "resultType": "complete", "tools": [{ "name": "only" }], "_meta": server });
    ResponseTemplate::new(200).set_body_json(json!({ "jsonrpc": "2.0", "id": 1, "result": result }))
}

/// Answers to `initialize` as a server does that has never heard of it.
fn knows_no_handshake(hostile: &Hostile) {
    let error = json!({ "code": -32020, "message": "Missing MCP-Protocol-Version header" });
    let answer = ResponseTemplate::new(400).set_body_json(json!({ "jsonrpc": "2.0", "id": 1, "error": error }));
    let hello = Mock::given(method("POST")).and(path("/mcp"));
    hostile.answer(hello.and(body_partial_json(json!({ "method": "initialize" }))), answer);
}

#[test]
fn a_server_that_knows_no_handshake_is_signed_in_to_and_tried() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    knows_no_handshake(&hostile);
    let issuer = hostile.authorization_server("", &registers(&hostile));
    hostile.resource(&issuer);
    let challenge = ResponseTemplate::new(401).insert_header("WWW-Authenticate", r#"Bearer scope="new""#);
    hostile.answer(stateless("server/discover"), challenge);
    hostile.answer(stateless("tools/list").and(header("authorization", "Bearer t")), tools());
    world.add("s", &hostile.url("/mcp")).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(parameter(&view, "scope").as_deref(), Some("new"), "{view}");
    bring_code(&world, &view);
    let test = world.json(&["test", "s"]).unwrap();
    assert_eq!(
        (&test["names"], &test["protocol"], &test["server"]),
        (&json!(["only"]), &json!("2026-07-28"), &json!("newest 1"))
    );
}

#[test]
fn an_open_server_that_knows_no_handshake_is_found_to_need_no_sign_in() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    knows_no_handshake(&hostile);
    hostile.answer(stateless("server/discover"), tools());
    hostile.answer(stateless("tools/list"), tools());
    world.sign_in("s", &hostile.url("/mcp")).unwrap();
    assert_eq!(world.json(&["show", "s"]).unwrap()["status"], "no_sign_in");
}

#[test]
fn a_server_that_publishes_nothing_is_signed_in_to_at_the_places_of_the_first_revision() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    registers(&hostile);
    let tokens = json!({ "access_token": "t", "token_type": "Bearer" });
    let token = Mock::given(method("POST")).and(path("/token"));
    hostile.answer(token, ResponseTemplate::new(200).set_body_json(tokens));
    world.add("s", &hostile.url("/mcp?team=x")).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    let address = view["authorization_url"].as_str().unwrap_or_else(|| panic!("{view}"));
    assert!(address.starts_with(&format!("{}?", hostile.url("/authorize"))), "{address}");
    assert_eq!(parameter(&view, "code_challenge_method").as_deref(), Some("S256"));
    bring_code(&world, &view);
    assert_eq!(hostile.requests("/token").len(), 1);
    // The revision is told wherever something might have been published (LEG-3), before anything is assumed (LEG-2).
    assert_eq!(hostile.well_known_requests().len(), 4);
    let place = "/.well-known/oauth-authorization-server";
    assert!(hostile.requests(place).iter().all(|request| request.headers.contains_key("mcp-protocol-version")));
}

#[test]
fn where_nothing_is_published_and_nothing_answers_there_is_no_authorization_server() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    world.add("s", &hostile.url("/mcp")).unwrap();
    let view: Value = world.begin_sign_in("s").unwrap();
    assert_eq!(view["error"]["data"]["reason"], "server_metadata_missing", "{view}");
    assert_eq!(hostile.requests("/register").len(), 1);
}
