//! How often a passphrase may be tried: each wrong one makes the next wait twice as long. Who comes too soon hears so at
//! once; nobody else waits.

use super::VaultError;
use std::time::{Duration, Instant};

/// The first wait; it doubles.
const FIRST: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST: Duration = Duration::from_secs(30);

/// The tries of one vault.
#[derive(Debug, Default)]
pub(super) struct Tries {
    wrong: u32,
    not_before: Option<Instant>,
    is_trying: bool,
}

impl Tries {
    /// Begins one, unless it is too soon or another is being looked at.
    pub(super) fn begin(&mut self, now: Instant) -> Result<(), VaultError> {
        let left = self.not_before.map_or(Duration::ZERO, |time| time.saturating_duration_since(now));
        if self.is_trying || !left.is_zero() {
            return Err(VaultError::TooSoon(left.max(FIRST)));
        }
        self.is_trying = true;
        Ok(())
    }

    /// Ends it: it was the right one or not, or came to neither.
    pub(super) fn end(&mut self, now: Instant, was_right: Option<bool>) {
        self.is_trying = false;
        match was_right {
            Some(true) => *self = Tries::default(),
            Some(false) => {
                let wait = FIRST.saturating_mul(1 << self.wrong.min(8)).min(LONGEST);
                (self.wrong, self.not_before) = (self.wrong.saturating_add(1), Some(now + wait));
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_passphrase_makes_the_next_wait_longer_and_a_right_one_none() {
        let (mut tries, mut now) = (Tries::default(), Instant::now());
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            tries.begin(now).expect("in time");
            assert!(matches!(tries.begin(now), Err(VaultError::TooSoon(_))), "one at a time");
            tries.end(now, Some(false));
            now += Duration::from_secs(seconds) - Duration::from_millis(1);
            assert_eq!(tries.begin(now), Err(VaultError::TooSoon(Duration::from_secs(1))), "after {seconds} s");
            now += Duration::from_millis(1);
        }
        tries.begin(now).expect("in time");
        tries.end(now, Some(true));
        tries.begin(now).expect("nothing was wrong");
        tries.end(now, None);
        tries.begin(now).expect("that came to nothing");
    }
}
