//! The agent itself: is it there, how is it, lock it, stop it.

use crate::method::{Empty, method};
use crate::secret::expose_option;
use crate::vault::{VaultKind, VaultState};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

method!(
    /// Answers, no more.
    AgentPing, "agent.ping", [Programs, Admin, Restricted], Empty => Empty
);
method!(
    /// How the agent is.
    AgentStatus, "agent.status", [Programs, Admin], Empty => AgentStatusReply
);
method!(
    /// Waits for a change of anything that a window shows.
    AgentWatch, "agent.watch", [Admin], AgentWatchParams => AgentWatchReply
);
method!(
    /// Drops tokens from memory and gives out none until it is unlocked. Anybody of this user may lock.
    AgentLock, "agent.lock", [Programs, Admin], Empty => Empty
);
method!(
    /// Ends the lock. Without the vault's passphrase only on the prompter's connection, once a desktop has registered.
    AgentUnlock, "agent.unlock", [Admin], AgentUnlockParams => Empty
);
method!(
    /// Gives out no tokens until a moment, or until somebody says otherwise; what is kept is renewed meanwhile. Anybody who
    /// manages accounts may pause.
    AgentPause, "agent.pause", [Admin], AgentPauseParams => Empty
);
method!(
    /// Ends a pause before its time. Only on the prompter's connection once a desktop has registered.
    AgentResume, "agent.resume", [Admin], Empty => Empty
);
method!(
    /// Stops the agent after the open requests.
    AgentStop, "agent.stop", [Admin], Empty => Empty
);

/// Parameters of `agent.watch`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentWatchParams {
    /// The `revision` that the caller has seen; the answer waits for another one.
    #[serde(default)]
    pub seen: Option<u32>,
    /// Milliseconds to wait at most; 0 answers at once.
    #[serde(default)]
    pub wait_ms: u32,
}

/// The reply to `agent.watch`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentWatchReply {
    /// Counts the changes since the agent started.
    pub revision: u32,
}

/// Parameters of `agent.unlock`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentUnlockParams {
    /// What opens the vault, where it has a passphrase.
    #[serde(default, serialize_with = "expose_option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub passphrase: Option<SecretString>,
}

/// Parameters of `agent.pause`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentPauseParams {
    /// For so many minutes, at most a day; absent means until `agent.resume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

/// A pause: nothing is given out, and everything is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Pause {
    /// When it ends by itself; absent if somebody has to end it.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub until: Option<Timestamp>,
}

/// The reply to `agent.status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AgentStatusReply {
    /// Its version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Since when it runs.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub started_at: Timestamp,
    /// How it came to run.
    #[serde(default)]
    pub started_by: StartedBy,
    /// The number of accounts.
    pub accounts: u32,
    /// How many of them need the user.
    pub need_user: u32,
    /// Whether the agent is locked.
    pub locked: bool,
    /// Why it can't lock by itself as it was told to, if it can't.
    #[serde(default)]
    pub lock_problem: Option<String>,
    /// The pause, if nothing is given out for a while.
    #[serde(default)]
    pub pause: Option<Pause>,
    /// Whether the machine has no network.
    #[serde(default)]
    pub offline: bool,
    /// Whether a desktop is there to ask a person.
    pub prompter: bool,
    /// How many prompts wait for a person.
    pub prompts: u32,
    /// Which vault is in use; absent if that can't be told.
    pub vault_kind: Option<VaultKind>,
    /// Whether the vault gives nothing until its passphrase was given.
    pub wants_passphrase: bool,
    /// The state of the vault.
    pub vault: VaultState,
    /// What is wrong with it, if something is.
    pub vault_problem: Option<String>,
    /// What a person can do about it.
    pub vault_advice: Option<String>,
    /// What is wrong with `servers.json`, if something is.
    pub configuration_problem: Option<String>,
    /// Why the gateway doesn't listen although a client has a key, if it doesn't.
    #[serde(default)]
    pub gateway_problem: Option<String>,
    /// What is wrong with the record of activity, if something is.
    #[serde(default)]
    pub activity_problem: Option<String>,
    /// What a person can do about it.
    #[serde(default)]
    pub activity_advice: Option<String>,
}

/// How the agent came to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum StartedBy {
    /// A service manager opened the sockets and started it with the first connection (systemd's socket unit).
    SocketUnit,
    /// A command or the window started it because nobody listened.
    Command,
    /// Somebody ran the executable.
    #[default]
    Other,
}
