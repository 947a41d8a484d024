//! Keybearer's window. A shell: it shows what the agent says and passes on what the user wants. It keeps no
//! account and no token, and knows the agent only through its admin socket.

/// The agent, as the window reaches it.
pub mod agent;
/// What the page may ask for; one expression each.
pub mod commands;
/// Whether there is a screen to draw on.
pub mod display;

/// Why the window didn't open.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no graphical session.
    #[error("no display: neither WAYLAND_DISPLAY nor DISPLAY is set. The `keybearer` command works without one.")]
    NoDisplay,
    /// Tauri could not build or run the window.
    #[error("the window can't be opened: {0}")]
    Window(#[from] tauri::Error),
}

impl StartError {
    /// The exit code of the process, as in `sysexits.h`: 69 unavailable, 70 internal.
    pub fn exit(&self) -> u8 {
        match self {
            StartError::NoDisplay => 69,
            StartError::Window(_) => 70,
        }
    }
}

/// Opens the window and returns when it was closed.
pub fn run() -> Result<(), StartError> {
    if !display::present() {
        return Err(StartError::NoDisplay);
    }
    tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![commands::agent_status, commands::list_accounts])
        .run(tauri::generate_context!())?;
    Ok(())
}
