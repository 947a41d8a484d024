//! The address from which tests count and disturb: counters, faults, lifetimes, and the sudden end of all tokens.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use serde::Deserialize;

use crate::{
    counters::Counters,
    fault::Fault,
    practice::{self, Shared},
    tally::Tally,
};

/// What to change; a field left out changes nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// Replaces the active faults.
    pub faults: Option<BTreeSet<Fault>>,
    /// Seconds, for access tokens issued from now on.
    pub token_lifetime: Option<u64>,
    /// Seconds during which the previous refresh token is accepted once more.
    pub refresh_grace: Option<u64>,
    /// Milliseconds that each token request is under way to the server, and each answer back.
    pub distance_ms: Option<u64>,
    /// Revokes the grant of this number, counted from 0 in the order of the sign-ins.
    pub revoke: Option<usize>,
    /// Revokes every grant.
    pub revoke_all: bool,
    /// Makes every access token expire.
    pub expire_all: bool,
}

/// `GET /control`
///
/// # Errors
/// 403 for a browser page.
pub async fn read(State(practice): State<Shared>, headers: HeaderMap) -> Result<Json<Counters>, StatusCode> {
    refuse_pages(&headers)?;
    Ok(Json(practice.state().counters))
}

/// `GET /control/grants`
///
/// # Errors
/// 403 for a browser page.
pub async fn grants(State(practice): State<Shared>, headers: HeaderMap) -> Result<Json<Vec<Tally>>, StatusCode> {
    refuse_pages(&headers)?;
    Ok(Json(practice.state().grants.tallies(Instant::now())))
}

/// `POST /control`; answers the counters, too.
///
/// # Errors
/// 403 for a browser page.
pub async fn change(
    State(practice): State<Shared>,
    headers: HeaderMap,
    Json(change): Json<Change>,
) -> Result<Json<Counters>, StatusCode> {
    refuse_pages(&headers)?;
    let mut state = practice.state();
    apply(&mut state, change, Instant::now());
    Ok(Json(state.counters))
}

fn apply(state: &mut practice::State, change: Change, now: Instant) {
    if let Some(faults) = change.faults {
        state.faults = faults;
    }
    if let Some(seconds) = change.token_lifetime {
        state.grants.token_lifetime = Duration::from_secs(seconds);
    }
    if let Some(seconds) = change.refresh_grace {
        state.grants.refresh_grace = Duration::from_secs(seconds);
    }
    if let Some(milliseconds) = change.distance_ms {
        state.distance = Duration::from_millis(milliseconds);
    }
    if let Some(number) = change.revoke {
        state.grants.revoke_one(number);
    }
    if change.revoke_all {
        state.grants.revoke_all();
    }
    if change.expire_all {
        state.grants.expire_all(now);
    }
}

/// Every page that sends a request elsewhere sends its origin with it; no test does.
fn refuse_pages(headers: &HeaderMap) -> Result<(), StatusCode> {
    if headers.contains_key(header::ORIGIN) { Err(StatusCode::FORBIDDEN) } else { Ok(()) }
}
