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
use futures_util::{StreamExt, stream};
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
    let distance = practice.state().distance;
    tokio::time::sleep(distance).await;
    let response = answer(&practice, &headers, &body).unwrap_or_else(IntoResponse::into_response);
    let _under_way = UnderWay::begin(&practice);
    if practice.has(Fault::SlowToken) {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    tokio::time::sleep(distance).await;
    practice.with_nonce(response)
}

/// An answer on its way to the client, until that has it or has left.
struct UnderWay<'a>(&'a Practice);

impl UnderWay<'_> {
    fn begin(practice: &Practice) -> UnderWay<'_> {
        practice.state().counters.answers_under_way += 1;
        UnderWay(practice)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.state().counters.answers_under_way -= 1;
    }
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
        return Ok(web_page());
    }
    let endpoint = practice.addresses.endpoint("/token");
    let request = dpop::Request { method: "POST", url: &endpoint, access_token: None };
    let key = state.proven_key(headers, &request)?;
    let client_id = client::authenticate(&state.clients, headers, &parameters)?.client_id.clone();
    if parameters.get("resource").is_some_and(|resource| !practice.guards(resource)) {
        return Err(OAuthError::new(ErrorCode::InvalidTarget, "resource must be the address of an MCP server here"));
    }
    match grant_type {
        "refresh_token" => {
            let first = refresh(&mut state, &client_id, key.as_deref(), &parameters);
            if !state.faults.contains(&Fault::RefreshArrivesTwice) {
                return first;
            }
            state.counters.refreshes += 1;
            refresh(&mut state, &client_id, key.as_deref(), &parameters)
        }
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
    let presented = parameters.require("refresh_token")?;
    let omits = state.faults.contains(&Fault::RefreshOmitsRefreshToken);
    let wanted = parameters.get("scope").map(|it| it.split_ascii_whitespace().map(str::to_owned).collect());
    let narrowed = state.grants.scopes_of(presented).filter(|_| state.faults.contains(&Fault::RefreshNarrowsScope));
    let renewal = Renewal {
        client_id,
        scopes: narrowed.map(|granted| granted.into_iter().take(1).collect()).or(wanted),
        rotates: !omits && !state.faults.contains(&Fault::RefreshKeepsRefreshToken),
        key,
    };
    let refreshed = state.grants.refresh(presented, renewal, Instant::now());
    if matches!(refreshed, Err(GrantError::Reused)) {
        state.counters.reuse_detected += 1;
    }
    let issued = refreshed.map_err(refusal)?;
    state.counters.refreshes_ok += 1;
    let answer = answer_of(state, issued, !omits);
    if state.faults.contains(&Fault::RefreshDropsAnswer) {
        return Ok(broken(&[], None));
    }
    if state.faults.contains(&Fault::Refresh500After) {
        return Err(OAuthError::new(ErrorCode::ServerError, "practice: refresh-500-after"));
    }
    if state.faults.contains(&Fault::RefreshHtmlAfter) {
        return Ok(web_page());
    }
    let text = answer.to_string();
    let half = &text.as_bytes()[..text.len() / 2];
    if state.faults.contains(&Fault::RefreshBreaksAnswer) {
        return Ok(broken(half, Some(text.len())));
    }
    if state.faults.contains(&Fault::RefreshCutsJson) {
        return Ok(([(header::CONTENT_TYPE, "application/json")], half.to_vec()).into_response());
    }
    Ok(as_tokens(answer))
}

fn tokens(state: &State, issued: Issued, with_refresh_token: bool) -> Response {
    as_tokens(answer_of(state, issued, with_refresh_token))
}

/// An answer with tokens in it, which nobody may keep (RFC 6749 §5.1).
fn as_tokens(answer: Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(answer)).into_response()
}

fn answer_of(state: &State, issued: Issued, with_refresh_token: bool) -> Value {
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
    body
}

fn web_page() -> Response {
    Html("<!doctype html><title>Welcome</title><p>Please sign in.").into_response()
}

/// A body that fails after these bytes makes hyper close the connection there; before its first one, with nothing written
/// at all. `promised` is the length that the head tells of.
fn broken(bytes: &[u8], promised: Option<usize>) -> Response {
    let begun = Some(Bytes::copy_from_slice(bytes)).filter(|bytes| !bytes.is_empty()).map(Ok);
    let is_begun = begun.is_some();
    let failure = async move {
        if is_begun {
            // It is sent while the rest seems to take its time.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err::<Bytes, io::Error>(io::ErrorKind::ConnectionAborted.into())
    };
    let body = Body::from_stream(stream::iter(begun).chain(stream::once(failure)));
    let mut response = ([(header::CONTENT_TYPE, "application/json")], body).into_response();
    if let Some(length) = promised {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    response
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
