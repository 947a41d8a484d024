//! No stranger drives the window: variables would open it to remote control, and whoever sets them could answer
//! prompts. Builds for tests leave them alone.

/// The variables that the toolkit and its web view read.
#[cfg(all(unix, not(debug_assertions)))]
const VARIABLES: [&str; 3] = ["TAURI_WEBVIEW_AUTOMATION", "WEBKIT_INSPECTOR_SERVER", "WEBKIT_INSPECTOR_HTTP_SERVER"];

/// Becomes the same program without these variables, if one is set. Returns only if there is nothing to do, or if that
/// failed.
#[cfg(all(unix, not(debug_assertions)))]
pub fn leave() -> std::io::Result<()> {
    use std::os::unix::process::CommandExt;
    if VARIABLES.iter().all(|variable| std::env::var_os(variable).is_none()) {
        return Ok(());
    }
    let mut own = std::process::Command::new(std::env::current_exe()?);
    own.args(std::env::args_os().skip(1));
    for variable in VARIABLES {
        own.env_remove(variable);
    }
    Err(own.exec())
}

/// Tests drive the window, and where the variables mean nothing they do no harm.
#[cfg(not(all(unix, not(debug_assertions))))]
pub fn leave() -> std::io::Result<()> {
    Ok(())
}
