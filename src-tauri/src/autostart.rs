//! Whether the desktop starts when the user logs in: in the tray, without a window. What the system does then is all that
//! is known of it, so an entry that the user edits, disables or removes elsewhere is what counts here too.

#[cfg(target_os = "linux")]
mod entry;
#[cfg(not(target_os = "linux"))]
mod system;

use keybearer_protocol::{ErrorCode, ErrorObject};

/// The word that starts the desktop without a window.
pub const HIDDEN: &str = "--hidden";

/// Whether a program that was started with these arguments shows no window.
pub fn is_hidden(mut arguments: impl Iterator<Item = impl AsRef<str>>) -> bool {
    arguments.any(|argument| argument.as_ref() == HIDDEN)
}

/// Whether it starts at login.
pub fn is_on() -> Result<bool, ErrorObject> {
    #[cfg(target_os = "linux")]
    return Ok(entry::is_on());
    #[cfg(not(target_os = "linux"))]
    system::is_on().map_err(|error| failed(&error))
}

/// Has it start at login, or not.
pub fn set(on: bool) -> Result<(), ErrorObject> {
    #[cfg(target_os = "linux")]
    use entry as system;
    system::set(on).map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> ErrorObject {
    let message = format!("what starts when you log in can't be changed: {error}");
    ErrorObject::new(ErrorCode::StorageUnavailable, message)
}
