//! Everything that must be green.

use crate::step::{cargo, npm, step};
use crate::{check, setup};

/// One set of packages and features for every cargo command, so that nothing is built twice. The window's tests need
/// the page built in.
pub(crate) const WORKSPACE: &[&str] = &["--workspace", "--features", "keybearer-desktop/custom-protocol"];

/// Checks, builds and tests the whole workspace.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::everything()?;
    check::run()?;
    step("window tests", &mut npm("ui", &["test", "--silent"]))?;
    // Tests run executables of other packages, which cargo builds only when asked for.
    step("build", &mut cargo(&[&["build", "--locked", "--all-targets"], WORKSPACE].concat()))?;
    // Sign-ins of all tests share ten ports of this machine, so not every core of a large one may have its own.
    step("tests", cargo(&[&["test", "--locked"], WORKSPACE].concat()).env("RUST_TEST_THREADS", "4"))
}

/// Builds the page that the window's executable holds.
pub(crate) fn build_window() -> anyhow::Result<()> {
    step("window", &mut npm("ui", &["run", "--silent", "build"]))
}
