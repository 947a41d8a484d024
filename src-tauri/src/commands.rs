//! What the page may ask for. A command takes its arguments, asks the agent and returns; it decides nothing.
//!
//! A new one also goes into `build.rs`, `generate_handler!` in `lib.rs`, the capability of the window that needs
//! it, and `ui/src/backend.ts`.

use crate::agent;
use keybearer_protocol::{
    ErrorObject,
    agent::{AgentStatus, AgentStatusReply},
    method::Empty,
    profile::AccountView,
};

/// How the agent is.
#[tauri::command]
pub async fn agent_status() -> Result<AgentStatusReply, ErrorObject> {
    agent::request::<AgentStatus>(Empty {}).await
}

/// Every account, sorted by name.
#[tauri::command]
pub async fn list_accounts() -> Result<Vec<AccountView>, ErrorObject> {
    agent::accounts().await
}
