//! Keybearer's local sockets: one JSON object per line, from a caller that the kernel names.
//!
//! The server is asynchronous, the client blocks: the command asks one question and ends. Requirement ids
//! (`REQ-F1` …) are those of `docs/protocol.md`.

#![forbid(unsafe_code)]

/// The caller's side.
pub mod client;
/// One connection, pumped by one task.
mod conversation;
/// Lines and their limits.
pub mod frame;
/// Who calls, as the kernel tells.
pub mod peer;
/// A connection that has become a pipe.
pub mod pipe;
/// Where the sockets are.
pub mod place;
/// The agent's side.
pub mod server;
/// One connection as a state machine.
pub mod session;
/// Opening a socket, and reaching one.
pub mod socket;
