//! What became of one grant, so that a test can hold each account to its own number of refreshes.

use serde::Serialize;

/// The life of one grant so far: one account of one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The client that acts for it.
    pub client_id: String,
    /// Access tokens issued, the one of the sign-in included.
    pub issued: u64,
    /// Access tokens whose time is over.
    pub expired: u64,
    /// Access tokens that were presented at the MCP server while they were good.
    pub used: u64,
    /// MCP requests that one of them opened.
    pub accepted: u64,
    /// MCP requests for which one of them was no good any more.
    pub rejected: u64,
    /// Refresh tokens presented by the client, whatever became of that.
    pub refreshes: u64,
    /// Refreshes that brought new tokens.
    pub renewed: u64,
    /// Those of them that brought new tokens for a refresh token that was used before, within its grace.
    pub repeated: u64,
    /// Refresh tokens presented after they were used, which revoked the grant.
    pub reused: u64,
    /// The least age, in milliseconds, at which an access token was replaced by another.
    pub youngest_replaced: Option<u64>,
    /// Whether it is revoked.
    pub revoked: bool,
}
