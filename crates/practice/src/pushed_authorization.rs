//! The endpoint that takes authorization requests before a browser comes (RFC 9126): checked here, kept under a name for
//! a minute.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::json;

use crate::{
    authorize, client, dpop,
    fault::Fault,
    oauth_error::{ErrorCode, OAuthError},
    parameters::Parameters,
    practice::{Practice, Shared},
    random::unguessable,
};

/// How long a browser may take to come.
const LIFETIME: Duration = Duration::from_secs(60);

/// The requests that wait for their browser, by name. There is no `Debug`, because they hold states.
#[derive(Default)]
pub struct PushedRequests(HashMap<String, Pushed>);

struct Pushed {
    client_id: String,
    form: Bytes,
    pushed_at: Instant,
}

/// `POST /par`
pub async fn push(State(practice): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let response = take(&practice, &headers, body).await.unwrap_or_else(IntoResponse::into_response);
    practice.with_nonce(response)
}

/// Takes a request, unless there is no such endpoint now, the client does not prove who it is, or the request is one that
/// no browser should bring.
async fn take(practice: &Practice, headers: &HeaderMap, body: Bytes) -> Result<Response, OAuthError> {
    if !practice.has(Fault::PushedRequestsOnly) {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    let parameters = Parameters::from_form(headers, &body)?;
    let client_id = client::authenticate(&practice.state().clients, headers, &parameters)?.client_id.clone();
    if parameters.require("client_id")? != client_id || parameters.get("request_uri").is_some() {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "client_id must be the client, and request_uri absent"));
    }
    let endpoint = practice.addresses.endpoint("/par");
    let proof = dpop::Request { method: "POST", url: &endpoint, access_token: None };
    let key = practice.state().proven_key(headers, &proof)?;
    if key.is_some() && key.as_deref() != parameters.get("dpop_jkt") {
        return Err(OAuthError::new(ErrorCode::InvalidDpopProof, "dpop_jkt is another key than that of the proof"));
    }
    authorize::check(practice, &parameters).await?;
    let name = format!("urn:ietf:params:oauth:request_uri:{}", unguessable());
    let pushed = Pushed { client_id, form: body, pushed_at: Instant::now() };
    let mut state = practice.state();
    state.counters.pushed_requests += 1;
    state.pushed_requests.0.retain(|_, pushed| pushed.pushed_at.elapsed() < LIFETIME);
    state.pushed_requests.0.insert(name.clone(), pushed);
    let answer = json!({ "request_uri": name, "expires_in": LIFETIME.as_secs() });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// The parameters that a browser stands for: its own, or those that were pushed under the name that it brings
/// (RFC 9126 §4).
///
/// # Errors
/// With what the person is to read.
pub fn resolve(practice: &Practice, brought: Parameters) -> Result<Parameters, String> {
    let only_pushed = practice.has(Fault::PushedRequestsOnly);
    let Some(name) = brought.get("request_uri") else {
        return if only_pushed { Err("Requests have to be pushed here.".to_owned()) } else { Ok(brought) };
    };
    let state = practice.state();
    let pushed = state.pushed_requests.0.get(name).filter(|pushed| {
        let is_the_client_s = brought.get("client_id") == Some(&pushed.client_id);
        is_the_client_s && pushed.pushed_at.elapsed() < LIFETIME
    });
    let pushed = pushed.ok_or_else(|| "This request is not known here, or it is too old.".to_owned())?;
    Parameters::parse(&pushed.form).map_err(|error| error.description)
}
