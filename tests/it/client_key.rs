//! Clients that prove themselves with a private key (RFC 7523 §2.2), and keys that can't.

use crate::client_credentials;
use crate::hostile::{Hostile, bring_code};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use keybearer_tests::world::World;
use serde_json::{Value, json};

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", BASE64_STANDARD.encode(der))
}

fn key() -> String {
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    pem("PRIVATE KEY", der.as_ref())
}

/// What the client said of itself in this token request, and how it signed that.
fn assertion(request: &wiremock::Request) -> (Value, Value) {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    assert!(body.contains("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"));
    assert!(!body.contains("client_secret") && !request.headers.contains_key("authorization"), "{body}");
    let (_, jwt) = body.split_once("client_assertion=").unwrap();
    let mut parts = jwt.split(['.', '&']).map(|part| BASE64_URL_SAFE_NO_PAD.decode(part));
    let mut part = || serde_json::from_slice(&parts.next().unwrap().unwrap()).unwrap();
    (part(), part())
}

fn add(world: &World, hostile: &Hostile, auth: &str, key: &str) {
    let url = hostile.url("/mcp");
    let words = ["add", &url, "--name", "s", "--auth", auth, "--client-id", "bot", "--secret-stdin", "--no-sign-in"];
    let added = world.run_with(&words, key).unwrap();
    assert_eq!(added.code, 0, "{added:?}");
}

#[test]
fn a_client_with_a_key_signs_for_itself_and_never_shows_the_key() {
    let (world, hostile) = (World::new().unwrap(), client_credentials::server(client_credentials::tokens()));
    let key = key();
    add(&world, &hostile, "client-credentials", &key);
    world.ok(&["sign-in", "s"]).unwrap();
    world.ok(&["token", "s", "--force"]).unwrap();
    let said: Vec<_> = hostile.requests("/token").iter().map(assertion).collect();
    assert_eq!(said.len(), 2);
    for (head, claims) in &said {
        assert_eq!(head["alg"], "ES256");
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("bot"), &json!("bot")));
        assert_eq!(claims["aud"], hostile.url(""));
    }
    assert_ne!(said[0].1["jti"], said[1].1["jti"]);
    let inside = key.lines().nth(1).unwrap();
    assert!(!world.log().contains(inside));
}

#[test]
fn a_person_signs_in_through_a_client_with_a_key() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    let more = json!({ "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"] });
    let issuer = hostile.authorization_server("", &more);
    hostile.resource(&issuer);
    hostile.serve_whoever_has_a_token();
    add(&world, &hostile, "oauth", &key());
    let view = world.begin_sign_in("s").unwrap();
    bring_code(&world, &view);
    assert_eq!(world.json(&["show", "s"]).unwrap()["status"], "connected");
    let asked = hostile.requests("/token");
    assert_eq!(assertion(&asked[0]).1["aud"], issuer);
}

#[test]
fn a_server_that_takes_nothing_that_the_key_signs_is_named() {
    let (world, hostile) = (World::new().unwrap(), Hostile::start());
    let more = json!({ "token_endpoint_auth_signing_alg_values_supported": ["RS256"] });
    let issuer = hostile.authorization_server("", &more);
    hostile.resource(&issuer);
    hostile.refuse_all();
    add(&world, &hostile, "oauth", &key());
    let view = world.begin_sign_in("s").unwrap();
    assert_eq!(view["error"]["data"]["reason"], "key_not_accepted", "{view}");
    let words = view["error"]["message"].as_str().unwrap();
    assert!(words.contains("ES256") && words.contains("RS256"), "{words}");
}

#[test]
fn a_key_that_cannot_sign_is_refused_when_it_is_brought() {
    let world = World::new().unwrap();
    let words = ["add", "https://mcp.example/mcp", "--name", "s", "--client-id", "bot", "--no-sign-in"];
    let add = |key: &str| world.run_with(&[&words[..], &["--secret-stdin"]].concat(), key).unwrap();
    for (label, way_out) in [
        ("EC PRIVATE KEY", "openssl pkcs8 -topk8 -nocrypt"),
        ("ENCRYPTED PRIVATE KEY", "openssl pkcs8 -topk8 -nocrypt"),
        ("PRIVATE KEY", "RSA key of 2048 bits"),
        ("PUBLIC KEY", "RSA key of 2048 bits"),
    ] {
        let refused = add(&pem(label, b"no key"));
        assert!(refused.code == 64 && refused.err.contains(way_out), "{refused:?}");
    }
    assert_eq!(world.json(&["list"]).unwrap(), json!([]));
    // The same when it is brought later.
    world.ok(&words).unwrap();
    let update = |secret: &str| {
        let params = json!({ "profile": "s", "secret": secret });
        let request = json!({ "method": "profile.update", "params": params });
        world.run(&["rpc", "--admin", &request.to_string()]).unwrap()
    };
    let refused = update(&pem("EC PRIVATE KEY", b"no key"));
    assert!(refused.code != 0 && (refused.out + &refused.err).contains("openssl"), "{}", refused.code);
    assert_eq!(update(&key()).code, 0);
}
