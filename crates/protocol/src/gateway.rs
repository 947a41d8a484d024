//! The gateway: addresses on this machine that lead MCP clients to an account's server, for clients that can't ask for a
//! token. Each client has a key of its own, which is shown once, to whoever writes the client's configuration.

use crate::method::{Empty, method};
use crate::secret::expose;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

method!(
    /// How the gateway stands.
    GatewayStatus, "gateway.status", [Admin], Empty => GatewayView
);
method!(
    /// Makes a key with which one client may use one account, and opens the gateway. Once a desktop has registered, for its
    /// connection alone.
    GatewayAddKey, "gateway.add_key", [Admin], GatewayAddKeyParams => GatewayKeyReply
);

/// How the gateway stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GatewayView {
    /// What all its addresses begin with, such as `http://127.0.0.1:47831`; absent as long as no port was ever chosen.
    pub url: Option<String>,
    /// Whether it listens there. It does as long as there is a key.
    pub open: bool,
    /// Why it doesn't although there is a key.
    pub problem: Option<String>,
    /// The socket that leads there without a key, for clients that can use one; a program is asked about there.
    pub socket: Option<String>,
    /// How many keys there are.
    pub keys: u32,
}

/// Parameters of `gateway.add_key`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GatewayAddKeyParams {
    /// The profile's name, or the URL of its server where only one profile has it.
    pub profile: String,
    /// What the client is called where its key is listed, such as `Cursor`.
    pub client: String,
}

/// The reply to `gateway.add_key`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GatewayKeyReply {
    /// Names the key where it is listed and taken back (`grant.list`, `grant.revoke`).
    pub grant: String,
    /// The account.
    pub profile: String,
    /// The account's address at the gateway.
    pub url: String,
    /// The header in which the client sends the key; `Authorization: Bearer` does as well.
    pub header: String,
    /// The key. It is in no other reply, and kept nowhere.
    #[serde(serialize_with = "expose")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub key: SecretString,
}
