//! The token endpoint: exchanges codes and refresh tokens (RFC 6749 §4.1.3, §6), and misbehaves where it is told to.

use std::{
    io,
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Body,
    extract::State as Extract,
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use crate::{
    authorization_code::Redemption,
    client,
    device::{self, DEVICE_CODE},
    dpop,
    fault::Fault,
    grant_error::GrantError,
    grants::{Issued, Renewal},
    oauth_error::{ErrorCode, OAuthError},
    parameters::Parameters,
    practice::{Practice, Shared, State},
};

/// `POST /token`
pub async fn token(Extract(practice): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let response = answer(&practice, &headers, &body).unwrap_or_else(IntoResponse::into_response);
    if practice.has(Fault::SlowToken) {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    practice.with_nonce(response)
}

fn answer(practice: &Practice, headers: &HeaderMap, body: &[u8]) -> Result<Response, OAuthError> {
    let parameters = Parameters::from_form(headers, body)?;
    let mut state = practice.state();
    let grant_type = parameters.require("grant_type")?;
    match grant_type {
        "authorization_code" => state.counters.code_exchanges += 1,
        "refresh_token" => state.counters.refreshes += 1,
        DEVICE_CODE => state.counters.device_polls += 1,
        _ => return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, "unknown grant_type")),
    }
    if state.faults.contains(&Fault::TokenHtml) {
        return Ok(Html("<!doctype html><title>Welcome</title><p>Please sign in.").into_response());
    }
    let endpoint = practice.addresses.endpoint("/token");
    let request = dpop::Request { method: "POST", url: &endpoint, access_token: None };
    let key = state.proven_key(headers, &request)?;
    let client_id = client::authenticate(&state.clients, headers, &parameters)?.client_id.clone();
    if parameters.get("resource").is_some_and(|resource| resource != practice.addresses.mcp_url) {
        return Err(OAuthError::new(ErrorCode::InvalidTarget, "resource must be the address of this MCP server"));
    }
    match grant_type {
        "refresh_token" => refresh(&mut state, &client_id, key.as_deref(), &parameters),
        DEVICE_CODE => poll(&mut state, &client_id, key, &parameters),
        _ => redeem(&mut state, &client_id, key.as_deref(), &parameters),
    }
}

fn redeem(
    state: &mut State,
    client_id: &str,
    key: Option<&str>,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    let redemption = Redemption {
        client_id,
        redirect_uri: parameters.require("redirect_uri")?,
        code_verifier: parameters.require("code_verifier")?,
        key,
    };
    let issued = state.grants.redeem(parameters.require("code")?, &redemption, Instant::now()).map_err(refusal)?;
    let with_refresh_token = true;
    Ok(tokens(state, issued, with_refresh_token))
}

fn poll(
    state: &mut State,
    client_id: &str,
    key: Option<String>,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    let authorization = device::ask(state, client_id, parameters.require("device_code")?, Instant::now())?;
    let issued = state.grants.grant(authorization, key, Instant::now());
    let with_refresh_token = true;
    Ok(tokens(state, issued, with_refresh_token))
}

fn refresh(
    state: &mut State,
    client_id: &str,
    key: Option<&str>,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    if state.faults.contains(&Fault::Refresh500) {
        return Err(OAuthError::new(ErrorCode::ServerError, "practice: refresh-500"));
    }
    if state.faults.contains(&Fault::RefreshInvalidGrant) {
        return Err(OAuthError::new(ErrorCode::InvalidGrant, "practice: refresh-invalid-grant"));
    }
    let omits = state.faults.contains(&Fault::RefreshOmitsRefreshToken);
    let renewal = Renewal {
        client_id,
        scopes: parameters.get("scope").map(|it| it.split_ascii_whitespace().map(str::to_owned).collect()),
        rotates: !omits && !state.faults.contains(&Fault::RefreshKeepsRefreshToken),
        key,
    };
    let refreshed = state.grants.refresh(parameters.require("refresh_token")?, renewal, Instant::now());
    if matches!(refreshed, Err(GrantError::Reused)) {
        state.counters.reuse_detected += 1;
    }
    let issued = refreshed.map_err(refusal)?;
    state.counters.refreshes_ok += 1;
    if state.faults.contains(&Fault::RefreshDropsAnswer) {
        return Ok(no_answer());
    }
    Ok(tokens(state, issued, !omits))
}

fn tokens(state: &State, issued: Issued, with_refresh_token: bool) -> Response {
    let is_bound = match state.proofs {
        Some(_) => !state.faults.contains(&Fault::TokenTypeBearer),
        None => state.faults.contains(&Fault::TokenTypeDpop),
    };
    let token_type = if is_bound { "DPoP" } else { "Bearer" };
    let mut body = json!({ "access_token": issued.access_token, "token_type": token_type });
    let lifetime = state.grants.token_lifetime.as_secs();
    if state.faults.contains(&Fault::ExpiresInString) {
        body["expires_in"] = Value::from(lifetime.to_string());
    } else if !state.faults.contains(&Fault::NoExpiresIn) {
        body["expires_in"] = Value::from(lifetime);
    }
    if with_refresh_token {
        body["refresh_token"] = Value::from(issued.refresh_token);
    }
    body["scope"] = Value::from(issued.scopes.join(" "));
    ([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(body)).into_response()
}

/// A body that fails before its first byte makes hyper close the connection with nothing written.
fn no_answer() -> Response {
    let failure: Result<Bytes, io::Error> = Err(io::ErrorKind::ConnectionAborted.into());
    Body::from_stream(stream::iter([failure])).into_response()
}

fn refusal(error: GrantError) -> OAuthError {
    let code = match error {
        GrantError::ScopeExceeded => ErrorCode::InvalidScope,
        GrantError::Unknown
        | GrantError::OtherClient
        | GrantError::CodeUsed
        | GrantError::CodeExpired
        | GrantError::OtherRedirect
        | GrantError::WrongVerifier
        | GrantError::OtherKey
        | GrantError::Reused
        | GrantError::Revoked => ErrorCode::InvalidGrant,
    };
    OAuthError::new(code, error.to_string())
}
