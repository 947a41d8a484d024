//! How the agent and one account are.

use crate::arguments::Named;
use crate::connection::Reach;
use crate::output::{Failure, ago, answer, answer_json};
use crate::passphrase::Source;
use crate::pause::end;
use crate::vault::place;
use keybearer_ipc::client::Client;
use keybearer_protocol::Door;
use keybearer_protocol::account::AccountTest;
use keybearer_protocol::agent::{AgentLock, AgentStatus, AgentStatusReply, AgentUnlock, AgentUnlockParams, StartedBy};
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::{AccountStatus, AccountView, ProfileName};
use keybearer_protocol::vault::VaultState;
use serde_json::json;
use std::collections::BTreeMap;

/// `keybearer status`
pub(crate) fn status(reach: &Reach, json: bool) -> Result<(), Failure> {
    say(&mut reach.open(Door::Admin)?, json)
}

/// Says how the agent at the other end is.
pub(crate) fn say(client: &mut Client, json: bool) -> Result<(), Failure> {
    let status = client.call::<AgentStatus>(&Empty {})?;
    if json {
        return answer_json(&status);
    }
    // A locked agent names no account.
    let accounts = if status.locked { Vec::new() } else { client.accounts().unwrap_or_default() };
    tell(&status, &accounts)
}

/// `keybearer lock`
pub(crate) fn lock(reach: &Reach, json: bool) -> Result<(), Failure> {
    let reply = reach.open(Door::Admin)?.call::<AgentLock>(&Empty {})?;
    if json { answer_json(&reply) } else { answer("locked: nothing is given out until Keybearer is unlocked") }
}

/// `keybearer unlock`
pub(crate) fn unlock(reach: &Reach, passphrase_stdin: bool, json: bool) -> Result<(), Failure> {
    let mut client = reach.open(Door::Admin)?;
    let wants_passphrase = passphrase_stdin || client.call::<AgentStatus>(&Empty {})?.wants_passphrase;
    let passphrase = match wants_passphrase {
        true => Some(Source::of(passphrase_stdin).ask("Passphrase: ")?),
        false => None,
    };
    let reply = client.call::<AgentUnlock>(&AgentUnlockParams { passphrase })?;
    if json { answer_json(&reply) } else { answer("unlocked") }
}

/// Tells people how the agent is.
fn tell(status: &AgentStatusReply, accounts: &[AccountView]) -> Result<(), Failure> {
    let since = ago(status.started_at);
    let origin = origin(status.started_by);
    answer(&format!("agent     runs for {since} (version {}, process {}), {origin}", status.version, status.pid))?;
    answer(match status.locked {
        true => "lock      locked: nothing is given out until it is unlocked",
        false => "lock      open",
    })?;
    if let Some(pause) = status.pause {
        answer(&format!("pause     {}: nothing is given out, and tokens are renewed", end(pause)))?;
    }
    let works = status.vault_kind.map_or_else(|| "works".to_owned(), |kind| format!("works: {}", place(kind)));
    let vault = match (status.vault, &status.vault_problem) {
        (VaultState::Unlocked, _) => &works,
        (VaultState::Locked | VaultState::Absent, Some(problem)) => problem,
        (VaultState::Locked | VaultState::Absent, None) => "doesn't work",
    };
    let advice = status.vault_advice.as_ref().map(|advice| format!(" (what to do: {advice})")).unwrap_or_default();
    answer(&format!("vault     {vault}{advice}"))?;
    answer(&format!("window    {}", window(status)))?;
    answer(&format!("accounts  {}", by_state(status, accounts)))?;
    if status.offline {
        answer("network   away: tokens that are there are given out, and none is renewed")?;
    }
    if let Some(problem) = &status.gateway_problem {
        answer(&format!("gateway   shut: {problem}"))?;
    }
    if let Some(problem) = &status.activity_problem {
        let advice = status.activity_advice.as_ref().map(|advice| format!(" (what to do: {advice})"));
        answer(&format!("activity  {problem}{}", advice.unwrap_or_default()))?;
    }
    match &status.configuration_problem {
        Some(problem) => answer(&format!("problem   {problem}")),
        None => Ok(()),
    }
}

/// How the agent came to run.
pub(crate) fn origin(started_by: StartedBy) -> &'static str {
    match started_by {
        StartedBy::SocketUnit => "started by the first connection, through systemd",
        StartedBy::Command => "started on demand",
        StartedBy::Other => "started by hand or by a service",
    }
}

fn window(status: &AgentStatusReply) -> String {
    match (status.prompter, status.prompts) {
        (false, _) => "doesn't run".to_owned(),
        (true, 0) => "runs, and asks you when it must".to_owned(),
        (true, 1) => "runs; one question waits for you".to_owned(),
        (true, waiting) => format!("runs; {waiting} questions wait for you"),
    }
}

/// How many accounts there are, and of which state.
fn by_state(status: &AgentStatusReply, accounts: &[AccountView]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for account in accounts {
        *counts.entry(state(account.status)).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    match (status.accounts, counts.is_empty()) {
        (0, _) => "none yet: keybearer add URL".to_owned(),
        (all, true) => all.to_string(),
        (all, false) => format!("{all}: {}", counts.join(", ")),
    }
}

/// A state within a sentence.
fn state(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Connected => "connected",
        AccountStatus::Expiring => "expiring",
        AccountStatus::SigningIn => "waiting for the browser",
        AccountStatus::NeedsSignIn => "in need of sign-in",
        AccountStatus::NeedsMoreAccess => "asking for more scopes",
        AccountStatus::Unreachable => "unreachable",
        AccountStatus::NoSignIn => "without sign-in",
        AccountStatus::Locked => "locked",
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
