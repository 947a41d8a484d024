//! One account: sign-out, refresh, a real test of it. Behind the admin door; one reply carries a token,
//! for the clipboard.

use crate::method::{Empty, method};
use crate::profile::{AccountView, ProfileName};
use crate::settings::Approval;
use secrecy::SecretString;
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

method!(
    /// Lists the server's tools, with the account's token.
    AccountTools, "account.tools", [Admin], ProfileName => ToolsReply
);
method!(
    /// Gives the access token to the desktop, for the clipboard: a person asked for it. Only on the prompter's connection,
    /// and the one method behind the admin door that gives a token.
    AccountCopyToken, "account.copy_token", [Admin], ProfileName => CopiedToken
);
method!(
    /// Chooses for one account who gets its tokens without being asked about. To ask less only on the prompter's connection
    /// once a desktop has registered.
    AccountApproval, "account.approval", [Admin], AccountApprovalParams => Empty
);

/// Parameters of `account.approval`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountApprovalParams {
    /// The profile's name.
    pub profile: String,
    /// Who gets its tokens without being asked about; absent means what the settings say for all accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// The reply to `account.tools`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ToolsReply {
    /// In the server's order, as many as fit.
    pub tools: Vec<ToolView>,
    /// Whether there are more than that.
    pub more: bool,
}

/// A tool of a server, in the server's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ToolView {
    /// Its name.
    pub name: String,
    /// What people call it, where the server says.
    pub title: Option<String>,
}

/// The reply to `account.copy_token`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CopiedToken {
    /// The secret itself.
    #[serde(serialize_with = "crate::secret::expose")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub access_token: SecretString,
}

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
