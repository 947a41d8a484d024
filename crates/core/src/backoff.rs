//! How long an account waits after a renewal that came to nothing. It lives in memory: another agent begins anew.

use crate::error::Error;
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::HttpError;
use keybearer_oauth::token_answer::TokenError;
use std::time::{Duration, Instant};

/// After the first failure. Each further one doubles it.
const FIRST: SignedDuration = SignedDuration::from_secs(2);
/// The longest, also if a server wants longer.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
/// Programs that need a token make the agent ask a server that was of no help no more often than this, however many they
/// are.
pub const PACE: Duration = Duration::from_secs(1);

/// A renewal that came to nothing, and those before it.
#[derive(Clone, Debug)]
pub struct Backoff {
    /// What came of it.
    pub error: Error,
    /// When the agent tries again by itself.
    pub until: Timestamp,
    /// When that was said, to see a clock that was set back.
    since: Timestamp,
    failed_at: Instant,
    tries: u32,
    /// How long the server wants to be left alone.
    retry_after: Option<SignedDuration>,
}

impl Backoff {
    /// After a failure at this time, with what was there before it. A number between 0 and 1 spreads the accounts.
    pub fn after(before: Option<&Backoff>, error: Error, now: Timestamp, chance: f64) -> Backoff {
        let retry_after = retry_after(&error);
        // A program that couldn't wait is no reason for the agent to wait longer.
        let ahead = before.filter(|before| !before.is_over(now));
        let (tries, until) = match ahead {
            Some(before) => (before.tries, before.until),
            None => {
                let tries = before.map_or(1, |before| before.tries.saturating_add(1));
                let doubled = FIRST.saturating_mul(1 << tries.saturating_sub(1).min(16));
                let whole = doubled.min(LONGEST);
                // Earlier, never later.
                (tries, later(now, whole - (whole / 4).mul_f64(chance)))
            }
        };
        let until = retry_after.map_or(until, |asked| until.max(later(now, asked)));
        Backoff { error, until, since: now, failed_at: Instant::now(), tries, retry_after }
    }

    /// Whether the agent may try again. A clock that was set back says nothing of what is left.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until || now < self.since
    }

    /// There is news, so that it isn't waited for any longer. If that fails as well, all begins anew.
    pub fn end(&mut self, now: Timestamp) {
        (self.until, self.since, self.tries) = (now, now, 0);
    }

    /// How long a program that needs a token now has to wait before the server is asked for it. None, if what failed was
    /// no server.
    pub fn pause(&self) -> Duration {
        if !self.is_about_a_server() {
            return Duration::ZERO;
        }
        let asked = self.retry_after.and_then(|asked| Duration::try_from(asked).ok()).unwrap_or_default();
        asked.max(PACE).saturating_sub(self.failed_at.elapsed())
    }

    /// Whether this has failed since that moment.
    pub fn failed_since(&self, moment: Instant) -> bool {
        self.failed_at >= moment
    }

    /// Whether the network's return is a reason to try at once: not for what failed on this machine, nor where the server
    /// has said when to come again.
    pub fn ends_with_news(&self) -> bool {
        self.is_about_a_server() && self.retry_after.is_none()
    }

    /// Whether a server couldn't be asked or was of no help. Otherwise it was the keyring, or what else is needed here.
    fn is_about_a_server(&self) -> bool {
        self.error.http().is_some() || matches!(self.error, Error::Token(_))
    }
}

fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// How long the server wants to be left alone (RFC 9110 §10.2.3), within bounds.
fn retry_after(error: &Error) -> Option<SignedDuration> {
    let Error::Token(TokenError::Http(HttpError::Status { retry_after, .. })) = error else { return None };
    let seconds = i64::try_from((*retry_after)?).unwrap_or(i64::MAX);
    Some(SignedDuration::from_secs(seconds).clamp(FIRST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::VaultError;

    fn start() -> Timestamp {
        Timestamp::from_second(1_000_000).expect("a time")
    }

    fn answered(status: u16, retry_after: Option<u64>) -> Error {
        let host = "as.example".to_owned();
        Error::Token(TokenError::Http(HttpError::Status { host, status, retry_after }))
    }

    #[test]
    fn it_doubles_up_to_a_quarter_of_an_hour_and_chance_makes_it_shorter_only() {
        for chance in [0.0, 0.5, 0.999] {
            let (mut now, mut last, mut waits) = (start(), None, Vec::new());
            for _ in 0..40 {
                let backoff = Backoff::after(last.as_ref(), answered(503, None), now, chance);
                assert!(!backoff.is_over(now) && backoff.is_over(backoff.until));
                waits.push(backoff.until.duration_since(now).as_secs_f64());
                now = backoff.until;
                last = Some(backoff);
            }
            for (nth, wait) in waits.iter().enumerate() {
                let whole = 900_f64.min(2_f64.powi(i32::try_from(nth).expect("few") + 1));
                assert!((0.74 * whole..=whole).contains(wait), "the {nth}th wait is {wait} s with {chance}");
            }
        }
    }

    #[test]
    fn tries_of_programs_in_between_make_the_agent_wait_no_longer() {
        let first = Backoff::after(None, answered(503, None), start(), 0.0);
        let early = start() + SignedDuration::from_secs(1);
        let second = Backoff::after(Some(&first), answered(503, None), early, 0.0);
        assert_eq!(second.until, first.until);
        let mut third = Backoff::after(Some(&second), answered(503, None), second.until, 0.0);
        assert_eq!(third.until.duration_since(second.until).as_secs(), 4);
        // After news it begins with the shortest wait again.
        third.end(early);
        assert!(third.is_over(early));
        let fourth = Backoff::after(Some(&third), answered(503, None), early, 0.0);
        assert_eq!(fourth.until.duration_since(early).as_secs(), 2);
    }

    #[test]
    fn a_server_may_say_when_to_come_again_within_bounds() {
        for (asked, expected) in [(0, 2), (1, 2), (60, 60), (86_400, 900), (u64::MAX, 900)] {
            let backoff = Backoff::after(None, answered(429, Some(asked)), start(), 0.0);
            assert_eq!(backoff.until.duration_since(start()).as_secs(), expected, "{asked}");
            assert!(!backoff.ends_with_news());
            assert!(backoff.pause() <= Duration::from_secs(expected.unsigned_abs()));
            assert!(backoff.pause() > Duration::from_secs(expected.unsigned_abs() - 1));
        }
    }

    #[test]
    fn programs_wait_for_servers_and_not_for_a_keyring_and_nobody_for_a_clock_that_was_set_back() {
        let server = Backoff::after(None, answered(500, None), start(), 0.0);
        let keyring = Backoff::after(None, Error::Vault(VaultError::Silent), start(), 0.0);
        assert!(server.pause() > PACE / 2 && server.pause() <= PACE);
        assert_eq!(keyring.pause(), Duration::ZERO);
        assert!(server.ends_with_news() && !keyring.ends_with_news());
        assert!(server.is_over(start() - SignedDuration::from_hours(1)));
    }
}
