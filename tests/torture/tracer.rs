//! strace: it counts the system calls of one process, ends it at the one that is wanted, or makes that one fail.

use crate::processes::{descendant, is_stopped, tracer_of, workers_of};
use crate::superuser::as_superuser;
use anyhow::Context;
use keybearer_tests::until::until;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The calls that are looked at: at which something is written, made durable, named, locked, sent or received, and the end.
pub(crate) const CALLS: &[&str] = &[
    "write",
    "pwrite64",
    "writev",
    "fdatasync",
    "fsync",
    "rename",
    "unlink",
    "ftruncate",
    "connect",
    "sendto",
    "sendmsg",
    "recvfrom",
    "recvmsg",
    "flock",
    "exit_group",
];

/// What is to happen at one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Injection {
    /// The call.
    pub(crate) call: &'static str,
    /// Which of them, counted from 1 for each thread.
    pub(crate) number: usize,
    /// What happens: `signal=SIGKILL`, or `error=ENOSPC`.
    pub(crate) what: &'static str,
}

/// A look over the shoulder of a process.
#[derive(Debug)]
pub(crate) struct Tracer {
    strace: Child,
    log: PathBuf,
}

impl Tracer {
    /// Stops the next refresh worker of this agent where it begins, as soon as there is one.
    pub(crate) fn catch_worker(agent: u32) -> anyhow::Result<Catch> {
        let mut command = as_superuser("strace");
        command.args(["--follow-forks", "--quiet=all", "--output", "/dev/null", "--trace=execve"]);
        command.args(["--inject=execve:signal=SIGSTOP", "--attach", &agent.to_string()]);
        let strace = start(command)?;
        until("strace to look at the agent", || Ok((tracer_of(agent) != Some(0)).then_some(())))?;
        Ok(Catch { agent, strace })
    }

    /// Looks at these threads from now on.
    pub(crate) fn of(threads: &[u32], log: PathBuf, injection: Option<&Injection>) -> anyhow::Result<Tracer> {
        let mut command = as_superuser("strace");
        command.args(["--quiet=all", "--string-limit=0", "--output"]).arg(&log);
        command.arg(format!("--trace={}", CALLS.join(",")));
        if let Some(Injection { call, number, what }) = injection {
            command.arg(format!("--inject={call}:{what}:when={number}"));
        }
        for thread in threads {
            command.args(["--attach", &thread.to_string()]);
        }
        let strace = start(command)?;
        until("strace to look at it", || Ok(threads.iter().all(|thread| tracer_of(*thread) != Some(0)).then_some(())))?;
        Ok(Tracer { strace, log })
    }

    /// Looks away; gives the calls that were made, each a line.
    pub(crate) fn finish(mut self) -> anyhow::Result<Vec<String>> {
        end(&mut self.strace)?;
        let log = fs::read_to_string(&self.log).context("what strace saw")?;
        Ok(log.lines().map(str::to_owned).collect())
    }
}

/// A worker that is about to be caught.
#[derive(Debug)]
pub(crate) struct Catch {
    agent: u32,
    strace: Child,
}

impl Catch {
    /// The worker, stopped before its first step, and watched by nobody.
    pub(crate) fn worker(mut self) -> anyhow::Result<u32> {
        let worker = until("a worker that stands still", || {
            Ok(workers_of(self.agent).into_iter().find(|worker| is_stopped(*worker)))
        })?;
        end(&mut self.strace)?;
        until("strace to look away", || Ok((tracer_of(worker) == Some(0)).then_some(())))?;
        Ok(worker)
    }
}

/// How often each call was made.
pub(crate) fn count(calls: &[String]) -> BTreeMap<&'static str, usize> {
    let mut counted = BTreeMap::new();
    for line in calls {
        // With several threads their numbers stand in front.
        let name =
            line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').split('(').next().unwrap_or_default();
        if let Some(call) = CALLS.iter().find(|call| **call == name) {
            *counted.entry(*call).or_default() += 1;
        }
    }
    counted
}

fn start(mut command: Command) -> anyhow::Result<Child> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("strace can't be started: `cargo xtask torture` installs it")
}

/// Ends strace; what it looked at goes on.
fn end(strace: &mut Child) -> anyhow::Result<()> {
    // Told nicely, it lets go of a process that stands still without waking it. It never hears that, nor comes to an end,
    // where a process of several threads was killed under its eyes.
    for (name, tries) in [("TERM", 50), ("KILL", 500)] {
        // Where it runs by way of another program, that is the one to hear it.
        let told = descendant(strace.id(), "strace").unwrap_or(strace.id()).to_string();
        as_superuser("kill").args(["-s", name, &told]).stderr(Stdio::null()).status()?;
        for _ in 0..tries {
            if strace.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    anyhow::bail!("strace doesn't end")
}
