//! Where no timer follows the machine's clock: sleeping in slices, and looking at it after each. A slice that took another
//! time by that clock than it should have means that it was set, or that the machine has slept.

use super::Ring;
use crate::clock::now;
use jiff::{SignedDuration, Timestamp};
use std::future::pending;
use std::io;
use std::time::Duration;

/// The longest that it doesn't look.
const SLICE: SignedDuration = SignedDuration::from_mins(1);
/// By how much a slice on a busy machine may be longer than it should be.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

/// An alarm clock.
#[derive(Debug)]
pub struct Alarm(());

impl Alarm {
    /// One that is not set.
    pub fn new() -> io::Result<Alarm> {
        Ok(Alarm(()))
    }

    /// Returns at this time; without one, never.
    pub async fn ring(&self, at: Option<Timestamp>) -> Ring {
        let Some(at) = at else { return pending().await };
        loop {
            let before = now();
            let slice = at.duration_since(before).min(SLICE);
            if slice <= SignedDuration::ZERO {
                return Ring::Due;
            }
            tokio::time::sleep(Duration::try_from(slice).unwrap_or_default()).await;
            if (now().duration_since(before) - slice).abs() > TOLERANCE {
                return Ring::ClockJumped;
            }
        }
    }
}
