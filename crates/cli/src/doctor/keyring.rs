//! Whether the keyring keeps secrets: a test item is really written and read.

use super::{Case, Finding};
use keybearer_protocol::agent::VaultState;

const CHECK: &str = "keyring";

pub(super) fn check(case: &Case<'_>) -> Finding {
    let Ok(examined) = &case.examined else {
        return Finding::warn(CHECK, "not looked at: only the agent can", "mend the agent first");
    };
    // What counts is what the agent that runs finds: it may live on another session bus than this command.
    let (vault, problem) = match &case.status {
        Some(Ok(status)) => (status.vault, &status.vault_problem),
        Some(Err(_)) | None => (examined.vault, &examined.vault_problem),
    };
    let problem = problem.as_deref().unwrap_or("it isn't there");
    match vault {
        VaultState::Unlocked => Finding::ok(CHECK, "works: a test item was written and read"),
        VaultState::Locked => {
            let advice = "unlock it in your desktop's password program, or sign in to the desktop again";
            Finding::broken(CHECK, format!("{problem}, so no token can be read"), advice)
        }
        VaultState::Absent if examined.vault == VaultState::Unlocked => {
            let found = format!("works here, but not for the agent that runs: {problem}");
            Finding::broken(CHECK, found, "keybearer agent stop; the next command starts one in this session")
        }
        VaultState::Absent => Finding::broken(CHECK, problem, advice()),
    }
}

fn advice() -> &'static str {
    if cfg!(target_os = "linux") {
        "install and start a Secret Service such as gnome-keyring, KWallet or KeePassXC; for a machine without a \
         desktop see Troubleshooting in the README"
    } else {
        "sign in to the desktop, whose keyring Keybearer uses"
    }
}
