//! Set-up, build and proof of Keybearer in one command each: `cargo xtask run`, `cargo xtask test` and their parts.

#![forbid(unsafe_code)]

/// What the socket and the command cost.
#[cfg(target_os = "linux")]
mod bench;
/// The packages that people install.
mod bundle;
/// Formatting, lints, types and documentation.
mod check;
/// The libraries for programs in other languages.
mod clients;
/// What foreign servers were seen to do, as a document.
mod compatibility;
/// The official conformance suite.
mod conformance;
/// The window, driven as a person would.
mod e2e;
/// Strangers' bytes by the million.
mod fuzz;
/// Servers that nobody here wrote.
mod interop;
/// The keyrings that people have.
mod keyrings;
/// The notices of others.
mod notices;
/// The other two systems.
#[cfg(target_os = "linux")]
mod platforms;
/// The executables that people get.
mod released;
/// The main job, with the built-in practice server.
mod run;
/// What the system must have, installed where it is missing.
mod setup;
/// A step: a program that runs, and a line that says so.
mod step;
/// Everything that must be green.
mod test;
/// What nothing may come to grief from.
mod torture;

use clap::Parser;
use std::path::PathBuf;

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
    /// Sign in to servers that nobody here wrote, and write down what was seen
    Interop,
    /// Try the libraries for programs in Go, TypeScript and Python
    Clients,
    /// Go through the official conformance suite's scenarios of authorization
    Conformance {
        /// This scenario alone, such as auth/metadata-default
        #[arg(long, value_name = "NAME")]
        scenario: Option<String>,
        /// How the browser comes back [default: every way]
        #[arg(long, value_enum)]
        callback: Option<conformance::Callback>,
    },
    /// Walk the whole road on each keyring that people have
    Keyrings,
    /// Feed whatever a fuzzer thinks of to all that reads strangers' words
    Fuzz {
        /// What is to be read; all of it in turn, unless named
        #[arg(value_enum)]
        target: Option<fuzz::Target>,
        /// How long each is tried
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u32,
    },
    /// Kill, starve and crowd everything in the middle of refreshes, and see that nothing is lost
    Torture {
        /// This row alone
        #[arg(long, value_enum)]
        row: Option<torture::Row>,
        /// Go on long enough for figures
        #[arg(long)]
        long: bool,
        /// Try the executables that people get
        #[arg(long)]
        release: bool,
    },
    /// Measure what the socket and the command cost, beside the least that this machine can do
    #[cfg(target_os = "linux")]
    Bench {
        /// Measure the window instead: how soon it shows something, its memory, the size of the package
        #[arg(long)]
        window: bool,
        /// Write the figures into docs/performance.md
        #[arg(long)]
        write: bool,
    },
    /// Drive the window through every flow, on a screen of its own
    E2e {
        /// Keep a picture of each screen in this folder
        #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "target/screens")]
        screenshots: Option<PathBuf>,
        /// Put those that the documents show into docs/images/screens
        #[arg(long, requires = "screenshots", conflicts_with = "filter")]
        write: bool,
        /// Only the tests whose names hold this
        filter: Option<String>,
    },
    /// Check for macOS and Windows, and try what runs on Windows under Wine
    #[cfg(target_os = "linux")]
    Platforms,
    /// Make the packages of this system
    Bundle(bundle::Wanted),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Run => run::run(),
        Task::Test => test::run(),
        Task::Check => check::run(),
        Task::Interop => interop::run(),
        Task::Clients => clients::run(),
        Task::Conformance { scenario, callback } => conformance::run(scenario.as_deref(), callback),
        Task::Keyrings => keyrings::run(),
        Task::Fuzz { target, seconds } => fuzz::run(target, seconds),
        Task::Torture { row, long, release } => torture::run(row, long, release),
        #[cfg(target_os = "linux")]
        Task::Bench { window, write } => bench::run(window, write),
        Task::E2e { screenshots, write, filter } => e2e::run(screenshots.as_deref(), write, filter.as_deref()),
        #[cfg(target_os = "linux")]
        Task::Platforms => platforms::run(),
        Task::Bundle(wanted) => bundle::run(&wanted),
    }
}
