//! Asking a person before something is written.

use crate::output::Failure;
use std::io::{self, BufRead, IsTerminal, Write};

/// The most that is read of an answer, in bytes.
const LIMIT: u64 = 64;

/// Refuses what nobody can be asked about: where there is no terminal, an answer isn't guessed.
pub(crate) fn check(yes: bool) -> Result<(), Failure> {
    match yes || io::stdin().is_terminal() && io::stderr().is_terminal() {
        true => Ok(()),
        false => Err(Failure::usage("nobody can be asked here: say --yes to do it, or --dry-run to see it only")),
    }
}

/// Whether it is to be done. `yes` says so already; otherwise a person at the terminal is asked.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    let mut err = io::stderr().lock();
    let asked = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
    asked.map_err(|error| Failure::usage(format!("nobody can be asked here ({error}): say --yes to do it")))?;
    let mut answer = String::new();
    let read = io::Read::take(io::stdin().lock(), LIMIT).read_line(&mut answer);
    read.map_err(|error| Failure::usage(format!("the answer can't be read: {error}")))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
