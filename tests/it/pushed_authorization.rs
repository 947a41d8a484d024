//! Pushed authorization requests (RFC 9126): what the browser brings, and what happens where pushing fails.

use crate::hostile::{Hostile, bring_code, parameter, registers};
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

/// A server whose authorization server offers to take requests first, and answers so.
fn server(required: bool, answer: ResponseTemplate) -> (World, Hostile) {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.serve_whoever_has_a_token();
    let mut more = registers(&hostile);
    more["pushed_authorization_request_endpoint"] = hostile.url("/par").into();
    more["require_pushed_authorization_requests"] = required.into();
    let issuer = hostile.authorization_server("", &more);
    hostile.resource(&issuer);
    hostile.answer(Mock::given(method("POST")).and(path("/par")), answer);
    world.add("s", &hostile.url("/mcp")).unwrap();
    (world, hostile)
}

fn taken(status: u16, expires_in: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "request_uri": "urn:x:1", "expires_in": expires_in }))
}

fn refused(status: u16) -> ResponseTemplate {
    let words = json!({ "error": "invalid_scope", "error_description": "no such thing here" });
    ResponseTemplate::new(status).set_body_json(words)
}

/// What was pushed, as text, in order.
fn pushed(hostile: &Hostile) -> Vec<String> {
    let forms = hostile.requests("/par").into_iter().map(|request| String::from_utf8(request.body).unwrap());
    forms.collect()
}

fn field(form: &str, name: &str) -> Option<String> {
    form.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v.to_owned())
}

#[test]
fn a_server_that_takes_pushed_requests_alone_is_signed_in_to_by_a_name_in_the_browser() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--fault", "pushed-requests-only"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    assert_eq!(practice.count("pushed_requests").unwrap(), 1);
    assert_eq!(world.json(&["test", "practice"]).unwrap()["ok"], true);
    world.ok(&["sign-out", "practice"]).unwrap();
    let view = world.begin_sign_in("practice").unwrap();
    let url = view["authorization_url"].as_str().unwrap();
    let names: Vec<&str> =
        url.split_once('?').unwrap().1.split('&').filter_map(|pair| pair.split('=').next()).collect();
    assert_eq!(names, ["client_id", "request_uri"], "{url}");
}

#[test]
fn what_is_offered_is_used_and_the_answer_is_checked_as_ever() {
    for status in [200, 201] {
        let (world, hostile) = server(false, taken(status, &json!(60)));
        let view = world.begin_sign_in("s").unwrap();
        assert_eq!(parameter(&view, "request_uri").as_deref(), Some("urn%3Ax%3A1"), "{view}");
        assert_eq!((parameter(&view, "state"), parameter(&view, "code_challenge")), (None, None), "{view}");
        let form = &pushed(&hostile)[0];
        for name in ["state", "code_challenge", "redirect_uri", "resource", "response_type"] {
            assert!(field(form, name).is_some(), "{name}: {form}");
        }
        assert_eq!((field(form, "client_id"), form.matches("client_id=").count()), (Some("c".to_owned()), 1));
        let redirect = field(form, "redirect_uri").unwrap().replace("%3A", ":").replace("%2F", "/");
        // Only the state that was pushed opens anything.
        assert_eq!(world.run(&["callback", &format!("{redirect}?code=x&state=other")]).unwrap().code, 21);
        let state = field(form, "state").unwrap();
        world.ok(&["callback", &format!("{redirect}?code=x&state={state}")]).unwrap();
        assert_eq!(hostile.requests("/token").len(), 1);
    }
}

#[test]
fn a_client_with_a_secret_proves_itself_where_it_pushes() {
    let (world, hostile) = server(true, taken(201, &json!(60)));
    let url = hostile.url("/mcp");
    let add = ["add", url.as_str(), "--name", "t", "--client-id", "bot", "--secret-stdin", "--no-sign-in"];
    assert_eq!(world.run_with(&add, "s3cret").unwrap().code, 0);
    assert_eq!(world.begin_sign_in("t").unwrap()["phase"], "waiting_for_browser");
    let request = &hostile.requests("/par")[0];
    assert_eq!(request.headers.get("authorization").unwrap(), "Basic Ym90OnMzY3JldA==");
    let form = &pushed(&hostile)[0];
    // An authorization request names its client in any case.
    assert_eq!(field(form, "client_id").as_deref(), Some("bot"));
    assert!(!form.contains("s3cret"), "{form}");
}

#[test]
fn an_offer_that_is_not_kept_leaves_the_ordinary_way_and_a_demand_none() {
    let garbage = |name: &str| ResponseTemplate::new(201).set_body_json(json!({ "request_uri": name }));
    for answer in [
        ResponseTemplate::new(404),
        ResponseTemplate::new(405),
        ResponseTemplate::new(503),
        ResponseTemplate::new(302).insert_header("Location", "/elsewhere"),
        ResponseTemplate::new(200).set_body_string("<p>Welcome"),
        garbage(""),
        garbage("no uri"),
        garbage(&format!("urn:x:{}", "x".repeat(3000))),
    ] {
        let (world, hostile) = server(false, answer.clone());
        let view = world.begin_sign_in("s").unwrap();
        assert!(parameter(&view, "code_challenge").is_some(), "{view}");
        bring_code(&world, &view);
        assert_eq!(hostile.requests("/par").len(), 1);
        let (world, _hostile) = server(true, answer);
        let view = world.begin_sign_in("s").unwrap();
        assert_eq!(view["error"]["data"]["reason"], "push_failed", "{view}");
    }
}

#[test]
fn a_refusal_ends_the_sign_in_in_the_words_of_the_server_before_a_browser_opens() {
    for (required, status) in [(false, 400), (false, 401), (true, 400)] {
        let (world, _hostile) = server(required, refused(status));
        let run = world.run(&["sign-in", "s", "--json"]).unwrap();
        let error: Value = serde_json::from_str(&run.err).unwrap_or_else(|_| panic!("{run:?}"));
        assert_eq!((run.code, &error["data"]["reason"]), (21, &json!("push_refused")), "{error}");
        assert!(error["message"].as_str().unwrap().contains("no such thing here"), "{error}");
    }
}

#[test]
fn a_demand_without_a_place_ends_the_sign_in() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    let mut more = registers(&hostile);
    more["require_pushed_authorization_requests"] = true.into();
    let issuer = hostile.authorization_server("", &more);
    hostile.resource(&issuer);
    world.add("s", &hostile.url("/mcp")).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(view["error"]["data"]["reason"], "push_failed", "{view}");
}

#[test]
fn a_client_that_is_not_known_where_it_pushes_registers_anew_the_next_time() {
    let refusal = ResponseTemplate::new(401).set_body_json(json!({ "error": "invalid_client" }));
    let (world, hostile) = server(false, taken(201, &json!(60)));
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(view["phase"], "waiting_for_browser", "{view}");
    let form = &pushed(&hostile)[0];
    let redirect = field(form, "redirect_uri").unwrap().replace("%3A", ":").replace("%2F", "/");
    world.ok(&["callback", &format!("{redirect}?code=x&state={}", field(form, "state").unwrap())]).unwrap();
    assert_eq!(hostile.requests("/register").len(), 1);
    let forgotten = Mock::given(method("POST")).and(path("/par")).respond_with(refusal);
    hostile.runtime.block_on(forgotten.up_to_n_times(1).with_priority(1).mount(&hostile.server));
    assert_eq!(world.begin_sign_in("s").unwrap()["error"]["data"]["reason"], "push_refused");
    assert_eq!(hostile.requests("/register").len(), 1);
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(view["phase"], "waiting_for_browser", "{view}");
    assert_eq!(hostile.requests("/register").len(), 2);
}

#[test]
fn a_page_that_cannot_be_opened_any_more_is_made_anew_by_whoever_opens_it_again() {
    for (expires_in, is_anew) in [(json!(1), true), (json!(600), false)] {
        let (world, hostile) = server(true, taken(201, &expires_in));
        world.begin_sign_in("s").unwrap();
        let again = || world.begin_sign_in("s").map(|_| hostile.requests("/par").len());
        if !is_anew {
            // As long as the page can be opened, it is the same one.
            assert_eq!(again().unwrap(), 1);
            continue;
        }
        until("the end of the page", || Ok((again()? > 1).then_some(()))).unwrap();
        let states: Vec<String> = pushed(&hostile).iter().filter_map(|form| field(form, "state")).collect();
        assert_ne!(states[0], states[1]);
        // The answer to the request that was given up opens nothing.
        let redirect = field(&pushed(&hostile)[0], "redirect_uri").unwrap().replace("%3A", ":").replace("%2F", "/");
        assert_eq!(world.run(&["callback", &format!("{redirect}?code=x&state={}", states[0])]).unwrap().code, 21);
    }
}
