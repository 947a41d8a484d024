//! Speaks MCP to servers, with the account's token added.

#![forbid(unsafe_code)]

/// What messages may hold of the agent's memory together.
mod budget;
/// The messages of an event stream (`text/event-stream`).
mod events;
/// One request to a server, with what authorizes it.
mod exchange;
/// Where a server of the old transport takes messages.
mod endpoint;
/// Carries a program's requests to the server of an account.
pub mod relay;
/// The MCP of stdio, carried to a server over HTTP.
pub mod stdio;
/// The gateway over HTTP.
pub mod http;
/// One MCP request to a server, from handshake to answer.
pub mod upstream;
