//! The window from outside: the real app on a screen of its own, with a real keyring, a real authorization server, and
//! stand-ins for the person, the browser and the panel.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

// What the tests stand on, from the ground up.

/// The browser and the person in front of it.
mod browser;
/// The window's frame.
mod frame;
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
/// All parts of one test put together.
mod stage;
/// The least WebDriver that drives a window.
mod webdriver;

// The tests.

mod approval;
mod autostart;
mod clients;
mod pictures;
mod secrets;
mod sign_in;
mod start;
mod tray;
