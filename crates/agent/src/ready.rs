//! Telling whoever started the agent that it is ready, or why it is not: one line on standard output, where that is
//! a pipe held by the starter.

use crate::lock::LockError;
use crate::service_manager::HandedError;
use keybearer_core::home::HomeError;
use keybearer_ipc::socket::BindError;
use keybearer_protocol::{ErrorCode, ErrorObject};
use std::io::{self, Write};
use std::process::ExitCode;

/// Says `ready`; a detached agent then lets go of the pipe, so that its starter needn't wait for its end.
pub(crate) fn ready(detach: bool) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    #[cfg(unix)]
    if detach {
        let nothing = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdout(&nothing)?;
        rustix::stdio::dup2_stderr(&nothing)?;
    }
    let _ = detach;
    Ok(())
}

/// Says why the agent can't start, in the protocol's words, and gives the exit code.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    let object = match error.downcast_ref::<keybearer_core::error::Error>() {
        Some(error) => error.to_object(),
        None => ErrorObject::new(code(error), format!("{error:#}")),
    };
    let line = serde_json::to_string(&object).unwrap_or_default();
    // The starter may be gone; the exit code says the same.
    let _ = writeln!(io::stdout(), "{line}");
    let _ = writeln!(io::stderr(), "keybearer-agent: {object}");
    ExitCode::from(object.known_code().exit())
}

fn code(error: &anyhow::Error) -> ErrorCode {
    if let Some(LockError::Held) = error.downcast_ref() {
        return ErrorCode::AlreadyRunning;
    }
    if let Some(BindError::Taken(_)) = error.downcast_ref() {
        return ErrorCode::AlreadyRunning;
    }
    let storage =
        [error.is::<HomeError>(), error.is::<LockError>(), error.is::<BindError>(), error.is::<HandedError>()];
    match storage.contains(&true) {
        true => ErrorCode::StorageUnavailable,
        false => ErrorCode::Internal,
    }
}
