//! A connection that becomes a pipe to an account's server: the MCP of stdio goes in and out, and the agent adds what
//! authorizes it.

use crate::method::method;
use serde::{Deserialize, Serialize};

method!(
    /// Opens the pipe: behind the answer, nothing but MCP messages goes over this connection, a line each.
    BridgeOpen, "bridge.open", [Programs], BridgeOpenParams => BridgeOpenReply
);

/// Parameters of `bridge.open`: `profile` or `server_url`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BridgeOpenParams {
    /// The account's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Or its server's address, where one account has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_url: Option<String>,
    /// Whether the user may be asked for consent; the answer is waited for.
    #[serde(default = "crate::token::yes")]
    pub interactive: bool,
}

impl BridgeOpenParams {
    /// A pipe to `target`: an account's name, or a server's address.
    pub fn of(target: &str) -> Self {
        let is_url = target.contains("://");
        BridgeOpenParams {
            profile: (!is_url).then(|| target.to_owned()),
            server_url: is_url.then(|| target.to_owned()),
            interactive: true,
        }
    }
}

/// The reply to `bridge.open`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BridgeOpenReply {
    /// The account's name.
    pub profile: String,
    /// Its server.
    pub server_url: String,
}
