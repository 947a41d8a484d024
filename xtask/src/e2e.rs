//! The window, driven as a person would: on a screen, a keyring and a session bus of its own.

use crate::setup;
use crate::step::{cargo, detail, root, step};
use crate::test::{WORKSPACE, build_window};
use std::path::Path;

/// Runs the tests of the window, or those whose names hold `filter`, and keeps pictures of the screens where asked to.
pub(crate) fn run(screenshots: Option<&Path>, filter: Option<&str>) -> anyhow::Result<()> {
    setup::window()?;
    build_window()?;
    step("build", &mut cargo(&[&["build", "--locked", "--all-targets"], WORKSPACE].concat()))?;
    let mut test = cargo(&[&["test", "--locked", "--test", "e2e"], WORKSPACE].concat());
    // One desktop at a time, as the tests want it.
    test.args(["--", "--test-threads", "1"]).args(filter);
    if let Some(folder) = screenshots {
        test.env("KEYBEARER_SCREENSHOTS", root().join(folder));
    }
    step("end-to-end tests", &mut test)?;
    if let Some(folder) = screenshots {
        detail(&format!("pictures of the screens: {}", root().join(folder).display()));
    }
    Ok(())
}
