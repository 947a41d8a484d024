//! A stand-in for a program that talks to the agent: the desktop in tests without a window, and what attackers would do.
//!
//! `relay SOCKET` sends each line of standard input, `{"method": …, "params": …}`, on one connection and prints each
//! answer; `hide SOCKET` does so as a process that nobody may look at. `look SOCKET` prints how the agent sees it. `call
//! SOCKET GATE CALLERS SECONDS PACE ACCOUNT…` is many callers at once; `pester KIND CALLERS SOCKET` is many that don't
//! behave. The attackers' roles stand in their own file.

#![forbid(unsafe_code)]
#![cfg_attr(target_os = "linux", expect(clippy::print_stdout, reason = "answers are what a test reads"))]

/// Those that want to pass for another program.
#[cfg(target_os = "linux")]
mod attackers;
/// Many callers in one process.
#[cfg(target_os = "linux")]
mod callers;
/// Many callers that don't behave.
#[cfg(target_os = "linux")]
mod pests;
/// What it can be.
#[cfg(target_os = "linux")]
mod roles;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    roles::play()
}

/// Elsewhere there is nothing to play on.
#[cfg(not(target_os = "linux"))]
fn main() {}
