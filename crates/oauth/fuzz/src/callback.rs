//! The browser's answer: a code comes out of the right answer alone, and no secret out of any.

use keybearer_oauth::authorization::{Callback, CallbackError, PendingAuthorization};
use keybearer_oauth::readable::readable;
use secrecy::ExposeSecret;
use serde_json::json;
use std::collections::BTreeMap;
use url::Url;

const STATE: &str = "s7a7e";
const ISSUER: &str = "https://as.example";
const REDIRECTS: [&str; 2] = ["http://127.0.0.1:47821/callback", "app.keybearer:/oauth/callback"];

/// What must never be seen, laid into an answer that a stranger wrote the rest of.
const SECRET: &str = "CANARY-7f3a";

/// Takes the input as the address that a browser came back to, which may be any sign-in's.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(callback) = Callback::parse(&text) else { return };
    assert!(text.trim().len() <= 16 * 1024, "{} bytes were read", text.trim().len());
    let url = Url::parse(text.trim()).expect("what was read as a callback is an address");
    let given: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let by_name: BTreeMap<&str, &str> = given.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(given.len(), by_name.len(), "a parameter comes twice (RFC 6749 §3.1)");
    assert_eq!(callback.state().map(|state| state.expose_secret()), by_name.get("state").copied());

    for redirect in REDIRECTS {
        for iss_promised in [false, true] {
            let outcome = pending(redirect, iss_promised, STATE).accept(&callback).map(|_| ());
            let expected = expected(redirect, iss_promised, &url, &by_name);
            assert_eq!(outcome.as_ref().map_err(kind), expected.as_ref().map_err(|kind| *kind), "{redirect}");
            outcome.err().iter().for_each(check_error);
            let stranger = pending(redirect, iss_promised, "another").accept(&callback);
            let is_strangers = by_name.get("state") == Some(&"another");
            assert!(is_strangers || matches!(stranger, Err(CallbackError::StateMismatch)), "a state fits by chance");
        }
    }
    check_secrets(url);
}

/// What the rules of the answer say, in their order: `state`, redirect address, `iss`, error, code (`RESP-6`, `RESP-7`).
fn expected(redirect: &str, promised: bool, url: &Url, given: &BTreeMap<&str, &str>) -> Result<(), &'static str> {
    let came_to = &url[..url::Position::AfterPath];
    let iss = given.get("iss").copied();
    match () {
        () if given.get("state") != Some(&STATE) => Err("state"),
        () if came_to != redirect => Err("redirect"),
        () if iss.is_some_and(|iss| iss != ISSUER) => Err("another issuer"),
        () if promised && iss.is_none() => Err("no issuer"),
        () if given.contains_key("error") => Err("refused"),
        () if !given.contains_key("code") => Err("no code"),
        () => Ok(()),
    }
}

fn kind(error: &CallbackError) -> &'static str {
    match error {
        CallbackError::Malformed => "malformed",
        CallbackError::StateMismatch => "state",
        CallbackError::RedirectMismatch => "redirect",
        CallbackError::IssuerMismatch => "another issuer",
        CallbackError::IssuerMissing => "no issuer",
        CallbackError::Refused { .. } => "refused",
        CallbackError::NoCode => "no code",
    }
}

/// A refusal is told in the server's words, which end on a person's terminal.
fn check_error(error: &CallbackError) {
    let told = error.to_string();
    assert!(!told.contains(char::is_control), "{told:?} commands a terminal");
    assert!(told.chars().count() <= 1100, "{} characters of a stranger's words", told.chars().count());
}

/// Lays a code and a state into the answer: however the rest looks, neither is ever printed.
fn check_secrets(mut url: Url) {
    // What a server says of itself is told, and may happen to look like the code.
    let told = |text: &str| text.contains(SECRET) || readable(text).contains(SECRET);
    if told(url.as_str()) || url.query_pairs().any(|(name, value)| told(&name) || told(&value)) {
        return;
    }
    url.query_pairs_mut().append_pair("code", SECRET).append_pair("state", SECRET);
    let Ok(callback) = Callback::parse(url.as_str()) else { return };
    let pending = REDIRECTS.map(|redirect| pending(redirect, false, SECRET));
    let printed = pending.each_ref().map(|pending| format!("{pending:?} {:?}", pending.accept(&callback)));
    assert!(!printed.iter().any(|text| text.contains(SECRET)), "a secret is printed: {printed:?}");
    assert!(!format!("{callback:?}").contains(SECRET), "a secret is printed: {callback:?}");
}

/// A sign-in that waits.
fn pending(redirect: &str, iss_promised: bool, state: &str) -> PendingAuthorization {
    let kept = json!({
        "issuer": ISSUER, "iss_promised": iss_promised, "state": state, "code_verifier": "v",
        "redirect_uri": redirect, "resource": "https://mcp.example", "scopes": [],
        "token_endpoint": "https://as.example/token",
        "registration": {
            "issuer": ISSUER, "client_id": "c", "auth_method": "none", "origin": "dynamic", "redirect_uris": [redirect],
        },
    });
    serde_json::from_value(kept).expect("a sign-in as it is kept")
}
