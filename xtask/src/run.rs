//! The main job, with the built-in practice server: from a server's address to a program with a fresh token.

/// The job where nobody sits.
#[cfg(target_os = "linux")]
mod headless;

use crate::setup;
use crate::step::{cargo, detail, say, step};
use crate::test::{WORKSPACE, build_window};
use anyhow::{Context, ensure};
use keybearer_tests::executables::executable;
use std::process::Command;

/// On a screen, opens the window, where the practice server is offered. Without one, does the same job headless.
pub(crate) fn run() -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    if !headless::is_on_screen() {
        return headless::run();
    }
    window()
}

/// Opens the window on this screen, with the session's own keyring and a home that is thrown away.
fn window() -> anyhow::Result<()> {
    setup::window()?;
    build_window()?;
    step("build", &mut cargo(&[&["build", "--locked"], WORKSPACE].concat()))?;
    let home = tempfile::Builder::new().prefix("keybearer-").tempdir()?;
    say("the window: choose \"Try the practice server\" there; Quit in its tray, or in its settings, ends it");
    detail(&format!("home  {}", home.path().display()));
    detail("Accounts that you add land in that home and in your keyring; remove them in the window when you are done.");
    let mut desktop = Command::new(executable("keybearer-desktop"));
    let ended = desktop.env("KEYBEARER_HOME", home.path()).status().context("the window can't be started")?;
    // Where the desktop was killed, its agent may still be there.
    let _ = Command::new(executable("keybearer")).args(["agent", "stop"]).env("KEYBEARER_HOME", home.path()).output();
    ensure!(ended.success(), "the window ended with {ended}");
    Ok(())
}
