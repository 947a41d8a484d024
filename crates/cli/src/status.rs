//! How the agent and one account are.

use crate::arguments::Named;
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json};
use keybearer_protocol::Door;
use keybearer_protocol::account::AccountTest;
use keybearer_protocol::agent::{AgentLock, AgentStatus, AgentStatusReply, AgentUnlock, VaultState};
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::ProfileName;
use serde_json::json;

/// `keybearer status`
pub(crate) fn status(reach: &Reach, json: bool) -> Result<(), Failure> {
    let status = reach.open(Door::Admin)?.call::<AgentStatus>(&Empty {})?;
    if json { answer_json(&status) } else { tell(&status) }
}

/// `keybearer lock`
pub(crate) fn lock(reach: &Reach, json: bool) -> Result<(), Failure> {
    let reply = reach.open(Door::Admin)?.call::<AgentLock>(&Empty {})?;
    if json { answer_json(&reply) } else { answer("locked: nothing is given out until Keybearer is unlocked") }
}

/// `keybearer unlock`
pub(crate) fn unlock(reach: &Reach, json: bool) -> Result<(), Failure> {
    let reply = reach.open(Door::Admin)?.call::<AgentUnlock>(&Empty {})?;
    if json { answer_json(&reply) } else { answer("unlocked") }
}

/// Tells people how the agent is.
pub(crate) fn tell(status: &AgentStatusReply) -> Result<(), Failure> {
    let keyring = match (status.vault, &status.vault_problem) {
        (VaultState::Unlocked, _) => "works".to_owned(),
        (VaultState::Locked, _) => "locked".to_owned(),
        (VaultState::Absent, problem) => problem.clone().unwrap_or_else(|| "absent".to_owned()),
    };
    answer(&format!("agent     {} (process {}, since {})", status.version, status.pid, status.started_at))?;
    if status.locked {
        answer("locked    nothing is given out until it is unlocked")?;
    }
    answer(&format!("keyring   {keyring}"))?;
    let asks = if status.prompter { "is there to ask people" } else { "isn't running" };
    answer(&format!("window    {asks}; {} questions wait", status.prompts))?;
    answer(&format!("accounts  {}, of which {} need you", status.accounts, status.need_user))?;
    match &status.configuration_problem {
        Some(problem) => answer(&format!("problem   {problem}")),
        None => Ok(()),
    }
}

/// `keybearer test`
pub(crate) fn test(reach: &Reach, named: Named, json: bool) -> Result<(), Failure> {
    let reply = reach.open(Door::Admin)?.call::<AccountTest>(&ProfileName { profile: named.name })?;
    if json {
        return answer_json(&json!({
            "ok": true, "tools": reply.tools, "protocol": reply.protocol, "server": reply.server, "names": reply.names,
        }));
    }
    answer(&format!("{} answers with {} tools: {}", reply.server, reply.tools, reply.names.join(", ")))
}
