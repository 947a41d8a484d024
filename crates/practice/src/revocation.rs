//! The revocation endpoint: a client gives a token back (RFC 7009).

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
};
use bytes::Bytes;

use crate::{client, oauth_error::OAuthError, parameters::Parameters, practice::Shared};

/// `POST /revoke`; a token nobody knows is as gone as one that was revoked, so both answer 200 (RFC 7009 §2.2).
///
/// # Errors
/// If the client does not prove who it is, or sends no token.
pub async fn revoke(State(practice): State<Shared>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, OAuthError> {
    let mut state = practice.state();
    state.counters.revocations += 1;
    let parameters = Parameters::from_form(&headers, &body)?;
    let client_id = client::authenticate(&state.clients, &headers, &parameters)?.client_id.clone();
    // `token_type_hint` is only a hint, and the prefixes of tokens already tell the kinds apart.
    state.grants.revoke(parameters.require("token")?, &client_id);
    Ok(StatusCode::OK)
}
