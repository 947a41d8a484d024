//! What the socket and the command cost: each figure beside the least that this machine can do, measured in the same run,
//! and beside the goal. No test judges a time; whoever runs this does.

/// A program's conversation with a server.
mod conversation;
/// The least that this machine can do.
mod floor;
/// Another agent.
mod oidc_agent;
/// Roads to a server.
mod roads;
/// The table.
mod table;
/// What was timed, in rounds.
mod times;
/// The window.
mod window;

use crate::released;
use crate::setup;
use crate::step::{cargo, detail, packages, say, step};
use anyhow::{Context, ensure};
use floor::{Connections, Floors, Placed};
use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::session::Session;
use keybearer_tests::usage::{memory, woken_within};
use keybearer_tests::world::World;
use oidc_agent::OidcAgent;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use table::Table;
use times::Times;

/// The account that is asked for, and that all others are made of.
const ACCOUNT: &str = "account";
/// How many there are.
const ACCOUNTS: &str = "100";
/// How often everything is timed.
const ROUNDS: usize = 9;
/// How often in a round, each: questions on one connection, connections, processes.
const QUESTIONS: usize = 5_000;
const VISITS: usize = 1_000;
const PROCESSES: usize = 300;
/// How long an agent with nothing to do is looked at.
const REST: Duration = Duration::from_secs(60);

/// Builds what people get, measures it or its window, and writes the table into the document if wished.
pub(crate) fn run(of_window: bool, write: bool) -> anyhow::Result<()> {
    if of_window {
        return window::run(write);
    }
    setup::bench()?;
    let built = installed(&released::build(&[])?)?;
    let mut tools = cargo(&["build", "--locked", "--examples", "--bins", "--tests"]);
    step("tools", tools.args(packages(&["keybearer-tests"])))?;
    let floors = Floors::compile()?;
    let (world, practice) = world(&built)?;
    let mut table = Table::default();
    say("token.get");
    questions(&world, &floors, &mut table)?;
    say("the whole command");
    processes(&world, &floors, &mut table)?;
    say("an agent with a hundred accounts");
    usage(&world, &mut table)?;
    say("roads to a server");
    roads::measure(&world, &practice, &mut table)?;
    drop(world);
    say("hostile company");
    company(&built, &mut table)?;
    table.tell();
    if write { table.write("cargo xtask bench --write") } else { Ok(()) }
}

/// The executables where a package would lay them: what a linker has written piece by piece lies in memory in more pieces
/// than a copy does, and starts later.
fn installed(built: &Path) -> anyhow::Result<PathBuf> {
    let folder = released::target_folder()?.join("bench/installed");
    fs::create_dir_all(&folder)?;
    for name in released::BESIDE {
        let (from, to) = (built.join(name), folder.join(name));
        // Another file each time: one that still runs can't be written to.
        let _ = fs::remove_file(&to);
        fs::copy(&from, &to).with_context(|| from.display().to_string())?;
    }
    Ok(folder)
}

/// A Keybearer with a hundred accounts that are signed in, and its agent.
fn world(built: &Path) -> anyhow::Result<(World, Practice)> {
    let practice = Practice::start_at(&built.join("keybearer-practice"), &["--token-lifetime", "86400"])?;
    let mut world = World::installed(Session::unlocked()?, built);
    world.log_level = "info";
    world.sign_in(ACCOUNT, practice.mcp_url())?;
    world.ok(&["agent", "stop"])?;
    let many = world.program(executable("examples/keybearer-many")).args([ACCOUNT, ACCOUNTS]).status()?;
    ensure!(many.success(), "there are no {ACCOUNTS} accounts");
    // This waits until all of them are read.
    world.ok(&["list"])?;
    Ok((world, practice))
}

/// Questions on one connection, and on one for each.
fn questions(world: &World, floors: &Floors, table: &mut Table) -> anyhow::Result<()> {
    let (server, agent) = (floors.serve(world, ACCOUNT)?, world.programs_socket());
    let pid = world.agent_pid().context("no agent runs")?;
    for (what, times, on, placed) in [
        ("`token.get` on an open connection, on one processor", QUESTIONS, Connections::One, Placed::Together),
        ("the same on two", QUESTIONS, Connections::One, Placed::Apart),
        ("connect, hello, `token.get`, close, on one processor", VISITS, Connections::Each, Placed::Together),
        ("the same on two", VISITS, Connections::Each, Placed::Apart),
    ] {
        placed.place(server.pid())?;
        placed.place(pid)?;
        let (mut least, mut ours) = (Times::default(), Times::default());
        for _ in 0..ROUNDS {
            least.add(&mut floors.ask(&server.socket, ACCOUNT, times, on))?;
            ours.add(&mut floors.ask(&agent, ACCOUNT, times, on))?;
        }
        table.compare(what, &ours, "the same from C", &least, 2.0);
    }
    Placed::Anywhere.place(pid)
}

/// The command from its start to its end, and that of another agent.
fn processes(world: &World, floors: &Floors, table: &mut Table) -> anyhow::Result<()> {
    let other = OidcAgent::start(&world.session.folder().join("oidc"))?;
    let nothing = world.program(floors.program("nothing"));
    let (mut least, mut ours, mut theirs) = (Times::default(), Times::default(), Times::default());
    for _ in 0..ROUNDS {
        least.add(&mut floors.start(&nothing, PROCESSES))?;
        ours.add(&mut floors.start(&world.command(&["token", ACCOUNT]), PROCESSES))?;
        theirs.add(&mut floors.start(&other.token(), PROCESSES))?;
    }
    let what = "`keybearer token`, start to end";
    table.compare(what, &ours, "a static program that does nothing", &least, 2.0);
    table.compare(what, &ours, "Debian's `oidc-token`", &theirs, 1.0);
    Ok(())
}

/// Memory, and sleep.
fn usage(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let pid = world.agent_pid().context("no agent runs")?;
    let memory = memory(pid)?;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let what = format!("memory in use, {:.1} MiB of it the agent's alone", mib(memory.own));
    table.limit(&what, mib(memory.all), "MiB", 15.0);
    // The calls before are counted for a minute, and then they are due; whoever looks at the record has them written at once.
    world.ok(&["activity", "--limit", "1"])?;
    let woken = woken_within(pid, REST);
    detail(&format!("threads that woke up in a minute: {woken:?}"));
    let times: u64 = woken.iter().map(|(_, times)| times).sum();
    table.limit("wake-ups in a minute with nothing due", times as f64, "", 0.0);
    Ok(())
}

/// The row `peers` of the torture, with these executables.
fn company(built: &Path, table: &mut Table) -> anyhow::Result<()> {
    let mut row = cargo(&["test", "--locked", "--package", "keybearer-tests", "--test", "torture"]);
    row.args(["--", "--test-threads", "1", "--nocapture", "peers::"]);
    row.env("KEYBEARER_TEST_EXECUTABLES", built).env("KEYBEARER_TORTURE_LONG", "1");
    let output = row.output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    for line in told.lines().filter_map(|line| line.strip_prefix("peers: ")) {
        detail(line);
        let number = |text: &str| text.split(' ').next()?.parse::<f64>().ok();
        if let Some((what, p99)) = line.split_once(", p99 ms: ") {
            table.limit(&format!("`token.get`, p99, beside {what}"), number(p99).context(line.to_owned())?, "ms", 5.0);
        } else if let Some((what, peak)) = line.split_once(", peak MiB: ") {
            table.note(&format!("memory at its peak, {what}"), number(peak).context(line.to_owned())?, "MiB");
        }
    }
    Ok(())
}
