//! What a process uses: time, memory, and how often it wakes up.

use anyhow::Context;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// How long its threads have been on the processor.
pub fn processor_time(pid: u32) -> Duration {
    let times = threads_of(pid).into_iter().map(|task| {
        let schedule = fs::read_to_string(format!("/proc/{pid}/task/{task}/schedstat")).unwrap_or_default();
        schedule.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap_or_default()
    });
    Duration::from_nanos(times.sum())
}

/// The memory that a process has in use, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// With the pages of files, its executable's among them.
    pub all: u64,
    /// The most that this ever was.
    pub peak: u64,
    /// What is its own alone.
    pub own: u64,
}

/// The memory that it has in use.
pub fn memory(pid: u32) -> anyhow::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let bytes = |name| field(&status, name).map(|kib| kib * 1024).context("no memory of its own");
    Ok(Memory { all: bytes("VmRSS:")?, peak: bytes("VmHWM:")?, own: bytes("RssAnon:")? })
}

/// What a process has in use in bytes, of pages that it shares with others its share (proc(5), `Pss`).
pub fn share_of_memory(pid: u32) -> anyhow::Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    field(&rollup, "Pss:").map(|kib| kib * 1024).context("no share of any memory")
}

/// A process, and all that it has started and hasn't ended yet.
pub fn with_children(pid: u32) -> Vec<u32> {
    let children = threads_of(pid).into_iter().flat_map(|task| {
        let started = fs::read_to_string(format!("/proc/{pid}/task/{task}/children")).unwrap_or_default();
        started.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<u32>>()
    });
    std::iter::once(pid).chain(children.flat_map(with_children)).collect()
}

/// The threads that woke up within this time, and how often.
pub fn woken_within(pid: u32, time: Duration) -> Vec<(String, u64)> {
    let before = switches(pid);
    // Nothing is waited for: that nothing happens is what is to be seen.
    std::thread::sleep(time);
    let woken = switches(pid).into_iter().filter_map(|(task, (name, now))| {
        let (_, earlier) = before.get(&task)?;
        Some((name, now - earlier))
    });
    woken.filter(|(_, times)| *times > 0).collect()
}

/// How often each of its threads has left the processor because it waited: the thread's name with it, by its number.
fn switches(pid: u32) -> BTreeMap<u32, (String, u64)> {
    let counted = threads_of(pid).into_iter().filter_map(|task| {
        let status = fs::read_to_string(format!("/proc/{pid}/task/{task}/status")).ok()?;
        let name = status.lines().next()?.strip_prefix("Name:")?.trim().to_owned();
        Some((task, (name, field(&status, "voluntary_ctxt_switches:")?)))
    });
    counted.collect()
}

/// The threads of a process.
pub fn threads_of(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A number out of a `status`.
fn field(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
