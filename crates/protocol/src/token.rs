//! Tokens and headers for programs. Only these replies carry an access token; none carries a refresh token.

use crate::method::method;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

method!(
    /// A fresh access token.
    TokenGet, "token.get", [Programs, Restricted], TokenGetParams => TokenReply
);
method!(
    /// The headers that a request to the server needs.
    HeaderGet, "header.get", [Programs, Restricted], HeaderGetParams => HeaderReply
);
method!(
    /// Reports that a server refused a token. Acts only if `generation` is the current one, and opens no browser.
    TokenInvalidate, "token.invalidate", [Programs, Restricted], TokenInvalidateParams => TokenInvalidateReply
);

/// The seconds a token must still be good for, unless the caller says otherwise.
pub const DEFAULT_MIN_TTL: u32 = 60;

/// Parameters of `token.get`: `profile` or `server_url`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenGetParams {
    /// The profile's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Or the server's address, where one profile has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_url: Option<String>,
    /// Scopes that the token must cover.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Seconds it must still be good for; at most half its lifetime counts.
    #[serde(default = "default_min_ttl")]
    pub min_ttl: u32,
    /// Refresh even if the token looks good.
    #[serde(default)]
    pub force: bool,
    /// Whether the user may be asked for consent; a prompt is never shown for `false`.
    #[serde(default = "yes")]
    pub interactive: bool,
    /// Whether to wait for the user's answer. For `false` the question is shown, and `consent_required` comes at once.
    #[serde(default = "yes")]
    pub wait: bool,
    /// Why the caller asks, in its own words: untrusted, bounded, and shown in quotes in the record of activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl TokenGetParams {
    /// The plain question for the token of `target`: a profile's name, or a server's URL.
    pub fn of(target: &str) -> Self {
        let is_url = target.contains("://");
        TokenGetParams {
            profile: (!is_url).then(|| target.to_owned()),
            server_url: is_url.then(|| target.to_owned()),
            scopes: Vec::new(),
            min_ttl: DEFAULT_MIN_TTL,
            force: false,
            interactive: true,
            wait: true,
            reason: None,
        }
    }
}

/// An access token with what a caller must know of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenReply {
    /// The secret itself.
    #[serde(serialize_with = "crate::secret::expose")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub access_token: SecretString,
    /// `Bearer`.
    pub token_type: String,
    /// When it ends, where the server said so.
    pub expires_at: Option<Timestamp>,
    /// What it covers.
    pub scopes: Vec<String>,
    /// The protected resource that it is for.
    pub resource: Option<String>,
    /// The profile that it belongs to.
    pub profile: String,
    /// Its number, for `token.invalidate`.
    pub generation: u32,
    /// Whether it was at hand, without asking the authorization server.
    pub from_cache: bool,
    /// What else the authorization server said with it, such as an address to use it at: text as it is, all else as JSON.
    #[serde(default, serialize_with = "crate::secret::expose_map", skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub extra: BTreeMap<String, SecretString>,
}

/// Parameters of `header.get`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeaderGetParams {
    /// The address of the request to be made; must be covered by the profile's resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The profile's name, where the address is not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The method of that request, such as `POST`. An account whose tokens are bound to a key (RFC 9449) needs both: the
    /// headers are then good for this one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// As in [`TokenGetParams::scopes`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The nonce that the server wants in the proof: the `DPoP-Nonce` header of its 401. Later proofs carry it as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// As in [`TokenGetParams::min_ttl`].
    #[serde(default = "default_min_ttl")]
    pub min_ttl: u32,
    /// As in [`TokenGetParams::interactive`].
    #[serde(default = "yes")]
    pub interactive: bool,
    /// As in [`TokenGetParams::wait`].
    #[serde(default = "yes")]
    pub wait: bool,
    /// As in [`TokenGetParams::reason`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For callers that can't say it with [`TokenInvalidate`]: asking again between two seconds and a minute after the same
    /// was given to the same running program means that the server refused it. Believed once in ten minutes.
    #[serde(default)]
    pub repeat_means_refused: bool,
}

/// Headers ready to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeaderReply {
    /// Name to value; empty for a server that needs no sign-in.
    #[serde(serialize_with = "crate::secret::expose_map")]
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub headers: BTreeMap<String, SecretString>,
    /// When they stop working, where that is known.
    pub expires_at: Option<Timestamp>,
    /// The profile that they belong to.
    pub profile: String,
    /// As in [`TokenReply::generation`]; none where no token is issued.
    pub generation: Option<u32>,
}

/// Parameters of `token.invalidate`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenInvalidateParams {
    /// The profile's name.
    pub profile: String,
    /// The number that came with the refused token.
    pub generation: u32,
    /// What the server said.
    pub reason: RefusalReason,
    /// The challenge, as it came (RFC 9110 §11.6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub www_authenticate: Option<String>,
}

/// Why a server refused a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RefusalReason {
    /// 401: expired, revoked, or never good.
    #[serde(rename = "401")]
    Unauthorized,
    /// 403 with `insufficient_scope` (RFC 6750 §3.1).
    #[serde(rename = "insufficient_scope")]
    InsufficientScope,
}

/// The reply to `token.invalidate`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenInvalidateReply {
    /// The generation to ask for next: the current one, or the one that a refresh will make.
    pub generation: u32,
    /// The scopes that the server wants, to ask for a token that covers them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

fn default_min_ttl() -> u32 {
    DEFAULT_MIN_TTL
}

pub(crate) fn yes() -> bool {
    true
}
