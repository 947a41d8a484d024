//! A plain MCP client for the official conformance suite: it knows nothing of OAuth, and asks a Keybearer of its own for
//! tokens, as every program does. The last argument is the server's address.
//!
//! It also plays the person and the browser, so that a sign-in needs neither.

#![forbid(unsafe_code)]

/// The Keybearer that it asks.
#[cfg(unix)]
mod keybearer;
/// MCP, before and since the revision of 2026-07-28.
#[cfg(unix)]
mod mcp;
/// A visit to the suite's server.
#[cfg(unix)]
mod visit;

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    visit::run()
}

/// Elsewhere there is no session to run in.
#[cfg(not(unix))]
fn main() {}
