//! Activity: what was given to whom, who was refused, and what changed (REQ-A1). Rows name and explain; none holds a
//! token or another secret. Behind the admin door alone.

use crate::method::{Empty, method};
use crate::program::ProgramView;
use crate::prompt::Decision;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

method!(
    /// Lists what happened, the newest first.
    ActivityList, "activity.list", [Admin], ActivityListParams => ActivityListReply
);
method!(
    /// What happened since a row; answers at once or waits for more.
    ActivityFollow, "activity.follow", [Admin], ActivityFollowParams => ActivityFollowReply
);
method!(
    /// Checks the whole record: every row carries a hash over itself and the row before.
    ActivityVerify, "activity.verify", [Admin], Empty => ActivityVerifyReply
);
method!(
    /// Keeps the record as it is under another name, and begins a new one.
    ActivitySetAside, "activity.set_aside", [Admin], Empty => ActivitySetAsideReply
);

/// Which rows are meant; those that fit all that is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ActivityFilter {
    /// Only those of this profile: one that is there under all names that it had, one that is gone by its last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Only those of this program: its name, its executable or its script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Only those of these kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<ActivityKind>,
}

/// Parameters of `activity.list`. Frames are 64 KiB, so listings come in pages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivityListParams {
    /// Which rows.
    #[serde(default)]
    pub filter: ActivityFilter,
    /// Only rows before this number: the last one of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u32>,
    /// How many rows at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ActivityListReply {
    /// The newest first.
    pub rows: Vec<ActivityRow>,
    /// Whether another page follows.
    pub more: bool,
    /// The number of the newest row of all, to follow from.
    pub newest: u32,
}

/// Parameters of `activity.follow`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivityFollowParams {
    /// Which rows.
    #[serde(default)]
    pub filter: ActivityFilter,
    /// The number of the last row that the caller has seen; 0 begins with the oldest. Without it the answer says where the
    /// record ends.
    #[serde(default)]
    pub seen: Option<u32>,
    /// Milliseconds to wait at most; 0 answers at once.
    #[serde(default)]
    pub wait_ms: u32,
}

/// The reply to `activity.follow`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ActivityFollowReply {
    /// The oldest first.
    pub rows: Vec<ActivityRow>,
    /// What to ask with next.
    pub seen: u32,
    /// Whether there is more already.
    pub more: bool,
}

/// The reply to `activity.verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivityVerifyReply {
    /// How many rows there are.
    pub rows: u32,
    /// The number of the first; older ones were pruned.
    pub first: u32,
    /// The number of the last.
    pub last: u32,
    /// The hash of the last: whoever keeps it elsewhere knows it again.
    pub hash: String,
    /// What is wrong; absent if every row is as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The reply to `activity.set_aside`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivitySetAsideReply {
    /// The file that has the old record now; absent if there was none.
    pub file: Option<String>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ActivityRow {
    /// Counts the rows of this home, without a gap.
    pub number: u32,
    /// SHA-256 over the hash of the row before, the number and the row as it lies in the file, in hexadecimal digits.
    pub hash: String,
    /// What happened.
    #[serde(flatten)]
    pub entry: ActivityEntry,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ActivityEntry {
    /// When; of several calls the first.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub at: Timestamp,
    /// The kind.
    pub kind: ActivityKind,
    /// How many equal calls this row stands for.
    #[serde(default = "one")]
    pub calls: u32,
    /// When the last of them came, for a row of several; when it ended, for what lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub until: Option<Timestamp>,
    /// The profile, by its name then; for a refused call what the caller named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The account's id, which outlives names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What the token covers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The resource that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What a person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The remembered answer that allowed it, was made or forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Who asked; absent for what Keybearer did by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<ActivityCaller>,
    /// Whether the token was at hand; false if it was renewed for this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_cache: Option<bool>,
    /// When the token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub expires_at: Option<Timestamp>,
    /// The first eight hexadecimal digits of the access token's SHA-256: the same token has the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_sha256: Option<String>,
    /// The name of the error, such as `consent_denied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// A word on the cause, such as the exact rule behind an error, or what was changed. Stable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Why the caller asked, in its own words: untrusted, for quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ActivityEntry {
    /// Of this kind, and nothing else yet.
    pub fn new(kind: ActivityKind, at: Timestamp) -> ActivityEntry {
        ActivityEntry {
            at,
            kind,
            calls: 1,
            until: None,
            profile: None,
            account: None,
            scopes: Vec::new(),
            resource: None,
            decision: None,
            grant: None,
            caller: None,
            from_cache: None,
            expires_at: None,
            token_sha256: None,
            error: None,
            cause: None,
            reason: None,
        }
    }
}

/// Whoever made a request, as the kernel told then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ActivityCaller {
    /// The process at the other end of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The program that a person would name.
    pub program: ProgramView,
    /// The name that the caller gave itself: untrusted, for quotes (REQ-H4).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub claimed_name: String,
    /// Whether it lives in a sandbox, a container or another namespace.
    #[serde(default)]
    pub foreign: bool,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// A program got an access token.
    TokenGiven,
    /// A program got headers.
    HeaderGiven,
    /// A request of a program was carried to the server, through the gateway.
    RequestCarried,
    /// A person put an access token on the clipboard.
    TokenCopied,
    /// A program got nothing.
    Refused,
    /// A person answered a prompt.
    PromptAnswered,
    /// A remembered answer was forgotten.
    GrantRevoked,
    /// It is remembered again.
    GrantRestored,
    /// New tokens replaced the old ones.
    TokenRefreshed,
    /// They could not be renewed.
    RefreshFailed,
    /// An account was signed in.
    SignedIn,
    /// A sign-in came to nothing.
    SignInFailed,
    /// An account was signed out.
    SignedOut,
    /// An account was added.
    AccountAdded,
    /// How an account signs in was changed, or its name.
    AccountChanged,
    /// An account was removed.
    AccountRemoved,
    /// It was brought back.
    AccountRestored,
    /// An account was written into a client's file.
    ClientInstalled,
    /// That was taken back.
    ClientUndone,
    /// Keybearer was locked.
    Locked,
    /// Keybearer was unlocked.
    Unlocked,
    /// A person wants nothing given out for a while.
    Paused,
    /// That is over.
    Resumed,
    /// The computer slept, from then until it woke.
    Slept,
    /// What guards the tokens was changed.
    ProtectionChanged,
    /// A connection was hung up on.
    ConnectionRefused,
    /// The record begins here.
    RecordBegun,
    /// So many rows could not be written.
    RowsMissed,
}

fn one() -> u32 {
    1
}
