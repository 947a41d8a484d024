//! What a token endpoint answers, read as real servers write it: 201 for 200, an error in a 200, form-encoded bodies,
//! `expires_in` as text, a missing `token_type`. Read leniently, acted on strictly.

use crate::assertion::claims;
use crate::challenge::bounded;
use crate::http::{HttpError, is_for_later, without_mark};
use crate::readable::readable;
use crate::secret::{expose, expose_map, expose_option};
use ::http::{Response, header};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the token endpoint gave. Times are relative to the moment of the answer; this crate has no clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tokens {
    /// The access token.
    #[serde(serialize_with = "expose")]
    pub access_token: SecretString,
    /// How it is presented.
    #[serde(default)]
    pub token_type: TokenType,
    /// Seconds it is good for, where the server said so.
    pub expires_in: Option<u64>,
    /// The refresh token, if one was given (`REF-3`).
    #[serde(default, serialize_with = "expose_option", skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<SecretString>,
    /// The scopes, where they differ from those that were asked for (RFC 6749 §5.1).
    pub scopes: Option<Vec<String>>,
    /// What its ID token calls the person, if one came. It came from the server itself, so its signature says no more
    /// (OpenID Connect Core §3.1.3.7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// What else the server said, such as Salesforce's `instance_url`: text as it is, all else as JSON, and no token.
    #[serde(default, serialize_with = "expose_map", skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, SecretString>,
}

/// The most that is kept of what else a server says, in bytes.
const EXTRA_LIMIT: usize = 4096;

/// How an access token is presented (RFC 6749 §7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenType {
    /// By whoever has it (RFC 6750).
    #[default]
    Bearer,
    /// With a proof of its key beside it (RFC 9449 §5).
    Dpop,
}

/// Why there are no new tokens.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// No usable answer. Whether the server has acted is unknown after [`HttpError::Timeout`] and
    /// [`HttpError::Broken`].
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The authorization server said no (RFC 6749 §5.2).
    #[error("{host} refused: {error}{}", .description.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
    Refused {
        /// The host that refused.
        host: String,
        /// The error code, such as `invalid_grant`.
        error: String,
        /// The server's own words.
        description: Option<String>,
    },
    /// The answer says that there are tokens, and has none.
    #[error("{host} answered something that isn't a token answer ({problem})")]
    Malformed {
        /// The host that answered.
        host: String,
        /// What is wrong, without the content.
        problem: String,
    },
    /// The token is anybody's who has it, although the MCP server takes only such as are bound to a key.
    #[error("{0} gave a token that isn't bound to a key although the server takes no others, so Keybearer stopped")]
    Unbound(String),
    /// The token is bound to a key, and nobody has proven to hold one.
    #[error("{0} gave a token that is bound to a key, and Keybearer has no such key, so it stopped")]
    StrangelyBound(String),
    /// The token is of a type that we don't know how to use, so it must not be used (RFC 6749 §7.1).
    #[error("{host} gave a token of type \"{kind}\", which Keybearer can't use")]
    UnknownType {
        /// The host that answered.
        host: String,
        /// The type.
        kind: String,
    },
    /// A token that no header can carry, or too long for any server to take.
    #[error("{host} gave a token that can't be used: it {problem}")]
    Unusable {
        /// The host that answered.
        host: String,
        /// What is wrong, without the content.
        problem: &'static str,
    },
}

/// The most that a token may hold, in bytes: servers refuse longer headers.
const TOKEN_LIMIT: usize = 16 * 1024;

/// Reads an answer of the token endpoint at `host`.
pub fn read(host: &str, answer: &Response<Vec<u8>>) -> Result<Tokens, TokenError> {
    let fields = accepted(host, answer)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let access_token = text("access_token").ok_or_else(|| malformed(host, "no access_token"))?;
    // An empty one means that there is none.
    let refresh_token = text("refresh_token").filter(|token| !token.is_empty());
    if let Some(problem) = problem(access_token, refresh_token) {
        return Err(TokenError::Unusable { host: host.to_owned(), problem });
    }
    let kind = text("token_type").unwrap_or_default();
    let unknown = || TokenError::UnknownType { host: host.to_owned(), kind: readable(kind) };
    let secret = |text: &str| SecretString::from(text.to_owned());
    Ok(Tokens {
        access_token: secret(access_token),
        token_type: token_type(kind).ok_or_else(unknown)?,
        expires_in: fields.get("expires_in").and_then(lifetime),
        refresh_token: refresh_token.map(secret),
        scopes: text("scope").map(|scope| bounded(scope.split_ascii_whitespace().map(str::to_owned))),
        person: text("id_token").and_then(|token| claims(&secret(token)).ok()?.person()),
        extra: extra(&fields),
    })
}

/// What isn't ours to understand (RFC 6749 §5.1), as far as there is room for it.
fn extra(fields: &Map<String, Value>) -> BTreeMap<String, SecretString> {
    let is_ours = |name: &str| name.ends_with("token") || ["token_type", "expires_in", "scope"].contains(&name);
    let mut room = EXTRA_LIMIT;
    let others = fields.iter().filter(|(name, value)| !is_ours(name) && !value.is_null());
    let kept = others.filter_map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        room = room.checked_sub(name.len() + text.len())?;
        Some((name.clone(), text.into()))
    });
    kept.collect()
}

/// The fields of an answer in which an endpoint of `host` didn't refuse.
pub(crate) fn accepted(host: &str, answer: &Response<Vec<u8>>) -> Result<Map<String, Value>, TokenError> {
    let status = answer.status();
    let Some(fields) = fields(answer) else {
        // An HTML page of a proxy, an empty 500: nothing to read, but the status tells whether to try again.
        let problem = "neither a JSON object nor a form".to_owned();
        return Err(match status.is_success() {
            true => HttpError::NotJson { host: host.to_owned(), problem }.into(),
            false => HttpError::answered(host, answer).into(),
        });
    };
    if is_for_later(status.as_u16()) {
        return Err(HttpError::answered(host, answer).into());
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if let Some(error) = text("error") {
        let description = text("error_description").map(readable);
        return Err(TokenError::Refused { host: host.to_owned(), error: readable(error), description });
    }
    match status.is_success() {
        true => Ok(fields),
        false => Err(HttpError::answered(host, answer).into()),
    }
}

pub(crate) fn malformed(host: &str, problem: &str) -> TokenError {
    TokenError::Malformed { host: host.to_owned(), problem: problem.to_owned() }
}

/// Why tokens can't be used: an access token is visible ASCII (RFC 6750 §2.1), and neither is endless.
fn problem(access_token: &str, refresh_token: Option<&str>) -> Option<&'static str> {
    if access_token.is_empty() {
        Some("is empty")
    } else if !access_token.bytes().all(|c| c.is_ascii_graphic()) {
        Some("holds spaces, controls or letters that no header can carry")
    } else if [Some(access_token), refresh_token].into_iter().flatten().any(|token| token.len() > TOKEN_LIMIT) {
        Some("is longer than any server takes")
    } else {
        None
    }
}

/// The types that we know how to use, and none else (RFC 6749 §7.1). Slack says `user` and `bot` of bearer tokens.
fn token_type(name: &str) -> Option<TokenType> {
    match name.to_ascii_lowercase().as_str() {
        "" | "bearer" | "user" | "bot" => Some(TokenType::Bearer),
        "dpop" => Some(TokenType::Dpop),
        _ => None,
    }
}

fn fields(answer: &Response<Vec<u8>>) -> Option<Map<String, Value>> {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(without_mark(answer.body())) {
        return Some(fields);
    }
    let kind = answer.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let pairs = url::form_urlencoded::parse(answer.body());
    Some(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
}

/// `expires_in` as a number or as text. Zero and less tell nothing: as if it were missing.
pub(crate) fn lifetime(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }?;
    // A century is as good as for ever, and keeps sums with a clock in bounds.
    (seconds >= 1.0).then(|| seconds.min(3_155_760_000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::StatusCode;
    use secrecy::ExposeSecret;
    use serde_json::json;

    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded; charset=x";

    /// The answer as `token type expires_in refresh scopes`, or the error.
    fn check(status: u16, kind: &str, body: &str, expected: &str) {
        let mut response = Response::new(body.as_bytes().to_vec());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        response.headers_mut().insert(header::CONTENT_TYPE, kind.parse().expect("a media type"));
        let found = match read("as", &response) {
            Ok(tokens) => {
                let (access, refresh) = (tokens.access_token, tokens.refresh_token);
                let refresh = refresh.as_ref().map(|token| token.expose_secret()).unwrap_or("-");
                let expires = tokens.expires_in.map_or("-".to_owned(), |seconds| seconds.to_string());
                let scopes = tokens.scopes.map_or("-".to_owned(), |scopes| scopes.join("+"));
                format!("{} {:?} {expires} {refresh} {scopes}", access.expose_secret(), tokens.token_type)
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn answers_of_real_servers_are_understood() {
        check(200, JSON, r#"{"access_token":"a","token_type":"bearer"}"#, "a Bearer - - -");
        check(201, JSON, r#"{"access_token":"a","expires_in":"60"}"#, "a Bearer 60 - -");
        check(200, JSON, r#"{"access_token":"a","refresh_token":"r","scope":"x  y"}"#, "a Bearer - r x+y");
        check(200, JSON, r#"{"access_token":"a","refresh_token":null,"scope":null}"#, "a Bearer - - -");
        check(200, JSON, r#"{"access_token":"a","token_type":"user"}"#, "a Bearer - - -");
        check(200, JSON, r#"{"access_token":"a","token_type":"DPoP"}"#, "a Dpop - - -");
        check(200, FORM, "access_token=a&expires_in=60", "a Bearer 60 - -");
        for odd in ["0", "-5", "null", "\"soon\"", "[]"] {
            check(200, JSON, &format!(r#"{{"access_token":"a","expires_in":{odd}}}"#), "a Bearer - - -");
        }
    }

    #[test]
    fn what_else_a_server_says_is_kept_within_bounds_and_no_token_in_it() {
        let body = json!({
            "access_token": "a", "refresh_token": "r", "id_token": "i", "token_type": "bearer", "scope": "s", "expires_in": 1,
            "instance_url": "https://x.example", "team": { "id": 7 }, "none": null, "long": "x".repeat(EXTRA_LIMIT),
        });
        let tokens = read("as", &Response::new(body.to_string().into_bytes())).expect("tokens");
        let kept: Vec<String> = tokens.extra.iter().map(|(n, v)| format!("{n}={}", v.expose_secret())).collect();
        assert_eq!(kept, ["instance_url=https://x.example", r#"team={"id":7}"#]);
    }

    #[test]
    fn what_is_no_token_is_told_apart_and_not_quoted() {
        check(200, JSON, r#"{"error":"invalid_grant"}"#, "as refused: invalid_grant");
        check(400, JSON, r#"{"error":"x","error_description":"y"}"#, "as refused: x (y)");
        check(503, "text/html", "<p>busy", "as answered 503");
        check(500, JSON, r#"{"error":"server_error"}"#, "as answered 500");
        for (status, kind, body) in [
            (200, "text/html", "<p>secret"),
            (200, JSON, r#"{"access_token":"","x":"secret"}"#),
            (200, JSON, r#"{"access_token":["secret"]}"#),
            (200, JSON, r#"{"access_token":"secret\r\nX-Other: y"}"#),
            (200, JSON, r#"{"access_token":"secret","token_type":"mac"}"#),
            (403, JSON, r#"{"access_token":"secret"}"#),
        ] {
            let mut response = Response::new(body.as_bytes().to_vec());
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            response.headers_mut().insert(header::CONTENT_TYPE, kind.parse().expect("a media type"));
            let error = read("as", &response).expect_err(body).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
