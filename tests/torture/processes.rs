//! The agent's processes, and their sudden end.

use keybearer_tests::until::until;
use keybearer_tests::world::World;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;

/// The argument by which the agent makes itself a refresh worker.
const WORKER: &str = "--refresh-worker";

/// The agent of this world, if it really runs.
pub(crate) fn agent(world: &World) -> Option<u32> {
    // A dead one leaves its number behind, which somebody else may have by now.
    world.agent_pid().filter(|pid| arguments(*pid).is_some_and(|all| all[0].ends_with("keybearer-agent")))
}

/// All agents of this world.
pub(crate) fn agents_of(world: &World) -> Vec<u32> {
    let home = world.home.to_string_lossy();
    let serves = |all: Vec<String>| all[0].ends_with("keybearer-agent") && all.iter().any(|argument| *argument == home);
    all().filter(|pid| arguments(*pid).is_some_and(serves) && !is_worker(*pid) && runs(*pid)).collect()
}

/// The refresh workers that this agent has started.
pub(crate) fn workers_of(agent: u32) -> Vec<u32> {
    all().filter(|pid| parent(*pid) == Some(agent) && is_worker(*pid)).collect()
}

/// The refresh workers whose agent has ended. Those of other tests are among them.
pub(crate) fn is_worker(pid: u32) -> bool {
    arguments(pid).is_some_and(|all| all.iter().any(|argument| argument == WORKER))
}

/// Whether this process runs, and isn't only left for somebody to count.
pub(crate) fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| !matches!(fields.first().map(String::as_str), Some("Z" | "X")))
}

/// Ends a process as a crash or the kernel would. One that has ended is as dead.
pub(crate) fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

/// Sends it a signal.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Waits for the end of these.
pub(crate) fn wait_for_end(pids: &[u32]) -> anyhow::Result<()> {
    until("the end of what was killed", || Ok((!pids.iter().any(|pid| runs(*pid))).then_some(())))
}

/// The process of this name that this one has started, or somebody whom it has started.
pub(crate) fn descendant(pid: u32, name: &str) -> Option<u32> {
    let children: Vec<u32> = all().filter(|child| parent(*child) == Some(pid)).collect();
    let is_it = |child: &&u32| arguments(**child).is_some_and(|all| all[0] == name);
    children.iter().find(is_it).copied().or_else(|| children.iter().find_map(|child| descendant(*child, name)))
}

/// Whether a process stands still.
pub(crate) fn is_stopped(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| matches!(fields.first().map(String::as_str), Some("T" | "t")))
}

/// Who looks over its shoulder: 0 for nobody.
pub(crate) fn tracer_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?.trim().parse().ok()
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn arguments(pid: u32) -> Option<Vec<String>> {
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let all: Vec<String> = line.split_terminator('\0').map(str::to_owned).collect();
    (!all.is_empty()).then_some(all)
}

fn parent(pid: u32) -> Option<u32> {
    stat(pid)?.get(1)?.parse().ok()
}

/// What stands in its `stat` after its name: state, parent, and so on.
fn stat(pid: u32) -> Option<Vec<String>> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = line.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}
