//! The executables that people get.

use crate::step::{cargo, packages, step};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::PathBuf;

/// What the window has beside it. One build makes all of them with one set of features.
pub(crate) const BESIDE: &[&str] = &["keybearer", "keybearer-agent", "keybearer-practice"];

/// How the command is made: programs start it for every token, so looking up shared libraries and loading pages would be
/// most of its time. What macOS starts is never without its libraries.
const SMALL: &[&str] = if cfg!(target_os = "macos") {
    &["-C", "lto=fat", "-C", "opt-level=s"]
} else {
    &["-C", "target-feature=+crt-static", "-C", "lto=fat", "-C", "opt-level=s"]
};

/// Builds them, and whatever `others` asks cargo for in the same build; gives the folder where they lie.
pub(crate) fn build(others: &[&str]) -> anyhow::Result<PathBuf> {
    let mut build = cargo(&["build", "--locked", "--release"]);
    step("build", build.args(others).args(packages(BESIDE)))?;
    // In the place of the one that was built along with the others.
    let mut command = cargo(&["rustc", "--locked", "--release", "--package", "keybearer", "--bin", "keybearer", "--"]);
    step("build, the command", command.args(SMALL))?;
    Ok(target_folder()?.join("release"))
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> anyhow::Result<PathBuf> {
    let output = cargo(&["metadata", "--no-deps", "--offline", "--format-version", "1"]).output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    Ok(metadata["target_directory"].as_str().context("cargo names its target folder")?.into())
}
