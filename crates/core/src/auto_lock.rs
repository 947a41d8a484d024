//! When the agent locks by itself: the rules, without anybody who follows them. Nothing locks by itself until a person
//! chose so: an agent that works at night would find Keybearer locked, and nobody there who could unlock it.

use crate::clock::now;
use jiff::Timestamp;
use keybearer_protocol::settings::{AutoLock, AutoLockChange};
use std::time::{Duration, Instant};

/// These settings after a change.
pub fn changed(before: AutoLock, change: AutoLockChange) -> AutoLock {
    AutoLock {
        after_secs: match change.after_secs {
            Some(secs) => Some(secs).filter(|secs| *secs > 0),
            None => before.after_secs,
        },
        with_screen: change.with_screen.unwrap_or(before.with_screen),
        before_sleep: change.before_sleep.unwrap_or(before.before_sleep),
    }
}

/// Whether less is locked after a change than before it.
pub fn is_weaker(after: AutoLock, before: AutoLock) -> bool {
    let secs = |settings: AutoLock| settings.after_secs.unwrap_or(u32::MAX);
    secs(after) > secs(before)
        || (before.with_screen && !after.with_screen)
        || (before.before_sleep && !after.before_sleep)
}

/// When the person was last there, on two clocks: the machine's goes on while it sleeps and may be set, the other may
/// stand still while it sleeps and can't be set.
#[derive(Clone, Copy, Debug)]
pub struct Sign {
    ticks: Instant,
    time: Timestamp,
}

impl Sign {
    /// A sign at this very moment.
    pub fn now() -> Sign {
        Sign { ticks: Instant::now(), time: now() }
    }

    /// A sign that came so long ago.
    pub fn before(self, ago: Duration) -> Sign {
        let ticks = self.ticks.checked_sub(ago).unwrap_or(self.ticks);
        Sign { ticks, time: self.time.checked_sub(ago).unwrap_or(self.time) }
    }

    /// How much time is left at `now` before nobody has been there for so long; none when that is over, by whichever
    /// clock went further.
    pub fn left(self, after: Duration, now: Sign) -> Option<Duration> {
        let by_ticks = now.ticks.saturating_duration_since(self.ticks);
        let by_time = Duration::try_from(now.time.duration_since(self.time)).unwrap_or_default();
        after.checked_sub(by_ticks.max(by_time)).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    const LIMIT: Duration = Duration::from_secs(300);

    fn at(ticks: u64, time: i64) -> Sign {
        let start = Sign { ticks: Instant::now(), time: Timestamp::UNIX_EPOCH };
        Sign { ticks: start.ticks + Duration::from_secs(ticks), time: start.time + SignedDuration::from_secs(time) }
    }

    #[test]
    fn time_that_passes_on_either_clock_counts_and_a_clock_set_back_delays_nothing() {
        let sign = at(1000, 1000);
        let left =
            |ticks, time| sign.left(LIMIT, Sign { ticks: sign.ticks + Duration::from_secs(ticks), ..at(0, time) });
        assert_eq!(left(100, 1100), Some(Duration::from_secs(200)));
        assert_eq!(left(300, 1300), None);
        // Asleep: only the machine's clock went on.
        assert_eq!(left(1, 9000), None);
        // Set back by hours.
        assert_eq!(left(299, -9000), Some(Duration::from_secs(1)));
        assert_eq!(left(300, -9000), None);
    }

    #[test]
    fn weaker_is_what_locks_later_or_at_less() {
        let strict = AutoLock { after_secs: Some(300), with_screen: true, before_sleep: true };
        let none = AutoLockChange::default();
        let secs = |after_secs| AutoLockChange { after_secs, ..none };
        for (change, weaker) in [
            (none, false),
            (secs(Some(60)), false),
            (secs(Some(301)), true),
            (secs(Some(0)), true),
            (AutoLockChange { with_screen: Some(false), ..none }, true),
            (AutoLockChange { before_sleep: Some(false), ..none }, true),
            (AutoLockChange { after_secs: Some(60), with_screen: Some(false), before_sleep: None }, true),
        ] {
            assert_eq!(is_weaker(changed(strict, change), strict), weaker, "{change:?}");
            assert!(!is_weaker(changed(AutoLock::default(), change), AutoLock::default()), "{change:?}");
        }
        assert_eq!(changed(strict, secs(Some(0))).after_secs, None);
    }
}
