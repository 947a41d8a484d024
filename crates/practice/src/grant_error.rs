//! Why a code or a refresh token was refused.

use thiserror::Error;

/// The reasons, each of whose texts is the error description a client receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GrantError {
    /// Never issued here.
    #[error("unknown code or refresh token")]
    Unknown,
    /// Issued to another client.
    #[error("issued to another client")]
    OtherClient,
    /// The code was used before; what it was exchanged for is now revoked (RFC 6749 §4.1.2).
    #[error("the code was used before, so its tokens are revoked")]
    CodeUsed,
    /// The code is too old.
    #[error("the code has expired")]
    CodeExpired,
    /// Not the redirect URI the code was sent to.
    #[error("the redirect_uri is not the one of the authorization request")]
    OtherRedirect,
    /// The code verifier does not belong to the code challenge.
    #[error("the code_verifier does not match")]
    WrongVerifier,
    /// The client has not proven to hold the key that it is bound to (RFC 9449 §5, §10).
    #[error("issued to the holder of another key")]
    OtherKey,
    /// The refresh token was used before; its grant is now revoked (RFC 9700 §4.14.2).
    #[error("the refresh token was used before, so its grant is revoked")]
    Reused,
    /// The grant was revoked earlier.
    #[error("the grant is revoked")]
    Revoked,
    /// More scopes than were granted.
    #[error("the scope exceeds what was granted")]
    ScopeExceeded,
}
