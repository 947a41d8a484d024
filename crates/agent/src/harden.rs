//! What keeps secrets out of reach of other programs of this user (REQ-A3).

use std::io;

/// No core dumps, nobody else may read this process's memory, and as many files as the system allows.
#[cfg(target_os = "linux")]
pub(crate) fn process() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
    // Both doors full leave files for the keyring and the network.
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// No core dumps.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn process() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}

/// Nobody else may read this process's memory. Windows writes no core dumps of its own accord.
#[cfg(windows)]
pub(crate) fn process() -> io::Result<()> {
    keybearer_windows::own_process::hide()
}

/// A session of its own: the end of a terminal doesn't end the agent.
pub(crate) fn leave_terminal() {
    // It fails only for a process that leads a group already, which has left in another way.
    #[cfg(unix)]
    let _ = rustix::process::setsid();
}
