//! The one place that reads the clock.

use jiff::Timestamp;

/// Now, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
