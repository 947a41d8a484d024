//! The window from outside: the real app on a screen of its own, with a real keyring, a real authorization server, and
//! stand-ins for the person, the browser and the panel.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

// What the tests stand on, from the ground up.

/// Looking at a screen in every way.
mod album;
/// What axe-core finds wrong with a page.
mod axe;
/// The browser and the person in front of it.
mod browser;
/// The system's dialog that chooses a file.
mod file_dialog;
/// The window's frame.
mod frame;
/// The service that shows notifications.
mod notices;
/// What goes through a page.
mod overheard;
/// What the window shows, found as assistive technology finds it.
mod page;
/// The panel that shows the tray icon.
mod panel;
/// A program of somebody else's that asks for tokens.
mod program;
/// The window's screens: the one place that knows their words.
mod screens;
/// The clipboard of the screen.
mod selection;
/// All parts of one test put together.
mod stage;
/// The least WebDriver that drives a window.
mod webdriver;

// The tests.

mod adding;
mod approval;
mod autostart;
mod away;
mod clients;
mod keyboard;
mod lock;
mod clipboard;
mod growth;
mod notifications;
mod palette;
mod pictures;
mod place;
mod secrets;
mod settings;
mod sign_in;
mod start;
mod tray;
mod undo;
