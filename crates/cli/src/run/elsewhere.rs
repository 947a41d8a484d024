//! The command runs beside this process, which waits for it and ends as it does.

use super::not_run;
use crate::connection::Reach;
use crate::output::Failure;
use std::process::Command;

/// A pipe can't be handed on: whoever has its other end sees only who opened it.
pub(super) fn hand_on(_reach: &Reach, _name: &str, _interactive: bool, _command: Command) -> Result<(), Failure> {
    Err(Failure::usage("a command can't inherit a connection on this system: name a variable with --env"))
}

/// Runs the command and ends with its exit code.
pub(super) fn become_command(mut command: Command) -> Result<(), Failure> {
    // Ctrl+C is the command's: this process stays to tell how it ended.
    keybearer_windows::console::leave_interrupts_to_children();
    let mut child = command.spawn().map_err(|error| not_run(&command, &error))?;
    let status = child.wait().map_err(|error| not_run(&command, &error))?;
    std::process::exit(status.code().unwrap_or(1))
}
