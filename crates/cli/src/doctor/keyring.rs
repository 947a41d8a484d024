//! Whether the keyring keeps secrets: a test item is really written and read.

use super::{Case, Finding};
use keybearer_protocol::vault::VaultState;

const CHECK: &str = "keyring";

pub(super) fn check(case: &Case<'_>) -> Finding {
    let Ok(examined) = &case.examined else {
        return Finding::warn(CHECK, "not looked at: only the agent can", "mend the agent first");
    };
    // What counts is what the agent that runs finds: it may live on another session bus than this command.
    let (vault, problem, advice) = match &case.status {
        Some(Ok(status)) => (status.vault, &status.vault_problem, &status.vault_advice),
        Some(Err(_)) | None => (examined.vault, &examined.vault_problem, &examined.vault_advice),
    };
    let problem = problem.as_deref().unwrap_or("it isn't there");
    let advice = advice.as_deref().unwrap_or("look after it in its own window");
    match vault {
        VaultState::Unlocked => Finding::ok(CHECK, "works: a test item was written and read"),
        VaultState::Locked => Finding::broken(CHECK, format!("{problem}, so no token can be read"), advice),
        VaultState::Absent if examined.vault == VaultState::Unlocked => {
            let found = format!("works here, but not for the agent that runs: {problem}");
            Finding::broken(CHECK, found, "keybearer agent stop; the next command starts one in this session")
        }
        VaultState::Absent => Finding::broken(CHECK, problem, advice),
    }
}
