//! The agent itself: is it there, how is it, stop it.

use crate::method::{Empty, method};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

method!(
    /// Answers, no more.
    AgentPing, "agent.ping", [Programs, Admin], Empty => Empty
);
method!(
    /// How the agent is.
    AgentStatus, "agent.status", [Programs, Admin], Empty => AgentStatusReply
);
method!(
    /// Stops the agent after the open requests.
    AgentStop, "agent.stop", [Admin], Empty => Empty
);

/// The reply to `agent.status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentStatusReply {
    /// Its version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// The number of accounts.
    pub accounts: u32,
    /// How many of them need the user.
    pub need_user: u32,
    /// The state of the keyring.
    pub vault: VaultState,
    /// What is wrong with the keyring, if something is.
    pub vault_problem: Option<String>,
    /// What is wrong with `servers.json`, if something is.
    pub configuration_problem: Option<String>,
}

/// The state of the keyring, found by a real write, read and delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultState {
    /// It works.
    Unlocked,
    /// It is there and locked.
    Locked,
    /// It is not there, or doesn't answer.
    Absent,
}
