//! Many accounts: what each of them costs in time, memory and wake-ups, and that it costs no more where there are ten times
//! as many. No time is judged, as machines differ; what is judged is how it grows, by the agent's own time on the processor.

use crate::measure::{Durations, say, so_much};
use crate::processes::kill;
use anyhow::{Context, ensure};
use keybearer_core::home::replace;
use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::usage::{memory, processor_time, woken_within};
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// The account that all others are made of.
const FIRST: &str = "account";

/// How often a token is asked for.
const CALLS: usize = 300;

/// How often `servers.json` is edited; the least time counts.
const EDITS: usize = 3;

/// An agent that sleeps so long has come to rest: longer than anything at the keyring may take, whose clocks run out by
/// themselves.
const REST: Duration = Duration::from_millis(2_900);

/// What so many accounts cost.
#[derive(Debug)]
struct Costs {
    accounts: usize,
    /// Until they were read, on the processor.
    start: Duration,
    /// Without files and executables, in bytes.
    memory: u64,
    /// All pages, on the processor.
    listing: Duration,
    /// Until the next token after an edit, on the processor.
    edit: Duration,
}

#[test]
fn what_many_accounts_cost_in_a_sealed_vault_grows_with_their_number() {
    let sizes = so_much(&[1, 100, 1_000][..], &[1, 100, 1_000, 10_000]);
    scale("scale, sealed vault", Some("sealed"), sizes).unwrap();
}

#[test]
fn what_many_accounts_cost_in_a_keyring_grows_with_their_number() {
    // The keyring writes all that it has for each item that it gets.
    let sizes = so_much(&[1, 100, 400][..], &[1, 100, 1_000]);
    scale("scale, gnome-keyring", None, sizes).unwrap();
}

fn scale(row: &str, vault: Option<&str>, sizes: &[usize]) -> anyhow::Result<()> {
    let mut world = World::new()?;
    world.log_level = "info";
    let practice = Practice::start(&["--token-lifetime", "86400"])?;
    world.sign_in(FIRST, practice.mcp_url())?;
    if let Some(vault) = vault {
        world.ok(&["vault", "move", vault])?;
    }
    world.ok(&["agent", "stop"])?;
    let most = sizes.last().copied();
    let costs = sizes.iter().map(|accounts| measure(row, &world, *accounts, Some(*accounts) == most));
    let costs = costs.collect::<anyhow::Result<Vec<_>>>()?;
    let [alone, .., fewer, many] = costs.as_slice() else { anyhow::bail!("three sizes at least") };
    let each = |whole: Duration, accounts: usize| whole.as_secs_f64() * 1e6 / accounts as f64;
    let memory = |costs: &Costs| costs.memory.saturating_sub(alone.memory) as f64 / costs.accounts as f64;
    let rows = [
        ("start, us", each(fewer.start, fewer.accounts), each(many.start, many.accounts)),
        ("memory, bytes", memory(fewer), memory(many)),
        ("listing, us", each(fewer.listing, fewer.accounts), each(many.listing, many.accounts)),
        ("edit, us", each(fewer.edit, fewer.accounts), each(many.edit, many.accounts)),
    ];
    for (what, before, after) in rows {
        let text = format!("{before:.1} of {}, {after:.1} of {}", fewer.accounts, many.accounts);
        say(row, &format!("for each account: {what}"), &text);
        ensure!(after <= 2.0 * before, "{what}: {text}");
    }
    Ok(())
}

/// Makes so many accounts, and looks at an agent that has them; at last also at how it sleeps.
fn measure(row: &str, world: &World, accounts: usize, is_last: bool) -> anyhow::Result<Costs> {
    let tell = |what: &str, value: String| say(row, &format!("{accounts} accounts: {what}"), value);
    let tool = world.program(executable("examples/keybearer-many")).args([FIRST, &accounts.to_string()]).status()?;
    ensure!(tool.success(), "there are no {accounts} accounts");
    let agent = Agent::start(world)?;
    tell("ready", in_words(agent.began.elapsed()));
    let name = |number: usize| if number == 0 { FIRST.to_owned() } else { format!("{FIRST}-{number:05}") };
    let mut programs = world.programs()?;
    token(&mut programs, &name(accounts - 1))?;
    tell("first token", in_words(agent.began.elapsed()));
    // It waits for what is being read.
    world.ok(&["status"])?;
    let start = agent.spent();
    tell("all read", format!("{}, of that {} on the processor", in_words(agent.began.elapsed()), in_words(start)));
    let memory = memory(agent.pid())?.own;
    tell("memory", format!("{} KiB", memory / 1024));

    let (before, began) = (agent.spent(), Instant::now());
    let pages = list(&mut programs, accounts)?;
    let listing = agent.spent().saturating_sub(before);
    tell("listing", format!("{} for all pages: {}", in_words(began.elapsed()), pages.summary()));
    let began = Instant::now();
    world.ok(&["list"])?;
    tell("keybearer list", in_words(began.elapsed()));

    let (mut by_name, mut by_address) = (Durations::default(), Durations::default());
    let servers: Value = serde_json::from_slice(&fs::read(world.servers_file())?)?;
    for call in 0..CALLS {
        let name = name(call * 7919 % accounts);
        let began = Instant::now();
        token(&mut programs, &name)?;
        by_name.add(began.elapsed());
        let url = servers["mcpServers"][&name]["url"].as_str().context("an address")?;
        let began = Instant::now();
        token(&mut programs, url)?;
        by_address.add(began.elapsed());
    }
    tell("token.get by name", by_name.summary());
    tell("token.get by address", by_address.summary());

    let mut edit = Duration::MAX;
    let mut edits = Durations::default();
    for number in 0..EDITS {
        edit_servers(world, number)?;
        let (before, began) = (agent.spent(), Instant::now());
        token(&mut programs, FIRST)?;
        edits.add(began.elapsed());
        edit = edit.min(agent.spent().saturating_sub(before));
    }
    tell("token.get after an edit", edits.summary());

    if is_last {
        let time = so_much(Duration::from_secs(10), Duration::from_secs(60));
        until("rest", || Ok(woken_within(agent.pid(), REST).is_empty().then_some(())))?;
        let woken = woken_within(agent.pid(), time);
        tell(&format!("wake-ups in {} s", time.as_secs()), format!("{woken:?}"));
        ensure!(woken.is_empty(), "nothing was due, and {woken:?} woke up");
    }
    world.ok(&["agent", "stop"])?;
    Ok(Costs { accounts, start, memory, listing, edit })
}

/// An agent that a test has started.
struct Agent {
    child: Child,
    began: Instant,
}

impl Agent {
    /// Starts one; returns when it is ready.
    fn start(world: &World) -> anyhow::Result<Agent> {
        let began = Instant::now();
        let mut command = world.program(world.keybearer().with_file_name("keybearer-agent"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let out = child.stdout.take().context("a pipe")?;
        let agent = Agent { child, began };
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        ensure!(line == "ready\n", "the agent said {line:?}");
        Ok(agent)
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its time on the processor so far.
    fn spent(&self) -> Duration {
        processor_time(self.pid())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that was stopped has ended.
        kill(self.pid());
        let _ = self.child.wait();
    }
}

fn token(wire: &mut Wire, target: &str) -> anyhow::Result<()> {
    let key = if target.contains("://") { "server_url" } else { "profile" };
    let reply = wire.call("token.get", &json!({ key: target, "interactive": false }))?;
    ensure!(reply["result"]["access_token"].is_string(), "{target}: {reply}");
    Ok(())
}

/// Lists all accounts, each of which must be connected; how long each page took.
fn list(wire: &mut Wire, accounts: usize) -> anyhow::Result<Durations> {
    let (mut pages, mut after, mut listed) = (Durations::default(), Value::Null, 0);
    loop {
        let began = Instant::now();
        let reply = wire.call("profile.list", &json!({ "after": after }))?;
        pages.add(began.elapsed());
        let page = reply["result"]["accounts"].as_array().with_context(|| format!("{reply}"))?;
        ensure!(page.iter().all(|account| account["status"] == "connected"), "not all are connected: {reply}");
        listed += page.len();
        if reply["result"]["more"] != true {
            ensure!(listed == accounts, "{listed} of {accounts} accounts were listed");
            return Ok(pages);
        }
        after = page.last().context("a page without an account")?["profile"].clone();
    }
}

/// Changes one entry, as an editor does.
fn edit_servers(world: &World, number: usize) -> anyhow::Result<()> {
    let file = world.servers_file();
    let mut document: Value = serde_json::from_slice(&fs::read(&file)?)?;
    document["mcpServers"][FIRST]["note"] = number.into();
    Ok(replace(&file, serde_json::to_string_pretty(&document)?.as_bytes())?)
}

fn in_words(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
