//! Linux: a timer of the kernel on the machine's clock. It tells when that clock is set and when the machine wakes up
//! (`timerfd_create(2)`, `TFD_TIMER_CANCEL_ON_SET`), and costs nothing until then.

use super::Ring;
use jiff::Timestamp;
use rustix::fd::OwnedFd;
use rustix::fs::Timespec;
use rustix::io::{Errno, read};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};
use std::future::pending;
use std::io;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// An alarm clock.
#[derive(Debug)]
pub struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// One that is not set.
    #[expect(deprecated, reason = "sound for whoever owns its descriptor, and what replaces it is unsafe code")]
    pub fn new() -> io::Result<Alarm> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        Ok(Alarm(AsyncFd::with_interest(timer, Interest::READABLE)?))
    }

    /// Returns at this time; without one, never.
    pub async fn ring(&self, at: Option<Timestamp>) -> Ring {
        let how = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        match timerfd_settime(self.0.get_ref(), how, &once(at)) {
            Ok(_) => {}
            // The clock was set since somebody looked.
            Err(Errno::CANCELED) => return Ring::ClockJumped,
            Err(error) => {
                tracing::error!(%error, "the system sets no alarm");
                return pending().await;
            }
        }
        if at.is_none() {
            return pending().await;
        }
        loop {
            let Ok(mut ready) = self.0.readable().await else { return pending().await };
            match read(ready.get_inner(), &mut [0; 8]) {
                Err(Errno::AGAIN | Errno::INTR) => ready.clear_ready(),
                outcome => return told(outcome.err()),
            }
        }
    }
}

/// What the timer tells: that it has run out, or that somebody has set its clock.
fn told(problem: Option<Errno>) -> Ring {
    match problem {
        Some(Errno::CANCELED) => Ring::ClockJumped,
        _ => Ring::Due,
    }
}

/// The timer that runs out at this time, or never. All zeros would mean never.
fn once(at: Option<Timestamp>) -> Itimerspec {
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    let at = at.map(|at| at.max(Timestamp::UNIX_EPOCH));
    let it_value =
        at.map_or(zero, |at| Timespec { tv_sec: at.as_second(), tv_nsec: i64::from(at.subsec_nanosecond()).max(1) });
    Itimerspec { it_interval: zero, it_value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;
    use jiff::SignedDuration;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn it_rings_at_the_time_and_not_before_and_never_without_one() {
        let alarm = Alarm::new().expect("a timer");
        let at = now() + SignedDuration::from_millis(80);
        assert_eq!(alarm.ring(Some(at)).await, Ring::Due);
        assert!(now() >= at);
        // What has passed rings at once, however long ago it was.
        for past in [Timestamp::MIN, Timestamp::UNIX_EPOCH, at] {
            assert_eq!(timeout(Duration::from_secs(5), alarm.ring(Some(past))).await, Ok(Ring::Due));
        }
        // One that was set and given up doesn't ring later.
        let soon = now() + SignedDuration::from_millis(20);
        assert!(timeout(Duration::ZERO, alarm.ring(Some(soon))).await.is_err());
        assert!(timeout(Duration::from_millis(80), alarm.ring(None)).await.is_err());
        assert!(timeout(Duration::from_millis(80), alarm.ring(Some(Timestamp::MAX))).await.is_err());
    }

    #[test]
    fn a_clock_that_was_set_is_told_from_a_time_that_has_come() {
        assert_eq!([told(Some(Errno::CANCELED)), told(None)], [Ring::ClockJumped, Ring::Due]);
    }
}
