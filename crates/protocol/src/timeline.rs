//! The last day of an account's tokens, as a window draws it.

use crate::method::method;
use crate::profile::ProfileName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

method!(
    /// When the account had a token in the last 24 hours, and when it will have the next one.
    AccountTimeline, "account.timeline", [Admin], ProfileName => Timeline
);

/// The reply to `account.timeline`, out of the record of activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Timeline {
    /// Where it begins.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub since: Timestamp,
    /// When a token was valid: one span for each, the oldest first; one only for those that overlap. The last may end in
    /// the future.
    pub valid: Vec<Span>,
    /// When a renewal failed and was tried again.
    #[cfg_attr(feature = "specta", specta(type = Vec<String>))]
    pub retried: Vec<Timestamp>,
    /// When the computer slept.
    pub asleep: Vec<Span>,
    /// The next token: from its renewal to the end of what it will be good for, as far as that can be told.
    pub next: Option<Span>,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Span {
    /// Its begin.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub from: Timestamp,
    /// Its end.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub until: Timestamp,
}
