//! The fuzzer: strangers' bytes by the million for what reads them.

use crate::step::{cargo, root, say, step};
use anyhow::Context;
use clap::ValueEnum;
use std::fs;
use std::process::Stdio;

/// What is built, and what the fuzzer found worth keeping between runs, from the project's root.
const FOUND: &str = "target/fuzz";

/// The version of cargo-fuzz that is installed where there is none.
const CARGO_FUZZ: &str = "0.13.2";

/// What is read of strangers.
#[derive(ValueEnum, Clone, Copy, Debug)]
#[value(rename_all = "snake_case")]
pub(crate) enum Target {
    /// `WWW-Authenticate` headers
    Challenge,
    /// Metadata of resources and of authorization servers
    Metadata,
    /// Addresses that a browser comes back to
    Callback,
    /// Answers of token endpoints
    TokenAnswer,
    /// The bytes on a socket, as lines
    Frames,
    /// A line of a socket
    Json,
    /// What happens on a connection to a socket
    Session,
}

impl Target {
    /// The package that has it, from the project's root.
    fn package(self) -> &'static str {
        match self {
            Target::Challenge | Target::Metadata | Target::Callback | Target::TokenAnswer => "crates/oauth/fuzz",
            Target::Frames | Target::Json | Target::Session => "crates/ipc/fuzz",
        }
    }
}

/// Fuzzes one target, or each in turn, for so many seconds. It stops at the first broken promise, and names the input.
pub(crate) fn run(target: Option<Target>, seconds: u32) -> anyhow::Result<()> {
    install()?;
    let targets = target.map_or(Target::value_variants().to_vec(), |target| vec![target]);
    targets.into_iter().try_for_each(|target| fuzz(target, seconds))
}

fn fuzz(target: Target, seconds: u32) -> anyhow::Result<()> {
    let name = target.to_possible_value().context("every target has a name")?.get_name().to_owned();
    let (package, found) = (target.package(), root().join(FOUND));
    let corpus = found.join("corpus").join(&name);
    fs::create_dir_all(&corpus)?;
    // Without a sanitizer it builds with a stable compiler, and there is no unsafe code for one to watch.
    let mut command = cargo(&["fuzz", "run", "--fuzz-dir", package, "--sanitizer", "none", "--target-dir"]);
    // The first folder takes what is found; the seeds are only read.
    command.arg(&found).arg(&name).arg(&corpus).arg(root().join(package).join("seeds").join(&name)).arg("--");
    command.arg(format!("-dict={package}/dictionaries/{name}.dict")).arg(format!("-max_total_time={seconds}"));
    // Larger than every limit that is promised of a short text; slower than this is a fault as well.
    command.args(["-max_len=20000", "-timeout=10", "-print_final_stats=1"]);
    step(&format!("{name}, {seconds} s"), &mut command)
}

/// Installs cargo-fuzz from the registry, unless there is one.
fn install() -> anyhow::Result<()> {
    let mut ask = cargo(&["fuzz", "--version"]);
    let is_there = ask.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if is_there {
        return Ok(());
    }
    say("cargo-fuzz is missing");
    step("cargo install cargo-fuzz", &mut cargo(&["install", "cargo-fuzz", "--version", CARGO_FUZZ, "--locked"]))
}
