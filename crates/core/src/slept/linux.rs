//! Linux: one of its clocks stands still while the machine sleeps, and another goes on (`clock_gettime(2)`).

use jiff::SignedDuration;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// How long the machine has slept since it was started.
#[expect(clippy::unnecessary_wraps, reason = "other systems don't tell")]
pub(super) fn so_far() -> Option<SignedDuration> {
    let span = |time: Timespec| SignedDuration::new(time.tv_sec, i32::try_from(time.tv_nsec).unwrap_or_default());
    // In this order, so that nothing looks like a sleep of less than nothing.
    let awake = span(clock_gettime(ClockId::Monotonic));
    Some(span(clock_gettime(ClockId::Boottime)) - awake)
}
