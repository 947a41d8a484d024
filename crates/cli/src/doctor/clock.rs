//! Whether the machine's clock can be right: tokens end by it, and so do certificates.
//!
//! Without asking anybody only this can be told, that the clock stands after the day on which this program was built.
//! With `--online` the accounts' servers are asked for the time.

use super::{Case, Finding};
use keybearer_protocol::examination::{Examination, ServerClock};
use std::time::Duration;

const CHECK: &str = "clock";
const ADVICE: &str = "set the clock, or have the system set it: timedatectl set-ntp true";
/// A file's time may be that of another time zone.
const A_DAY: Duration = Duration::from_secs(24 * 3600);
/// Servers allow about so many seconds of difference.
const TOLERATED: i64 = 60;

pub(super) fn check(case: &Case<'_>) -> Finding {
    if let Some(behind) = behind_this_program().filter(|behind| *behind > A_DAY) {
        let days = behind.as_secs() / A_DAY.as_secs();
        return Finding::broken(CHECK, format!("stands {days} days before the day this program was built"), ADVICE);
    }
    match &case.examined {
        Ok(Examination { clocks, .. }) if !clocks.is_empty() => compare(clocks),
        Ok(_) | Err(_) => {
            Finding::ok(CHECK, "stands after the day this program was built; --online compares it with your servers")
        }
    }
}

/// How far the clock is behind the time of this executable.
fn behind_this_program() -> Option<Duration> {
    let built = std::env::current_exe().and_then(std::fs::metadata).and_then(|file| file.modified()).ok()?;
    built.elapsed().err().map(|error| error.duration())
}

/// Compares with the server that is nearest: another one may be wrong itself.
fn compare(clocks: &[ServerClock]) -> Finding {
    let told = clocks.iter().filter_map(|clock| Some((&clock.host, clock.ahead?)));
    match told.min_by_key(|(_, ahead)| ahead.abs()) {
        Some((host, ahead)) if ahead.abs() <= TOLERATED => Finding::ok(CHECK, format!("agrees with {host}")),
        Some((host, ahead)) => {
            let way = if ahead > 0 { "ahead of" } else { "behind" };
            Finding::broken(CHECK, format!("is {} seconds {way} {host}", ahead.abs()), ADVICE)
        }
        None => {
            let problem = clocks.iter().find_map(|clock| clock.problem.clone());
            let problem = problem.unwrap_or_else(|| "none of your servers tells the time".to_owned());
            Finding::warn(CHECK, format!("can't be compared: {problem}"), "try again when the servers can be reached")
        }
    }
}
