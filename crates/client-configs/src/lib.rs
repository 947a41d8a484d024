//! How each MCP client keeps its servers: what stands in its files, and how an entry is written there and taken back.
//!
//! A pure library over the user's files: it knows no other crate of ours, opens no connection and starts nothing.
//!
//! ```text
//! Places → scan → merge → (the caller imports)
//!            └──→ preview → apply → undo
//! ```
//!
//! Files are read whole and bounded, and edited where the change is: comments, order, indentation and line ends stay.
//! Values of headers and environment variables are never kept, shown or logged: only their names are.

#![forbid(unsafe_code)]

/// Where programs keep their files, on each system.
pub mod places;
/// What a file says, with the place of each word; the same for all formats.
mod tree;
/// JSON with comments, TOML and YAML: read, and edited with all else kept.
mod formats;
/// The clients: where their files lie, how to see that they are installed, which ways they can take.
pub mod client;
/// When a client takes note of what was written.
mod effect;
/// What can go wrong, with a stable code for each.
pub mod error;
/// Files of the user: read if they are the user's own, replaced whole.
mod own_file;
/// What looks like a secret, and what is shown in its place.
mod secret;
/// How an entry of ours is said in each client's own words.
pub mod connection;
/// An entry as Keybearer understands it.
pub mod entry;
/// Every entry of every client.
pub mod scan;
/// The same server, found several times.
pub mod merge;
/// Two states of a file side by side, without their secrets.
mod diff;
/// What would be written, before it is.
pub mod preview;
/// What was written, so that it can be taken back after a restart.
pub mod receipt;
/// Writes what was previewed.
pub mod apply;
/// Takes back what was written.
pub mod undo;

pub use apply::apply;
pub use client::{Client, Way};
pub use connection::Connection;
pub use entry::{Found, Ours, PlainText, Scope, Target, Transport};
pub use error::Error;
pub use merge::{Candidate, merge};
pub use places::{Places, System};
pub use preview::{Preview, Server, preview};
pub use receipt::Receipt;
pub use scan::{Scan, scan};
pub use undo::{Undone, undo};
