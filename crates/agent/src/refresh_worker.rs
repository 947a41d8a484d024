//! The process that asks for tokens: this executable once more, for one request.

use crate::harden;
use keybearer_core::worker::{NOT_KEPT, Workers, take};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Workers that are this executable, also after another was installed in its place.
pub(crate) fn workers() -> io::Result<Workers> {
    let program = if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
    Ok(Workers::new(program))
}

/// Does one worker's work. Its standard output is the entry of the journal.
pub(crate) fn run() -> ExitCode {
    // What ends the agent, or its terminal, doesn't end it.
    harden::leave_terminal();
    if let Err(error) = harden::process() {
        tell(&format!("this system doesn't let it hide its memory: {error}"));
    }
    if let Err(error) = harden::stay_out_of_swap() {
        tell(&format!("this system doesn't keep it out of the swap: {error}"));
    }
    let taken = match entry().and_then(|entry| take(io::stdin().lock(), entry)) {
        Ok(taken) => taken,
        Err(error) => {
            tell(&format!("no tokens were asked for: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match taken.work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("an answer isn't kept: {error}"));
            ExitCode::from(NOT_KEPT)
        }
    }
}

fn tell(what: &str) {
    // Nobody may be there to hear it.
    let _ = writeln!(io::stderr(), "keybearer-agent, refresh worker: {what}");
}

#[cfg(unix)]
fn entry() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn entry() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(io::stdout().as_handle().try_clone_to_owned()?.into())
}
