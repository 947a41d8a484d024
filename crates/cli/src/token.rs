//! Tokens and headers for programs.

use crate::arguments::{HeadersArguments, TokenArguments};
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json};
use keybearer_protocol::Door;
use keybearer_protocol::token::{DEFAULT_MIN_TTL, HeaderGet, HeaderGetParams, TokenGet, TokenGetParams};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

/// The time a caller has by default.
const TIMEOUT: Duration = Duration::from_secs(90);

/// MCP clients kill a helper after ten seconds, and then don't hear why.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(8);

/// The plain question: `keybearer token NAME`.
pub(crate) fn plain(reach: &Reach, name: &str) -> Result<(), Failure> {
    get(reach, &TokenGetParams::of(name), TIMEOUT, false)
}

/// `keybearer token` with all its options.
pub(crate) fn token(reach: &Reach, arguments: TokenArguments, json: bool) -> Result<(), Failure> {
    let params = TokenGetParams {
        scopes: arguments.scopes,
        min_ttl: arguments.min_ttl,
        force: arguments.force,
        interactive: !arguments.no_prompt,
        reason: arguments.reason,
        ..TokenGetParams::of(&arguments.name)
    };
    get(reach, &params, arguments.timeout, json)
}

fn get(reach: &Reach, params: &TokenGetParams, timeout: Duration, json: bool) -> Result<(), Failure> {
    let mut client = reach.open(Door::Programs)?;
    client.set_timeout(Some(timeout));
    let reply = client.call::<TokenGet>(params)?;
    if json { answer_json(&reply) } else { answer(reply.access_token.expose_secret()) }
}

/// `keybearer headers`: a JSON object, as Claude Code's `headersHelper` wants it. Never waits for a person: the question
/// is shown, and the next call finds the answer.
pub(crate) fn headers(reach: &Reach, arguments: HeadersArguments) -> Result<(), Failure> {
    let named_by_client = || {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        // Parts that look like credentials are blotted out there; such an address fits no account.
        let url = variable("CLAUDE_CODE_MCP_SERVER_URL").filter(|url| !url.contains("REDACTED"));
        url.or_else(|| variable("CLAUDE_CODE_MCP_SERVER_NAME"))
    };
    let target = arguments.name.or_else(named_by_client);
    let target = target.ok_or_else(|| Failure::usage("name an account or a server's address"))?;
    let is_url = target.contains("://");
    let params = HeaderGetParams {
        url: is_url.then(|| target.clone()),
        profile: (!is_url).then_some(target),
        // What MCP clients send most. It counts only where each request needs a proof of its own (RFC 9449).
        method: Some("POST".to_owned()),
        nonce: None,
        scopes: Vec::new(),
        min_ttl: DEFAULT_MIN_TTL,
        interactive: true,
        wait: false,
        reason: None,
    };
    let mut client = reach.open(Door::Programs)?;
    client.set_timeout(Some(HEADERS_TIMEOUT));
    let reply = client.call::<HeaderGet>(&params)?;
    let headers: BTreeMap<&str, &str> =
        reply.headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    answer_json(&headers)
}
