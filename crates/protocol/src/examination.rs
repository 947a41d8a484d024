//! What an agent would find if it were started here and now. `keybearer-agent --examine` prints it as one line of JSON,
//! on no socket: it is asked for where no agent runs, or none can.

use crate::vault::{VaultKind, VaultState};
use serde::{Deserialize, Serialize};

/// All that was looked at. Nothing in it is secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Examination {
    /// The version of the agent's executable.
    pub version: String,
    /// The agent that holds this home's lock, if one runs.
    pub running: Option<RunningAgent>,
    /// The folders that the agent writes to.
    pub folders: Vec<FolderView>,
    /// What is wrong with `servers.json` or `settings.json`.
    pub configuration_problem: Option<String>,
    /// Which vault is in use; absent if that can't be told.
    pub vault_kind: Option<VaultKind>,
    /// The state of the vault, by a try that opens no dialog and no file that an agent may have open.
    pub vault: VaultState,
    /// What is wrong with it, if something is.
    pub vault_problem: Option<String>,
    /// What a person can do about it.
    pub vault_advice: Option<String>,
    /// The program that would open a page, if there is one.
    pub browser: Option<String>,
    /// Where an agent that has left its terminal writes its log.
    pub log: String,
    /// The accounts that are written down.
    pub profiles: Vec<ExaminedProfile>,
    /// The clocks of the accounts' servers; none unless they were asked for.
    pub clocks: Vec<ServerClock>,
}

/// An agent that runs, by what it wrote into its lock. Where systems keep the file from others' eyes, it names nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunningAgent {
    /// Its process.
    pub pid: Option<u32>,
    /// The base folder of its sockets.
    pub sockets: Option<String>,
}

/// An account as it is written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExaminedProfile {
    /// Its name.
    pub name: String,
    /// Its server's address.
    pub url: String,
}

/// A folder that the agent writes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FolderView {
    /// Its path.
    pub path: String,
    /// Whether it is there; it is made where it is missing.
    pub exists: bool,
    /// What is wrong with it, if something is.
    pub problem: Option<String>,
    /// What may be meant, and may be a mistake.
    pub concern: Option<String>,
}

/// The clock of a server, as the head of an answer tells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerClock {
    /// The server.
    pub host: String,
    /// Seconds by which this machine's clock is ahead of it; none if the server didn't tell.
    pub ahead: Option<i64>,
    /// Why it didn't, if the server can't be reached.
    pub problem: Option<String>,
}
