//! Device authorization (RFC 8628): a code for a device, the page on which a person types it, and the device's questions.

use std::time::{Duration, Instant};

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::json;

use crate::{
    authorization::{Account, Authorization},
    authorize::{requested_scopes, unknown_scope},
    client,
    fault::Fault,
    oauth_error::{ErrorCode, OAuthError},
    pages,
    parameters::Parameters,
    practice::{Practice, Shared, State},
    random::unguessable,
};

/// The grant type of a device code (§3.4).
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// How long a person may take.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long a device waits between two questions (§3.2).
const INTERVAL: Duration = Duration::from_secs(1);
/// How much longer after it was told to slow down (§3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// Letters that no person takes for others (§6.1).
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A device that waits for its person.
pub struct DeviceRequest {
    /// Who asked.
    client_id: String,
    /// What the person types.
    user_code: String,
    scopes: Vec<String>,
    asked_at: Instant,
    /// When the device asked last, and how long it has to wait after that.
    polled: Option<(Instant, Duration)>,
    /// The account, or nothing where the person said no.
    decision: Option<Option<Account>>,
}

/// `POST /device_authorization`
pub async fn authorize(Extract(practice): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    practice.state().counters.device_authorizations += 1;
    if practice.has(Fault::NoDevice) {
        return StatusCode::NOT_FOUND.into_response();
    }
    authorized(&practice, &headers, &body).unwrap_or_else(IntoResponse::into_response)
}

fn authorized(practice: &Practice, headers: &HeaderMap, body: &[u8]) -> Result<Response, OAuthError> {
    let parameters = Parameters::from_form(headers, body)?;
    let mut state = practice.state();
    let client_id = client::authenticate(&state.clients, headers, &parameters)?.client_id.clone();
    if !parameters.get("resource").is_some_and(|resource| practice.guards(resource)) {
        return Err(OAuthError::new(ErrorCode::InvalidTarget, "resource must be the address of an MCP server here"));
    }
    let scopes = requested_scopes(parameters.get("scope"));
    if unknown_scope(&scopes) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "an unknown scope is asked for"));
    }
    let (device_code, user_code) = (state.grants.device_code(), user_code());
    let place = practice.addresses.endpoint("/device");
    let answer = json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": place,
        "verification_uri_complete": format!("{place}?user_code={user_code}"),
        "expires_in": LIFETIME.as_secs(),
        "interval": INTERVAL.as_secs(),
    });
    state.devices.retain(|_, request| request.is_recent());
    let asked_at = Instant::now();
    let request = DeviceRequest { client_id, user_code, scopes, asked_at, polled: None, decision: None };
    state.devices.insert(device_code, request);
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// `GET /device`
pub async fn page(Extract(practice): Extract<Shared>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes());
    let typed = parameters.ok().and_then(|it| it.get("user_code").map(normalised));
    let Some(typed) = typed else {
        return pages::device_code();
    };
    let state = practice.state();
    let waiting = state.devices.values().find(|it| it.user_code == typed && it.decision.is_none() && it.is_recent());
    let client = waiting.and_then(|it| Some((state.clients.get(&it.client_id)?, it)));
    match client {
        Some((client, request)) => pages::device_consent(client, &request.scopes, &request.user_code),
        None => pages::error("There is no such code, or it was used, or it is too old."),
    }
}

/// `POST /device/decision`
pub async fn decide(Extract(practice): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(parameters) = Parameters::from_form(&headers, &body) else {
        return pages::error("This is no decision.");
    };
    let typed = normalised(parameters.get("ticket").unwrap_or_default());
    let mut state = practice.state();
    let mut waiting = state.devices.values_mut().filter(|it| it.decision.is_none() && it.is_recent());
    let Some(request) = waiting.find(|it| it.user_code == typed) else {
        return pages::error("There is no such code, or it was used, or it is too old.");
    };
    let account = parameters.get("account").and_then(Account::named).unwrap_or(Account::Ada);
    request.decision = Some((parameters.get("decision") == Some("allow")).then_some(account));
    pages::device_done()
}

/// What the person allowed, once they have decided; good once.
///
/// # Errors
/// As §3.5 names them: nothing is decided yet, or asked too soon, or denied, or over.
pub fn ask(state: &mut State, client_id: &str, device_code: &str, now: Instant) -> Result<Authorization, OAuthError> {
    let refused = |code, description: &str| Err(OAuthError::new(code, description));
    let (is_over, is_slow) =
        (state.faults.contains(&Fault::DeviceExpired), state.faults.contains(&Fault::DeviceSlowDown));
    let Some(request) = state.devices.get_mut(device_code).filter(|it| it.client_id == client_id) else {
        return refused(ErrorCode::InvalidGrant, "unknown device code");
    };
    if is_over || !request.is_recent() {
        return refused(ErrorCode::ExpiredToken, "the device code has expired");
    }
    let (last, pause) = request.polled.unwrap_or((request.asked_at, INTERVAL));
    if now < last + pause {
        request.polled = Some((now, pause + SLOWER));
        return refused(ErrorCode::SlowDown, "asked too soon");
    }
    let is_first = request.polled.is_none();
    request.polled = Some((now, pause));
    if is_slow && is_first {
        request.polled = Some((now, pause + SLOWER));
        return refused(ErrorCode::SlowDown, "practice: device-slow-down");
    }
    match request.decision {
        None => refused(ErrorCode::AuthorizationPending, "the person has not decided yet"),
        Some(None) => refused(ErrorCode::AccessDenied, "the person said no"),
        Some(Some(account)) => {
            let authorization =
                Authorization { client_id: client_id.to_owned(), account, scopes: request.scopes.clone() };
            state.devices.remove(device_code);
            Ok(authorization)
        }
    }
}

/// What a person typed, in the way it was shown.
fn normalised(typed: &str) -> String {
    let letters: String = typed.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect();
    letters.split_at_checked(4).map_or(letters.clone(), |(first, second)| format!("{first}-{second}"))
}

/// A code of eight letters: it is good for one device and a few minutes, and a page shows which.
fn user_code() -> String {
    let chance = unguessable();
    let letters = chance.bytes().take(8).map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    normalised(&letters.collect::<String>())
}

impl DeviceRequest {
    fn is_recent(&self) -> bool {
        self.asked_at.elapsed() < LIFETIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        assert_eq!(normalised(" bcdf ghjk"), "BCDF-GHJK");
        assert_eq!(normalised("BCDF-GHJK"), "BCDF-GHJK");
        assert_eq!(normalised("x"), "X");
        assert_eq!(user_code().len(), 9);
    }
}
