//! Authorization codes: what each is bound to, and what a client must present with it (RFC 6749 §4.1.3, RFC 7636).

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::{authorization::Authorization, grant_error::GrantError};

/// RFC 6749 §4.1.2 allows ten minutes; a browser on the same machine needs seconds.
const LIFETIME: Duration = Duration::from_secs(60);

/// What stands behind one code.
pub struct AuthorizationCode {
    /// What the person allowed.
    pub authorization: Authorization,
    /// The grant it was exchanged for, once it was.
    pub spent_on: Option<usize>,
    binding: Binding,
    expires_at: Instant,
}

/// What a code is bound to.
pub struct Binding {
    /// Where it is sent.
    pub redirect_uri: String,
    /// The S256 code challenge.
    pub code_challenge: String,
    /// The thumbprint of the client's key, if the client named one (RFC 9449 §10).
    pub key: Option<String>,
}

/// What a client presents with a code.
pub struct Redemption<'a> {
    /// The client that presents it.
    pub client_id: &'a str,
    /// Must be the one of the authorization request (RFC 6749 §4.1.3).
    pub redirect_uri: &'a str,
    /// Must hash to the code challenge (RFC 7636 §4.6).
    pub code_verifier: &'a str,
    /// The thumbprint of the key that the client has proven to hold.
    pub key: Option<&'a str>,
}

impl AuthorizationCode {
    /// A code issued at `now`.
    pub fn new(authorization: Authorization, binding: Binding, now: Instant) -> Self {
        Self { authorization, spent_on: None, binding, expires_at: now + LIFETIME }
    }

    /// Whether this client may have tokens for it.
    ///
    /// # Errors
    /// With the first thing that does not fit.
    pub fn check(&self, redemption: &Redemption<'_>, now: Instant) -> Result<(), GrantError> {
        if self.authorization.client_id != redemption.client_id {
            Err(GrantError::OtherClient)
        } else if now >= self.expires_at {
            Err(GrantError::CodeExpired)
        } else if self.binding.redirect_uri != redemption.redirect_uri {
            Err(GrantError::OtherRedirect)
        } else if self.binding.code_challenge != s256(redemption.code_verifier) {
            Err(GrantError::WrongVerifier)
        } else if self.binding.key.as_deref() != redemption.key {
            Err(GrantError::OtherKey)
        } else {
            Ok(())
        }
    }
}

/// The code challenge that belongs to a code verifier (RFC 7636 §4.2).
pub fn s256(code_verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(code_verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_of_the_rfc() {
        // RFC 7636 Appendix B
        let challenge = s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
