//! What the window costs: the time until it shows something, and memory, beside the least window with a web view.

use super::floor::compile;
use super::table::Table;
use super::times::Times;
use crate::bundle::WINDOW;
use crate::released;
use crate::step::say;
use crate::test::build_window;
use crate::{bundle, setup};
use anyhow::{Context, ensure};
use keybearer_tests::display::Display;
use keybearer_tests::session::Session;
use keybearer_tests::until::until;
use keybearer_tests::usage::{share_of_memory, with_children};
use keybearer_tests::world::World;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How often each window is opened.
const ROUNDS: usize = 9;
/// How many accounts its list has.
const ACCOUNTS: usize = 12;
/// How long a window is left alone before its memory counts.
const SETTLE: Duration = Duration::from_secs(5);

/// Builds what people get, measures it, and writes the table into the document if wished.
pub(crate) fn run(write: bool) -> anyhow::Result<()> {
    setup::window()?;
    build_window()?;
    let built = released::build(&WINDOW)?;
    let watcher = compile("painted", &["-lX11"])?;
    let page = compile("page", &web_view()?)?;
    let (display, world) = (Display::new()?, World::installed(Session::unlocked()?, &built));
    for number in 0..ACCOUNTS {
        world.add(&format!("account-{number:02}"), "https://mcp.example.com/mcp")?;
    }
    let mut table = Table::default();
    say("the window");
    let start = |program: &Path| Opened::new(&world, &display, &watcher, program);
    let (mut least, mut ours, mut again) = (Times::default(), Times::default(), Times::default());
    let (mut floor, mut open, mut closed) = (0, 0, 0);
    for round in 0..ROUNDS {
        let last = round == ROUNDS - 1;
        let shown = start(&page)?;
        least.take(vec![shown.after]);
        if last {
            floor = shown.memory()?;
        }
        drop(shown);
        world.ok(&["agent", "stop"])?;
        let mut shown = start(&built.join("keybearer-desktop"))?;
        ours.take(vec![shown.after]);
        if last {
            open = shown.memory()?;
            shown.close()?;
            closed = shown.memory()?;
        }
        drop(shown);
        // Now with an agent that runs.
        again.take(vec![start(&built.join("keybearer-desktop"))?.after]);
    }
    let agent = share_of_memory(world.agent_pid().context("no agent runs")?)?;
    table.compare("start of window and agent, to the first picture", &ours, "a web view with one line", &least, 2.0);
    table.compare("start of the window beside an agent, to the first picture", &again, "the same", &least, 2.0);
    table.compare_memory("memory of window and web view", open, "a web view with one line", floor, 1.5);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    table.note("memory with the window closed, without the agent's", mib(closed), "MiB");
    table.note("memory of the agent beside it", mib(agent), "MiB");
    let package = fs::metadata(bundle::pack(&built)?)?.len();
    table.limit("the package", mib(package), "MiB", 15.0);
    table.tell();
    if write { table.write("cargo xtask bench --window --write") } else { Ok(()) }
}

/// A program with a window that shows something.
struct Opened {
    watcher: Child,
    orders: Option<ChildStdin>,
    told: BufReader<ChildStdout>,
    pid: u32,
    /// How long that took.
    after: Duration,
}

impl Opened {
    fn new(world: &World, display: &Display, watcher: &Path, program: &Path) -> anyhow::Result<Opened> {
        let mut command = world.program(watcher);
        command.arg(program).envs(display.environment()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut watcher = command.stderr(Stdio::null()).spawn()?;
        let (orders, told) = (watcher.stdin.take(), watcher.stdout.take().context("a pipe")?);
        let mut opened = Opened { watcher, orders, told: BufReader::new(told), pid: 0, after: Duration::default() };
        let line = opened.line()?;
        let (took, pid) = line.split_once(' ').with_context(|| format!("{} shows nothing", program.display()))?;
        (opened.after, opened.pid) = (Duration::from_nanos(took.parse()?), pid.parse()?);
        Ok(opened)
    }

    /// What its processes take, each page by its share (proc(5), `Pss`), in bytes.
    fn memory(&self) -> anyhow::Result<u64> {
        // Nothing tells that a page has come to rest.
        std::thread::sleep(SETTLE);
        with_children(self.pid).into_iter().map(share_of_memory).sum()
    }

    /// Closes the window; the process lives on.
    fn close(&mut self) -> anyhow::Result<()> {
        writeln!(self.orders.as_mut().context("it is held")?)?;
        ensure!(self.line()? == "closed", "the window doesn't close");
        let shows_pages = |pid: &u32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("WebKitWebProc"))
        };
        until("the end of the web views", || Ok((!with_children(self.pid).iter().any(shows_pages)).then_some(())))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.told.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.watcher.wait();
    }
}

/// What the compiler is told for a window with a web view.
fn web_view() -> anyhow::Result<Vec<String>> {
    let output = Command::new("pkg-config").args(["--cflags", "--libs", "webkit2gtk-4.1"]).output()?;
    ensure!(output.status.success(), "pkg-config: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.split_whitespace().map(str::to_owned).collect())
}
