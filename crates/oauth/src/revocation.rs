//! Taking tokens back (RFC 7009).

use crate::http::{Http, HttpError, host, post};
use crate::registration::{AuthMethod, Registration};
use ::http::{HeaderValue, Response, StatusCode, header};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// What kind of token is taken back (RFC 7009 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An access token.
    Access,
    /// A refresh token; most servers end the whole grant with it.
    Refresh,
}

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is good for nothing any more.
    TakenBack,
    /// The server takes no access tokens back (RFC 7009 §2.2.1): nobody stores them, so they end by themselves.
    EndsByItself,
}

/// Tells the authorization server that a token is not used any more. A token that it doesn't know counts as done
/// (RFC 7009 §2.2).
pub async fn revoke(
    http: &Http,
    endpoint: &Url,
    registration: &Registration,
    kind: TokenKind,
    token: &SecretString,
) -> Result<Outcome, HttpError> {
    let mut answer = send(http, endpoint, registration, form(registration, kind, token)).await?;
    let unsupported = is_unsupported(&answer);
    if registration.auth_method == AuthMethod::None && answer.status() == StatusCode::BAD_REQUEST && !unsupported {
        // The secret of a public client is empty, and may be left out (RFC 6749 §2.3.1). The Python SDK's handlers, and
        // FastMCP's with them, miss it.
        let form = form(registration, kind, token) + "&client_secret=";
        answer = send(http, endpoint, registration, form).await?;
    }
    match kind {
        _ if answer.status().is_success() => Ok(Outcome::TakenBack),
        TokenKind::Access if unsupported => Ok(Outcome::EndsByItself),
        TokenKind::Access | TokenKind::Refresh => {
            Err(HttpError::Status { host: host(endpoint), status: answer.status().as_u16() })
        }
    }
}

async fn send(
    http: &Http,
    endpoint: &Url,
    registration: &Registration,
    form: String,
) -> Result<Response<Vec<u8>>, HttpError> {
    let mut request = post(endpoint, "application/x-www-form-urlencoded", form.into_bytes())?;
    if let (AuthMethod::ClientSecretBasic, Some(secret)) = (registration.auth_method, &registration.client_secret) {
        request
            .headers_mut()
            .extend(basic(&registration.client_id, secret).map(|value| (header::AUTHORIZATION, value)));
    }
    http.send(request).await
}

/// The answer of RFC 6749 §5.2, as far as we use it.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// Whether the server says that it takes back no tokens of this kind. Refresh tokens it has to take (RFC 7009 §2).
fn is_unsupported(answer: &Response<Vec<u8>>) -> bool {
    serde_json::from_slice(answer.body()).is_ok_and(|Refusal { error }| error == "unsupported_token_type")
}

fn form(registration: &Registration, kind: TokenKind, token: &SecretString) -> String {
    let hint = match kind {
        TokenKind::Access => "access_token",
        TokenKind::Refresh => "refresh_token",
    };
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose_secret()).append_pair("token_type_hint", hint);
    if registration.auth_method != AuthMethod::ClientSecretBasic {
        form.append_pair("client_id", &registration.client_id);
    }
    if let (AuthMethod::ClientSecretPost, Some(secret)) = (registration.auth_method, &registration.client_secret) {
        form.append_pair("client_secret", secret.expose_secret());
    }
    form.finish()
}

/// HTTP Basic with form-encoded ID and secret (RFC 6749 §2.3.1, `TOK-4`).
fn basic(client_id: &str, secret: &SecretString) -> Option<HeaderValue> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(client_id), encode(secret.expose_secret()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}
