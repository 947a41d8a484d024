//! Approval prompts: what the desktop asks a person, and what the person says. Behind the admin door, and only on the
//! connection of the registered prompter.

use crate::method::{Empty, method};
use crate::program::ProgramView;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

method!(
    /// Makes this connection the prompter, as long as it is open. For the `keybearer-desktop` beside the agent alone,
    /// one at a time (REQ-I1).
    PromptRegister, "prompt.register", [Admin], Empty => Empty
);
method!(
    /// The prompts that wait; answers at once or waits for a change.
    PromptNext, "prompt.next", [Admin], PromptNextParams => PromptQueue
);
method!(
    /// What the person says to one prompt.
    PromptAnswer, "prompt.answer", [Admin], PromptAnswerParams => Empty
);

/// Parameters of `prompt.next`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PromptNextParams {
    /// The `revision` that the caller has seen; the answer waits for another one.
    #[serde(default)]
    pub seen: Option<u32>,
    /// Milliseconds to wait at most; 0 answers at once.
    #[serde(default)]
    pub wait_ms: u32,
}

/// The prompts that wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PromptQueue {
    /// Counts the changes.
    pub revision: u32,
    /// In the order in which they are to be shown.
    pub prompts: Vec<PromptView>,
}

/// One question for a person: may this program use this account?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PromptView {
    /// Names the prompt in its answer.
    pub prompt: String,
    /// The account that is asked for.
    pub profile: String,
    /// Its server.
    pub server_url: String,
    /// What the token covers.
    pub scopes: Vec<String>,
    /// When the token ends, where that is known.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub token_expires_at: Option<Timestamp>,
    /// What for.
    pub kind: PromptKind,
    /// Who asks.
    pub program: ProgramView,
    /// The name that the caller gave itself: untrusted, for quotes (REQ-H4).
    pub claimed_name: String,
    /// Why "always" is not offered; absent where it is.
    pub always_off: Option<AlwaysOff>,
    /// When the script was allowed before with another content: since then it was changed.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub allowed_before: Option<Timestamp>,
    /// How many calls wait for the answer.
    pub calls: u32,
    /// When it lapses; no answer until then means no.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub expires_at: Timestamp,
}

/// What a program asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum PromptKind {
    /// To use the account itself.
    #[default]
    Program,
    /// To start a command with a connection that serves it as long as it runs (REQ-C2).
    Run,
    /// One token, for somebody behind the restricted door: a container or a remote host, and nobody can check which.
    Restricted,
}

/// Why "always" is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum AlwaysOff {
    /// Nothing tells this program from another.
    Unidentified,
    /// Any program of this user can put another file in its place.
    ReplaceableByUser,
    /// Other users can change the file.
    OthersCanChange,
    /// It was allowed before, and its file was changed since.
    Changed,
    /// It comes from a container or a remote host: each request is asked about.
    Restricted,
}

/// Parameters of `prompt.answer`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PromptAnswerParams {
    /// The prompt.
    pub prompt: String,
    /// What the person says.
    pub decision: Decision,
}

/// What a person can say to a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// No; remembered while the program runs.
    Deny,
    /// Yes, to the calls that wait now.
    Once,
    /// Yes, until the program exits, at most eight hours.
    WhileRunning,
    /// Yes, whenever this program asks for this account.
    Always,
}
