//! Servers that bend or break the rules, played by recorded answers.

use keybearer_tests::until::until;
use keybearer_tests::world::{World, share_ports};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use wiremock::matchers::{body_partial_json, body_string_contains, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A server that plays MCP server and authorization server as it is told.
pub(crate) struct Hostile {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) server: MockServer,
}

impl Hostile {
    pub(crate) fn start() -> Hostile {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(MockServer::start());
        Hostile { runtime, server }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.uri())
    }

    pub(crate) fn answer(&self, mock: wiremock::MockBuilder, answer: ResponseTemplate) {
        self.runtime.block_on(mock.respond_with(answer).mount(&self.server));
    }

    pub(crate) fn get(&self, at: &str, answer: ResponseTemplate) {
        self.answer(Mock::given(method("GET")).and(path(at)), answer);
    }

    pub(crate) fn json(&self, at: &str, document: &Value) {
        self.get(at, ResponseTemplate::new(200).set_body_json(document));
    }

    /// The MCP endpoint refuses whoever comes.
    pub(crate) fn refuse_all(&self) {
        self.answer(Mock::given(method("POST")).and(path("/mcp")), ResponseTemplate::new(401));
    }

    /// The MCP endpoint shakes hands and lists no tools, for whoever brings a token; others are asked for `read`.
    pub(crate) fn serve_whoever_has_a_token(&self) {
        for (name, id, result) in
            [("initialize", 1, json!({ "protocolVersion": "2025-11-25" })), ("tools/list", 2, json!({ "tools": [] }))]
        {
            let asked = Mock::given(method("POST")).and(path("/mcp")).and(header_exists("authorization"));
            let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
            let asked = asked.and(body_partial_json(json!({ "method": name })));
            self.answer(asked, ResponseTemplate::new(200).set_body_json(answer));
        }
        let told = Mock::given(method("POST")).and(path("/mcp")).and(body_string_contains("notifications/initialized"));
        self.answer(told, ResponseTemplate::new(202));
        let anybody = Mock::given(method("POST")).and(path("/mcp"));
        let challenge = ResponseTemplate::new(401).insert_header("WWW-Authenticate", r#"Bearer scope="read""#);
        self.answer(anybody, challenge);
    }

    /// Resource metadata at the root that name this authorization server.
    pub(crate) fn resource(&self, issuer: &str) {
        let document = json!({ "resource": self.server.uri(), "authorization_servers": [issuer] });
        self.json("/.well-known/oauth-protected-resource", &document);
    }

    /// The metadata of an authorization server at this path, with a token endpoint that gives tokens.
    pub(crate) fn authorization_server(&self, at: &str, more: &Value) -> String {
        let issuer = self.url(at);
        let mut document = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "code_challenge_methods_supported": ["S256"],
        });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.json(&format!("/.well-known/oauth-authorization-server{at}"), &document);
        let tokens = json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600 });
        let token = Mock::given(method("POST")).and(path(format!("{at}/token")));
        self.answer(token, ResponseTemplate::new(200).set_body_json(tokens));
        issuer
    }

    /// Answers here whatever was said before.
    pub(crate) fn first(&self, at: &str, answer: ResponseTemplate) {
        let mock = Mock::given(method("GET")).and(path(at)).respond_with(answer).with_priority(1);
        self.runtime.block_on(mock.mount(&self.server));
    }

    /// The paths with a well-known part that were asked, in order.
    pub(crate) fn well_known_requests(&self) -> Vec<String> {
        let all = self.runtime.block_on(self.server.received_requests()).unwrap();
        let paths = all.iter().map(|request| request.url.path().to_owned());
        paths.filter(|path| path.contains("/.well-known/")).collect()
    }

    pub(crate) fn requests(&self, at: &str) -> Vec<wiremock::Request> {
        let all = self.runtime.block_on(self.server.received_requests()).unwrap();
        all.into_iter().filter(|request| request.url.path() == at).collect()
    }
}

pub(crate) fn parameter(view: &Value, name: &str) -> Option<String> {
    let url = view["authorization_url"].as_str().unwrap_or_else(|| panic!("{view}"));
    let mut pairs = url.split(['?', '&']).filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// Brings a code for this sign-in, as a browser would.
pub(crate) fn bring_code(world: &World, view: &Value) {
    let redirect = parameter(view, "redirect_uri").unwrap().replace("%3A", ":").replace("%2F", "/");
    let callback = format!("{redirect}?code=x&state={}", parameter(view, "state").unwrap());
    world.run(&["callback", &callback]).unwrap();
}

const REGISTRATION: &str = "/register";

pub(crate) fn registers(hostile: &Hostile) -> Value {
    let answer = ResponseTemplate::new(201).set_body_json(json!({ "client_id": "c" }));
    hostile.answer(Mock::given(method("POST")).and(path(REGISTRATION)), answer);
    json!({ "registration_endpoint": hostile.url(REGISTRATION) })
}

#[test]
fn a_server_that_shakes_hands_with_anybody_and_asks_for_a_token_later_is_signed_in_to() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    let issuer = hostile.authorization_server("", &registers(&hostile));
    hostile.resource(&issuer);
    let call =
        |name: &str| Mock::given(method("POST")).and(path("/mcp")).and(body_partial_json(json!({ "method": name })));
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "result": { "protocolVersion": "2025-11-25" } });
    // Two helloes: the first contact sends id 0, the real request id 1.
    hostile.answer(call("initialize"), ResponseTemplate::new(200).set_body_json(hello));
    hostile.answer(call("notifications/initialized"), ResponseTemplate::new(202));
    let challenge = r#"Bearer scope="late""#;
    hostile.answer(call("tools/list"), ResponseTemplate::new(401).insert_header("WWW-Authenticate", challenge));
    world.add("late", &hostile.url("/mcp")).unwrap();
    let view = world.begin_sign_in("late").unwrap();
    assert_eq!(view["phase"], "waiting_for_browser", "{view}");
    assert_eq!(parameter(&view, "scope").as_deref(), Some("late"));
    assert_ne!(world.json(&["list"]).unwrap()[0]["status"], "no_sign_in");
}

#[test]
fn a_redirect_or_a_page_at_a_guessed_place_counts_as_nothing_there() {
    for other in [
        ResponseTemplate::new(302).insert_header("Location", "/login"),
        ResponseTemplate::new(200).set_body_string("<html>"),
    ] {
        let (world, hostile) = (World::new().unwrap(), Hostile::start());
        hostile.refuse_all();
        hostile.get("/.well-known/oauth-protected-resource/mcp", other);
        let issuer = hostile.authorization_server("/tenant", &registers(&hostile));
        hostile.resource(&issuer);
        world.add("s", &hostile.url("/mcp")).unwrap();
        let view = world.begin_sign_in("s").unwrap();
        assert_eq!(view["phase"], "waiting_for_browser", "{view}");
        // Sent as published: no slash is added (AUTHZ-6).
        let resource = hostile.server.uri().replace(':', "%3A").replace('/', "%2F");
        assert_eq!(parameter(&view, "resource"), Some(resource));
        // The root of an issuer with a path is nobody's to ask (DISC-9).
        assert!(hostile.requests("/.well-known/oauth-authorization-server").is_empty());
    }
}

#[test]
fn metadata_are_looked_for_in_the_order_of_the_specification() {
    const OAUTH: &str = "/.well-known/oauth-authorization-server";
    const OPENID: &str = "/.well-known/openid-configuration";
    let resource = ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"];
    let (inserted, openid_inserted) = (format!("{OAUTH}/t"), format!("{OPENID}/t"));
    let appended = format!("/t{OPENID}");
    for (path, places) in [("", vec![OAUTH, OPENID]), ("/t", vec![&inserted, &openid_inserted, &appended])] {
        for (number, place) in places.iter().enumerate() {
            let (world, hostile) = (World::new().unwrap(), Hostile::start());
            hostile.refuse_all();
            let issuer = hostile.authorization_server(path, &registers(&hostile));
            hostile.resource(&issuer);
            // Only this place has the document, whatever was mounted before.
            let document = json!({
                "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"), "code_challenge_methods_supported": ["S256"],
                "registration_endpoint": hostile.url(REGISTRATION),
            });
            for other in &places {
                let answer = match other == place {
                    true => ResponseTemplate::new(200).set_body_json(&document),
                    false => ResponseTemplate::new(404),
                };
                hostile.first(other, answer);
            }
            world.add("s", &hostile.url("/mcp")).unwrap();
            let view = world.begin_sign_in("s").unwrap();
            assert_eq!(view["phase"], "waiting_for_browser", "{place}: {view}");
            let asked: Vec<String> = hostile.well_known_requests();
            let expected: Vec<&str> = resource.iter().chain(&places[..=number]).copied().collect();
            assert_eq!(asked, expected, "{place}");
        }
    }
}

#[test]
fn a_server_without_resource_metadata_has_its_own_origin_as_authorization_server() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    hostile.authorization_server("", &registers(&hostile));
    world.add("s", &hostile.url("/mcp")).unwrap();
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(view["phase"], "waiting_for_browser", "{view}");
    assert_eq!(view["steps"][1]["state"], "skipped");
}

#[test]
fn a_metadata_document_goes_before_registration_where_the_server_takes_one() {
    const DOCUMENT: &str = "https://keybearer.example/client.json";
    for (takes, id) in [(true, "https%3A%2F%2Fkeybearer.example%2Fclient.json"), (false, "c")] {
        let (world, hostile) = (World::new().unwrap(), Hostile::start());
        hostile.refuse_all();
        let mut more = registers(&hostile);
        more["client_id_metadata_document_supported"] = takes.into();
        let issuer = hostile.authorization_server("", &more);
        hostile.resource(&issuer);
        let mut agent = world.command(&["agent", "start"]);
        assert!(agent.env("KEYBEARER_CLIENT_METADATA_URL", DOCUMENT).output().unwrap().status.success());
        world.add("s", &hostile.url("/mcp")).unwrap();
        assert_eq!(parameter(&world.begin_sign_in("s").unwrap(), "client_id").as_deref(), Some(id));
    }
}

#[test]
fn a_registration_says_what_we_are_and_lists_every_port() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    let issuer = hostile.authorization_server("", &registers(&hostile));
    hostile.resource(&issuer);
    world.add("s", &hostile.url("/mcp")).unwrap();
    world.begin_sign_in("s").unwrap();
    let requests = hostile.requests(REGISTRATION);
    let sent: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!((&sent["application_type"], &sent["token_endpoint_auth_method"]), (&"native".into(), &"none".into()));
    assert_eq!(sent["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(sent["redirect_uris"].as_array().unwrap().len(), 10);
}

#[test]
fn a_secret_that_is_issued_goes_into_the_form_unless_the_server_wants_it_in_the_header() {
    for (offered, wanted) in [
        (json!(["client_secret_basic", "client_secret_post"]), "client_secret_post"),
        (json!(["client_secret_basic"]), "client_secret_basic"),
    ] {
        let (world, hostile) = (World::new().unwrap(), Hostile::start());
        hostile.refuse_all();
        let client = json!({ "client_id": "c", "client_secret": "s3cret", "token_endpoint_auth_method": wanted });
        let register = Mock::given(method("POST")).and(path(REGISTRATION));
        hostile.answer(register, ResponseTemplate::new(201).set_body_json(client));
        let more = json!({
            "registration_endpoint": hostile.url(REGISTRATION), "token_endpoint_auth_methods_supported": offered,
        });
        let issuer = hostile.authorization_server("", &more);
        hostile.resource(&issuer);
        world.add("s", &hostile.url("/mcp")).unwrap();
        bring_code(&world, &world.begin_sign_in("s").unwrap());
        let sent: Value = serde_json::from_slice(&hostile.requests(REGISTRATION)[0].body).unwrap();
        assert_eq!(sent["token_endpoint_auth_method"], wanted);
        let token = &hostile.requests("/token")[0];
        let form = String::from_utf8(token.body.clone()).unwrap();
        let in_form = form.contains("client_id=c") && form.contains("client_secret=s3cret");
        assert_eq!(
            (in_form, token.headers.contains_key("authorization")),
            (wanted.ends_with("post"), wanted.ends_with("basic"))
        );
    }
}

#[test]
fn every_token_request_names_the_resource_and_carries_the_verifier_or_the_refresh_token() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    let issuer = hostile.authorization_server("/tenant", &registers(&hostile));
    hostile.resource(&issuer);
    hostile.runtime.block_on(async {
        let tokens = json!({ "access_token": "t", "refresh_token": "r", "token_type": "Bearer", "expires_in": 3600 });
        let mock = Mock::given(method("POST")).and(path("/tenant/token"));
        mock.respond_with(ResponseTemplate::new(200).set_body_json(tokens))
            .with_priority(1)
            .mount(&hostile.server)
            .await;
    });
    world.add("s", &hostile.url("/mcp")).unwrap();
    bring_code(&world, &world.begin_sign_in("s").unwrap());
    world.ok(&["token", "s", "--force"]).unwrap();
    let bodies: Vec<String> = hostile
        .requests("/tenant/token")
        .iter()
        .map(|request| String::from_utf8(request.body.clone()).unwrap())
        .collect();
    let resource = format!("resource={}", hostile.server.uri().replace(':', "%3A").replace('/', "%2F"));
    assert!(bodies.len() >= 2 && bodies.iter().all(|body| body.split('&').any(|pair| pair == resource)), "{bodies:?}");
    assert!(bodies[0].contains("code_verifier=") && bodies[0].contains("redirect_uri="), "{bodies:?}");
    assert!(
        bodies.iter().skip(1).all(|body| body.contains("refresh_token=r") && !body.contains("scope=")),
        "{bodies:?}"
    );
}

#[test]
fn a_client_secret_goes_to_the_authorization_server_it_was_first_used_at_and_to_no_other() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    let first = hostile.authorization_server("/first", &json!({}));
    hostile.resource(&first);
    let mut command = world.command(&[
        "add",
        &hostile.url("/mcp"),
        "--name",
        "s",
        "--client-id",
        "c",
        "--secret-stdin",
        "--no-sign-in",
    ]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"s3cret").unwrap();
    assert!(child.wait().unwrap().success());
    bring_code(&world, &world.begin_sign_in("s").unwrap());
    let token = hostile.requests("/first/token");
    assert!(token[0].headers.get("authorization").is_some_and(|value| value.to_str().unwrap().starts_with("Basic ")));
    // The MCP server now names another authorization server, which would like the secret.
    hostile.runtime.block_on(hostile.server.reset());
    hostile.refuse_all();
    let second = hostile.authorization_server("/second", &json!({}));
    hostile.resource(&second);
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(view["error"]["data"]["reason"], "client_elsewhere", "{view}");
    assert!(hostile.requests("/second/token").is_empty());
}

#[test]
fn an_access_token_that_cannot_be_taken_back_is_told_apart_from_one_that_was() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    let mut more = registers(&hostile);
    more["revocation_endpoint"] = hostile.url("/revoke").into();
    let revoke = |kind: &str| {
        let hint = body_string_contains(format!("token_type_hint={kind}_token"));
        Mock::given(method("POST")).and(path("/revoke")).and(hint)
    };
    hostile.answer(revoke("refresh"), ResponseTemplate::new(200));
    let refusal = json!({ "error": "unsupported_token_type" });
    hostile.answer(revoke("access"), ResponseTemplate::new(400).set_body_json(refusal));
    let issuer = hostile.authorization_server("", &more);
    hostile.resource(&issuer);
    hostile.runtime.block_on(async {
        let tokens = json!({ "access_token": "t", "refresh_token": "r", "token_type": "Bearer", "expires_in": 3600 });
        let token = Mock::given(method("POST")).and(path("/token"));
        token
            .respond_with(ResponseTemplate::new(200).set_body_json(tokens))
            .with_priority(1)
            .mount(&hostile.server)
            .await;
    });
    world.add("s", &hostile.url("/mcp")).unwrap();
    bring_code(&world, &world.begin_sign_in("s").unwrap());
    let reply = world.json(&["sign-out", "s"]).unwrap();
    assert_eq!(reply["revoked"], true, "{reply}");
    assert!(reply["not_revoked_because"].as_str().is_some_and(|why| why.contains("ends by itself")), "{reply}");
    assert_eq!(hostile.requests("/revoke").len(), 2);
}

#[test]
fn a_server_that_misses_a_public_client_s_empty_secret_at_the_sign_out_is_told_it() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    let mut more = registers(&hostile);
    more["revocation_endpoint"] = hostile.url("/revoke").into();
    let revoke = || Mock::given(method("POST")).and(path("/revoke"));
    hostile.answer(revoke().and(body_string_contains("client_secret=")), ResponseTemplate::new(200));
    let refusal = json!({ "error": "invalid_request", "error_description": "client_secret: Field required" });
    hostile.answer(revoke(), ResponseTemplate::new(400).set_body_json(refusal));
    let issuer = hostile.authorization_server("", &more);
    hostile.resource(&issuer);
    world.add("s", &hostile.url("/mcp")).unwrap();
    bring_code(&world, &world.begin_sign_in("s").unwrap());
    assert_eq!(world.ok(&["sign-out", "s"]).unwrap(), "s is signed out; its tokens were revoked");
    let sent = hostile.requests("/revoke").into_iter().map(|request| String::from_utf8(request.body).unwrap());
    let told: Vec<bool> = sent.map(|form| form.split('&').any(|pair| pair == "client_secret=")).collect();
    assert_eq!(told, [false, true]);
}

#[test]
fn strangers_words_reach_a_terminal_as_plain_text_on_one_line() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    let refusal =
        json!({ "error": "invalid_client_metadata", "error_description": "\u{1b}]52;c;ZXZpbA==\u{7}\n\u{7f}evil" });
    let register = Mock::given(method("POST")).and(path(REGISTRATION));
    hostile.answer(register, ResponseTemplate::new(400).set_body_json(refusal));
    let issuer = hostile.authorization_server("", &json!({ "registration_endpoint": hostile.url(REGISTRATION) }));
    hostile.resource(&issuer);
    world.add("s", &hostile.url("/mcp")).unwrap();
    let run = world.run(&["sign-in", "s"]).unwrap();
    assert_eq!(run.code, 21);
    assert!(run.err.contains("evil") && run.err.lines().count() == 1, "{:?}", run.err);
    assert!(!run.err.trim_end().contains(|c: char| c.is_control()), "{:?}", run.err);
}

#[test]
fn no_token_follows_an_authorization_server_that_does_not_protect_it() {
    for (member, address) in [
        ("authorization_endpoint", "http://as.example/authorize"),
        ("token_endpoint", "http://as.example/token"),
        ("authorization_endpoint", "javascript:alert(1)"),
    ] {
        let (world, hostile) = (World::new().unwrap(), Hostile::start());
        hostile.refuse_all();
        let mut more = registers(&hostile);
        more[member] = address.into();
        let issuer = hostile.authorization_server("", &more);
        hostile.resource(&issuer);
        world.add("s", &hostile.url("/mcp")).unwrap();
        let view = world.begin_sign_in("s").unwrap();
        if view["phase"] == "waiting_for_browser" {
            bring_code(&world, &view);
        }
        let after: Value = world.json(&["show", "s"]).unwrap();
        assert_eq!(after["last_error"]["data"]["reason"], "address_not_allowed", "{member}: {after}");
        assert_eq!(world.run(&["token", "s"]).unwrap().code, 15);
    }
}

#[test]
fn the_token_goes_to_the_server_alone_and_only_in_its_header() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    let issuer = hostile.authorization_server("", &registers(&hostile));
    hostile.resource(&issuer);
    let with_token = Mock::given(method("POST")).and(path("/mcp")).and(header_exists("authorization"));
    // A redirect is not followed: the token would go with it.
    let elsewhere = ResponseTemplate::new(307).insert_header("Location", hostile.url("/elsewhere").as_str());
    hostile.answer(with_token, elsewhere);
    hostile.refuse_all();
    world.add("s", &hostile.url("/mcp")).unwrap();
    bring_code(&world, &world.begin_sign_in("s").unwrap());
    assert_eq!(world.ok(&["token", "s"]).unwrap(), "t");
    assert_eq!(world.run(&["test", "s"]).unwrap().code, 27);
    assert!(hostile.requests("/elsewhere").is_empty());
    let all = hostile.runtime.block_on(hostile.server.received_requests()).unwrap();
    let authorized: Vec<_> = all.iter().filter(|request| request.headers.contains_key("authorization")).collect();
    assert!(!authorized.is_empty() && authorized.iter().all(|request| request.url.path() == "/mcp"));
    assert!(all.iter().all(|request| request.url.query().is_none_or(|query| !query.contains("token"))));
}

#[test]
fn no_shell_comes_between_an_address_and_the_browser() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    hostile.refuse_all();
    let mut more = registers(&hostile);
    let folder = world.session.folder();
    let make = format!("touch${{IFS}}{}/made", folder.display());
    // What shells, PowerShell and a browser's own options would take for theirs (CVE-2025-6514).
    let page = format!(
        "/authorize?a=$({make})`{make}`;{make}|{make}&b='\"%PATH%{{{{x}}}}$([io.file]::create('made'))\n --new"
    );
    more["authorization_endpoint"] = hostile.url(&page).into();
    let issuer = hostile.authorization_server("", &more);
    hostile.resource(&issuer);
    world.add("s", &hostile.url("/mcp")).unwrap();
    let told = world.session.folder().join("told");
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > '{0}.new' && mv '{0}.new' '{0}'\n", told.display());
    let browser = world.session.write("bin/browser; touch made #", &script).unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let _shared = share_ports();
    let mut sign_in = world.command(&["sign-in", "s"]);
    sign_in.env("BROWSER", format!("'{}' --profile 'a b'", browser.display()));
    let mut sign_in = sign_in.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let told = until("the browser", || Ok(fs::read_to_string(&told).ok())).unwrap();
    let address = world.sign_in_view("s").unwrap()["authorization_url"].as_str().unwrap().to_owned();
    world.ok(&["sign-in", "s", "--cancel"]).unwrap();
    sign_in.wait().unwrap();
    assert_eq!(told.lines().collect::<Vec<_>>(), ["3", "--profile", "a b", &address]);
    assert!(address.starts_with(&hostile.url(&format!("/authorize?a=$({make})`{make}`;"))), "{address}");
    assert!(address.is_ascii() && !address.contains([' ', '"', '\'', '\n']), "{address}");
    assert!(!folder.join("made").exists(), "a shell was at work");
}
