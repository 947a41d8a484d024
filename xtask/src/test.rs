//! Everything that must be green.

use crate::compatibility::Seen;
use crate::step::{cargo, detail, npm, say, step};
use crate::{check, conformance, setup};
use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// One set of packages and features for every cargo command, so that nothing is built twice. The window's tests need
/// the page built in.
pub(crate) const WORKSPACE: &[&str] = &["--workspace", "--features", "keybearer-desktop/custom-protocol"];

/// How many tests run at once. Sign-ins of all tests share ten ports of this machine, so not every core of a large one
/// may have its own.
pub(crate) const AT_ONCE: &str = "4";

/// Checks, builds and tests the whole workspace.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::everything()?;
    check::run()?;
    step("window tests", &mut npm("ui", &["test", "--silent"]))?;
    // Tests run executables of other packages, which cargo builds only when asked for.
    step("build", &mut cargo(&[&["build", "--locked", "--all-targets"], WORKSPACE].concat()))?;
    let seen = Seen::nothing()?;
    let mut tests = cargo(&[&["test", "--locked", "--all-targets"], WORKSPACE].concat());
    seen.by(&mut tests);
    run_tests(tests.env("RUST_TEST_THREADS", AT_ONCE))?;
    // The servers of the record and the suite are set up on Linux alone.
    if cfg!(target_os = "linux") {
        seen.check()?;
        conformance::try_suite(None, None)?;
    }
    #[cfg(target_os = "linux")]
    crate::platforms::run()?;
    Ok(())
}

/// Runs `cargo test`, whose every executable gives a result of its own, and closes with their sum.
fn run_tests(command: &mut Command) -> anyhow::Result<()> {
    say("tests");
    let mut child = command.stdout(Stdio::piped()).spawn().context("cargo can't be started")?;
    let out = child.stdout.take().context("a pipe")?;
    let (mut passed, mut failed) = (0, 0);
    for line in BufReader::new(out).lines() {
        let line = line?;
        detail(&line);
        let count = |what: &str| line.split(what).next()?.rsplit(' ').next()?.parse::<u32>().ok();
        if line.starts_with("test result:") {
            passed += count(" passed;").unwrap_or_default();
            failed += count(" failed;").unwrap_or_default();
        }
    }
    let status = child.wait()?;
    sum_up(passed, failed);
    ensure!(status.success() && failed == 0, "cargo test ended with {status}");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the closing line stands alone, for whoever reads the end of a log")]
fn sum_up(passed: u32, failed: u32) {
    println!("{passed} passed, {failed} failed");
}

/// Builds the page that the window's executable holds.
pub(crate) fn build_window() -> anyhow::Result<()> {
    step("window", &mut npm("ui", &["run", "--silent", "build"]))
}
