//! What only the superuser may: be somebody else, mount, look over the shoulder of a program that hides its memory.

use std::process::Command;

/// A program that runs as the superuser: as whoever runs the tests where that is one, and else by `sudo` without a
/// password. Where neither is to be had, it fails and says so: a row is never passed by leaving it out.
pub(crate) fn as_superuser(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["--non-interactive", program]);
    command
}
