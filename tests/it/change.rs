//! Options of one account: what the user adds to its sign-in, leaves out of it, and changes later.

use crate::exceptions;
use crate::hostile::{Hostile, bring_code, parameter};
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

/// A server whose authorization server gives refresh tokens, and further metadata.
fn server(more: &Value) -> Hostile {
    let hostile = exceptions::server(more);
    let tokens = json!({ "access_token": "t", "refresh_token": "r", "token_type": "Bearer", "expires_in": 3600 });
    answer_tokens(&hostile, ResponseTemplate::new(200).set_body_json(tokens));
    hostile
}

fn answer_tokens(hostile: &Hostile, answer: ResponseTemplate) {
    let token = Mock::given(method("POST")).and(path("/token")).respond_with(answer).with_priority(2);
    hostile.runtime.block_on(token.mount(&hostile.server));
}

fn bodies(hostile: &Hostile, at: &str) -> Vec<String> {
    hostile.requests(at).into_iter().map(|request| String::from_utf8(request.body).unwrap()).collect()
}

fn fails(world: &World, arguments: &[&str], code: i32, words: &[&str]) {
    let run = world.run(arguments).unwrap();
    assert_eq!((run.code, run.out.as_str()), (code, ""), "{arguments:?}: {}", run.err);
    assert!(words.iter().all(|word| run.err.contains(word)), "{arguments:?}: {} lacks {words:?}", run.err);
}

#[test]
fn parameters_of_the_user_go_along_and_a_prompt_replaces_ours() {
    let (world, hostile) = (World::new().unwrap(), server(&json!({ "scopes_supported": ["offline_access"] })));
    let url = hostile.url("/mcp");
    let add = ["add", &url, "--name", "s", "--no-sign-in", "--parameter", "access_type=offline"];
    world.ok(&[&add[..], &["--parameter", "login_hint=ada@example.com"]].concat()).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(parameter(&view, "access_type").as_deref(), Some("offline"), "{view}");
    assert_eq!(parameter(&view, "login_hint").as_deref(), Some("ada%40example.com"), "{view}");
    assert_eq!(parameter(&view, "prompt").as_deref(), Some("consent"), "{view}");
    // Changed later: one is added, one taken away, the others stay.
    world.ok(&["change", "s", "--parameter", "prompt=select_account", "--parameter", "login_hint="]).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    let url = view["authorization_url"].as_str().unwrap();
    assert_eq!((url.matches("prompt=").count(), parameter(&view, "prompt")), (1, Some("select_account".to_owned())));
    assert!(url.contains("access_type=offline") && !url.contains("login_hint"), "{url}");
    let shown = world.json(&["show", "s"]).unwrap();
    assert_eq!(shown["parameters"], json!({ "access_type": "offline", "prompt": "select_account" }));
    // They belong to the authorization request and to no other.
    bring_code(&world, &view);
    assert!(bodies(&hostile, "/token").iter().all(|body| !body.contains("access_type")));
}

#[test]
fn parameters_go_into_a_pushed_request_as_well() {
    let hostile = server(&json!({}));
    let par = hostile.url("/par");
    let more = json!({
        "registration_endpoint": hostile.url("/register"), "pushed_authorization_request_endpoint": par,
    });
    let document = json!({
        "issuer": hostile.url(""), "authorization_endpoint": hostile.url("/authorize"), "token_endpoint": hostile.url("/token"),
        "code_challenge_methods_supported": ["S256"], "registration_endpoint": more["registration_endpoint"],
        "pushed_authorization_request_endpoint": par,
    });
    hostile.first("/.well-known/oauth-authorization-server", ResponseTemplate::new(200).set_body_json(document));
    let taken = ResponseTemplate::new(201).set_body_json(json!({ "request_uri": "urn:x:1", "expires_in": 60 }));
    hostile.answer(Mock::given(method("POST")).and(path("/par")), taken);
    let world = World::new().unwrap();
    let url = hostile.url("/mcp");
    world.ok(&["add", &url, "--name", "s", "--no-sign-in", "--no-resource", "--parameter", "audience=api"]).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!((parameter(&view, "audience"), parameter(&view, "request_uri").is_some()), (None, true), "{view}");
    let pushed = &bodies(&hostile, "/par")[0];
    assert!(pushed.contains("audience=api") && !pushed.contains("resource="), "{pushed}");
}

#[test]
fn what_the_protocol_sets_itself_is_nobody_elses_to_set() {
    let world = World::new().unwrap();
    world.add("s", "https://mcp.example/mcp").unwrap();
    let before = fs::read_to_string(world.servers_file()).unwrap();
    for name in [
        "response_type",
        "client_id",
        "redirect_uri",
        "state",
        "code_challenge",
        "code_challenge_method",
        "resource",
        "scope",
        "request_uri",
        "request",
        "nonce",
        "dpop_jkt",
        "response_mode",
        "client_secret",
        "State",
    ] {
        let given = format!("{name}=x");
        fails(&world, &["change", "s", "--parameter", &given], 64, &[name, "Keybearer itself"]);
        fails(&world, &["add", "https://b.example", "--no-sign-in", "--parameter", &given], 64, &[name]);
    }
    let (long, many) = (format!("a={}", "x".repeat(1025)), (0..17).map(|n| format!("p{n}=x")).collect::<Vec<_>>());
    fails(&world, &["change", "s", "--parameter", &long], 64, &["1024"]);
    fails(&world, &["change", "s", "--parameter", "a b=x"], 64, &["name"]);
    fails(&world, &["change", "s", "--parameter", "a=x\ny"], 64, &["one line"]);
    fails(&world, &["change", "s", "--parameter", "nothing"], 64, &["access_type=offline"]);
    let many: Vec<&str> = many.iter().flat_map(|given| ["--parameter", given]).collect();
    fails(&world, &[&["change", "s"], &many[..]].concat(), 64, &["16"]);
    fails(&world, &["change", "s"], 64, &["--help"]);
    assert_eq!(fs::read_to_string(world.servers_file()).unwrap(), before);
    // Nor does an editor set it.
    let edited = before.replace("\"auth\"", "\"parameters\": {\"state\": \"x\"}, \"auth\"");
    #[expect(clippy::disallowed_methods, reason = "an editor writes like this")]
    fs::write(world.servers_file(), edited).unwrap();
    fails(&world, &["list"], 29, &["\"s\"", "state", "nothing was changed"]);
}

#[test]
fn a_resource_that_a_server_cannot_bear_is_left_out_everywhere_and_still_binds_the_account() {
    let (world, hostile) = (World::new().unwrap(), server(&json!({})));
    world.add("s", &hostile.url("/mcp")).unwrap();
    let answer = |with: &str| {
        let view = world.begin_sign_in("s").unwrap();
        let redirect = parameter(&view, "redirect_uri").unwrap().replace("%3A", ":").replace("%2F", "/");
        format!("{redirect}?{with}&state={}", parameter(&view, "state").unwrap())
    };
    let way_out = ["keybearer change s --no-resource"];
    fails(&world, &["callback", &answer("error=invalid_target")], 21, &way_out);
    // Entra ID says it with a number of its own.
    let entra = json!({
        "error": "invalid_request",
        "error_description": "AADSTS9010010: The resource parameter doesn't match with the requested scopes.",
    });
    let refuse = Mock::given(method("POST")).and(path("/token"));
    let refuse = refuse.respond_with(ResponseTemplate::new(400).set_body_json(entra)).up_to_n_times(1);
    hostile.runtime.block_on(refuse.with_priority(1).mount(&hostile.server));
    fails(&world, &["callback", &answer("code=x")], 21, &way_out);
    let before = hostile.requests("/token").len();
    world.ok(&["change", "s", "--no-resource"]).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(parameter(&view, "resource"), None, "{view}");
    bring_code(&world, &view);
    world.ok(&["token", "s", "--force"]).unwrap();
    let asked = bodies(&hostile, "/token").split_off(before);
    assert!(asked.len() == 2 && asked.iter().all(|body| !body.contains("resource=")), "{asked:?}");
    let shown = world.json(&["show", "s"]).unwrap();
    assert_eq!((&shown["omit_resource"], &shown["resource"]), (&json!(true), &json!(hostile.server.uri())));
    let program =
        world.programs().unwrap().call("header.get", &json!({ "profile": "s", "url": "https://evil.example" }));
    assert_eq!(program.unwrap()["error"]["data"]["name"], "resource_mismatch");
    // Sent again from the next sign-in on; what came without it is renewed without it.
    world.ok(&["change", "s", "--resource"]).unwrap();
    world.ok(&["token", "s", "--force"]).unwrap();
    assert!(!bodies(&hostile, "/token").last().unwrap().contains("resource="));
    assert!(parameter(&world.begin_sign_in("s").unwrap(), "resource").is_some());
}

#[test]
fn a_change_ends_the_open_sign_in_and_leaves_alone_what_it_does_not_name() {
    let (world, hostile) = (World::new().unwrap(), server(&json!({})));
    let url = hostile.url("/mcp");
    world.ok(&["add", &url, "--name", "s", "--scope", "a", "--scope", "b", "--no-sign-in"]).unwrap();
    let text = fs::read_to_string(world.servers_file()).unwrap().replace("\"auth\"", "\"mine\": 7, \"auth\"");
    #[expect(clippy::disallowed_methods, reason = "an editor writes like this")]
    fs::write(world.servers_file(), text).unwrap();
    assert_eq!(world.begin_sign_in("s").unwrap()["phase"], "waiting_for_browser");
    let said = world.ok(&["change", "s", "--client-id", "bot", "--issuer", &hostile.url("")]).unwrap();
    assert!(said.contains("keybearer sign-in s"), "{said}");
    assert_eq!(world.sign_in_view("s").unwrap()["phase"], "failed");
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!((parameter(&view, "client_id"), parameter(&view, "scope")), (Some("bot".into()), Some("a+b".into())));
    let entry = || -> Value {
        let text = fs::read_to_string(world.servers_file()).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["mcpServers"]["s"]["keybearer"].clone()
    };
    assert_eq!((&entry()["mine"], &entry()["issuer"]), (&json!(7), &json!(hostile.url(""))));
    // An empty text takes away what there was; what was said of the client before goes with it.
    world.ok(&["change", "s", "--client-id", "", "--scope", ""]).unwrap();
    let left = entry();
    assert!(["client_id", "issuer", "scopes"].iter().all(|name| left.get(name).is_none()), "{left}");
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!((parameter(&view, "client_id"), parameter(&view, "scope")), (Some("c".into()), Some("read".into())));
    // A secret comes in on standard input, and belongs to a client.
    assert_eq!(world.run_with(&["change", "s", "--secret-stdin"], "s3cret").unwrap().code, 64);
    let with_client = ["change", "s", "--client-id", "bot", "--secret-stdin"];
    assert_eq!(world.run_with(&with_client, "s3cret").unwrap().code, 0);
    bring_code(&world, &world.begin_sign_in("s").unwrap());
    let basic = hostile.requests("/token").last().unwrap().headers.get("authorization").unwrap().clone();
    assert_eq!(basic, "Basic Ym90OnMzY3JldA==");
    // What belongs to a sign-in is nothing for an account without one.
    world.ok(&["add", &url, "--name", "none", "--auth", "none"]).unwrap();
    fails(&world, &["change", "none", "--no-resource"], 64, &["doesn't sign in"]);
    fails(&world, &["change", "s", "--issuer", "nonsense"], 64, &["--issuer"]);
}
