//! The gate before the MCP server: lets requests with a valid token through, and tells the others where to get one.

use std::time::Instant;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    addresses::Addresses, authorization::Authorization, fault::Fault, issuer::DEFAULT_SCOPE, practice::Shared,
};

/// Lets a request pass, or answers 401 with a challenge (RFC 6750 §3, RFC 9728 §5.1).
pub async fn gate(State(practice): State<Shared>, mut request: Request, next: Next) -> Response {
    if practice.has(Fault::Busy) {
        return (StatusCode::SERVICE_UNAVAILABLE, "practice: busy").into_response();
    }
    let Some(token) = bearer_token(request.headers()) else {
        practice.state().counters.mcp_without_token += 1;
        return unauthorized(&practice.addresses, "");
    };
    let Some(authorization) = admitted(&practice, token) else {
        return unauthorized(&practice.addresses, r#"error="invalid_token", "#);
    };
    // The tools need the account; the token itself goes no further.
    request.headers_mut().remove(header::AUTHORIZATION);
    request.extensions_mut().insert(authorization);
    next.run(request).await
}

fn admitted(practice: &Shared, token: &str) -> Option<Authorization> {
    let mut state = practice.state();
    let valid = state.grants.bearer(token, Instant::now()).filter(|_| !state.faults.contains(&Fault::RejectTokens));
    match valid {
        Some(_) => state.counters.mcp_accepted += 1,
        None => state.counters.mcp_rejected += 1,
    }
    valid
}

/// The token of the Authorization header, the one method the metadata offer.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn unauthorized(addresses: &Addresses, error: &str) -> Response {
    let metadata = addresses.resource_metadata_url();
    let challenge = format!(r#"Bearer {error}resource_metadata="{metadata}", scope="{DEFAULT_SCOPE}""#);
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}
