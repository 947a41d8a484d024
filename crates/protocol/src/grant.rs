//! Grants: the answers to prompts that are remembered.

use crate::method::{Empty, method};
use crate::prompt::Decision;
use crate::undo::{UndoParams, Undoable};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

method!(
    /// Asks a person ahead of the first token, and gives out none.
    GrantRequest, "grant.request", [Programs], GrantRequestParams => GrantRequestReply
);
method!(
    /// Lists the remembered answers; to a program, its own.
    GrantList, "grant.list", [Programs, Admin], GrantListParams => GrantListReply
);
method!(
    /// Forgets one: the program is asked about again. A program can end its own.
    GrantRevoke, "grant.revoke", [Programs, Admin], GrantRevokeParams => Undoable
);
method!(
    /// Remembers again what was just forgotten. Only on the prompter's connection once a desktop has registered.
    GrantRestore, "grant.restore", [Admin], UndoParams => Empty
);

/// Parameters of `grant.request`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantRequestParams {
    /// The profile's name, or the URL of its server where only one profile has it.
    pub profile: String,
    /// Scopes that the account's sign-in must cover; nobody is asked if it doesn't.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Whether to wait for the answer. For `false` the question is shown, and `consent_required` comes at once.
    #[serde(default = "crate::token::yes")]
    pub wait: bool,
}

/// The reply to `grant.request`: the program may use the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantRequestReply {
    /// The account.
    pub profile: String,
    /// What its tokens cover.
    pub scopes: Vec<String>,
    /// The answer that is remembered; none where nobody is asked.
    pub grant: Option<GrantView>,
}

/// Parameters of `grant.list`. Frames are 64 KiB, so listings come in pages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantListParams {
    /// Only those of this profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The last grant of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A page of grants.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantListReply {
    /// The oldest first.
    pub grants: Vec<GrantView>,
    /// Whether another page follows.
    pub more: bool,
}

/// Parameters of `grant.revoke`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantRevokeParams {
    /// The grant.
    pub grant: String,
}

/// One remembered answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct GrantView {
    /// Names the grant.
    pub grant: String,
    /// The account.
    pub profile: String,
    /// What the program is called.
    pub program: String,
    /// Its executable.
    pub exe: Option<String>,
    /// The script that it runs.
    pub script: Option<String>,
    /// Who started the program when it was answered, by name, the oldest first.
    #[serde(default)]
    pub started_by: Vec<String>,
    /// When its script became another one than was answered: then it is asked about again.
    #[serde(default)]
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub changed_at: Option<Timestamp>,
    /// The running program, for answers that end with it.
    pub pid: Option<u32>,
    /// Whether it is about one connection: one that this program inherited from `keybearer run`, or its bridge.
    #[serde(default)]
    pub inherited: bool,
    /// Whether it is a key of the gateway, which whoever has it may use.
    #[serde(default)]
    pub gateway: bool,
    /// What was said: [`Decision::Deny`], [`Decision::WhileRunning`] or [`Decision::Always`].
    pub decision: Decision,
    /// When it was said.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub created_at: Timestamp,
    /// When it was last used, since the agent started.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub last_used_at: Option<Timestamp>,
    /// How often it was used since the agent started.
    pub uses: u32,
    /// When it ends by itself.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub expires_at: Option<Timestamp>,
}
