//! One agent for one home: a lock held as long as the agent lives (REQ-D6). It lies in the state folder, so that two
//! runtime folders can't lead to two refreshers.

use keybearer_core::home::Home;
use keybearer_ipc::place::Place;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Why the lock can't be had.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Another agent holds it.
    Held,
    /// The file can't be used.
    Unusable(PathBuf, std::io::Error),
}

impl std::fmt::Display for LockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LockError::Held => write!(f, "another agent runs for this home already"),
            LockError::Unusable(path, error) => write!(f, "{} can't be used: {error}", path.display()),
        }
    }
}

impl std::error::Error for LockError {}

/// Takes the lock once its holder has ended, waited for this long at most.
pub(crate) fn wait_for(home: &Home, place: &Place, patience: Duration) -> Result<File, LockError> {
    let began = Instant::now();
    loop {
        match take(home, place) {
            Err(LockError::Held) if began.elapsed() < patience => std::thread::sleep(Duration::from_millis(20)),
            taken => return taken,
        }
    }
}

/// Takes the lock, and writes into it who has it and where it is reached. It is free again when the file is dropped,
/// however the process ends.
pub(crate) fn take(home: &Home, place: &Place) -> Result<File, LockError> {
    let path = home.lock_file();
    let unusable = |error| LockError::Unusable(path.clone(), error);
    let mut file =
        OpenOptions::new().create(true).read(true).write(true).truncate(false).open(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(LockError::Held),
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    file.set_len(0).map_err(unusable)?;
    let sockets = std::path::absolute(place.base()).map_err(unusable)?;
    let (pid, version) = (std::process::id(), env!("CARGO_PKG_VERSION"));
    writeln!(file, "{pid} {version} {}", sockets.display()).map_err(unusable)?;
    Ok(file)
}
