//! Servers that move to another authorization server.

use crate::hostile::{Hostile, bring_code, parameter};
use crate::step_up::{server, sign_in};
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

const METADATA: &str = "/.well-known/oauth-protected-resource";

/// An account that is signed in, and a program that has its token.
fn signed_in(hostile: &Hostile) -> (World, Wire) {
    let world = World::new().unwrap();
    world.add("s", &hostile.url("/mcp")).unwrap();
    sign_in(&world);
    let program = world.programs().unwrap();
    (world, program)
}

/// Reports that the server refused the token with a 401, and asks for another one.
fn report(program: &mut Wire) -> Value {
    let generation = token(program)["result"]["generation"].clone();
    let report = json!({ "profile": "s", "generation": generation, "reason": "401" });
    program.call("token.invalidate", &report).unwrap();
    token(program)
}

fn token(program: &mut Wire) -> Value {
    program.call("token.get", &json!({ "profile": "s" })).unwrap()
}

fn text(request: &wiremock::Request) -> String {
    format!("{:?} {}", request.headers, String::from_utf8_lossy(&request.body))
}

#[test]
fn a_server_that_names_another_authorization_server_is_signed_in_to_there_and_as_another_client() {
    let hostile = server();
    let (world, mut program) = signed_in(&hostile);
    let registered = ResponseTemplate::new(201).set_body_json(json!({ "client_id": "second" }));
    hostile.answer(Mock::given(method("POST")).and(path("/two/register")), registered);
    let more = json!({ "registration_endpoint": hostile.url("/two/register") });
    let second = hostile.authorization_server("/two", &more);
    let moved = json!({ "resource": hostile.server.uri(), "authorization_servers": [second] });
    hostile.first(METADATA, ResponseTemplate::new(200).set_body_json(moved));
    // As long as the server takes the token, nobody looks.
    assert_eq!(token(&mut program)["result"]["generation"], 1);
    let refused = report(&mut program);
    assert_eq!(refused["error"]["data"]["name"], "auth_required", "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains(&second), "{refused}");
    assert_eq!(world.json(&["show", "s"]).unwrap()["status"], "needs_sign_in");
    // The old authorization server isn't asked to renew a token that the server doesn't take any more.
    assert_eq!(hostile.requests("/token").len(), 1);
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(parameter(&view, "client_id").as_deref(), Some("second"), "{view}");
    bring_code(&world, &view);
    assert_eq!(world.json(&["show", "s"]).unwrap()["issuer"], second);
    for request in [hostile.requests("/two/register"), hostile.requests("/two/token")].concat() {
        let text = text(&request);
        let as_first = text.contains("client_id=c&") || text.ends_with("client_id=c");
        assert!(!as_first && !text.contains("refresh_token=r"), "{text}");
    }
    assert_eq!((hostile.requests("/register").len(), hostile.requests("/token").len()), (1, 1));
}

#[test]
fn metadata_that_cannot_be_read_move_nobody_and_are_read_again_the_next_time() {
    let hostile = server();
    let (_world, mut program) = signed_in(&hostile);
    let elsewhere = json!({ "resource": "https://other.example", "authorization_servers": ["https://as.example"] });
    let nobody = json!({ "resource": hostile.server.uri(), "authorization_servers": [] });
    for (generation, answer) in [
        (2, ResponseTemplate::new(503)),
        (3, ResponseTemplate::new(200).set_body_json(elsewhere)),
        (4, ResponseTemplate::new(200).set_body_json(nobody)),
    ] {
        let mock = Mock::given(method("GET")).and(path(METADATA)).respond_with(answer).with_priority(1);
        let before = hostile.requests(METADATA).len();
        let mounted = hostile.runtime.block_on(mock.mount_as_scoped(&hostile.server));
        let renewed = report(&mut program);
        assert_eq!(renewed["result"]["generation"], generation, "{renewed}");
        assert_eq!(hostile.requests(METADATA).len(), before + 1);
        hostile.runtime.block_on(async { drop(mounted) });
    }
}

#[test]
fn a_token_endpoint_that_moves_is_found_again_where_the_authorization_server_says_and_nowhere_else() {
    let hostile = server();
    let (world, mut program) = signed_in(&hostile);
    let generation = |program: &mut Wire| {
        let forced = program.call("token.get", &json!({ "profile": "s", "force": true })).unwrap();
        forced["result"]["generation"].as_u64()
    };
    assert_eq!(generation(&mut program), Some(2));
    let gone =
        Mock::given(method("POST")).and(path("/token")).respond_with(ResponseTemplate::new(404)).with_priority(1);
    hostile.runtime.block_on(gone.mount(&hostile.server));
    let tokens = json!({ "access_token": "u", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "s" });
    hostile
        .answer(Mock::given(method("POST")).and(path("/elsewhere")), ResponseTemplate::new(200).set_body_json(tokens));
    // Whoever calls itself by another name isn't believed.
    let document = |issuer: &str| {
        json!({
            "issuer": issuer, "authorization_endpoint": hostile.url("/authorize"), "token_endpoint": hostile.url("/elsewhere"),
            "code_challenge_methods_supported": ["S256"],
        })
    };
    let place = "/.well-known/oauth-authorization-server";
    let lie = ResponseTemplate::new(200).set_body_json(document("https://other.example"));
    let once = Mock::given(method("GET")).and(path(place)).respond_with(lie).up_to_n_times(1).with_priority(1);
    hostile.runtime.block_on(once.mount(&hostile.server));
    assert_eq!(generation(&mut program), None);
    assert!(hostile.requests("/elsewhere").is_empty());
    hostile.first(place, ResponseTemplate::new(200).set_body_json(document(&hostile.url(""))));
    assert_eq!(generation(&mut program), Some(3));
    // From now on it is asked there at once.
    let asked = hostile.requests("/token").len();
    assert_eq!(generation(&mut program), Some(4));
    assert_eq!((hostile.requests("/token").len(), hostile.requests("/elsewhere").len()), (asked, 2));
    drop(world);
}
