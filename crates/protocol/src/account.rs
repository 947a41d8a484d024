//! One account: sign-out, refresh, a real test of it. Behind the admin door; no reply carries a token.

use crate::method::method;
use crate::profile::{AccountView, ProfileName};
use serde::{Deserialize, Serialize};

method!(
    /// Deletes the tokens here, then revokes them at the authorization server (RFC 7009).
    AccountSignOut, "account.sign_out", [Admin], ProfileName => SignOutReply
);
method!(
    /// Makes a real `tools/list` with the account's token.
    AccountTest, "account.test", [Admin], ProfileName => TestReply
);
method!(
    /// Refreshes now, whatever the token's age.
    AccountRefresh, "account.refresh", [Admin], ProfileName => AccountView
);

/// The reply to `account.sign_out`. The tokens are deleted in any case.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SignOutReply {
    /// Whether the authorization server took the tokens back, so that they can't be renewed any more.
    pub revoked: bool,
    /// Why it did not, or which it could not.
    pub not_revoked_because: Option<String>,
}

/// The reply to `account.test`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TestReply {
    /// The number of tools that the server offers.
    pub tools: u32,
    /// Their names, the first hundred.
    pub names: Vec<String>,
    /// The MCP revision that was spoken.
    pub protocol: String,
    /// The server's own name and version.
    pub server: String,
}
