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

/// What an RSA key can sign with; the first is what every server knows.
const RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::RS384, Algorithm::PS384, Algorithm::RS512, Algorithm::PS512];

/// Why a text is not a key that can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A password protects it.
    #[error(
        "a password protects that private key, and Keybearer can't ask for it: \
         openssl pkcs8 -topk8 -nocrypt -in key.pem writes it without one"
    )]
    Encrypted,
    /// It is an EC key in the form of SEC 1.
    #[error("that EC key is not in PKCS#8: openssl pkcs8 -topk8 -nocrypt -in key.pem converts it")]
    NotPkcs8,
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
        let text = pem.expose_secret();
        if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        if text.contains("-----BEGIN EC PRIVATE KEY-----") {
            return Err(KeyError::NotPkcs8);
        }
        let pem = text.as_bytes();
        let ec = EncodingKey::from_ec_pem(pem).ok();
        let candidates = [
            (ec.clone(), Algorithm::ES256),
            (ec, Algorithm::ES384),
            (EncodingKey::from_ed_pem(pem).ok(), Algorithm::EdDSA),
            (EncodingKey::from_rsa_pem(pem).ok(), RSA[0]),
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

    /// The key, signing with the first of its algorithms that is among these.
    pub fn among(self, accepted: &[String]) -> Option<SigningKey> {
        let own = if RSA.contains(&self.algorithm) { RSA.as_slice() } else { std::slice::from_ref(&self.algorithm) };
        let is_accepted = |algorithm: &&Algorithm| accepted.iter().any(|name| name.parse() == Ok(**algorithm));
        let algorithm = *own.iter().find(is_accepted)?;
        Some(SigningKey { algorithm, ..self })
    }

    /// The name of its algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
    pub fn algorithm(&self) -> String {
        format!("{:?}", self.algorithm)
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
