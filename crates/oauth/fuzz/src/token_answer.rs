//! The token endpoint's answer: tokens come out of a good answer alone, within bounds, and no error tells them.

use super::challenge::is_scope;
use http::{HeaderValue, Response, StatusCode, header};
use keybearer_oauth::readable::readable;
use keybearer_oauth::token_answer::{TokenError, TokenType, Tokens, read};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// What must never be told, laid into an answer that a stranger wrote the rest of.
const SECRET: &str = "CANARY-7f3a";

/// A century, in seconds.
const LONGEST: u64 = 3_155_760_000;

/// Takes the first line of the input as status and media type, such as `200 application/json`, and the rest as the body.
pub fn check(bytes: &[u8]) {
    let Some(end) = bytes.iter().position(|c| *c == b'\n') else { return };
    let (head, body) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end + 1..]);
    let (status, kind) = head.split_once(' ').unwrap_or((&head, ""));
    let Some(status) = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()) else { return };
    match read("as.example", &answer(status, kind, body)) {
        Ok(tokens) => check_tokens(status, kind, body, &tokens),
        Err(error) => {
            assert!(!is_for_later(status) || matches!(error, TokenError::Http(_)), "{status} is believed: {error}");
            check_error(status, &error);
        }
    }
    check_secrets(status, kind, body);
}

/// Tokens are what the answer says they are, however it says it.
fn check_tokens(status: StatusCode, kind: &str, body: &[u8], tokens: &Tokens) {
    assert!(status.is_success(), "{status} gave tokens");
    let fields = fields(kind, body).expect("tokens come out of fields alone");
    assert!(!fields.get("error").is_some_and(Value::is_string), "a refusal gave tokens");
    let named = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    assert_eq!(named("access_token"), Some(tokens.access_token.expose_secret()));
    let header = HeaderValue::from_str(&format!("Bearer {}", tokens.access_token.expose_secret()));
    let longest = tokens.access_token.expose_secret().len().max(named("refresh_token").map_or(0, str::len));
    assert!(longest <= 16 * 1024, "a token of {longest} bytes");
    assert!(header.is_ok_and(|header| header.to_str().is_ok()), "a token fits into no header");
    assert_eq!(named("refresh_token"), tokens.refresh_token.as_ref().map(|token| token.expose_secret()));
    assert!(tokens.expires_in.is_none_or(|seconds| (1..=LONGEST).contains(&seconds)), "{:?}", tokens.expires_in);
    let scopes = tokens.scopes.as_deref().unwrap_or_default();
    assert!(scopes.len() <= 100 && scopes.iter().all(|scope| is_scope(scope)), "{scopes:?}");

    let written = write(tokens);
    let as_json = Value::Object(written.clone()).to_string();
    assert_same(tokens, read("as", &answer(StatusCode::OK, JSON, as_json.as_bytes())), "as JSON");
    let texts = written.iter().map(|(name, value)| (name, value.as_str().map_or(value.to_string(), str::to_owned)));
    let as_form = form_urlencoded::Serializer::new(String::new()).extend_pairs(texts).finish();
    assert_same(tokens, read("as", &answer(StatusCode::CREATED, FORM, as_form.as_bytes())), "as a form");
    let kept = serde_json::to_string(tokens).expect("tokens can be kept");
    assert_same(tokens, Ok(serde_json::from_str(&kept).expect("kept tokens can be read")), "as kept");
}

/// Whether the server says that it can't answer now, so that nothing else it says counts: too often, or a fault of its own,
/// as which every status that doesn't exist counts too (RFC 6585 §4, RFC 8470 §5.2, RFC 9110 §15).
fn is_for_later(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500..)
}

/// An error is of its kind, short, and holds nothing of the answer but the server's words about a refusal.
fn check_error(status: StatusCode, error: &TokenError) {
    let told = error.to_string();
    match error {
        TokenError::Refused { error, description, .. } => {
            for words in [Some(error), description.as_ref()].into_iter().flatten() {
                assert!(words.chars().count() <= 500, "{} characters of a stranger's words", words.chars().count());
            }
            assert!(!told.contains(char::is_control), "{told:?} commands a terminal");
        }
        TokenError::Malformed { problem, .. } => {
            assert_eq!(problem, "no access_token", "{told}");
        }
        TokenError::UnknownType { kind, .. } => {
            assert!(kind.chars().count() <= 500 && !told.contains(char::is_control), "{told:?}");
        }
        // Its problem is a word of ours.
        TokenError::Unusable { .. } => {}
        TokenError::Unbound(_) | TokenError::StrangelyBound(_) => unreachable!("reading knows of no key"),
        TokenError::Http(error) => {
            assert_eq!(error.is_transient(), is_for_later(status), "{status}: {told}");
            let words = "as.example answered something that isn't the expected JSON (neither a JSON object nor a form)";
            assert!(told == words || told == format!("as.example answered {}", status.as_u16()), "{told}");
        }
    }
}

/// Lays tokens into the answer: however the rest looks, no error tells them and nothing prints them.
fn check_secrets(status: StatusCode, kind: &str, body: &[u8]) {
    let Some(mut fields) = fields(kind, body) else { return };
    for name in ["access_token", "refresh_token", "id_token"] {
        fields.insert(name.to_owned(), SECRET.into());
    }
    // What a server says of itself is told, and may happen to look like the tokens.
    let said =
        ["error", "error_description", "scope", "token_type"].map(|name| fields.get(name).and_then(Value::as_str));
    if said.into_iter().flatten().any(|text| text.contains(SECRET) || readable(text).contains(SECRET)) {
        return;
    }
    let body = Value::Object(fields.clone()).to_string();
    let outcome = read("as.example", &answer(status, JSON, body.as_bytes()));
    let printed = format!("{outcome:?} {}", outcome.as_ref().err().map(ToString::to_string).unwrap_or_default());
    assert!(!printed.contains(SECRET), "a secret is printed: {printed}");
}

fn answer(status: StatusCode, kind: &str, body: &[u8]) -> Response<Vec<u8>> {
    let mut answer = Response::new(body.to_vec());
    *answer.status_mut() = status;
    answer.headers_mut().extend(HeaderValue::from_str(kind).ok().map(|kind| (header::CONTENT_TYPE, kind)));
    answer
}

/// What a body says: a JSON object, or a form where it is called one.
fn fields(kind: &str, body: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)) {
        Ok(Value::Object(fields)) => Some(fields),
        _ if kind.starts_with(FORM) => {
            Some(form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), Value::from(&*value))).collect())
        }
        _ => None,
    }
}

/// Tokens as an answer of RFC 6749 §5.1.
fn write(tokens: &Tokens) -> Map<String, Value> {
    let kind = match tokens.token_type {
        TokenType::Bearer => "Bearer",
        TokenType::Dpop => "DPoP",
    };
    let fields = json!({
        "access_token": tokens.access_token.expose_secret(), "token_type": kind, "expires_in": tokens.expires_in,
        "refresh_token": tokens.refresh_token.as_ref().map(|token: &SecretString| token.expose_secret()),
        "scope": tokens.scopes.as_ref().map(|scopes| scopes.join(" ")),
    });
    let Value::Object(fields) = fields else { unreachable!("it is written as an object") };
    fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn assert_same(tokens: &Tokens, again: Result<Tokens, TokenError>, how: &str) {
    let again = again.unwrap_or_else(|error| panic!("tokens written {how} give {error}"));
    assert_eq!(write(&again), write(tokens), "written {how}");
}
