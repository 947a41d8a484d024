//! A step: a program that runs, and a line that says so.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Says what comes next.
pub(crate) fn say(line: &str) {
    #[expect(clippy::print_stdout, reason = "progress is what this program tells")]
    {
        println!("==> {line}");
    }
}

/// Says something within a step.
pub(crate) fn detail(line: &str) {
    #[expect(clippy::print_stdout, reason = "progress is what this program tells")]
    {
        println!("    {line}");
    }
}

/// Runs a program to its end and says how long it took.
pub(crate) fn step(what: &str, command: &mut Command) -> anyhow::Result<()> {
    say(what);
    let began = Instant::now();
    let status = command.status().with_context(|| format!("{:?} can't be started", command.get_program()))?;
    ensure!(status.success(), "{what}: {:?} ended with {status}", command.get_program());
    detail(&format!("{what}: {} s", began.elapsed().as_secs()));
    Ok(())
}

/// `cargo` in the project's root, with the lock file as it is.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// The words by which cargo takes these packages and no others.
pub(crate) fn packages<'a>(names: &[&'a str]) -> Vec<&'a str> {
    names.iter().flat_map(|name| ["--package", name]).collect()
}

/// `npm` in a folder of the project.
pub(crate) fn npm(folder: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.args(arguments).current_dir(root().join(folder));
    command
}

/// The project's root.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
