//! Whether what stands in the files of MCP clients leads to an account.

use super::{Case, Finding};
use crate::clients::{scan, uses};
use crate::output::Failure;
use keybearer_protocol::Door;

const CHECK: &str = "clients";

/// Only an agent that runs can tell, and one that isn't locked; where all is well there is nothing to tell.
pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let Some(Ok(status)) = &case.status else { return None };
    if status.locked {
        return None;
    }
    let mut client = case.reach.open_if_running(Door::Admin).ok()??;
    client.set_timeout(Some(super::PATIENCE));
    let clients = match scan(&mut client) {
        Ok(clients) => clients,
        Err(Failure(error)) => {
            return Some(Finding::broken(CHECK, error.message, error.data.action.unwrap_or_default()));
        }
    };
    let lost = clients.iter().flat_map(|client| {
        let unknown = uses(client).filter(|(_, ours)| !ours.known);
        unknown.map(|(entry, ours)| format!("{} names {}", client.name, ours.profile.as_deref().unwrap_or(entry)))
    });
    let lost: Vec<String> = lost.collect();
    let advice = "keybearer install CLIENT NAME --undo; then, if the account is there by another name, install that";
    let found = || format!("{}, which is no account", lost.join("; "));
    (!lost.is_empty()).then(|| Finding::warn(CHECK, found(), advice))
}
