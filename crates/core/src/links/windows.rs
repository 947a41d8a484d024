//! Windows: the command that the registry has for the scheme, this user's or everybody's.

use keybearer_protocol::auth::SCHEME;
use std::future::{Ready, ready};
use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};

/// Whether a desktop answers. The registry says so at once.
pub fn are_answered() -> Ready<bool> {
    ready(answers(CURRENT_USER) || answers(LOCAL_MACHINE))
}

fn answers(root: &Key) -> bool {
    let key = root.open(format!(r"Software\Classes\{SCHEME}\shell\open\command"));
    let command = key.and_then(|key| key.get_string(""));
    command.is_ok_and(|command| command.to_lowercase().contains("keybearer-desktop"))
}
