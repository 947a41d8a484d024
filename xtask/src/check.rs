//! Formatting, lints, types and documentation. The same commands at the desk and in CI.

use crate::setup;
use crate::step::{cargo, npm, step};
use crate::test::{WORKSPACE, build_window};

/// Checks everything that can be checked without running it.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::everything()?;
    step("rustfmt", &mut cargo(&["fmt", "--all", "--check"]))?;
    for (what, script) in [("prettier", "format"), ("eslint", "lint"), ("svelte-check", "check")] {
        step(what, &mut npm("ui", &["run", "--silent", script]))?;
    }
    build_window()?;
    let clippy = [&["clippy", "--locked", "--all-targets"], WORKSPACE, &["--", "-D", "warnings"]].concat();
    step("clippy", &mut cargo(&clippy))?;
    let doc = [&["doc", "--locked", "--no-deps", "--document-private-items"], WORKSPACE].concat();
    step("documentation", cargo(&doc).env("RUSTDOCFLAGS", "-D warnings"))
}
