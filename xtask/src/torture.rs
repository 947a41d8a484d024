//! What nothing may come to grief from.

use crate::setup;
use crate::step::{cargo, step};
use crate::test::{WORKSPACE, build_window};
use clap::ValueEnum;

/// A row of the table in `tests/torture/README.md`.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Row {
    /// Kills at random instants of continuous refreshing
    Soak,
    /// A kill and an error at each system call of one refresh
    Boundaries,
    /// A hundred bridges to twenty servers, and the agent killed under them
    Bridges,
    /// Five hundred callers, and tokens of two seconds
    Callers,
    /// A keyring that dies, locks itself or is replaced in the middle of a refresh
    Keyring,
    /// A full disk, and one that can't be written
    Disk,
    /// Several agents at once, a second user, and `servers.json` edited meanwhile
    Agents,
    /// What a hundred, a thousand and, in the long form, ten thousand accounts cost
    Scale,
    /// Callers that stall, idle by the thousand and send noise, and an agent that runs out of files
    Peers,
    /// What lay on the disk at each moment of a refresh, found by the next agent
    Power,
}

impl Row {
    /// The module of its tests.
    fn module(self) -> String {
        let value = self.to_possible_value();
        value.map(|value| format!("{}::", value.get_name())).unwrap_or_default()
    }
}

/// Runs the rows, or this one, in their short form or the long one.
pub(crate) fn run(row: Option<Row>, long: bool, release: bool) -> anyhow::Result<()> {
    setup::torture()?;
    build_window()?;
    let profile = if release { &["--release"][..] } else { &[] };
    let build = [&["build", "--locked", "--all-targets"], WORKSPACE, profile].concat();
    step("build", &mut cargo(&build))?;
    let mut tests = cargo(&[&["test", "--locked", "--test", "torture"], WORKSPACE, profile].concat());
    // One after the other, and with what they have measured.
    tests.args(["--", "--test-threads", "1", "--nocapture"]).args(row.map(Row::module));
    if long {
        tests.env("KEYBEARER_TORTURE_LONG", "1");
    }
    step("torture", &mut tests)
}
