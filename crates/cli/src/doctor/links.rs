//! Which program opens Keybearer's links, by which browsers come back to the window.

use super::Finding;
#[cfg(any(target_os = "linux", windows))]
use super::ask::ask;
#[cfg(any(target_os = "linux", windows))]
use keybearer_protocol::auth::SCHEME;
#[cfg(any(target_os = "linux", windows))]
use std::process::Command;

#[cfg(any(target_os = "linux", windows))]
const CHECK: &str = "links";

#[cfg(target_os = "linux")]
pub(super) fn check() -> Option<Finding> {
    use keybearer_desktop_entry::Entry;
    let advice = "nothing, if you work without the window: browsers come back to 127.0.0.1; else start the window once";
    let name = handler(SCHEME);
    let Some(name) = name else {
        return Some(Finding::ok(CHECK, format!("no program opens {SCHEME}: links; browsers come back to 127.0.0.1")));
    };
    let entry = Entry::find(&name);
    let program = entry.as_ref().and_then(Entry::program);
    Some(match (entry, program) {
        (None, _) => Finding::warn(CHECK, format!("{SCHEME}: links lead to {name}, which isn't there"), advice),
        (Some(_), None) => {
            Finding::warn(CHECK, format!("{SCHEME}: links lead to {name}, whose program isn't there"), advice)
        }
        (Some(entry), Some(program)) if !entry.takes_address() => {
            let found = format!("{SCHEME}: links lead to {name}, which doesn't hand them to {}", program.display());
            Finding::warn(CHECK, found, advice)
        }
        (Some(_), Some(program)) if program.file_name().is_some_and(|name| name == "keybearer-desktop") => {
            Finding::ok(CHECK, format!("{SCHEME}: links lead to {name} ({})", program.display()))
        }
        (Some(_), Some(program)) => {
            let found = format!("{SCHEME}: links lead to another program, {}", program.display());
            Finding::warn(CHECK, found, "start Keybearer's window once; if it comes back, remove that program's entry")
        }
    })
}

/// The name of the desktop entry that opens a scheme.
#[cfg(target_os = "linux")]
pub(super) fn handler(scheme: &str) -> Option<String> {
    let said = ask(Command::new("xdg-mime").args(["query", "default", &format!("x-scheme-handler/{scheme}")])).ok()?;
    let name = said.lines().next()?.to_owned();
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// The registry says it; what this user has chosen hides what is there for everybody.
#[cfg(windows)]
pub(super) fn check() -> Option<Finding> {
    let key = format!(r"HKCR\{SCHEME}\shell\open\command");
    let said = ask(Command::new("reg.exe").args(["query", &key, "/ve"])).unwrap_or_default();
    Some(match said.contains("keybearer-desktop") {
        true => Finding::ok(CHECK, format!("{SCHEME}: links lead to Keybearer's window")),
        false => Finding::ok(CHECK, format!("no program opens {SCHEME}: links; browsers come back to 127.0.0.1")),
    })
}

/// On macOS the program's bundle answers its links, and nothing can be asked without it.
#[cfg(not(any(target_os = "linux", windows)))]
pub(super) fn check() -> Option<Finding> {
    None
}
