//! The authorization endpoint: checks a request, asks the person, and sends the answer to the client (RFC 6749 §4.1).

use std::time::{Duration, Instant};

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use url::form_urlencoded;

use crate::{
    authorization::{Account, Authorization},
    authorization_code::Binding,
    client::Client,
    client_metadata_document,
    fault::Fault,
    issuer::{DEFAULT_SCOPE, OTHER_ISSUER, SCOPES},
    oauth_error::{ErrorCode, OAuthError},
    pages,
    parameters::Parameters,
    practice::{Practice, Shared},
    pushed_authorization,
    random::unguessable,
};

/// How long a person may look at the consent page.
const TICKET_LIFETIME: Duration = Duration::from_secs(600);

/// A checked request that waits for the person's decision.
#[derive(Clone)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: String,
    /// Where the answer goes; the token request must repeat it.
    pub redirect_uri: String,
    /// Given back unchanged.
    pub state: Option<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The S256 code challenge (RFC 7636 §4.3).
    pub code_challenge: String,
    /// The key that the code is bound to (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// When it arrived.
    pub asked_at: Instant,
}

/// `GET /authorize`
pub async fn authorize(State(practice): State<Shared>, RawQuery(query): RawQuery) -> Response {
    practice.state().counters.authorizations += 1;
    let brought = Parameters::parse(query.unwrap_or_default().as_bytes()).map_err(|error| error.description);
    let parameters = match brought.and_then(|brought| pushed_authorization::resolve(&practice, brought)) {
        Ok(parameters) => parameters,
        Err(message) => return pages::error(&message),
    };
    // Until client and redirect URI are known to belong together, errors are for the person only (RFC 6749 §4.1.2.1).
    let (client, redirect_uri) = match addressee(&practice, &parameters).await {
        Ok(known) => known,
        Err(message) => return pages::error(&message),
    };
    match checked(&practice, &parameters, &client, &redirect_uri) {
        Ok(request) => ask(&practice, &client, request),
        Err(error) => {
            let mut answer = vec![("error", error.code.as_str()), ("error_description", &error.description)];
            answer.extend(parameters.get("state").map(|state| ("state", state)));
            send_back(&practice, &redirect_uri, &answer)
        }
    }
}

/// `POST /authorize/decision`
pub async fn decide(State(practice): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(parameters) = Parameters::from_form(&headers, &body) else {
        return pages::error("This is no decision.");
    };
    let ticket = parameters.get("ticket").unwrap_or_default();
    // Removed whatever the answer is: one question, one decision.
    let Some(request) = practice.state().undecided.remove(ticket).filter(AuthorizationRequest::is_recent) else {
        return pages::error("This request was decided before, or it is too old. Start again in the app.");
    };
    let code;
    let mut answer = Vec::new();
    if parameters.get("decision") == Some("allow") {
        let account = parameters.get("account").and_then(Account::named).unwrap_or(Account::Ada);
        code = issue_code(&practice, &request, account);
        answer.push(("code", code.as_str()));
    } else {
        answer.push(("error", ErrorCode::AccessDenied.as_str()));
    }
    answer.extend(request.state.as_deref().map(|state| ("state", state)));
    send_back(&practice, &request.redirect_uri, &answer)
}

/// Whether a browser could bring this request.
///
/// # Errors
/// With the first thing that is wrong with it.
pub async fn check(practice: &Practice, parameters: &Parameters) -> Result<(), OAuthError> {
    let known = addressee(practice, parameters).await;
    let (client, redirect_uri) = known.map_err(|message| OAuthError::new(ErrorCode::InvalidRequest, message))?;
    checked(practice, parameters, &client, &redirect_uri).map(drop)
}

/// The client and the redirect URI, if they belong together.
async fn addressee(practice: &Practice, parameters: &Parameters) -> Result<(Client, String), String> {
    let client_id = parameters.require("client_id").map_err(|error| error.description)?;
    let redirect_uri = parameters.require("redirect_uri").map_err(|error| error.description)?;
    let client = find_client(practice, client_id).await?;
    if client.allows_redirect(redirect_uri, practice.has(Fault::ExactPort)) {
        Ok((client, redirect_uri.to_owned()))
    } else {
        Err("The redirect URI is not one the client registered.".to_owned())
    }
}

async fn find_client(practice: &Practice, client_id: &str) -> Result<Client, String> {
    if !client_metadata_document::is_address(client_id) {
        let known = practice.state().clients.get(client_id).cloned();
        return known.ok_or_else(|| "This client is not registered here.".to_owned());
    }
    let fetched = client_metadata_document::fetch(&practice.http, client_id).await;
    let client = fetched.map_err(|error| error.to_string())?;
    // The token endpoint will ask for it again.
    practice.state().clients.insert(client.client_id.clone(), client.clone());
    Ok(client)
}

fn checked(
    practice: &Practice,
    parameters: &Parameters,
    client: &Client,
    redirect_uri: &str,
) -> Result<AuthorizationRequest, OAuthError> {
    if parameters.require("response_type")? != "code" {
        return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, "response_type must be code"));
    }
    let code_challenge = parameters.require("code_challenge")?;
    if parameters.get("code_challenge_method") != Some("S256") {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "code_challenge_method must be S256"));
    }
    // MCP clients must name the resource, character for character as its metadata do (RFC 8707 §2).
    if !parameters.get("resource").is_some_and(|resource| practice.guards(resource)) {
        return Err(OAuthError::new(ErrorCode::InvalidTarget, "resource must be the address of an MCP server here"));
    }
    let scopes = requested_scopes(parameters.get("scope"));
    if unknown_scope(&scopes) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "an unknown scope is asked for"));
    }
    let dpop_jkt = parameters.get("dpop_jkt").map(str::to_owned);
    if practice.state().proofs.is_some() && dpop_jkt.is_none() {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "dpop_jkt is missing"));
    }
    Ok(AuthorizationRequest {
        client_id: client.client_id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        state: parameters.get("state").map(str::to_owned),
        scopes,
        code_challenge: code_challenge.to_owned(),
        dpop_jkt,
        asked_at: Instant::now(),
    })
}

/// Whether one of them is none of this server's.
pub fn unknown_scope(scopes: &[String]) -> bool {
    !scopes.iter().all(|scope| SCOPES.contains(&scope.as_str()))
}

/// The scopes of a request; the one that an MCP request needs where it names none.
pub fn requested_scopes(scope: Option<&str>) -> Vec<String> {
    scope.unwrap_or(DEFAULT_SCOPE).split_ascii_whitespace().map(str::to_owned).collect()
}

fn ask(practice: &Practice, client: &Client, request: AuthorizationRequest) -> Response {
    let ticket = unguessable();
    let page = pages::consent(client, &request, &ticket);
    let mut state = practice.state();
    state.undecided.retain(|_, request| request.is_recent());
    state.undecided.insert(ticket, request);
    page
}

fn issue_code(practice: &Practice, request: &AuthorizationRequest, account: Account) -> String {
    let authorization = Authorization { client_id: request.client_id.clone(), account, scopes: request.scopes.clone() };
    let binding = Binding {
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        key: request.dpop_jkt.clone(),
    };
    practice.state().grants.issue_code(authorization, binding, Instant::now())
}

/// The authorization response. The issuer goes with errors too (RFC 9207 §2).
fn send_back(practice: &Practice, redirect_uri: &str, answer: &[(&str, &str)]) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(answer);
    if practice.has(Fault::WrongIss) {
        query.append_pair("iss", OTHER_ISSUER);
    } else if !practice.has(Fault::MissingIss) {
        query.append_pair("iss", &practice.addresses.issuer);
    }
    // Joined as text: a parsed address might come back changed, and a query it already has must stay (RFC 6749 §3.1.2).
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let location = format!("{redirect_uri}{separator}{}", query.finish());
    (StatusCode::SEE_OTHER, [(header::LOCATION, location), (header::CACHE_CONTROL, "no-store".to_owned())])
        .into_response()
}

impl AuthorizationRequest {
    fn is_recent(&self) -> bool {
        self.asked_at.elapsed() < TICKET_LIFETIME
    }
}
