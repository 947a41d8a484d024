//! The practice server: an executable of its own beside this one.

use crate::arguments::PracticeArguments;
use crate::connection::beside_us;
use crate::output::Failure;
use keybearer_protocol::{ErrorCode, ErrorObject};
use std::process::Command;

/// `keybearer practice`: runs it until it ends.
pub(crate) fn run(arguments: &PracticeArguments) -> Result<(), Failure> {
    let program = beside_us("keybearer-practice");
    let (port, lifetime) = (arguments.port.to_string(), arguments.token_lifetime.to_string());
    let mut command = Command::new(&program);
    command.args(["serve", "--port", &port, "--token-lifetime", &lifetime]);
    let problem = become_or_wait(&mut command);
    let message = format!("{} can't be run: {problem}", program.display());
    Err(ErrorObject::new(ErrorCode::Internal, message).into())
}

/// Becomes the program, so that whoever ends this process ends that one.
#[cfg(unix)]
fn become_or_wait(command: &mut Command) -> String {
    std::os::unix::process::CommandExt::exec(command).to_string()
}

/// Where no process can become another, waits for it.
#[cfg(not(unix))]
fn become_or_wait(command: &mut Command) -> String {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error.to_string(),
    }
}
