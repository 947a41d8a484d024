//! How Keybearer comes to a client ID, keeps it, and loses it again.

use crate::hostile::{Hostile, bring_code, parameter};
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World, share_ports};
use serde_json::{Value, json};
use std::io::Read;
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockBuilder, ResponseTemplate};

const REGISTRATION: &str = "/register";
const DOCUMENT: &str = "https://keybearer.example/client.json";

fn registration() -> MockBuilder {
    Mock::given(method("POST")).and(path(REGISTRATION))
}

/// A server whose tokens can be renewed, and whose authorization server answers each registration like this.
fn server(registered: ResponseTemplate) -> Hostile {
    let hostile = Hostile::start();
    hostile.answer(registration(), registered);
    mount(&hostile);
    hostile
}

fn mount(hostile: &Hostile) {
    let tokens = json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r" });
    hostile.answer(Mock::given(method("POST")).and(path("/token")), ResponseTemplate::new(200).set_body_json(tokens));
    let more = json!({ "registration_endpoint": hostile.url(REGISTRATION) });
    let issuer = hostile.authorization_server("", &more);
    hostile.resource(&issuer);
    hostile.serve_whoever_has_a_token();
}

fn client(client: &Value) -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(client)
}

/// From now on the token endpoint says this, whatever it said before.
fn refuse_tokens(hostile: &Hostile, error: &str) {
    let refusal = ResponseTemplate::new(401).set_body_json(json!({ "error": error }));
    let mock = Mock::given(method("POST")).and(path("/token")).respond_with(refusal).with_priority(1);
    hostile.runtime.block_on(mock.mount(&hostile.server));
}

fn added(hostile: &Hostile) -> World {
    let world = World::new().unwrap();
    world.add("s", &hostile.url("/mcp")).unwrap();
    world
}

fn sign_in(world: &World) -> Value {
    let view = world.begin_sign_in("s").unwrap();
    bring_code(world, &view);
    view
}

fn registrations(hostile: &Hostile) -> usize {
    hostile.requests(REGISTRATION).len()
}

fn error(view: &Value) -> (&str, &str) {
    let text = |value: &'static str| view["error"].pointer(value).and_then(Value::as_str).unwrap_or_default();
    (text("/data/reason"), text("/data/action"))
}

fn refused_refresh(world: &World) -> Run {
    let run = world.run(&["token", "s", "--force"]).unwrap();
    assert_eq!((run.code, run.out.as_str()), (15, ""), "{run:?}");
    run
}

/// The document that is printed, and what a registration says.
fn document(world: &World, more: &[&str]) -> Value {
    serde_json::from_str(&world.ok(&[&["client-metadata"], more].concat()).unwrap()).unwrap()
}

#[test]
fn the_document_says_what_a_registration_says_and_is_printed_without_an_agent() {
    let (world, hostile) = (World::new().unwrap(), server(client(&json!({ "client_id": "c" }))));
    let printed = world.ok(&["client-metadata", "--url", DOCUMENT]).unwrap();
    assert!(printed.len() < 5 * 1024, "{printed}");
    assert!(!world.home.exists() && world.agent_pid().is_none(), "an agent was started");
    let document: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(document["client_id"], DOCUMENT);
    world.add("s", &hostile.url("/mcp")).unwrap();
    world.begin_sign_in("s").unwrap();
    let sent: Value = serde_json::from_slice(&hostile.requests(REGISTRATION)[0].body).unwrap();
    for member in ["client_name", "redirect_uris", "response_types", "token_endpoint_auth_method", "application_type"] {
        assert!(!document[member].is_null() && document[member] == sent[member], "{member}: {document} {sent}");
    }
    let grants = |of: &Value| of["grant_types"].as_array().unwrap().clone();
    assert!(grants(&sent).iter().all(|grant| grants(&document).contains(grant)));
    assert!(grants(&document).contains(&json!("urn:ietf:params:oauth:grant-type:device_code")));
    assert!(!printed.contains("secret"), "{printed}");
    let by_link = self::document(&world, &["--url", DOCUMENT, "--callback", "deep-link"]);
    assert_eq!(by_link["redirect_uris"], json!(["app.keybearer:/oauth/callback"]));
}

#[test]
fn a_document_is_used_where_the_settings_name_one_that_can_be_one() {
    let (world, hostile) = (World::new().unwrap(), server(client(&json!({ "client_id": "c" }))));
    let takes = json!({
        "issuer": hostile.url(""), "authorization_endpoint": hostile.url("/authorize"),
        "token_endpoint": hostile.url("/token"), "code_challenge_methods_supported": ["S256"],
        "registration_endpoint": hostile.url(REGISTRATION), "client_id_metadata_document_supported": true,
    });
    let answer = ResponseTemplate::new(200).set_body_json(takes);
    hostile.first("/.well-known/oauth-authorization-server", answer);
    world.add("s", &hostile.url("/mcp")).unwrap();
    let id = |world: &World| {
        parameter(&world.begin_sign_in_as("s", &json!({ "register_again": true })).unwrap(), "client_id")
    };
    for bad in ["http://keybearer.example/client.json", "https://keybearer.example", "https://keybearer.example/c#x"] {
        for asked in [&["client-metadata", "--url", bad][..], &["client-metadata", "--url", bad, "--use"]] {
            let run = world.run(asked).unwrap();
            assert!(run.code == 64 && run.out.is_empty() && run.err.contains(bad), "{run:?}");
        }
        let set = json!({ "method": "settings.set", "params": { "client_metadata_url": bad, "theme": "dark" } });
        assert_eq!(world.run(&["rpc", "--admin", &set.to_string()]).unwrap().code, 64);
    }
    assert_eq!(world.run(&["client-metadata"]).unwrap().code, 64);
    assert_eq!(id(&world).as_deref(), Some("c"));
    world.ok(&["client-metadata", "--url", DOCUMENT, "--use"]).unwrap();
    assert_eq!(document(&world, &[])["client_id"], DOCUMENT);
    assert_eq!(id(&world).as_deref(), Some("https%3A%2F%2Fkeybearer.example%2Fclient.json"));
    let settings = world.json(&["rpc", "--admin", r#"{"method":"settings.get","params":{}}"#]).unwrap();
    assert_eq!((&settings["client_metadata_url"], &settings["theme"]), (&json!(DOCUMENT), &json!("system")));
    // A person who edits the file is told, and no browser is sent with an ID that no server will take.
    #[expect(clippy::disallowed_methods, reason = "an editor writes like this")]
    std::fs::write(world.home.join("config/settings.json"), r#"{"client_metadata_url":"ftp://k/c"}"#).unwrap();
    let view = world.begin_sign_in_as("s", &json!({ "register_again": true })).unwrap();
    assert_eq!(error(&view).0, "metadata_document_address", "{view}");
    world.ok(&["client-metadata", "--forget"]).unwrap();
    assert_eq!(id(&world).as_deref(), Some("c"));
    // The environment goes before the file.
    world.ok(&["agent", "stop"]).unwrap();
    let mut agent = world.command(&["agent", "start"]);
    agent.env("KEYBEARER_CLIENT_METADATA_URL", "https://other.example/c").output().unwrap();
    assert_eq!(id(&world).as_deref(), Some("https%3A%2F%2Fother.example%2Fc"));
}

#[test]
fn a_secret_that_has_ended_is_sent_nowhere_and_the_next_sign_in_gets_another() {
    let method = "client_secret_post";
    let registered = |end: Value| json!({ "client_id": "c", "client_secret": "s3cret", "token_endpoint_auth_method": method, "client_secret_expires_at": end });
    for never in [json!(0), json!(null), json!("0"), json!(9_999_999_999_u64)] {
        let hostile = server(client(&registered(never)));
        let world = added(&hostile);
        sign_in(&world);
        world.ok(&["token", "s", "--force"]).unwrap();
        sign_in(&world);
        assert_eq!(registrations(&hostile), 1);
    }
    for end in [json!(1_000_000_000), json!("1000000000")] {
        let hostile = server(client(&registered(end)));
        let world = added(&hostile);
        sign_in(&world);
        let asked = hostile.requests("/token").len();
        let run = refused_refresh(&world);
        assert!(run.err.contains("has ended") && run.err.contains("keybearer sign-in s"), "{run:?}");
        assert_eq!(hostile.requests("/token").len(), asked);
        sign_in(&world);
        assert_eq!(registrations(&hostile), 2);
    }
}

#[test]
fn a_server_that_refuses_loopback_gets_the_link_where_a_desktop_answers_it() {
    let refusal = json!({ "error": "invalid_redirect_uri" });
    for answers_links in [true, false] {
        let hostile = Hostile::start();
        let loopback = registration().and(body_string_contains("127.0.0.1"));
        hostile.answer(loopback, ResponseTemplate::new(400).set_body_json(&refusal));
        hostile.answer(registration(), client(&json!({ "client_id": "c" })));
        mount(&hostile);
        let world = added(&hostile);
        if answers_links {
            world.session.hand_links_to("true %u").unwrap();
        }
        let view = world.begin_sign_in_as("s", &json!({ "callback": "loopback" })).unwrap();
        match answers_links {
            true => assert_eq!(view["callback"], "deep_link", "{view}"),
            false => assert_eq!(error(&view).0, "registration_refused", "{view}"),
        }
        assert_eq!(world.home.join("state/redirects.json").exists(), answers_links);
    }
}

#[test]
fn a_server_that_admits_only_apps_on_its_list_is_named_as_such_and_a_person_is_told_how_to_get_on_it() {
    for (answer, reason, says) in [
        (
            ResponseTemplate::new(403).set_body_string("Forbidden"),
            "registration_not_listed",
            "only apps that are on its own list",
        ),
        (
            ResponseTemplate::new(403).set_body_json(json!({ "error": "access_denied" })),
            "registration_not_listed",
            "list",
        ),
        (
            ResponseTemplate::new(400).set_body_json(json!({ "error": "invalid_software_statement" })),
            "registration_refused",
            "refused",
        ),
    ] {
        let hostile = server(answer);
        let world = added(&hostile);
        let view = world.begin_sign_in("s").unwrap();
        let (seen, action) = error(&view);
        assert_eq!(seen, reason, "{view}");
        assert!(view["error"]["message"].as_str().unwrap().contains(says), "{view}");
        assert!(action.contains("keybearer change s --client-id"), "{action}");
        for port in 47821..=47830 {
            assert!(action.contains(&format!("http://127.0.0.1:{port}/callback")), "{action}");
        }
        assert!(view["authorization_url"].is_null() && hostile.requests("/token").is_empty());
        let by_link = world.begin_sign_in_as("s", &json!({ "callback": "deep_link" })).unwrap();
        let action = error(&by_link).1;
        assert!(action.contains("app.keybearer:/oauth/callback") && !action.contains("127.0.0.1"), "{action}");
    }
}

#[test]
fn a_secret_that_comes_unasked_is_used_unless_the_server_says_otherwise() {
    for (method, is_sent) in [(Value::Null, true), (json!("client_secret_post"), true), (json!("none"), false)] {
        let mut answer = json!({ "client_id": "c", "client_secret": "s3cret" });
        if !method.is_null() {
            answer["token_endpoint_auth_method"] = method.clone();
        }
        let hostile = server(client(&answer));
        sign_in(&added(&hostile));
        let asked: Value = serde_json::from_slice(&hostile.requests(REGISTRATION)[0].body).unwrap();
        assert_eq!(asked["token_endpoint_auth_method"], "none");
        let token = &hostile.requests("/token")[0];
        let in_form = String::from_utf8_lossy(&token.body).contains("client_secret=s3cret");
        assert_eq!(in_form || token.headers.contains_key("authorization"), is_sent, "{method}");
    }
}

#[test]
fn only_a_redirect_address_that_the_server_registered_is_used() {
    let registered = |uris: Value| client(&json!({ "client_id": "c", "redirect_uris": uris }));
    let hostile = server(registered(json!(["http://127.0.0.1:47829/callback", "http://127.0.0.1:47830/callback"])));
    let used = parameter(&added(&hostile).begin_sign_in("s").unwrap(), "redirect_uri").unwrap();
    assert!(used.ends_with("47829%2Fcallback") || used.ends_with("47830%2Fcallback"), "{used}");
    // Without a port it stands for all of them.
    let hostile = server(registered(json!(["http://127.0.0.1/callback"])));
    assert_eq!(added(&hostile).begin_sign_in("s").unwrap()["phase"], "waiting_for_browser");
    for other in [json!(["https://elsewhere.example/callback"]), json!([])] {
        let hostile = server(registered(other));
        let view = added(&hostile).begin_sign_in("s").unwrap();
        assert_eq!(error(&view).0, "registration_refused", "{view}");
        assert!(view["error"]["message"].as_str().unwrap().contains("other redirect addresses"), "{view}");
    }
}

#[test]
fn a_client_that_the_server_refuses_is_registered_again_by_the_next_sign_in_of_whatever_agent() {
    for refusal in ["invalid_client", "unauthorized_client"] {
        let hostile = server(client(&json!({ "client_id": "c" })));
        let world = added(&hostile);
        sign_in(&world);
        refuse_tokens(&hostile, refusal);
        sign_in(&world);
        assert_eq!(registrations(&hostile), 1);
        assert_eq!(world.json(&["show", "s"]).unwrap()["last_error"]["data"]["reason"], "token_refused");
        world.kill_agent().unwrap();
        world.begin_sign_in("s").unwrap();
        assert_eq!(registrations(&hostile), 2, "{refusal}");
    }
}

#[test]
fn a_client_that_was_forgotten_is_dropped_at_the_refresh_and_registered_again_by_the_sign_in() {
    for refusal in ["invalid_client", "unauthorized_client"] {
        let hostile = server(client(&json!({ "client_id": "c" })));
        let world = added(&hostile);
        sign_in(&world);
        refuse_tokens(&hostile, refusal);
        let run = refused_refresh(&world);
        assert!(run.err.contains("has forgotten this app") && run.err.contains(refusal), "{run:?}");
        assert!(world.json(&["show", "s"]).unwrap()["client_id"].is_null());
        world.begin_sign_in("s").unwrap();
        assert_eq!(registrations(&hostile), 2, "{refusal}");
    }
}

#[test]
fn a_client_by_hand_that_was_refused_stays_bound_to_its_authorization_server() {
    let hostile = server(client(&json!({ "client_id": "c" })));
    let world = World::new().unwrap();
    world.ok(&["add", &hostile.url("/mcp"), "--name", "s", "--client-id", "mine", "--no-sign-in"]).unwrap();
    sign_in(&world);
    refuse_tokens(&hostile, "invalid_client");
    let run = refused_refresh(&world);
    assert!(run.err.contains("invalid_client") && !run.err.contains("forgotten"), "{run:?}");
    let second = hostile.authorization_server("/two", &json!({}));
    let moved = json!({ "resource": hostile.server.uri(), "authorization_servers": [second] });
    hostile.first("/.well-known/oauth-protected-resource", ResponseTemplate::new(200).set_body_json(moved));
    assert_eq!(error(&world.begin_sign_in("s").unwrap()).0, "client_elsewhere");
}

#[test]
fn a_sign_in_that_is_given_up_or_lapses_doubts_the_client_of_before_and_the_terminal_says_so() {
    let hostile = server(client(&json!({ "client_id": "c" })));
    let world = added(&hostile);
    sign_in(&world);
    let mut waiting = {
        let _shared = share_ports();
        let waiting = world.spawn(&["sign-in", "s", "--no-browser"]).unwrap();
        until("the sign-in", || Ok((world.sign_in_view("s")?["phase"] == "waiting_for_browser").then_some(())))
            .unwrap();
        waiting
    };
    assert_eq!(registrations(&hostile), 1);
    world.ok(&["sign-in", "s", "--cancel"]).unwrap();
    waiting.wait().unwrap();
    let mut said = String::new();
    waiting.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("--register-again"), "{said}");
    // What the keyring has counts, also for the next agent; and the tokens of before go on as they were.
    world.ok(&["token", "s", "--force"]).unwrap();
    world.kill_agent().unwrap();
    sign_in(&world);
    assert_eq!(registrations(&hostile), 2);
    sign_in(&world);
    assert_eq!(registrations(&hostile), 2);
    // One that lapses while no agent runs.
    assert_eq!(world.begin_sign_in("s").unwrap()["phase"], "waiting_for_browser");
    world.kill_agent().unwrap();
    let id = account_id(&world);
    let mut record: Value = serde_json::from_str(&world.session.read_item(&id).unwrap()).unwrap();
    record["pending"]["expires_at"] = json!("2020-01-01T00:00:00Z");
    world.session.overwrite_item(&id, &record.to_string()).unwrap();
    world.begin_sign_in("s").unwrap();
    assert_eq!(registrations(&hostile), 3);
}

/// The account's id, which its keyring item has in its name; no agent is asked.
fn account_id(world: &World) -> String {
    let servers: Value = serde_json::from_str(&std::fs::read_to_string(world.servers_file()).unwrap()).unwrap();
    servers["mcpServers"]["s"]["keybearer"]["id"].as_str().unwrap().to_owned()
}

/// Makes the server name this one of its authorization servers, each with a registration of its own; gives the client ID
/// that a sign-in goes with.
fn client_at(world: &World, hostile: &Hostile, name: &str) -> (String, usize) {
    hostile.runtime.block_on(hostile.server.reset());
    hostile.serve_whoever_has_a_token();
    let registered = Mock::given(method("POST")).and(path(format!("/{name}/register")));
    hostile.answer(registered, client(&json!({ "client_id": name })));
    let more = json!({ "registration_endpoint": hostile.url(&format!("/{name}/register")) });
    let issuer = hostile.authorization_server(&format!("/{name}"), &more);
    hostile.resource(&issuer);
    let client = parameter(&sign_in(world), "client_id").unwrap();
    (client, hostile.requests(&format!("/{name}/register")).len())
}

#[test]
fn a_server_that_comes_back_to_an_authorization_server_is_known_there_as_before() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    world.add("s", &hostile.url("/mcp")).unwrap();
    for (name, registrations) in [("a", 1), ("b", 1), ("a", 0), ("b", 0), ("a", 0)] {
        assert_eq!(client_at(&world, &hostile, name), (name.to_owned(), registrations), "{name}");
    }
    world.kill_agent().unwrap();
    assert_eq!(client_at(&world, &hostile, "b"), ("b".to_owned(), 0));
    // A handful is remembered, and the one that was left first is forgotten first.
    for name in ["c", "d", "e", "f"] {
        assert_eq!(client_at(&world, &hostile, name), (name.to_owned(), 1));
    }
    assert_eq!(client_at(&world, &hostile, "b"), ("b".to_owned(), 0));
    assert_eq!(client_at(&world, &hostile, "a"), ("a".to_owned(), 1));
}
