//! What a process uses: time, memory, and how often it wakes up.

use crate::processes::threads_of;
use anyhow::Context;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// How long its threads have been on the processor.
pub(crate) fn processor_time(pid: u32) -> Duration {
    let times = threads_of(pid).into_iter().map(|task| {
        let schedule = fs::read_to_string(format!("/proc/{pid}/task/{task}/schedstat")).unwrap_or_default();
        schedule.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap_or_default()
    });
    Duration::from_nanos(times.sum())
}

/// The memory that is its own, in bytes.
pub(crate) fn resident(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(field(&status, "RssAnon:").context("no memory of its own")? * 1024)
}

/// How often each of its threads has left the processor because it waited: the thread's name with it, by its number.
pub(crate) fn switches(pid: u32) -> BTreeMap<u32, (String, u64)> {
    let counted = threads_of(pid).into_iter().filter_map(|task| {
        let status = fs::read_to_string(format!("/proc/{pid}/task/{task}/status")).ok()?;
        let name = status.lines().next()?.strip_prefix("Name:")?.trim().to_owned();
        Some((task, (name, field(&status, "voluntary_ctxt_switches:")?)))
    });
    counted.collect()
}

/// A number out of a `status`.
fn field(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
