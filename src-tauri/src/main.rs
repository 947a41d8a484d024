//! Starts the window. All that can be decided is decided in the library.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match keybearer_desktop::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(error.exit())
        }
    }
}

#[expect(clippy::print_stderr, reason = "there is no window to say it in")]
fn complain(error: &keybearer_desktop::StartError) {
    eprintln!("keybearer-desktop: {error}");
}
