//! What the practice server counted, so that a test can say how often the product asked.

use serde::Serialize;

/// Requests are counted when they arrive, whatever becomes of them, unless the field says otherwise.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Counters {
    /// Clients registered.
    pub registrations: u64,
    /// Authorization requests that were pushed and taken.
    pub pushed_requests: u64,
    /// Requests at the authorization endpoint.
    pub authorizations: u64,
    /// Token requests with the grant type `authorization_code`.
    pub code_exchanges: u64,
    /// Token requests with the grant type `refresh_token`.
    pub refreshes: u64,
    /// Refreshes that were carried out, even where a fault then lost the answer.
    pub refreshes_ok: u64,
    /// Refresh tokens presented after they were used, each of which revoked its grant.
    pub reuse_detected: u64,
    /// Answers of the token endpoint that are on their way to the client at this moment.
    pub answers_under_way: u64,
    /// Requests at the device authorization endpoint.
    pub device_authorizations: u64,
    /// Token requests with the grant type of a device code.
    pub device_polls: u64,
    /// Requests at the revocation endpoint.
    pub revocations: u64,
    /// Proofs that were good, at any endpoint.
    pub proofs: u64,
    /// Good proofs but for the nonce.
    pub nonces_demanded: u64,
    /// MCP requests with a valid token.
    pub mcp_accepted: u64,
    /// MCP requests with a token that was not valid on arrival.
    pub mcp_rejected: u64,
    /// MCP requests without a token, at the endpoint that requires one.
    pub mcp_without_token: u64,
}
