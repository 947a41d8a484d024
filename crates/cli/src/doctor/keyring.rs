//! Whether the vault keeps secrets: a test item is really written and read.

use super::{Case, Finding};
use crate::vault::place;
use keybearer_protocol::vault::{VaultKind, VaultState};

const CHECK: &str = "keyring";

pub(super) fn check(case: &Case<'_>) -> Finding {
    let Ok(examined) = &case.examined else {
        return Finding::warn(CHECK, "not looked at: only the agent can", "mend the agent first");
    };
    // What counts is what the agent that runs finds: it may live on another session bus than this command.
    let (kind, vault, problem, advice) = match &case.status {
        Some(Ok(status)) => (status.vault_kind, status.vault, &status.vault_problem, &status.vault_advice),
        Some(Err(_)) | None => (examined.vault_kind, examined.vault, &examined.vault_problem, &examined.vault_advice),
    };
    let is_tried = matches!(case.status, Some(Ok(_)));
    let problem = problem.as_deref().unwrap_or("it isn't there");
    let advice = advice.as_deref().unwrap_or("look after it in its own window");
    match vault {
        VaultState::Unlocked => Finding::ok(CHECK, works(kind, is_tried)),
        VaultState::Locked => Finding::broken(CHECK, format!("{problem}, so no token can be read"), advice),
        VaultState::Absent if examined.vault == VaultState::Unlocked => {
            let found = format!("works here, but not for the agent that runs: {problem}");
            Finding::broken(CHECK, found, "keybearer agent stop; the next command starts one in this session")
        }
        VaultState::Absent => Finding::broken(CHECK, problem, advice),
    }
}

/// How it was seen that the vault works. A sealed file is opened by the agent alone.
fn works(kind: Option<VaultKind>, is_tried: bool) -> String {
    match kind {
        None | Some(VaultKind::Keyring) => "works: a test item was written and read".to_owned(),
        Some(kind) if is_tried => format!("{} works: a test item was written and read", place(kind)),
        Some(VaultKind::SealedByKeyring) => "a sealed file is there, and its key is in the system keyring".to_owned(),
        Some(VaultKind::SealedByPassphrase) => "a sealed file is there; its passphrase opens it".to_owned(),
    }
}
