//! The ways the practice server can misbehave, each one a thing some real server was seen to do or an attacker would.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// One fault mode; several can be active together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The token endpoint answers 500 to every refresh, and rotates nothing.
    #[value(name = "refresh-500")]
    #[serde(rename = "refresh-500")]
    Refresh500,
    /// The token endpoint answers `invalid_grant` to every refresh.
    RefreshInvalidGrant,
    /// A refresh is carried out, and then the connection is closed without an answer.
    RefreshDropsAnswer,
    /// A refresh is carried out, and then answered with 500.
    #[value(name = "refresh-500-after")]
    #[serde(rename = "refresh-500-after")]
    Refresh500After,
    /// A refresh is carried out, and then answered with 200 and a web page.
    RefreshHtmlAfter,
    /// A refresh is carried out, and the connection is closed in the middle of the answer, whose length says that more
    /// was to come.
    RefreshBreaksAnswer,
    /// A refresh is carried out, and the answer's JSON ends in the middle, whose length says that this was all.
    RefreshCutsJson,
    /// A refresh arrives twice, as by a proxy that asks again on its own; the client gets the second answer.
    RefreshArrivesTwice,
    /// A refresh brings fewer scopes than were granted, though nobody asked for fewer (RFC 6749 §5.1).
    RefreshNarrowsScope,
    /// A refresh answers without a refresh token; the one presented stays valid (RFC 6749 §6).
    RefreshOmitsRefreshToken,
    /// A refresh answers with the refresh token presented: a server that does not rotate.
    RefreshKeepsRefreshToken,
    /// The token endpoint does its work at once and answers two seconds later.
    SlowToken,
    /// The authorization response carries another issuer (RFC 9207 §2.4).
    WrongIss,
    /// The authorization response carries no issuer, though the metadata promise one.
    MissingIss,
    /// The authorization server metadata name another issuer (RFC 8414 §3.3).
    MetadataWrongIssuer,
    /// The protected resource metadata are a body of 50 MB.
    MetadataHuge,
    /// The protected resource metadata name another resource (RFC 9728 §3.3).
    ResourceMismatch,
    /// The authorization server metadata do not mention PKCE.
    NoPkceMetadata,
    /// There is no dynamic registration: not in the metadata, and 404 at the endpoint.
    NoRegistration,
    /// Registration demands the application type `native`.
    RequireNative,
    /// Registration refuses private-use schemes with `invalid_redirect_uri`.
    RefusePrivateUseScheme,
    /// Authorization requests have to be pushed (RFC 9126): no browser may bring one.
    PushedRequestsOnly,
    /// A loopback redirect URI must equal a registered one, port included.
    ExactPort,
    /// The authorization server metadata do not mention proofs (RFC 9449 §5.1).
    NoDpopMetadata,
    /// Every nonce in a proof is too old, also the one that was just given.
    NonceNeverFits,
    /// The token endpoint calls every token one that is bound to a key.
    TokenTypeDpop,
    /// The token endpoint calls every token one that whoever has it may use.
    TokenTypeBearer,
    /// The token endpoint answers 200 with a web page.
    TokenHtml,
    /// The device authorization says nothing of how often to ask, and the token endpoint answers `slow_down` to the first
    /// question about each device code.
    DeviceSlowDown,
    /// The token endpoint answers `expired_token` to every question about a device code.
    DeviceExpired,
    /// There is no device authorization.
    NoDevice,
    /// Registration demands a redirect address, also of a client that uses none.
    RequireRedirect,
    /// `expires_in` is a string of digits.
    ExpiresInString,
    /// `expires_in` is left out.
    NoExpiresIn,
    /// The MCP endpoint that requires a token answers 401 to every token.
    RejectTokens,
    /// The MCP endpoint that requires a token answers 503.
    Busy,
}
