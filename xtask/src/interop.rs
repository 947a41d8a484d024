//! Servers that nobody here wrote.

use crate::setup;
use crate::step::{cargo, step};

/// Signs in to each foreign server, and sees refresh and revocation where it has them.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::interop()?;
    step("build", &mut cargo(&["build", "--locked"]))?;
    let test = ["test", "--locked", "--package", "keybearer-tests", "--test", "interop", "--", "--nocapture"];
    step("interop", &mut cargo(&test))
}
