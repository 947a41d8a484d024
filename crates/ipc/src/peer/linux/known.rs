//! The processes that were looked at, as long as they go on: a program is looked at once, however often it connects and
//! however many of its children ask.

use super::process::Process;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// How many are kept. Each holds two files open.
const LIMIT: usize = 256;

static KNOWN: LazyLock<Mutex<HashMap<u32, Arc<Process>>>> = LazyLock::new(Mutex::default);

/// The process of this number, if it is known and goes on as it was. Whoever asks knows that the number is its own: that
/// its process lives, or is a living one's parent.
pub(super) fn get(pid: u32) -> Option<Arc<Process>> {
    let known = known().get(&pid).cloned();
    known.filter(|process| process.goes_on())
}

/// The process of this number, looked at if it isn't known.
pub(super) fn look(pid: u32) -> io::Result<Arc<Process>> {
    match get(pid) {
        Some(known) => Ok(known),
        None => Ok(keep(Process::open(pid)?)),
    }
}

/// Keeps what was seen of a process.
pub(super) fn keep(process: Process) -> Arc<Process> {
    let process = Arc::new(process);
    let mut known = known();
    if known.len() >= LIMIT {
        known.retain(|_, process| process.goes_on());
        if known.len() >= LIMIT {
            known.clear();
        }
    }
    known.insert(process.pid, process.clone());
    process
}

fn known() -> MutexGuard<'static, HashMap<u32, Arc<Process>>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}
