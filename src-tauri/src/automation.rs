//! No stranger drives the window: a variable would open it to remote control, and whoever sets it could answer
//! prompts. Builds for tests leave it alone.

/// The variable that the toolkit reads.
#[cfg(all(unix, not(debug_assertions)))]
const VARIABLE: &str = "TAURI_WEBVIEW_AUTOMATION";

/// Becomes the same program without the variable, if it is set. Returns only if there is nothing to do, or if that
/// failed.
#[cfg(all(unix, not(debug_assertions)))]
pub fn leave() -> std::io::Result<()> {
    use std::os::unix::process::CommandExt;
    if std::env::var_os(VARIABLE).is_none() {
        return Ok(());
    }
    let own = std::env::current_exe()?;
    Err(std::process::Command::new(own).args(std::env::args_os().skip(1)).env_remove(VARIABLE).exec())
}

/// Tests drive the window, and where the variable means nothing it does no harm.
#[cfg(not(all(unix, not(debug_assertions))))]
pub fn leave() -> std::io::Result<()> {
    Ok(())
}
