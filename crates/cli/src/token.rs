//! Tokens for programs.

use crate::arguments::TokenArguments;
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json};
use keybearer_protocol::Door;
use keybearer_protocol::settings::LONGEST_ANSWER_TIME;
use keybearer_protocol::token::{TokenGet, TokenGetParams};
use secrecy::ExposeSecret;
use std::time::Duration;

/// The time a caller has by default.
const TIMEOUT: Duration = Duration::from_secs(LONGEST_ANSWER_TIME as u64 + 30);

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
