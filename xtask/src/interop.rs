//! Servers that nobody here wrote.

use crate::compatibility::Seen;
use crate::setup;
use crate::step::{cargo, step};
use crate::test::AT_ONCE;

/// Signs in to each foreign server, sees refresh and revocation where it has them, and writes down what was seen.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::interop()?;
    step("build", &mut cargo(&["build", "--locked"]))?;
    let seen = Seen::nothing()?;
    let mut tests = cargo(&["test", "--locked", "--package", "keybearer-tests", "--test", "interop"]);
    seen.by(&mut tests);
    step("interop", tests.env("RUST_TEST_THREADS", AT_ONCE))?;
    seen.write()
}
