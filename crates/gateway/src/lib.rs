//! Speaks MCP to servers, with the account's token added.

#![forbid(unsafe_code)]

/// The messages of an event stream (`text/event-stream`).
mod events;
/// One MCP request to a server, from handshake to answer.
pub mod upstream;
