//! gnome-keyring.

use super::{PASSWORD, SECRETS};
use crate::session::Session;
use crate::until::until;
use anyhow::{Context, ensure};
use std::io::Write;
use std::process::{Command, Stdio};

/// Unlocks it, making its collection where there is none. It ends with its bus.
pub(super) fn unlock(session: &Session) -> anyhow::Result<()> {
    let mut command = Command::new("gnome-keyring-daemon");
    command.args(["--unlock", "--replace", "--components=secrets"]).envs(session.environment());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.as_mut().map_err(|error| anyhow::anyhow!("gnome-keyring-daemon can't be started: {error}"))?;
    // No line end: it would become part of the password.
    child.stdin.take().context("a pipe")?.write_all(PASSWORD.as_bytes())?;
    ensure!(child.wait()?.success(), "the keyring can't be unlocked");
    // It goes on in the background, and takes its name on the bus there.
    let bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner");
    let name = format!("string:{SECRETS}");
    until("gnome-keyring", || Ok(session.call(bus.0, bus.1, bus.2, &[&name])?.contains("true").then_some(())))
}
