//! Tokens that are bound to a key (RFC 9449), at a server that checks every proof to the letter.

use keybearer_tests::canary::files_holding;
use keybearer_tests::loopback::{self, Answer};
use keybearer_tests::practice::Practice;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

/// A world that is signed in as `d` to a server that demands this of proofs.
fn signed_in(demand: &str) -> (World, Practice) {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--dpop", demand]).unwrap());
    world.sign_in("d", practice.mcp_url()).unwrap();
    (world, practice)
}

/// What a program gets that asks for the headers of a POST to the server.
fn headers(program: &mut Wire, practice: &Practice, nonce: Option<&str>) -> Value {
    let answer = ask(program, &json!({ "url": practice.mcp_url(), "method": "POST", "nonce": nonce }));
    assert_eq!(answer.get("error"), None);
    answer["result"].clone()
}

fn ask(program: &mut Wire, question: &Value) -> Value {
    program.call("header.get", question).unwrap()
}

fn proof(reply: &Value) -> &str {
    reply["headers"]["DPoP"].as_str().unwrap()
}

/// The key in a proof, still encoded.
fn key(reply: &Value) -> &str {
    proof(reply).split('.').next().unwrap()
}

/// Makes the request that the headers are for.
fn post(practice: &Practice, reply: &Value) -> Answer {
    let header = |(name, value): (&String, &Value)| format!("{name}: {}", value.as_str().unwrap());
    let mut lines: Vec<String> = reply["headers"].as_object().unwrap().iter().map(header).collect();
    lines.push("Accept: application/json, text/event-stream".to_owned());
    loopback::request_with("POST", practice.mcp_url(), &lines.join("\r\n"), Some(INITIALIZE)).unwrap()
}

fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let fields = answer.head.lines().filter_map(|line| line.split_once(": "));
    fields.into_iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[test]
fn each_request_brings_a_proof_of_its_own_and_no_token_goes_alone() {
    let (world, practice) = signed_in("proof");
    world.ok(&["test", "d"]).unwrap();
    let mut program = world.programs().unwrap();
    let first = headers(&mut program, &practice, None);
    assert!(first["headers"]["Authorization"].as_str().unwrap().starts_with("DPoP "), "{first}");
    assert_eq!((post(&practice, &first).status, post(&practice, &first).status), (200, 401), "good once");
    let second = headers(&mut program, &practice, None);
    assert_eq!((key(&first), proof(&first) == proof(&second)), (key(&second), false));
    assert_eq!(post(&practice, &second).status, 200);
    let other = ask(&mut program, &json!({ "url": practice.mcp_url(), "method": "GET" }))["result"].clone();
    assert_eq!(post(&practice, &other).status, 401, "a proof for GET is none for POST");

    for vague in
        [json!({ "profile": "d" }), json!({ "url": practice.mcp_url() }), json!({ "profile": "d", "method": "POST" })]
    {
        let data = ask(&mut program, &vague)["error"]["data"].clone();
        assert_eq!((&data["name"], &data["reason"]), (&json!("usage"), &json!("dpop_proof_needed")), "{vague}");
    }
    let alone = program.call("token.get", &json!({ "profile": "d" })).unwrap()["error"]["data"].clone();
    assert_eq!((&alone["name"], &alone["reason"]), (&json!("no_token_needed"), &json!("dpop_proof_needed")));
    let token = world.run(&["token", "d"]).unwrap();
    assert_eq!((token.code, token.out.as_str()), (32, ""));
    assert!(token.err.contains("proof") && token.err.contains("keybearer headers"), "{token:?}");
    let printed: Value = serde_json::from_str(&world.ok(&["headers", practice.mcp_url()]).unwrap()).unwrap();
    assert_eq!(post(&practice, &json!({ "headers": printed })).status, 200);
    assert_eq!(world.run(&["headers", "d"]).unwrap().code, 64);
}

#[test]
fn a_refresh_proves_the_same_key_also_after_a_restart_and_the_next_sign_in_makes_another() {
    let (world, practice) = signed_in("proof");
    let key_now = |world: &World| key(&headers(&mut world.programs().unwrap(), &practice, None)).to_owned();
    let signed_in_with = key_now(&world);
    world.kill_agent().unwrap();
    world.ok(&["rpc", "--admin", r#"{"method":"account.refresh","params":{"profile":"d"}}"#]).unwrap();
    assert_eq!((practice.count("refreshes").unwrap(), practice.count("refreshes_ok").unwrap()), (1, 1));
    assert_eq!(key_now(&world), signed_in_with);
    world.ok(&["test", "d"]).unwrap();
    world.ok(&["sign-out", "d"]).unwrap();
    assert_eq!(practice.count("revocations").unwrap(), 2);
    world.ok(&["sign-in", "d"]).unwrap();
    assert_ne!(key_now(&world), signed_in_with);
}

#[test]
fn a_nonce_is_followed_and_remembered_from_every_answer_and_from_programs() {
    let (world, practice) = signed_in("nonce");
    let demanded = || practice.count("nonces_demanded").unwrap();
    // Of all requests of the sign-in the first alone had none; each answer brought the next.
    assert_eq!((practice.count("code_exchanges").unwrap(), demanded()), (2, 1));
    world.ok(&["test", "d"]).unwrap();
    assert_eq!(demanded(), 1);

    let mut program = world.programs().unwrap();
    assert_eq!(post(&practice, &headers(&mut program, &practice, None)).status, 200);
    // The answer that brought the next nonce went to the program.
    let stale = headers(&mut program, &practice, None);
    let refused = post(&practice, &stale);
    assert_eq!((refused.status, demanded()), (401, 2));
    let report = json!({
        "profile": "d", "generation": stale["generation"], "reason": "401",
        "www_authenticate": field(&refused, "www-authenticate").unwrap(),
    });
    let told = program.call("token.invalidate", &report).unwrap()["result"].clone();
    assert_eq!(told["generation"], stale["generation"], "the token isn't what the server refuses");
    let nonce = field(&refused, "dpop-nonce").unwrap();
    assert_eq!(post(&practice, &headers(&mut program, &practice, Some(nonce))).status, 200);
    assert_eq!(practice.count("refreshes").unwrap(), 0);
    let bad = ask(&mut program, &json!({ "url": practice.mcp_url(), "method": "POST", "nonce": "no \"nonce\"" }));
    assert_eq!(bad["error"]["data"]["name"], "usage");

    world.ok(&["rpc", "--admin", r#"{"method":"account.refresh","params":{"profile":"d"}}"#]).unwrap();
    assert_eq!((practice.count("refreshes_ok").unwrap(), demanded()), (1, 3));
}

#[test]
fn a_request_that_is_pushed_brings_a_proof_as_well() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--dpop", "nonce"]).unwrap());
    practice.control(&json!({ "faults": ["pushed-requests-only"] })).unwrap();
    world.sign_in("d", practice.mcp_url()).unwrap();
    let counts = ["pushed_requests", "nonces_demanded", "code_exchanges"].map(|what| practice.count(what).unwrap());
    assert_eq!(counts, [1, 1, 1], "the nonce for the code came with the answer to the push");
}

#[test]
fn a_server_that_is_never_content_with_a_nonce_is_asked_twice_and_no_more() {
    let (world, practice) = signed_in("nonce");
    let counts = || ["nonces_demanded", "refreshes", "code_exchanges"].map(|what| practice.count(what).unwrap());
    let before = counts();
    practice.control(&json!({ "faults": ["nonce-never-fits"] })).unwrap();
    assert_eq!(world.run(&["test", "d"]).unwrap().code, 21);
    assert_eq!(counts(), [before[0] + 2, before[1], before[2]], "and the token isn't renewed for it");
    assert_eq!(
        world.run(&["rpc", "--admin", r#"{"method":"account.refresh","params":{"profile":"d"}}"#]).unwrap().code,
        21
    );
    assert_eq!(counts(), [before[0] + 4, before[1] + 2, before[2]]);
    assert_eq!(world.json(&["show", "d"]).unwrap()["status"], "connected", "it may be content another time");
    let run = world.run(&["sign-in", "d"]).unwrap();
    assert!(run.code == 21 && run.err.contains("use_dpop_nonce"), "{run:?}");
    assert_eq!(counts(), [before[0] + 6, before[1] + 2, before[2] + 2]);
}

#[test]
fn what_is_bound_against_the_agreement_is_refused_by_name() {
    for (arguments, fault, reason) in [
        (&["--dpop", "proof"][..], "no-dpop-metadata", "dpop_unsupported"),
        (&["--dpop", "proof"], "token-type-bearer", "dpop_token_unbound"),
        (&[], "token-type-dpop", "dpop_token_strange"),
    ] {
        let (world, practice) = (World::new().unwrap(), Practice::start(arguments).unwrap());
        practice.control(&json!({ "faults": [fault] })).unwrap();
        world.add("d", practice.mcp_url()).unwrap();
        let run = world.run(&["sign-in", "d", "--json"]).unwrap();
        let error: Value = serde_json::from_str(&run.err).unwrap_or_else(|_| panic!("{run:?}"));
        assert_eq!((run.code, &error["data"]["reason"]), (21, &reason.into()), "{fault}");
        assert_eq!(world.json(&["show", "d"]).unwrap()["status"], "needs_sign_in", "{fault}");
        assert_eq!(practice.count("mcp_accepted").unwrap(), 0);
    }
}

#[test]
fn a_renewal_that_binds_no_more_ends_in_a_sign_in() {
    let (world, practice) = signed_in("proof");
    practice.control(&json!({ "faults": ["token-type-bearer"] })).unwrap();
    let run = world.run(&["rpc", "--admin", r#"{"method":"account.refresh","params":{"profile":"d"}}"#]).unwrap();
    assert!(run.code == 15 && run.err.contains("isn't bound"), "{run:?}");
}

#[test]
fn the_private_key_is_in_the_keyring_and_nowhere_else() {
    let (world, practice) = signed_in("nonce");
    let mut said = String::new();
    let mut program = world.programs().unwrap();
    said.push_str(&ask(&mut program, &json!({ "url": practice.mcp_url(), "method": "POST" })).to_string());
    said.push_str(&program.call("token.get", &json!({ "profile": "d" })).unwrap().to_string());
    for command in [&["show", "d", "--json"][..], &["test", "d"], &["list", "--json"], &["headers", practice.mcp_url()]]
    {
        said.push_str(&world.ok(command).unwrap());
    }
    practice.control(&json!({ "faults": ["nonce-never-fits", "refresh-invalid-grant"] })).unwrap();
    for command in [
        &["rpc", "--admin", r#"{"method":"account.refresh","params":{"profile":"d"}}"#][..],
        &["test", "d"],
        &["sign-in", "d"],
    ] {
        let run = world.run(command).unwrap();
        said.push_str(&(run.out + &run.err));
    }
    let id = world.json(&["show", "d"]).unwrap()["id"].as_str().unwrap().to_owned();
    let item: Value = serde_json::from_str(&world.session.read_item(&id).unwrap()).unwrap();
    let pem = item["tokens"]["dpop_key"].as_str().unwrap();
    // From the 36th byte on stands the private half (RFC 5915), 32 bytes; so many letters of base64 are of it alone.
    let secret = &pem.lines().nth(1).unwrap()[48..90];
    let url_safe = secret.replace('+', "-").replace('/', "_");
    let log = world.log();
    assert!(log.contains("TRACE"), "the log isn't talkative");
    for guise in [secret, &url_safe] {
        assert!(!said.contains(guise) && !log.contains(guise));
    }
    assert_eq!(files_holding(&world.session.folder(), &[secret, &url_safe]), Vec::<String>::new());
}
