//! Clients that sign in for themselves (RFC 6749 §4.4): no browser and no person.

use crate::hostile::Hostile;
use keybearer_tests::world::{Run, World};
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

/// A server whose authorization server knows no other grant: no PKCE, no registration, and no sign-in page at all.
pub(crate) fn server(token: ResponseTemplate) -> Hostile {
    let hostile = Hostile::start();
    hostile.answer(Mock::given(method("POST")).and(path("/token")), token);
    let more = json!({
        "authorization_endpoint": null, "code_challenge_methods_supported": [], "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    });
    let issuer = hostile.authorization_server("", &more);
    hostile.resource(&issuer);
    hostile.serve_whoever_has_a_token();
    hostile
}

fn add(world: &World, hostile: &Hostile) -> Run {
    let url = hostile.url("/mcp");
    let client = ["--auth", "client-credentials", "--client-id", "bot", "--secret-stdin"];
    world.run_with(&[&["add", &url, "--name", "s"], &client[..]].concat(), "s3cret").unwrap()
}

pub(crate) fn tokens() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600 }))
}

#[test]
fn a_client_signs_in_for_itself_and_asks_again_instead_of_renewing() {
    let (world, hostile) = (World::new().unwrap(), server(tokens()));
    let added = add(&world, &hostile);
    assert_eq!(added.code, 0, "{added:?}");
    let account = world.json(&["show", "s"]).unwrap();
    assert_eq!((&account["status"], &account["renewable"]), (&json!("connected"), &json!(true)));
    assert_eq!(
        world.json(&["token", "s", "--force"]).unwrap()["generation"],
        account["generation"].as_u64().unwrap() + 1
    );
    let asked = hostile.requests("/token");
    assert_eq!(asked.len(), 2);
    for request in asked {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        assert!(body.contains("grant_type=client_credentials") && body.contains("scope=read"), "{body}");
        assert!(body.contains("resource=http"), "{body}");
        // The secret goes into the header that the server wants it in, and nowhere else.
        let basic = request.headers.get("authorization").unwrap().to_str().unwrap();
        assert_eq!(basic, "Basic Ym90OnMzY3JldA==");
        assert!(!body.contains("s3cret"), "{body}");
    }
    assert!(hostile.requests("/authorize").is_empty() && hostile.requests("/register").is_empty());
}

#[test]
fn a_client_that_is_refused_is_told_why_and_asks_no_more() {
    let refusal = ResponseTemplate::new(401).set_body_json(json!({ "error": "invalid_client" }));
    let (world, hostile) = (World::new().unwrap(), server(tokens()));
    assert_eq!(add(&world, &hostile).code, 0);
    let refuse = Mock::given(method("POST")).and(path("/token")).respond_with(refusal).with_priority(1);
    hostile.runtime.block_on(refuse.mount(&hostile.server));
    let refused = world.run(&["token", "s", "--force"]).unwrap();
    assert_eq!(refused.code, 15, "{refused:?}");
    assert!(refused.err.contains("invalid_client"), "{refused:?}");
    let asked = hostile.requests("/token").len();
    // The token at hand serves to its end.
    assert_eq!(world.run(&["token", "s", "--force"]).unwrap().code, 0);
    assert_eq!(hostile.requests("/token").len(), asked);
    assert_eq!(world.json(&["show", "s"]).unwrap()["renewable"], false);
}

#[test]
fn a_client_for_itself_needs_an_id_and_a_secret() {
    let world = World::new().unwrap();
    let add = |more: &[&str]| {
        let words = ["add", "https://mcp.example/mcp", "--auth", "client-credentials", "--no-sign-in"];
        world.run_with(&[&words, more].concat(), "s3cret").unwrap()
    };
    for (more, what) in [(&["--client-id", "bot"][..], "--secret-stdin"), (&["--secret-stdin"], "--client-id")] {
        let refused = add(more);
        assert!(refused.code == 64 && refused.err.contains(what), "{refused:?}");
    }
    assert_eq!(world.json(&["list"]).unwrap(), json!([]));
}
