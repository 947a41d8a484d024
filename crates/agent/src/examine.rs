//! `--examine`: what an agent would find here, printed for `keybearer doctor`.

use crate::ready::failed;
use anyhow::Context as _;
use keybearer_core::examination::examine;
use keybearer_core::home::Home;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Prints it as one line of JSON; where even that fails, says why.
pub(crate) fn run(root: Option<&Path>, online: bool) -> ExitCode {
    match print(root, online) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn print(root: Option<&Path>, online: bool) -> anyhow::Result<()> {
    let home = Home::at(root)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(examine(&home, online));
    // A name server that doesn't answer holds up nobody.
    runtime.shutdown_background();
    writeln!(io::stdout(), "{}", serde_json::to_string(&found)?).context("what was found can't be printed")
}
