//! Windows: the command that the registry has for the scheme. What this user has chosen hides what is there for everybody.

use keybearer_protocol::auth::SCHEME;
use std::future::{Ready, ready};
use windows_registry::CLASSES_ROOT;

/// Whether a desktop answers. The registry says so at once.
pub fn are_answered() -> Ready<bool> {
    let key = CLASSES_ROOT.open(format!(r"{SCHEME}\shell\open\command"));
    let command = key.and_then(|key| key.get_string(""));
    ready(command.is_ok_and(|command| command.to_lowercase().contains("keybearer-desktop")))
}
