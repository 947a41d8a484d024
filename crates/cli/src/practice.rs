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
    let status = Command::new(&program).args(["serve", "--port", &port, "--token-lifetime", &lifetime]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(ErrorObject::new(ErrorCode::Internal, format!("the practice server ended with {status}")).into())
        }
        Err(error) => {
            let message = format!("{} can't be started: {error}", program.display());
            Err(ErrorObject::new(ErrorCode::Internal, message).into())
        }
    }
}
