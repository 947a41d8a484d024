//! Taking tokens back (RFC 7009).

use crate::client::{Client, Form};
use crate::http::{HttpError, host};
use crate::registration::AuthMethod;
use ::http::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

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
    client: &Client<'_>,
    endpoint: &Url,
    kind: TokenKind,
    token: &SecretString,
) -> Result<Outcome, HttpError> {
    let hint = match kind {
        TokenKind::Access => "access_token",
        TokenKind::Refresh => "refresh_token",
    };
    let mut form: Form<'_> = vec![("token", token.expose_secret()), ("token_type_hint", hint)];
    let mut answer = client.post(endpoint, &form).await?;
    let unsupported = is_unsupported(&answer);
    let is_public = client.registration.auth_method == AuthMethod::None;
    if is_public && answer.status() == StatusCode::BAD_REQUEST && !unsupported {
        // The secret of a public client is empty, and may be left out (RFC 6749 §2.3.1). The Python SDK's handlers, and
        // FastMCP's with them, miss it.
        form.push(("client_secret", ""));
        answer = client.post(endpoint, &form).await?;
    }
    match kind {
        _ if answer.status().is_success() => Ok(Outcome::TakenBack),
        TokenKind::Access if unsupported => Ok(Outcome::EndsByItself),
        TokenKind::Access | TokenKind::Refresh => Err(HttpError::answered(&host(endpoint), &answer)),
    }
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
