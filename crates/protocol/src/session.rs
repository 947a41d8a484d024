//! The handshake that opens every connection (REQ-H1..H4), and a connection that is handed on (REQ-C2).

use crate::method::method;
use crate::program::ProgramView;
use serde::{Deserialize, Serialize};

/// The version of the protocol; it changes only when something breaks, and stands in the socket's name.
pub const PROTOCOL: u32 = 1;

method!(
    /// The first request of every connection.
    SessionOpen, "session.open", [Programs, Admin, Restricted], SessionOpenParams => SessionOpenReply
);

method!(
    /// Makes this connection one for a single account, to be handed to a child: it starts anew with `session.open`, answers
    /// whoever holds it, and ends with the process that asked. For the `keybearer` beside the agent alone (REQ-C2).
    SessionDelegate, "session.delegate", [Programs], SessionDelegateParams => SessionDelegateReply
);

/// What the caller says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionOpenParams {
    /// The versions the caller understands.
    pub protocol: VersionRange,
    /// Untrusted: shown in quotes, never used to decide (REQ-H4).
    pub client: Software,
}

/// An inclusive range of protocol versions.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VersionRange {
    /// The oldest.
    pub min: u32,
    /// The newest.
    pub max: u32,
}

impl VersionRange {
    /// What this build speaks.
    pub const OURS: VersionRange = VersionRange { min: PROTOCOL, max: PROTOCOL };

    /// Whether `version` lies in the range.
    pub fn contains(self, version: u32) -> bool {
        (self.min..=self.max).contains(&version)
    }
}

/// A name and a version.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Software {
    /// Such as `keybearer`.
    pub name: String,
    /// Such as `0.1.0`.
    pub version: String,
}

/// What the agent answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionOpenReply {
    /// The version spoken from here on.
    pub protocol: u32,
    /// The nonce that every later request carries beside `params`; 128 bits, not a secret (REQ-H2).
    pub session: String,
    /// The agent.
    pub server: Server,
    /// The methods behind this door.
    pub capabilities: Vec<String>,
    /// How the agent sees the caller, so that a refusal can be understood (REQ-H1).
    pub caller: CallerView,
}

/// The agent, as a caller sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Server {
    /// Always `keybearer-agent`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// A random name of this run: another one means that the agent was restarted.
    pub instance: String,
}

/// The caller, as the agent sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallerView {
    /// The process id, where the system tells.
    pub pid: Option<u32>,
    /// The executable, where it can be read.
    pub exe: Option<String>,
    /// Whether the caller lives in another namespace or sandbox than the agent.
    pub foreign: bool,
    /// The program that a person would name, with whoever started it.
    #[serde(default)]
    pub program: ProgramView,
}

impl CallerView {
    /// What a stranger is told: a container or a remote host learns nothing of the processes of this machine.
    pub fn hidden() -> CallerView {
        CallerView { pid: None, exe: None, foreign: true, program: ProgramView::default() }
    }
}

/// Parameters of `session.delegate`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionDelegateParams {
    /// The account: its name, or its server's address.
    pub profile: String,
    /// Whether the user may be asked for consent.
    #[serde(default = "yes")]
    pub interactive: bool,
}

/// The reply to `session.delegate`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionDelegateReply {
    /// The account's name.
    pub profile: String,
    /// Its server.
    pub server_url: String,
}

fn yes() -> bool {
    true
}
