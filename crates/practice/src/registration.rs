//! The registration endpoint: a client tells its metadata and receives an id, and a secret where it wants one (RFC 7591).

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    client::{Client, ClientAuthentication},
    device::DEVICE_CODE,
    fault::Fault,
    oauth_error::{ErrorCode, OAuthError},
    practice::{Practice, Shared},
    random::unguessable,
    redirect_uri::{self, RedirectKind},
};

/// The client metadata this server looks at (RFC 7591 §2); the rest is echoed unread.
#[derive(Debug, Clone, Deserialize)]
pub struct ClientMetadata {
    /// Present only in a Client ID Metadata Document.
    pub client_id: Option<String>,
    /// What the person reads on the consent page.
    pub client_name: Option<String>,
    /// Where codes may be sent.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// `native` or `web`.
    pub application_type: Option<String>,
    /// How the client proves who it is; `client_secret_basic` where it is left out.
    pub token_endpoint_auth_method: Option<String>,
    /// Which grants it will use.
    pub grant_types: Option<Vec<String>>,
    /// Which response types it will use.
    pub response_types: Option<Vec<String>>,
}

/// `POST /register`
pub async fn register(State(practice): State<Shared>, body: Bytes) -> Response {
    if practice.has(Fault::NoRegistration) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match registered(&practice, &body) {
        Ok(answer) => (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response(),
        Err(error) => error.into_response(),
    }
}

fn registered(practice: &Practice, body: &[u8]) -> Result<Value, OAuthError> {
    let not_metadata = |_| invalid_metadata("the body is not client metadata in JSON");
    let mut answer: Map<String, Value> = serde_json::from_slice(body).map_err(not_metadata)?;
    let metadata: ClientMetadata = serde_json::from_slice(body).map_err(not_metadata)?;
    let wants_redirect = practice.has(Fault::RequireRedirect) || uses_codes(&metadata);
    check_redirects(&metadata, wants_redirect, practice.has(Fault::RefusePrivateUseScheme))?;
    check_metadata(&metadata, practice.has(Fault::RequireNative))?;

    let authentication = chosen_authentication(&metadata)?;
    let client_id = format!("client-{}", unguessable());
    answer.insert("client_id".to_owned(), json!(client_id));
    answer.insert("client_id_issued_at".to_owned(), json!(seconds_since_1970()));
    answer.insert("token_endpoint_auth_method".to_owned(), json!(method_name(&authentication)));
    if let ClientAuthentication::ClientSecretBasic(secret) | ClientAuthentication::ClientSecretPost(secret) =
        &authentication
    {
        answer.insert("client_secret".to_owned(), json!(secret));
        // Required with a secret; zero says that it does not expire (RFC 7591 §3.2.1).
        answer.insert("client_secret_expires_at".to_owned(), json!(0));
    }
    let ClientMetadata { client_name: name, redirect_uris, .. } = metadata;
    let mut state = practice.state();
    state.counters.registrations += 1;
    state.clients.insert(client_id.clone(), Client { client_id, name, redirect_uris, authentication });
    Ok(Value::Object(answer))
}

/// Whether it will use authorization codes, which is the default (RFC 7591 §2).
fn uses_codes(metadata: &ClientMetadata) -> bool {
    metadata.grant_types.as_ref().is_none_or(|grants| grants.iter().any(|grant| grant == "authorization_code"))
}

fn check_redirects(
    metadata: &ClientMetadata,
    wants_redirect: bool,
    refuse_private_use: bool,
) -> Result<(), OAuthError> {
    let refused = |description| Err(OAuthError::new(ErrorCode::InvalidRedirectUri, description));
    if metadata.redirect_uris.is_empty() && wants_redirect {
        return refused("redirect_uris is empty");
    }
    for redirect_uri in &metadata.redirect_uris {
        match redirect_uri::kind(redirect_uri) {
            Some(RedirectKind::PrivateUseScheme) if refuse_private_use => {
                return refused("a redirect URI must be https or loopback");
            }
            Some(RedirectKind::Loopback | RedirectKind::PrivateUseScheme) => {}
            None => return refused("a redirect URI must be http to loopback, or a reversed domain with one slash"),
        }
    }
    Ok(())
}

fn check_metadata(metadata: &ClientMetadata, require_native: bool) -> Result<(), OAuthError> {
    let application_type = metadata.application_type.as_deref();
    if require_native && application_type != Some("native") {
        return Err(invalid_metadata("application_type must be native"));
    }
    if !matches!(application_type, None | Some("native" | "web")) {
        return Err(invalid_metadata("application_type must be native or web"));
    }
    let lacks =
        |list: &Option<Vec<String>>, word: &str| list.as_ref().is_some_and(|it| !it.iter().any(|it| it == word));
    if uses_codes(metadata) && lacks(&metadata.response_types, "code") {
        return Err(invalid_metadata("authorization codes come with the response type code"));
    }
    if !uses_codes(metadata) && lacks(&metadata.grant_types, DEVICE_CODE) {
        return Err(invalid_metadata("only authorization codes and device codes are offered"));
    }
    Ok(())
}

fn chosen_authentication(metadata: &ClientMetadata) -> Result<ClientAuthentication, OAuthError> {
    match metadata.token_endpoint_auth_method.as_deref() {
        Some("none") => Ok(ClientAuthentication::None),
        // The default of RFC 7591 §2, which surprises many a client.
        None | Some("client_secret_basic") => Ok(ClientAuthentication::ClientSecretBasic(unguessable())),
        Some("client_secret_post") => Ok(ClientAuthentication::ClientSecretPost(unguessable())),
        Some(_) => Err(invalid_metadata("this token_endpoint_auth_method is not supported")),
    }
}

fn method_name(authentication: &ClientAuthentication) -> &'static str {
    match authentication {
        ClientAuthentication::None => "none",
        ClientAuthentication::ClientSecretBasic(_) => "client_secret_basic",
        ClientAuthentication::ClientSecretPost(_) => "client_secret_post",
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this crate knows nothing of keybearer_core, and needs the date only here"
)]
fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

fn invalid_metadata(description: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, description)
}
