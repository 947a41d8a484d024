//! What a program waits for on each road to a server: straight there, through the bridge, through the gateway, and through
//! mcp-remote, which others use in their place.

use super::conversation::Conversation;
use super::table::Table;
use super::times::Times;
use super::{ACCOUNT, ROUNDS};
use crate::step::root;
use anyhow::Context;
use keybearer_tests::practice::Practice;
use keybearer_tests::usage::memory;
use keybearer_tests::world::World;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// How often in a round, each.
const STARTS: usize = 5;
const CALLS: usize = 300;
/// Calls that nobody times, for those who are quicker when they have done something before.
const WARM_UP: usize = 30;

/// What the bridge may be at most, beside mcp-remote.
const START: f64 = 1.0 / 20.0;
const CALL: f64 = 1.0 / 5.0;
const MEMORY: f64 = 1.0 / 40.0;

/// A road, and what was seen on it.
struct Road<'a> {
    open: Box<dyn Fn() -> anyhow::Result<Conversation> + 'a>,
    starts: Times,
    calls: Times,
    /// What the process on it has in use, in bytes.
    memory: u64,
}

/// Measures all of them, one after the other in each round.
pub(crate) fn measure(world: &World, practice: &Practice, table: &mut Table) -> anyhow::Result<()> {
    let person = world.keybearer().with_file_name("keybearer-practice");
    let browser = format!("{} browse %s", person.display());
    let remote = McpRemote { home: world.session.folder().join("mcp-remote"), browser };
    fs::create_dir_all(&remote.home)?;
    // The first time it signs in.
    Conversation::with(&mut remote.command(practice.mcp_url()))?;
    let header = format!("Authorization: Bearer {}", world.ok(&["token", ACCOUNT])?);
    let made = world.json(&["gateway", "key", ACCOUNT, "--client", "bench"])?;
    let [url, name, value] = ["url", "header", "key"].map(|part| made[part].as_str().unwrap_or_default());
    let (url, key) = (url.to_owned(), format!("{name}: {value}"));
    let mut straight = Road::new(|| Conversation::at(practice.mcp_url(), &header));
    let mut bridge = Road::new(|| Conversation::with(&mut world.command(&["bridge", ACCOUNT])));
    let mut gateway = Road::new(|| Conversation::at(&url, &key));
    let mut others = Road::new(|| Conversation::with(&mut remote.command(practice.mcp_url())));
    for _ in 0..ROUNDS {
        for road in [&mut straight, &mut bridge, &mut gateway, &mut others] {
            road.go()?;
        }
    }
    table.compare("`keybearer bridge`, start to the first answer", &bridge.starts, MCP_REMOTE, &others.starts, START);
    table.time("connect straight to the server, to the first answer", &straight.starts);
    table.time("connect to the gateway, to the first answer", &gateway.starts);
    table.time("a call straight to the server", &straight.calls);
    let theirs = others.calls.beyond(&straight.calls);
    for (road, what) in [(&bridge, "what the bridge adds to a call"), (&gateway, "what the gateway adds to a call")] {
        table.compare(what, &road.calls.beyond(&straight.calls), MCP_REMOTE, &theirs, CALL);
    }
    table.compare_memory("a bridge process, memory in use", bridge.memory, MCP_REMOTE, others.memory, MEMORY);
    Ok(())
}

/// What is compared with.
const MCP_REMOTE: &str = "`mcp-remote`";

impl<'a> Road<'a> {
    fn new(open: impl Fn() -> anyhow::Result<Conversation> + 'a) -> Road<'a> {
        Road { open: Box::new(open), starts: Times::default(), calls: Times::default(), memory: 0 }
    }

    /// One round.
    fn go(&mut self) -> anyhow::Result<()> {
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            starts.push((self.open)()?.opened_within);
        }
        self.starts.take(starts);
        let mut conversation = (self.open)()?;
        for _ in 0..WARM_UP {
            conversation.call()?;
        }
        self.calls.take((0..CALLS).map(|_| conversation.call()).collect::<anyhow::Result<_>>()?);
        if let Some(pid) = conversation.pid() {
            self.memory = self.memory.max(memory(pid).context("the process has ended")?.all);
        }
        Ok(())
    }
}

/// mcp-remote of npm, with a home of its own.
struct McpRemote {
    home: PathBuf,
    /// What it finds as `$BROWSER`.
    browser: String,
}

impl McpRemote {
    fn command(&self, url: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(root().join("tests/bench/node_modules/mcp-remote/dist/proxy.js")).arg(url).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.home).env("BROWSER", &self.browser);
        command
    }
}
