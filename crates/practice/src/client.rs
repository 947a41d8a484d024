//! Clients: what the server knows of each, and how each proves who it is at the token and revocation endpoints.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::form_urlencoded;

use crate::{
    oauth_error::{ErrorCode, OAuthError},
    parameters::Parameters,
    redirect_uri,
};

/// One client. There is no `Debug`, because it may hold a secret.
#[derive(Clone)]
pub struct Client {
    /// Given at registration, or the address of its metadata document.
    pub client_id: String,
    /// What the person reads on the consent page.
    pub name: Option<String>,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// How it proves who it is.
    pub authentication: ClientAuthentication,
}

/// The token endpoint authentication methods of RFC 7591 §2, with the secret where there is one.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// A public client: its id is enough.
    None,
    /// The secret comes in the Authorization header.
    ClientSecretBasic(String),
    /// The secret comes in the form.
    ClientSecretPost(String),
}

impl Client {
    /// Whether codes may be sent to `requested`.
    pub fn allows_redirect(&self, requested: &str, exact_port: bool) -> bool {
        redirect_uri::kind(requested).is_some()
            && self.redirect_uris.iter().any(|registered| redirect_uri::matches(registered, requested, exact_port))
    }
}

/// The client a request comes from, proven in the way it was registered with (RFC 6749 §2.3).
///
/// # Errors
/// `invalid_client` if it is unknown or used another way; `invalid_request` if it names two ids.
pub fn authenticate<'a>(
    clients: &'a HashMap<String, Client>,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<&'a Client, OAuthError> {
    let (client_id, presented) = match basic_credentials(headers)? {
        Some((client_id, secret)) => {
            if parameters.get("client_id").is_some_and(|in_form| in_form != client_id) {
                return Err(OAuthError::new(ErrorCode::InvalidRequest, "two different client ids"));
            }
            (client_id, ClientAuthentication::ClientSecretBasic(secret))
        }
        None => {
            let secret = parameters.get("client_secret");
            let presented =
                secret.map_or(ClientAuthentication::None, |it| ClientAuthentication::ClientSecretPost(it.to_owned()));
            (parameters.require("client_id")?.to_owned(), presented)
        }
    };
    let client = clients.get(&client_id).ok_or_else(|| refused("unknown client"))?;
    if client.authentication == presented {
        Ok(client)
    } else {
        Err(refused("the client did not authenticate as registered"))
    }
}

/// Id and secret from a Basic header; both were form-encoded before they were joined (RFC 6749 §2.3.1).
fn basic_credentials(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let malformed = || refused("malformed Authorization header");
    let (scheme, encoded) = value.to_str().ok().and_then(|it| it.split_once(' ')).ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
    let pair = String::from_utf8(decoded).map_err(|_| malformed())?;
    let (client_id, secret) = pair.split_once(':').ok_or_else(malformed)?;
    Ok(Some((form_decoded(client_id), form_decoded(secret))))
}

fn form_decoded(encoded: &str) -> String {
    form_urlencoded::parse(encoded.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn refused(description: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClient, description)
}
