//! Which program opens a scheme now. A package brings a desktop file of its own, which must stay the one that counts;
//! one that leads to another executable must not.

use keybearer_desktop_entry::{Entry, exec};
use std::fs;
use std::process::{Command, Stdio};

/// Whether this executable opens the scheme.
pub(super) fn is_this_program(scheme: &str) -> bool {
    let entry = registered(scheme).and_then(|name| Entry::find(&name)).filter(Entry::takes_address);
    let program = entry.and_then(|entry| entry.program()).and_then(|program| fs::canonicalize(program).ok());
    let own = exec::own().and_then(fs::canonicalize).ok();
    program.is_some() && program == own
}

/// The name of the desktop file that opens the scheme.
pub(super) fn registered(scheme: &str) -> Option<String> {
    let query = ["query", "default", &format!("x-scheme-handler/{scheme}")];
    let output = Command::new("xdg-mime").args(query).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.lines().next()?.trim().to_owned();
    let is_name = !name.is_empty() && !name.contains('/');
    is_name.then_some(name)
}
