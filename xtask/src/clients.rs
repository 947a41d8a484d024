//! The libraries for programs in other languages.

use crate::setup;
use crate::step::{cargo, step};

/// Tries each on a real agent: a hundred calls at once while tokens end underneath, and its own tests.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::clients()?;
    step("build", &mut cargo(&["build", "--locked"]))?;
    step("libraries", &mut cargo(&["test", "--locked", "--package", "keybearer-tests", "--test", "clients"]))
}
