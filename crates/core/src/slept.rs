//! When the computer slept: a row of the record, for whoever wonders why nothing was renewed. One file per family of systems
//! below, with the same one name.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::so_far;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
use elsewhere::so_far;

use crate::activity::Activity;
use crate::alarm::Alarm;
use crate::clock::now;
use jiff::{SignedDuration, Timestamp};
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};

/// What is shorter than this is worth no row.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// Writes down each sleep when it is over. Nothing is done until the machine wakes up.
pub async fn note(activity: Activity) {
    let Ok(alarm) = Alarm::new() else { return };
    while let Some(before) = so_far() {
        // Its clock goes on in its sleep, which rings as well.
        alarm.ring(Some(Timestamp::MAX)).await;
        let Some(after) = so_far() else { return };
        if let Some(row) = row(after - before, now()) {
            tracing::info!(minutes = (after - before).as_mins(), "the machine has slept");
            activity.add(row);
        }
    }
}

/// The row of a sleep that was so long and is over now; none if that was no sleep.
fn row(slept: SignedDuration, now: Timestamp) -> Option<ActivityEntry> {
    let began = now.checked_sub(slept).ok().filter(|_| slept >= SHORTEST)?;
    Some(ActivityEntry { until: Some(now), ..ActivityEntry::new(ActivityKind::Slept, began) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_has_a_row_from_its_begin_to_its_end_and_a_clock_that_was_set_has_none() {
        let now = now();
        let night = row(SignedDuration::from_hours(7), now).expect("a row");
        assert_eq!(
            (night.kind, night.at, night.until),
            (ActivityKind::Slept, now - SignedDuration::from_hours(7), Some(now))
        );
        assert_eq!(row(SignedDuration::ZERO, now), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_machine_that_is_awake_sleeps_no_longer() {
        let slept = so_far().expect("Linux tells");
        assert!(slept >= SignedDuration::ZERO && so_far().expect("as before") - slept < SHORTEST);
    }
}
