//! The keyrings that people have.

use crate::setup;
use crate::step::{cargo, step};

/// Walks the whole road on each keyring, and answers its dialogs.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::keyrings()?;
    step("build", &mut cargo(&["build", "--locked"]))?;
    step("keyrings", &mut cargo(&["test", "--locked", "--package", "keybearer-tests", "--test", "keyrings"]))
}
