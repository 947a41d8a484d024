//! Set-up, build and proof of Keybearer in one command each: `cargo xtask run`, `cargo xtask test` and their parts.

#![forbid(unsafe_code)]

/// Formatting, lints, types and documentation.
mod check;
/// Servers that nobody here wrote.
mod interop;
/// The main job, with the built-in practice server.
mod run;
/// What the system must have, installed where it is missing.
mod setup;
/// A step: a program that runs, and a line that says so.
mod step;
/// Everything that must be green.
mod test;

use clap::Parser;

/// Set-up, build and proof of Keybearer.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask")]
enum Task {
    /// Do the main job with the built-in practice server, and print each step
    Run,
    /// Check, build and test everything
    Test,
    /// Check formatting, lints, types and documentation
    Check,
    /// Sign in to servers that nobody here wrote
    Interop,
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Run => run::run(),
        Task::Test => test::run(),
        Task::Check => check::run(),
        Task::Interop => interop::run(),
    }
}
