//! A stand-in for a program that talks to the agent: the desktop in tests without a window, and what attackers would do.
//!
//! `relay SOCKET` sends each line of standard input, `{"method": …, "params": …}`, on one connection and prints each
//! answer. `become SOCKET METHOD PARAMS COMMAND` opens a session, then turns into a shell that runs COMMAND with the
//! connection as its standard input and a ready request in `$REQUEST`. `call SOCKET GATE CALLERS SECONDS PACE ACCOUNT…` is
//! many callers at once; `pester KIND CALLERS SOCKET` is many that don't behave.

#![forbid(unsafe_code)]
#![cfg_attr(unix, expect(clippy::print_stdout, reason = "answers are what a test reads"))]

/// Many callers in one process.
#[cfg(unix)]
mod callers;
/// Many callers that don't behave.
#[cfg(unix)]
mod pests;
/// What it can be.
#[cfg(unix)]
mod roles;

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    roles::play()
}

/// Elsewhere there are no sockets to play on.
#[cfg(not(unix))]
fn main() {}
