//! How long a row runs, and what it has measured.

use std::fmt::Display;
use std::time::Duration;

/// Set where the long form is wanted.
const LONG: &str = "KEYBEARER_TORTURE_LONG";

/// This much in the short form, which belongs to every test run; that much in the long one.
pub(crate) fn so_much<T>(short: T, long: T) -> T {
    if std::env::var_os(LONG).is_some() { long } else { short }
}

/// Tells something that was counted or measured.
pub(crate) fn say(row: &str, what: &str, value: impl Display) {
    #[expect(clippy::print_stdout, reason = "figures are what a row tells")]
    {
        println!("{row}: {what}: {value}");
    }
}

/// How long something took, every time.
#[derive(Debug, Default)]
pub(crate) struct Durations(Vec<Duration>);

impl Durations {
    /// Once more.
    pub(crate) fn add(&mut self, one: Duration) {
        self.0.push(one);
    }

    /// All of another's as well.
    pub(crate) fn extend(&mut self, other: Durations) {
        self.0.extend(other.0);
    }

    /// What so many of a hundred took at most.
    pub(crate) fn share(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or_default()
    }

    /// Median, 99th percentile and longest, in words.
    pub(crate) fn summary(&self) -> String {
        let in_words = |percent| format!("{:.2} ms", self.share(percent).as_secs_f64() * 1e3);
        let (median, most, longest) = (in_words(50), in_words(99), in_words(100));
        format!("{} times, p50 {median}, p99 {most}, longest {longest}", self.0.len())
    }
}
