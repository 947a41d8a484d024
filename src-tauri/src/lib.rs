//! Keybearer's desktop: window, tray, deep link, approval prompt. A shell: it shows what the agent says and passes on
//! what the user wants. It keeps no account and no token, and knows the agent only through its admin socket.

/// What the tray's menu and the buttons of notifications do.
pub mod action;
/// The agent, as the desktop reaches it.
pub mod agent;
/// Prompts, and the window that asks.
pub mod approval;
/// Whether the desktop starts at login.
pub mod autostart;
/// Remote control of the window.
pub mod automation;
/// The browsers to choose from.
pub mod browsers;
/// What is copied.
pub mod clipboard;
/// What the page may ask for; one expression each.
pub mod commands;
/// The way back from the browser by the custom scheme.
pub mod deep_link;
/// What a person hands to whoever helps.
pub mod diagnostics;
/// The screen: whether there is one, and what leads others to it.
pub mod display;
/// Characters that nobody sees.
pub mod invisible;
/// What programs and people find of Keybearer here.
pub mod installation;
/// Keeps an agent running and connected.
pub mod keeper;
/// What is known of the agent, for tray and notifications.
pub mod known;
/// The language of what is not in the page.
pub mod language;
/// Whether links of the scheme come back.
pub mod link_test;
/// What the page is told unasked.
pub mod news;
/// What the system tells a user who has no window in front.
pub mod notification;
/// The practice server.
pub mod practice;
/// The record of activity in a file.
pub mod record;
/// What the page sends.
pub mod requests;
/// A file that the person chooses, written.
pub mod save;
/// The product's other executables.
pub mod sidecar;
/// Accounts to and from a file.
pub mod transfer;
/// The icon in the panel with its menu.
pub mod tray;
/// Newer versions of Keybearer.
pub mod updates;
/// The two windows.
pub mod windows;

#[cfg(test)]
mod bindings;

use std::sync::Arc;
use tauri::{App, RunEvent};

/// Why the desktop didn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no graphical session.
    #[error("no display: neither WAYLAND_DISPLAY nor DISPLAY is set. The `keybearer` command works without one.")]
    NoDisplay,
    /// The window can't be made safe from remote control.
    #[error("the window can't be shielded from remote control: {0}")]
    Automation(std::io::Error),
    /// Tauri could not build or run the window.
    #[error("the window can't be opened: {0}")]
    Window(#[from] tauri::Error),
}

impl StartError {
    /// The exit code of the process, as in `sysexits.h`: 69 unavailable, 70 internal.
    pub fn exit(&self) -> u8 {
        match self {
            StartError::NoDisplay => 69,
            StartError::Automation(_) | StartError::Window(_) => 70,
        }
    }
}

/// Shows window and tray, and returns when the user has quit. A second start leads to the first one instead.
pub fn run() -> Result<(), StartError> {
    automation::leave().map_err(StartError::Automation)?;
    if !display::present() {
        return Err(StartError::NoDisplay);
    }
    let commands = commands::all();
    // The first of all plugins, so that a second start ends before it does anything.
    let builder = tauri::Builder::default().plugin(tauri_plugin_single_instance::init(|app, arguments, _| {
        if !autostart::is_hidden(arguments.iter()) {
            windows::show_main(app);
        }
        deep_link::started_with(app, arguments);
    }));
    #[cfg(not(target_os = "macos"))]
    let builder = builder.plugin(tauri_plugin_deep_link::init());
    let mut context = tauri::generate_context!();
    let app = updates::plug(builder, &mut context, updates::Source::built_in())
        .plugin(tauri_plugin_shell::init())
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(windows::KEPT)
                .with_filter(|label| label == windows::MAIN)
                .build(),
        )
        .manage(Arc::new(agent::Agent::default()))
        .manage(keeper::Started::default())
        .manage(news::Inbox::default())
        .manage(approval::Shown::default())
        .manage(clipboard::Clipboard::default())
        .manage(practice::Practice::default())
        .manage(link_test::LinkTest::default())
        .manage(transfer::Chosen::default())
        .manage(diagnostics::Collected::default())
        .invoke_handler(commands.invoke_handler())
        .on_window_event(windows::on_event)
        .setup(move |app| {
            commands.mount_events(app);
            Ok(begin(app)?)
        })
        .build(context)?;
    app.run(|_app, event| {
        #[cfg(target_os = "macos")]
        if let RunEvent::Opened { urls } = &event {
            deep_link::opened(_app, urls.clone());
        }
        // Only the user quits, in the tray or the window: the last window may be closed.
        if let RunEvent::ExitRequested { code: None, api, .. } = event {
            api.prevent_exit();
        }
    });
    Ok(())
}

fn begin(app: &mut App) -> Result<(), tauri::Error> {
    let app = app.handle();
    tray::show(app)?;
    notification::start(app);
    known::start(app)?;
    if !autostart::is_hidden(std::env::args()) {
        windows::show_main(app);
    }
    keeper::start(app)?;
    approval::start(app)?;
    deep_link::receive(app);
    Ok(())
}
