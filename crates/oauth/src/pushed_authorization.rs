//! Pushed authorization requests (RFC 9126): the request goes straight to the authorization server, which says under
//! which name a browser finds it there. What was asked for then stands in no browser's history, and nobody between can
//! change it.

use crate::authorization::AuthorizationRequest;
use crate::client::Client;
use crate::http::{HttpError, host};
use crate::readable::readable;
use crate::registration::AuthMethod;
use crate::server_metadata::ServerMetadata;
use crate::token_answer::lifetime;
use ::http::Response;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

/// The most that the name of a pushed request may hold, in bytes.
const REQUEST_URI_LIMIT: usize = 2048;
/// How long a name is taken to be good where the server doesn't say (RFC 9126 §2.2 wants it to), in seconds.
const SHORT: u64 = 60;

/// What a browser opens.
#[derive(Clone, Debug)]
pub struct Page {
    /// The address.
    pub url: Url,
    /// Seconds within which it has to be opened, where the request was pushed.
    pub expires_in: Option<u64>,
}

/// Why a request could not be pushed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PushError {
    /// It has to be pushed, and there is no usable answer.
    #[error("the sign-in has to be announced to the authorization server first, and that failed: {0}")]
    Http(#[from] HttpError),
    /// It has to be pushed, and the metadata don't say where.
    #[error("{0} wants sign-ins to be announced first, but doesn't say where")]
    NoEndpoint(String),
    /// The authorization server said no to the request, or to the client (RFC 9126 §2.3).
    #[error("{host} refused the sign-in before the browser: {error}{}", .description.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
    Refused {
        /// The host that refused.
        host: String,
        /// The error code, such as `invalid_request`.
        error: String,
        /// The server's own words.
        description: Option<String>,
    },
    /// It has to be pushed, and the answer names no request.
    #[error("{host} announced the sign-in under a name that can't be used")]
    Malformed {
        /// The host that answered.
        host: String,
    },
}

/// The address to open in a browser. Where the authorization server offers it, the request is pushed first; where it
/// demands it, in no other way. An offer that isn't kept leaves the ordinary way, but a refusal is one.
pub async fn page(
    client: &Client<'_>,
    server: &ServerMetadata,
    request: &AuthorizationRequest,
) -> Result<Page, PushError> {
    let required = server.require_pushed_authorization_requests;
    let ordinary = || Page { url: request.address(), expires_in: None };
    let endpoint = match &server.pushed_authorization_request_endpoint {
        Some(endpoint) => endpoint,
        None if required => return Err(PushError::NoEndpoint(server.issuer.clone())),
        None => return Ok(ordinary()),
    };
    match push(client, endpoint, request).await {
        Ok(Pushed { request_uri, expires_in }) => {
            Ok(Page { url: request.pushed_address(&request_uri), expires_in: Some(expires_in) })
        }
        Err(error) if required || error.is_final() => Err(error),
        Err(error) => {
            tracing::info!(%error, "the offer to take the request first isn't kept; the browser brings it");
            Ok(ordinary())
        }
    }
}

impl PushError {
    /// Whether the server doesn't know who asks, such as after it has forgotten its clients.
    pub fn is_unknown_client(&self) -> bool {
        matches!(self, PushError::Refused { error, .. } if matches!(error.as_str(), "invalid_client" | "unauthorized_client"))
    }

    /// Whether no other way is tried: the server has judged, or it can't be trusted to be who it is.
    fn is_final(&self) -> bool {
        match self {
            PushError::Refused { .. } | PushError::NoEndpoint(_) => true,
            PushError::Http(error) => {
                matches!(error, HttpError::NotAllowed(_) | HttpError::TooNear { .. } | HttpError::Tls { .. })
            }
            PushError::Malformed { .. } => false,
        }
    }
}

/// A request that the authorization server knows.
struct Pushed {
    request_uri: String,
    expires_in: u64,
}

/// The answers of RFC 9126 §2.2 and §2.3.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    request_uri: Option<String>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_description: Option<String>,
}

async fn push(client: &Client<'_>, endpoint: &Url, request: &AuthorizationRequest) -> Result<Pushed, PushError> {
    // The client adds its ID wherever the header doesn't hold it; the request has one in any case (RFC 6749 §4.1.1).
    let id_is_added = client.registration.auth_method != AuthMethod::ClientSecretBasic;
    let form = request.parameters().filter(|(name, _)| !(id_is_added && *name == "client_id")).collect();
    let answer = client.post(endpoint, &form).await?;
    read(&host(endpoint), &answer)
}

fn read(host: &str, answer: &Response<Vec<u8>>) -> Result<Pushed, PushError> {
    let status = answer.status().as_u16();
    let (host, named) = (host.to_owned(), serde_json::from_slice::<Answer>(answer.body()));
    let is_answer = matches!(status, 200 | 201 | 400 | 401 | 403);
    let Some(answer) = named.ok().filter(|_| is_answer) else {
        return Err(match status {
            200 | 201 => PushError::Malformed { host },
            _ => HttpError::status(host, status).into(),
        });
    };
    if let Some(error) = answer.error {
        let description = answer.error_description.as_deref().map(readable);
        return Err(PushError::Refused { host, error: readable(&error), description });
    }
    if !matches!(status, 200 | 201) {
        return Err(HttpError::status(host, status).into());
    }
    match answer.request_uri.filter(|uri| is_name(uri)) {
        Some(request_uri) => Ok(Pushed { request_uri, expires_in: lifetime(&answer.expires_in).unwrap_or(SHORT) }),
        None => Err(PushError::Malformed { host }),
    }
}

/// Whether it can be the name of a request: a whole URI, of which nobody has to be able to make anything.
fn is_name(uri: &str) -> bool {
    uri.len() <= REQUEST_URI_LIMIT && uri.chars().all(|c| c.is_ascii_graphic()) && Url::parse(uri).is_ok()
}
