//! The command takes the place of this process: signals, terminal and exit code are its own, and the agent knows the
//! process that the connection ends with.

use super::{FD, TIMEOUT, not_run};
use crate::connection::{Reach, allow_core_as_before};
use crate::output::Failure;
use keybearer_protocol::session::{SessionDelegate, SessionDelegateParams};
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Runs the command with a connection for this account.
pub(super) fn hand_on(reach: &Reach, name: &str, interactive: bool, mut command: Command) -> Result<(), Failure> {
    let mut agent = reach.open(Door::Programs)?;
    agent.set_timeout(Some(TIMEOUT));
    agent.call::<SessionDelegate>(&SessionDelegateParams { profile: name.to_owned(), interactive })?;
    agent.set_timeout(None);
    let connection = agent.into_stream();
    // This one alone outlives `execve`.
    let kept = fcntl_getfd(&connection).and_then(|flags| fcntl_setfd(&connection, flags - FdFlags::CLOEXEC));
    kept.map_err(|error| ErrorObject::new(ErrorCode::Internal, format!("a connection can't be handed on: {error}")))?;
    command.env(FD, connection.as_raw_fd().to_string());
    become_command(command)
}

/// Runs the command in the place of this process; returns only if that fails.
pub(super) fn become_command(mut command: Command) -> Result<(), Failure> {
    allow_core_as_before();
    let error = command.exec();
    Err(not_run(&command, &error))
}
