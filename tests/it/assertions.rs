//! Sign-ins without browser and person, for which somebody else vouches: a platform for its workload (RFC 7523), an
//! identity provider for a person (RFC 8693, ID-JAG).

use crate::hostile::Hostile;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use keybearer_tests::world::{Run, World};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, ResponseTemplate};

const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

/// A JWT that nobody here checks the signature of; its name is a word to look for.
fn jwt(name: &str, audience: &str, end: i64) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": "https://platform.example", "sub": name, "aud": audience, "exp": end });
    format!("{}.{}.{name}", part(&json!({ "alg": "RS256" })), part(&claims))
}

const LATER: i64 = 4_000_000_000;

/// A server whose authorization server knows no other grant.
fn server(more: &Value) -> Hostile {
    server_at("", more)
}

/// The same, with its authorization server at this path.
fn server_at(at: &str, more: &Value) -> Hostile {
    let hostile = Hostile::start();
    let issuer = hostile.authorization_server(at, more);
    hostile.resource(&issuer);
    hostile.serve_whoever_has_a_token();
    hostile
}

/// The fields of a form that reached this address, in order.
fn forms(hostile: &Hostile, at: &str) -> Vec<Value> {
    let decode = |text: &str| text.replace("%3A", ":").replace("%2F", "/").replace('+', " ");
    let form = |request: wiremock::Request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), Value::from(decode(value)))).collect()
    };
    hostile.requests(at).into_iter().map(form).collect()
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    fs::File::create(&file).unwrap().write_all(text.as_bytes()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

fn add_workload(world: &World, hostile: &Hostile, file: &Path, more: &[&str]) -> Run {
    let (url, file) = (hostile.url("/mcp"), file.to_str().unwrap());
    let words = ["add", &url, "--name", "s", "--auth", "workload", "--assertion-file", file];
    world.run(&[&words[..], more].concat()).unwrap()
}

fn error(run: &Run) -> Value {
    serde_json::from_str(run.err.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{run:?}"))
}

#[test]
fn a_workload_signs_in_with_what_its_platform_writes_and_reads_it_anew_each_time() {
    let (world, hostile) = (World::new().unwrap(), server(&json!({})));
    let folder = world.session.folder();
    let file = written(&folder, "token", &jwt("first", &hostile.url("/"), LATER));
    let added = add_workload(&world, &hostile, &file, &[]);
    assert_eq!(added.code, 0, "{added:?}");
    written(&folder, "token", &(jwt("second", &hostile.url("/token"), LATER) + "\n"));
    world.ok(&["token", "s", "--force"]).unwrap();
    let asked = forms(&hostile, "/token");
    assert_eq!(asked.len(), 2);
    for (form, name) in asked.iter().zip(["first", "second"]) {
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer", "{form}");
        assert!(form["assertion"].as_str().unwrap().ends_with(&format!(".{name}")), "{form}");
        assert_eq!((&form["resource"], &form["scope"]), (&json!(hostile.url("")), &json!("read")));
        assert!(form.get("client_id").is_none(), "nobody gave it one: {form}");
    }
    let shown = world.json(&["show", "s"]).unwrap();
    assert_eq!((&shown["status"], &shown["assertion_file"]), (&json!("connected"), &json!(file)));
    assert!(shown["client_id"].is_null() && shown["renewable"] == true, "{shown}");
    assert!(!world.log().contains(".first") && !world.log().contains(".second"));
    assert!(hostile.requests("/register").is_empty() && hostile.requests("/authorize").is_empty());
}

#[test]
fn a_workloads_token_may_lie_in_the_keyring_and_come_with_a_client() {
    let (world, hostile) = (World::new().unwrap(), server(&json!({})));
    let url = hostile.url("/mcp");
    let words = ["add", &url, "--name", "s", "--auth", "workload", "--client-id", "bot", "--secret-stdin"];
    let added = world.run_with(&words, &jwt("kept", &hostile.url(""), LATER)).unwrap();
    assert_eq!(added.code, 0, "{added:?}");
    let asked = &forms(&hostile, "/token")[0];
    assert_eq!(asked["client_id"], "bot");
    // It stands for the workload, and isn't the client's secret.
    assert!(asked.get("client_secret").is_none(), "{asked}");
    assert!(!hostile.requests("/token")[0].headers.contains_key("authorization"));
}

#[test]
fn a_refused_workload_is_not_asked_for_again_nor_in_another_way() {
    let (world, hostile) = (World::new().unwrap(), server(&json!({})));
    let file = written(&world.session.folder(), "token", &jwt("w", &hostile.url(""), LATER));
    assert_eq!(add_workload(&world, &hostile, &file, &[]).code, 0);
    // Also for a reason that no specification names.
    let refusal = ResponseTemplate::new(400).set_body_json(json!({ "error": "workload_unknown" }));
    let refuse = Mock::given(method("POST")).and(path("/token")).respond_with(refusal).with_priority(1);
    hostile.runtime.block_on(refuse.mount(&hostile.server));
    let refused = world.run(&["token", "s", "--force"]).unwrap();
    assert!(refused.code == 15 && refused.err.contains("workload_unknown"), "{refused:?}");
    world.ok(&["token", "s", "--force"]).unwrap();
    assert_eq!(hostile.requests("/token").len(), 2);
    assert!(hostile.requests("/register").is_empty() && hostile.requests("/authorize").is_empty());
}

#[test]
fn a_workloads_token_goes_to_whom_it_is_for_and_to_no_other() {
    let (world, hostile) = (World::new().unwrap(), server(&json!({})));
    let folder = world.session.folder();
    let file = written(&folder, "token", &jwt("w", "https://as.example", LATER));
    let elsewhere = add_workload(&world, &hostile, &file, &["--json"]);
    assert_eq!(error(&elsewhere)["data"]["reason"], "assertion_elsewhere", "{elsewhere:?}");
    assert!(elsewhere.err.contains("https://as.example") && elsewhere.err.contains("--issuer"), "{elsewhere:?}");
    world.ok(&["remove", "s"]).unwrap();
    let other = add_workload(&world, &hostile, &file, &["--issuer", "https://as.example", "--json"]);
    assert_eq!(error(&other)["data"]["reason"], "client_elsewhere", "{other:?}");
    assert!(hostile.requests("/token").is_empty());
    // The user knows that it takes this one.
    world.ok(&["remove", "s"]).unwrap();
    let named = add_workload(&world, &hostile, &file, &["--issuer", &hostile.url("")]);
    assert_eq!(named.code, 0, "{named:?}");
}

#[test]
fn a_file_that_cannot_be_trusted_is_named_and_nothing_is_sent() {
    let (world, hostile) = (World::new().unwrap(), server(&json!({})));
    let folder = world.session.folder();
    let good = jwt("w", &hostile.url(""), LATER);
    let open = written(&folder, "open", &good);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o620)).unwrap();
    let pipe = folder.join("pipe");
    assert!(std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap().success());
    for (file, reason) in [
        (folder.join("none"), "assertion_missing"),
        (open, "assertion_unsafe"),
        (pipe, "assertion_unreadable"),
        (folder.clone(), "assertion_unreadable"),
        (written(&folder, "large", &"x".repeat(16 * 1024 + 1)), "assertion_unreadable"),
        (written(&folder, "empty", "\n"), "assertion_unreadable"),
        (written(&folder, "odd", "no token"), "assertion_unusable"),
        (written(&folder, "over", &jwt("w", &hostile.url(""), 1_000_000_000)), "assertion_over"),
    ] {
        let refused = add_workload(&world, &hostile, &file, &["--json"]);
        assert_eq!(error(&refused)["data"]["reason"], reason, "{refused:?}");
        assert!(error(&refused)["data"]["action"].is_string() || reason == "assertion_unreadable", "{refused:?}");
        if !matches!(reason, "assertion_unusable" | "assertion_over") {
            assert!(refused.err.contains(file.to_str().unwrap()), "{refused:?}");
        }
        world.ok(&["remove", "s"]).unwrap();
    }
    assert!(hostile.requests("/token").is_empty());
}

#[test]
fn what_is_missing_or_too_much_is_said_before_anything_is_written_down() {
    let world = World::new().unwrap();
    let idp = ["--idp", "https://idp.example", "--idp-client-id", "kb"];
    let add = |more: &[&str]| {
        let words = ["add", "https://mcp.example/mcp", "--no-sign-in", "--auth"];
        world.run_with(&[&words, more].concat(), "no.jwt.here").unwrap()
    };
    for (words, what) in [
        (&["workload"][..], "--assertion-file"),
        (&["workload", "--secret-stdin"], "no JWT"),
        (&["workload", "--secret-stdin", "--assertion-file", "/t"], "one of them"),
        (&["oauth", "--assertion-file", "/t"], "--auth workload"),
        (&["enterprise", "--client-id", "x", "--assertion-file", "/t"], "--idp"),
        (&["oauth", "--subject-token-stdin"], "--auth enterprise"),
        (&[&["enterprise", "--assertion-file", "/t"][..], &idp].concat(), "--client-id"),
        (&[&["enterprise", "--client-id", "x"][..], &idp].concat(), "--subject-token-stdin"),
        (&[&["oauth"][..], &idp].concat(), "--idp is for"),
    ] {
        let refused = add(words);
        assert!(refused.code == 64 && refused.err.contains(what), "{words:?}: {refused:?}");
    }
    let relative = json!({
        "url": "https://mcp.example/mcp", "auth": "workload", "assertion_file": "token",
    });
    let request = json!({ "method": "profile.add", "params": relative });
    let refused = world.run(&["rpc", "--admin", &request.to_string()]).unwrap();
    assert!((refused.out + &refused.err).contains("whole path"), "{}", refused.code);
    assert_eq!(world.json(&["list"]).unwrap(), json!([]));
}

/// An identity provider that exchanges, found by its metadata.
fn identity_provider(id_jag: &str, kind: &str) -> Hostile {
    let provider = Hostile::start();
    let answer = json!({ "access_token": id_jag, "issued_token_type": kind, "token_type": "N_A", "expires_in": 300 });
    let exchange = Mock::given(method("POST")).and(path("/token")).and(body_string_contains("token-exchange"));
    provider.answer(exchange, ResponseTemplate::new(200).set_body_json(answer));
    provider.authorization_server("", &json!({}));
    provider
}

fn add_enterprise(world: &World, hostile: &Hostile, provider: &Hostile, input: &str, more: &[&str]) -> Run {
    let (url, idp) = (hostile.url("/mcp"), provider.url(""));
    let words = ["add", &url, "--name", "s", "--auth", "enterprise", "--client-id", "app", "--json"];
    let idp = ["--idp", &idp, "--idp-client-id", "kb-at-idp"];
    world.run_with(&[&words[..], &idp, more].concat(), input).unwrap()
}

#[test]
fn an_identity_provider_vouches_for_a_person_at_the_servers_own_authorization_server() {
    let id_jag = jwt("idjag", "x", LATER);
    let (world, provider) = (World::new().unwrap(), identity_provider(&id_jag, ID_JAG));
    let hostile = server_at("/as", &json!({ "authorization_grant_profiles_supported": [PROFILE] }));
    let id_token = jwt("person", "kb-at-idp", LATER);
    let both = ["--secret-stdin", "--subject-token-stdin"];
    let added = add_enterprise(&world, &hostile, &provider, &format!("s3cret\n{id_token}"), &both);
    assert_eq!(added.code, 0, "{added:?}");
    world.ok(&["token", "s", "--force"]).unwrap();
    let exchanged = forms(&provider, "/token");
    assert_eq!(exchanged.len(), 2, "each token is vouched for anew");
    for form in &exchanged {
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:token-exchange");
        assert_eq!(form["requested_token_type"], ID_JAG);
        assert_eq!((&form["audience"], &form["resource"]), (&json!(hostile.url("/as")), &json!(hostile.url(""))));
        assert_eq!((&form["subject_token"], &form["client_id"]), (&json!(id_token), &json!("kb-at-idp")));
        assert_eq!(form["subject_token_type"], "urn:ietf:params:oauth:token-type:id_token");
        assert_eq!(form["scope"], "read");
    }
    let granted = hostile.requests("/as/token");
    assert_eq!(granted.len(), 2);
    for (request, form) in granted.iter().zip(forms(&hostile, "/as/token")) {
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
        assert_eq!((&form["assertion"], &form["resource"]), (&json!(id_jag), &json!(hostile.url(""))));
        // The client proves itself there, and only there (EMA-2).
        assert_eq!(request.headers.get("authorization").unwrap(), "Basic YXBwOnMzY3JldA==");
        assert!(!String::from_utf8_lossy(&request.body).contains(".person"), "{form}");
    }
    assert!(provider.requests("/token").iter().all(|request| !request.headers.contains_key("authorization")));
    let log = world.log();
    assert!(!log.contains(".idjag") && !log.contains(".person") && !log.contains("s3cret"));
    let everywhere = |hostile: &Hostile| {
        let all = hostile.runtime.block_on(hostile.server.received_requests()).unwrap();
        all.iter().map(|request| request.url.to_string()).collect::<String>()
    };
    assert!(!(everywhere(&hostile) + &everywhere(&provider)).contains("idjag"), "never in an address (EMA-4)");
}

#[test]
fn a_server_that_takes_nobodys_word_is_asked_for_nothing() {
    let (world, provider) = (World::new().unwrap(), identity_provider("x", ID_JAG));
    let hostile = server(&json!({ "authorization_grant_profiles_supported": ["urn:example:other"] }));
    let id_token = jwt("person", "kb-at-idp", LATER);
    let refused = add_enterprise(&world, &hostile, &provider, &id_token, &["--subject-token-stdin"]);
    assert_eq!(error(&refused)["data"]["reason"], "enterprise_not_offered", "{refused:?}");
    assert!(provider.requests("/token").is_empty() && hostile.requests("/token").is_empty());
}

#[test]
fn an_identity_provider_that_gives_something_else_or_refuses_is_told_apart() {
    let (world, hostile) = (World::new().unwrap(), server(&json!({})));
    let id_token = jwt("person", "kb-at-idp", LATER);
    let odd = identity_provider("at-of-the-idp", "urn:ietf:params:oauth:token-type:access_token");
    let refused = add_enterprise(&world, &hostile, &odd, &id_token, &["--subject-token-stdin"]);
    assert!(refused.code == 21 && refused.err.contains("no identity assertion"), "{refused:?}");
    world.ok(&["remove", "s"]).unwrap();
    let strict = Hostile::start();
    let refusal = ResponseTemplate::new(400).set_body_json(json!({ "error": "invalid_grant" }));
    strict.answer(Mock::given(method("POST")).and(path("/token")), refusal);
    strict.authorization_server("", &json!({}));
    let refused = add_enterprise(&world, &hostile, &strict, &id_token, &["--subject-token-stdin"]);
    let host = strict.url("").replace("http://", "");
    assert!(refused.err.contains(&format!("{host} refused: invalid_grant")), "{refused:?}");
    assert!(hostile.requests("/token").is_empty(), "what an identity provider didn't say goes nowhere");
    // An ended ID token isn't even shown.
    world.ok(&["remove", "s"]).unwrap();
    let asked = strict.requests("/token").len();
    let ended = jwt("person", "kb-at-idp", 1_000_000_000);
    let over = add_enterprise(&world, &hostile, &strict, &ended, &["--subject-token-stdin"]);
    assert_eq!(error(&over)["data"]["reason"], "assertion_over", "{over:?}");
    assert_eq!(strict.requests("/token").len(), asked);
}
