//! What nothing may come to grief from: kills, faults, full disks, dead keyrings, many callers. One file for each row;
//! the README beside them says what each proves.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

/// Chance that can be had again.
mod chance;
/// The window, as long as it lives.
mod desktop;
/// Many accounts, and what must hold of them.
mod fleet;
/// How long a row runs, and what it has measured.
mod measure;
/// The agent's processes, and their sudden end.
mod processes;
/// Tokens asked for all the time.
mod pump;
/// What only the superuser may.
mod superuser;
/// strace.
mod tracer;

mod agents;
mod boundaries;
mod bridges;
mod callers;
mod disk;
mod keyring;
mod peers;
mod power;
mod scale;
mod soak;
