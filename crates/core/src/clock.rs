//! The one place that reads the clock.

use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, Instant};

/// Now, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A moment by two clocks: the machine's, which people and networks set, and one that only goes on.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    wall: Timestamp,
    steady: Instant,
}

impl Moment {
    /// This moment.
    pub fn now() -> Moment {
        Moment { wall: now(), steady: Instant::now() }
    }

    /// Now, as the machine's clock would say if nobody had set it back since this moment. What it was set forward counts,
    /// for that may be a sleep of the machine, which the other clock doesn't see.
    pub fn now_since(&self) -> Timestamp {
        let elapsed = self.steady.elapsed();
        let now = now();
        now.checked_add(self.set_back(now, elapsed)).unwrap_or(now)
    }

    /// What the machine's clock will say at a time of [`Moment::now_since`], unless it is set once more.
    pub fn on_the_wall(&self, at: Timestamp) -> Timestamp {
        let elapsed = self.steady.elapsed();
        at.checked_sub(self.set_back(now(), elapsed)).unwrap_or(at)
    }

    /// How far the machine's clock, which says `now`, was set back in the time that has gone by.
    fn set_back(&self, now: Timestamp, elapsed: Duration) -> SignedDuration {
        let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        let expected = self.wall.checked_add(elapsed).unwrap_or(Timestamp::MAX);
        expected.duration_since(now).max(SignedDuration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_is_seen_and_one_that_was_set_forward_believed() {
        let wall = Timestamp::from_second(1_000_000).expect("a time");
        let moment = Moment { wall, steady: Instant::now() };
        let set_back = |wall_moved: i64, elapsed: u64| {
            let now = wall + SignedDuration::from_secs(wall_moved);
            moment.set_back(now, Duration::from_secs(elapsed)).as_secs()
        };
        assert_eq!([set_back(10, 10), set_back(3600, 10), set_back(-20, 10), set_back(10, 40)], [0, 0, 30, 30]);
    }
}
