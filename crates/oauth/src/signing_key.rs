//! A private key that signs for a client: to say who it is (RFC 7523), or that it holds a token's key (RFC 9449).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::fmt;

/// A private key and the algorithm that it signs with (RFC 7518 §3.1).
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    algorithm: Algorithm,
}

/// Why a text is not a key that can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No such key is in it, or none that signs in a way that authorization servers know.
    #[error(
        "that is no private key that Keybearer can sign with: it wants PEM with an RSA key of 2048 bits or more, or \
         in PKCS#8 an EC key (P-256, P-384) or an Ed25519 key"
    )]
    Unusable,
}

impl SigningKey {
    /// Reads a key in PEM.
    pub fn from_pem(pem: &SecretString) -> Result<SigningKey, KeyError> {
        let pem = pem.expose_secret().as_bytes();
        let ec = EncodingKey::from_ec_pem(pem).ok();
        let candidates = [
            (ec.clone(), Algorithm::ES256),
            (ec, Algorithm::ES384),
            (EncodingKey::from_ed_pem(pem).ok(), Algorithm::EdDSA),
            (EncodingKey::from_rsa_pem(pem).ok(), Algorithm::RS256),
        ];
        let keys = candidates.into_iter().filter_map(|(key, algorithm)| Some(SigningKey { key: key?, algorithm }));
        // The curve and the size of a key show when it signs.
        keys.into_iter().find(|key| key.sign(key.header(), &json!({})).is_ok()).ok_or(KeyError::Unusable)
    }

    /// Makes a key on the curve P-256, in PEM.
    pub(crate) fn generate() -> Result<SecretString, KeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError::Unusable)?;
        let der = pair.to_pkcs8v1().map_err(|_| KeyError::Unusable)?;
        let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
        BASE64_STANDARD.encode_string(der.as_ref(), &mut pem);
        pem.push_str("\n-----END PRIVATE KEY-----\n");
        Ok(pem.into())
    }

    /// The public half, as others see it (RFC 7517).
    pub(crate) fn public(&self) -> Result<Jwk, KeyError> {
        Jwk::from_encoding_key(&self.key, self.algorithm).map_err(|_| KeyError::Unusable)
    }

    /// The head of what it signs.
    pub(crate) fn header(&self) -> Header {
        Header::new(self.algorithm)
    }

    /// A signed JWT (RFC 7519, RFC 7515 §7.1).
    pub(crate) fn sign(&self, header: Header, claims: &Value) -> Result<SecretString, KeyError> {
        encode(&header, claims, &self.key).map(SecretString::from).map_err(|_| KeyError::Unusable)
    }
}

/// A name for one signed JWT that no other has (`jti`).
pub(crate) fn unique() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("an operating system without chance can't keep secrets either");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.algorithm).finish()
    }
}
