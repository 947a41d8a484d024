//! What is asked of an authorization server: the same from the first request to the tokens, whoever agrees to it, and where.

use crate::registration::Registration;
use serde::{Deserialize, Serialize};
use url::Url;

/// What is asked for, of whom, and as whom. A caller keeps it in a vault while somebody is to agree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The authorization server, by its name in validated metadata (`AUTHZ-15`).
    pub issuer: String,
    /// The client that asks.
    pub registration: Registration,
    /// The protected resource, as published (RFC 8707, `AUTHZ-6`).
    pub resource: String,
    /// Whether no request names it, where the user says that the server can't bear it.
    #[serde(default)]
    pub omits_resource: bool,
    /// The scopes.
    pub scopes: Vec<String>,
    /// Where whatever is granted becomes tokens.
    pub token_endpoint: Url,
}

impl Asked {
    /// The resource as it is sent, in one request like in the other (`TOK-2`).
    pub fn sent_resource(&self) -> Option<&str> {
        Some(self.resource.as_str()).filter(|_| !self.omits_resource)
    }
}
