//! Grants: the answers to prompts that are remembered.

use crate::method::{Empty, method};
use crate::prompt::Decision;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

method!(
    /// Lists the remembered answers.
    GrantList, "grant.list", [Admin], GrantListParams => GrantListReply
);
method!(
    /// Forgets one: the program is asked about again.
    GrantRevoke, "grant.revoke", [Admin], GrantRevokeParams => Empty
);

/// Parameters of `grant.list`. Frames are 64 KiB, so listings come in pages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
pub struct GrantListReply {
    /// The oldest first.
    pub grants: Vec<GrantView>,
    /// Whether another page follows.
    pub more: bool,
}

/// Parameters of `grant.revoke`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GrantRevokeParams {
    /// The grant.
    pub grant: String,
}

/// One remembered answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The running program, for answers that end with it.
    pub pid: Option<u32>,
    /// Whether it is about a connection that this program inherited from `keybearer run`.
    #[serde(default)]
    pub inherited: bool,
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
