//! Which program the system opens links of the scheme with.

use keybearer_protocol::auth::SCHEME;
use serde::Serialize;

/// Who opens them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum LinkOwner {
    /// This program.
    This,
    /// Another one, perhaps an earlier Keybearer.
    Other,
    /// Nobody.
    Nobody,
}

/// Who does now.
#[cfg(target_os = "linux")]
pub fn look(_: &tauri::AppHandle) -> LinkOwner {
    use super::handler;
    match (handler::is_this_program(SCHEME), handler::registered(SCHEME)) {
        (true, _) => LinkOwner::This,
        (false, Some(_)) => LinkOwner::Other,
        (false, None) => LinkOwner::Nobody,
    }
}

/// Who does now.
#[cfg(windows)]
pub fn look(app: &tauri::AppHandle) -> LinkOwner {
    use tauri_plugin_deep_link::DeepLinkExt;
    match app.deep_link().is_registered(SCHEME) {
        Ok(true) => LinkOwner::This,
        Ok(false) | Err(_) => LinkOwner::Other,
    }
}

/// Who does now: on macOS the bundle says so, and the newest one counts.
#[cfg(not(any(target_os = "linux", windows)))]
pub fn look(_: &tauri::AppHandle) -> LinkOwner {
    let _ = SCHEME;
    LinkOwner::This
}
