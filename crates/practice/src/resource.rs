//! The gate before the MCP server: lets requests with a valid token through, and tells the others where to get one.

use std::time::Instant;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    authorization::Authorization,
    dpop::{self, ProofError},
    fault::Fault,
    issuer::DEFAULT_SCOPE,
    practice::Shared,
};

/// `GET /gate`: the gate with nothing behind it, for callers by the hundred thousand.
pub async fn beyond() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Lets a request pass, or answers 401 with a challenge (RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1).
pub async fn gate(State(practice): State<Shared>, request: Request, next: Next) -> Response {
    if practice.has(Fault::Busy) {
        return (StatusCode::SERVICE_UNAVAILABLE, "practice: busy").into_response();
    }
    let response = pass(&practice, request, next).await;
    practice.with_nonce(response)
}

async fn pass(practice: &Shared, mut request: Request, next: Next) -> Response {
    let wanted_scheme = scheme(practice);
    let Some(token) = token(request.headers(), wanted_scheme) else {
        practice.state().counters.mcp_without_token += 1;
        return unauthorized(practice, None);
    };
    let authorization = match admitted(practice, &request, token) {
        Ok(authorization) => authorization,
        Err(error) => return unauthorized(practice, Some(error)),
    };
    // The tools need the account; the token itself goes no further.
    request.headers_mut().remove(header::AUTHORIZATION);
    request.extensions_mut().insert(authorization);
    next.run(request).await
}

/// The scheme that tokens are presented by.
fn scheme(practice: &Shared) -> &'static str {
    if practice.state().proofs.is_some() { "DPoP" } else { "Bearer" }
}

/// What the token stands for, or the error of the challenge.
fn admitted(practice: &Shared, request: &Request, token: &str) -> Result<Authorization, &'static str> {
    let mut state = practice.state();
    let url = &practice.addresses.mcp_url;
    let proof = dpop::Request { method: request.method().as_str(), url, access_token: Some(token) };
    let refused = |error| if matches!(error, ProofError::Nonce) { "use_dpop_nonce" } else { "invalid_dpop_proof" };
    let key = state.proven_key(request.headers(), &proof).map_err(refused)?;
    let valid = state.grants.bearer(token, Instant::now()).filter(|_| !state.faults.contains(&Fault::RejectTokens));
    let valid = valid.filter(|_| state.grants.key_of(token) == key.as_deref());
    state.grants.presented(token, valid.is_some());
    match valid {
        Some(_) => state.counters.mcp_accepted += 1,
        None => state.counters.mcp_rejected += 1,
    }
    valid.ok_or("invalid_token")
}

/// The token of the Authorization header, the one method the metadata offer.
fn token<'a>(headers: &'a HeaderMap, wanted_scheme: &str) -> Option<&'a str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted_scheme).then_some(token.trim())
}

fn unauthorized(practice: &Shared, error: Option<&str>) -> Response {
    let metadata = practice.addresses.resource_metadata_url();
    let error = error.map(|error| format!(r#"error="{error}", "#)).unwrap_or_default();
    let scheme = scheme(practice);
    let challenge = format!(r#"{scheme} {error}resource_metadata="{metadata}", scope="{DEFAULT_SCOPE}""#);
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}
