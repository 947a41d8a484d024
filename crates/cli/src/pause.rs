//! Giving out nothing for a while.

use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use keybearer_protocol::Door;
use keybearer_protocol::agent::{AgentPause, AgentPauseParams, AgentResume, AgentStatus, Pause};
use keybearer_protocol::method::Empty;

/// `keybearer pause`
pub(crate) fn pause(reach: &Reach, minutes: Option<u32>, json: bool) -> Result<(), Failure> {
    let mut client = reach.open(Door::Admin)?;
    client.call::<AgentPause>(&AgentPauseParams { minutes })?;
    let pause = client.call::<AgentStatus>(&Empty {})?.pause;
    match pause {
        _ if json => answer_json(&pause),
        Some(pause) => answer(&format!("paused {}: nothing is given out, and tokens are renewed", end(pause))),
        None => answer("paused, and somebody has resumed already"),
    }
}

/// `keybearer resume`
pub(crate) fn resume(reach: &Reach, json: bool) -> Result<(), Failure> {
    let reply = reach.open(Door::Admin)?.call::<AgentResume>(&Empty {})?;
    if json { answer_json(&reply) } else { answer("tokens are given out again") }
}

/// When a pause ends.
pub(crate) fn end(pause: Pause) -> String {
    pause.until.map_or_else(|| "until you resume".to_owned(), |until| format!("until {}", clock(until)))
}

/// A time of this day, on this computer's clock.
fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%H:%M").to_string()
}
