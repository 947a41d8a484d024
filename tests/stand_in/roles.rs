//! The roles, each on a socket of the agent.

use crate::{callers, pests};
use anyhow::{Context, bail};
use keybearer_tests::wire::Wire;
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Plays the role that the arguments name.
pub(crate) fn play() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["relay", socket] => relay(Path::new(socket)),
        ["become", socket, method, params, command] => turn(Path::new(socket), method, params, command),
        ["call", socket, gate, callers, seconds, pace, accounts @ ..] => {
            callers::call(Path::new(socket), gate, callers.parse()?, seconds.parse()?, pace.parse()?, accounts)
        }
        ["pester", kind, callers, socket] => pests::pester(kind, callers.parse()?, Path::new(socket)),
        _ => bail!(
            "relay SOCKET, become SOCKET METHOD PARAMS COMMAND, call SOCKET GATE CALLERS SECONDS PACE ACCOUNT…, or pester KIND CALLERS SOCKET"
        ),
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

fn turn(socket: &Path, method: &str, params: &str, command: &str) -> anyhow::Result<()> {
    let wire = Wire::open(socket)?;
    let params: Value = serde_json::from_str(params)?;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params, "session": wire.session });
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("REQUEST", request.to_string()).stdin(wire.into_stream());
    Err(shell.exec().into())
}
