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

/// Keeps this process out of the swap, where the system sets no limit to that; whether it does. Under a limit it would be
/// one allocation too many that fails, at any time. Pages are locked as they are used.
#[cfg(target_os = "linux")]
pub(crate) fn stay_out_of_swap() -> io::Result<bool> {
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if getrlimit(Resource::Memlock).maximum.is_none() {
        setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None })?;
    } else if !is_beyond_limits() {
        return Ok(false);
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)?;
    Ok(true)
}

/// Whether the limit doesn't hold for this process, as for root's: `CAP_IPC_LOCK` (capabilities(7)).
#[cfg(target_os = "linux")]
fn is_beyond_limits() -> bool {
    const IPC_LOCK: u64 = 1 << 14;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    effective.is_some_and(|effective| effective & IPC_LOCK != 0)
}

/// macOS encrypts its swap; on Windows nothing is done about it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stay_out_of_swap() -> io::Result<bool> {
    Ok(false)
}

/// A session of its own: the end of a terminal doesn't end the agent.
pub(crate) fn leave_terminal() {
    // It fails only for a process that leads a group already, which has left in another way.
    #[cfg(unix)]
    let _ = rustix::process::setsid();
}
