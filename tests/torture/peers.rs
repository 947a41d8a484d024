//! Hostile company: callers that stall, idle by the thousand, send half of what they began, far too much, or noise. Whoever
//! behaves is served beside them as if nobody else were there, and the agent's memory stays bounded.

use crate::measure::{Durations, say, so_much};
use anyhow::{Context, ensure};
use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::usage::memory;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

const ROW: &str = "peers";
const ACCOUNT: &str = "account";
/// Idle connections, and how many of them each process has: fewer than it may.
const IDLE: usize = 1_000;
const IDLE_OF_EACH: usize = 50;
/// Processes of each other kind, and the callers in each.
const PROCESSES: usize = 2;
const CALLERS_OF_EACH: usize = 16;
/// What all this company may cost the agent in memory at most, in bytes: nothing of it is kept for long.
const COST: u64 = 96 << 20;
/// What each idle connection may cost at most, in bytes.
const COST_OF_EACH: u64 = 32 << 10;
/// Files that are left to the agent when it runs out of them.
const FILES_LEFT: u64 = 8;

#[test]
fn whoever_behaves_is_served_beside_callers_that_stall_idle_and_send_noise() {
    company().unwrap();
}

#[test]
fn an_agent_that_runs_out_of_files_serves_whom_it_has_let_in_and_lets_in_again_later() {
    out_of_files().unwrap();
}

fn company() -> anyhow::Result<()> {
    let (world, _practice) = world()?;
    let mut programs = world.programs()?;
    let pid = world.agent_pid().context("no agent runs")?;
    tell("nobody else", ask(&mut programs)?);
    let before = memory(pid)?;
    {
        let idle: Vec<Pest> = (0..IDLE / IDLE_OF_EACH)
            .map(|_| Pest::start(&world, "idle", IDLE_OF_EACH))
            .collect::<anyhow::Result<_>>()?;
        tell(&format!("{IDLE} idle connections"), ask(&mut programs)?);
        let each = memory(pid)?.own.saturating_sub(before.own) / IDLE as u64;
        say(ROW, "an idle connection", format!("{each} bytes"));
        ensure!(each <= COST_OF_EACH, "an idle connection costs {each} bytes");
        idle.into_iter().try_for_each(|pest| pest.end().map(drop))?;
    }
    for (kind, what) in [
        ("stall", "half-open handshakes"),
        ("half", "half-sent requests"),
        ("flood", "lines of a megabyte"),
        ("noise", "senders of noise"),
    ] {
        let pests: Vec<Pest> =
            (0..PROCESSES).map(|_| Pest::start(&world, kind, CALLERS_OF_EACH)).collect::<anyhow::Result<_>>()?;
        tell(&format!("{} {what}", PROCESSES * CALLERS_OF_EACH), ask(&mut programs)?);
        let ends = pests.into_iter().map(Pest::end).sum::<anyhow::Result<usize>>()?;
        say(ROW, &format!("{what}, connections that ended"), ends);
    }
    let after = memory(pid)?;
    let mib = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    say(ROW, "beside all of these, peak MiB", mib(after.peak));
    ensure!(after.peak <= before.all + COST, "{} MiB before, {} at the peak", mib(before.all), mib(after.peak));
    Ok(())
}

fn out_of_files() -> anyhow::Result<()> {
    let (world, _practice) = world()?;
    let mut programs = world.programs()?;
    let pid = world.agent_pid().context("no agent runs")?;
    let open = fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64;
    let agent = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let few = Rlimit { current: Some(open + FILES_LEFT), maximum: Some(open + FILES_LEFT) };
    prlimit(agent, Resource::Nofile, few)?;
    let crowd = (0..60).map(|_| Wire::connect(&world.programs_socket())).collect::<anyhow::Result<Vec<_>>>()?;
    until("an agent without files", || Ok(world.log().contains("a connection was lost").then_some(())))?;
    tell("a crowd that takes all files", ask(&mut programs)?);
    drop(crowd);
    until("a caller that is let in again", || {
        let mut wire = Wire::open(&world.programs_socket())?;
        let reply = wire.call("token.get", &json!({ "profile": ACCOUNT }))?;
        Ok(reply["result"]["access_token"].is_string().then_some(()))
    })?;
    ensure!(world.agent_pid() == Some(pid), "another agent runs now");
    Ok(())
}

/// An account that is signed in, and its agent.
fn world() -> anyhow::Result<(World, Practice)> {
    let mut world = World::new()?;
    world.log_level = "info";
    let practice = Practice::start(&["--token-lifetime", "86400"])?;
    world.sign_in(ACCOUNT, practice.mcp_url())?;
    Ok((world, practice))
}

/// Asks as somebody who behaves; each answer is a token.
fn ask(wire: &mut Wire) -> anyhow::Result<Durations> {
    let mut durations = Durations::default();
    for _ in 0..so_much(300, 10_000) {
        let began = Instant::now();
        let reply = wire.call("token.get", &json!({ "profile": ACCOUNT }))?;
        durations.add(began.elapsed());
        ensure!(reply["result"]["access_token"].is_string(), "{reply}");
    }
    Ok(durations)
}

fn tell(beside: &str, durations: Durations) {
    say(ROW, &format!("{beside}, p99 ms"), format!("{:.2}", durations.share(99).as_secs_f64() * 1e3));
    say(ROW, beside, durations.summary());
}

/// A process with many callers of one kind.
struct Pest {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Pest {
    /// Starts one; returns when all its callers are there.
    fn start(world: &World, kind: &str, callers: usize) -> anyhow::Result<Pest> {
        let mut command = Command::new(executable("keybearer-stand-in"));
        command.args(["pester", kind, &callers.to_string()]).arg(world.programs_socket());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().context("a pipe")?;
        let mut pest = Pest { output: BufReader::new(child.stdout.take().context("a pipe")?), input, child };
        let mut line = String::new();
        pest.output.read_line(&mut line)?;
        ensure!(line == "ready\n", "the pest said {line:?}");
        Ok(pest)
    }

    /// Ends it; gives how many of its connections the agent had ended by then.
    fn end(mut self) -> anyhow::Result<usize> {
        drop(self.input);
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(self.child.wait()?.success(), "a pest failed: {line}");
        Ok(line.trim().parse()?)
    }
}
