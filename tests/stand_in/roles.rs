//! The roles, each on a socket of the agent.

use crate::{attackers, callers, pests};
use anyhow::{Context, bail};
use keybearer_tests::wire::Wire;
use serde_json::Value;
use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use std::path::Path;

/// Plays the role that the arguments name.
pub(crate) fn play() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["relay", socket] => relay(Path::new(socket)),
        ["look", socket] => look(Path::new(socket)),
        ["hide", socket] => hide(Path::new(socket)),
        ["connect", socket, command] => attackers::connect(Path::new(socket), command),
        ["become", socket, method, params, command] => attackers::turn(Path::new(socket), method, params, command),
        ["again", socket, method, params] => attackers::again(Path::new(socket), method, params),
        ["hand-on", socket, method, params] => attackers::hand_on(Path::new(socket), method, params),
        ["take-over", request] => attackers::take_over(request),
        ["reborn", socket, method, params] => attackers::be_reborn(Path::new(socket), method, params),
        ["await", number, request] => attackers::await_number(number, request),
        ["ask", request] => attackers::ask(std::io::stdin().as_fd().try_clone_to_owned()?, request),
        ["call", socket, gate, callers, seconds, pace, accounts @ ..] => {
            callers::call(Path::new(socket), gate, callers.parse()?, seconds.parse()?, pace.parse()?, accounts)
        }
        ["pester", kind, callers, socket] => pests::pester(kind, callers.parse()?, Path::new(socket)),
        _ => bail!("no such role: {words:?}"),
    }
}

fn relay(socket: &Path) -> anyhow::Result<()> {
    let mut wire = Wire::open(socket)?;
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let method = request["method"].as_str().context("a method")?;
        println!("{}", wire.call(method, &request["params"])?);
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Prints how the agent sees this process.
fn look(socket: &Path) -> anyhow::Result<()> {
    let mut wire = Wire::connect(socket)?;
    wire.send(&Wire::hello())?;
    println!("{}", wire.receive()?.context("an answer")?["result"]["caller"]);
    Ok(())
}

/// The same as `relay`, of a process that nobody may look at.
fn hide(socket: &Path) -> anyhow::Result<()> {
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    relay(socket)
}
