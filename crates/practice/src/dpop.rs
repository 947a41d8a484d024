//! Proofs that a client holds the key of its tokens (RFC 9449), checked to the letter: signature, one use, request,
//! token, age and nonce.

use std::{
    collections::{HashMap, VecDeque},
    time::UNIX_EPOCH,
};

use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::ValueEnum;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::ThumbprintHash};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::{authorization_code::s256, random::unguessable};

/// How proofs must be signed.
pub const ALGORITHM: &str = "ES256";

/// The header that a proof comes in.
pub const PROOF: &str = "dpop";

/// The header that a nonce goes out in.
pub const NONCE: &str = "dpop-nonce";

/// Seconds that a proof may be older or newer than the server's clock.
const WINDOW: i64 = 300;

/// Nonces that are good at the same time.
const NONCES: usize = 100;

/// What a server demands of every token request and of every MCP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Demand {
    /// A proof.
    Proof,
    /// A proof with a nonce of the server in it, good once; every answer brings the next.
    Nonce,
}

/// What a proof must be for.
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The address, without a query.
    pub url: &'a str,
    /// The access token that comes along.
    pub access_token: Option<&'a str>,
}

/// Why a proof is refused; each text is the error description a client receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProofError {
    /// There must be exactly one header of it (RFC 9449 §4.3, 1).
    #[error("there is not exactly one DPoP header")]
    NotOne,
    /// It is no signed JWT of the right kind, with nothing but a public key in it.
    #[error("the proof is no dpop+jwt that is signed by ES256 with a public key in it")]
    Malformed,
    /// The signature is not of that key.
    #[error("the signature of the proof is not good")]
    Signature,
    /// It is for another request.
    #[error("the proof is for another request")]
    OtherRequest,
    /// It is for another token, or for none.
    #[error("the proof is for another access token")]
    OtherToken,
    /// It is too old, or from the future.
    #[error("the proof was not made now")]
    NotNow,
    /// It was presented before (RFC 9449 §11.1).
    #[error("the proof was used before")]
    Replayed,
    /// The nonce is missing, or not good any more.
    #[error("the proof lacks a nonce of this server")]
    Nonce,
}

/// The proofs that were presented, and the nonces for those to come.
pub struct Proofs {
    demand: Demand,
    /// When each was made, by its name, while it could be presented again.
    seen: HashMap<String, i64>,
    nonces: VecDeque<String>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: Option<String>,
    nonce: Option<String>,
}

impl Proofs {
    /// Nothing was presented yet.
    pub fn new(demand: Demand) -> Self {
        Self { demand, seen: HashMap::new(), nonces: VecDeque::new() }
    }

    /// The nonce for one more proof, if proofs need one.
    pub fn next_nonce(&mut self) -> Option<String> {
        if self.demand == Demand::Proof {
            return None;
        }
        let nonce = unguessable();
        self.nonces.push_front(nonce.clone());
        self.nonces.truncate(NONCES);
        Some(nonce)
    }

    /// The thumbprint of the key (RFC 7638) that signed the proof for this request (RFC 9449 §4.3).
    ///
    /// # Errors
    /// With the first thing that is not right. A good proof counts as used, also if only its nonce was not good.
    pub fn check(&mut self, headers: &HeaderMap, request: &Request<'_>, now: i64) -> Result<String, ProofError> {
        let mut values = headers.get_all(PROOF).iter();
        let (Some(proof), None) = (values.next(), values.next()) else { return Err(ProofError::NotOne) };
        let (thumbprint, claims) = verified(proof.as_bytes())?;
        if claims.htm != request.method || claims.htu != request.url {
            return Err(ProofError::OtherRequest);
        }
        if claims.ath != request.access_token.map(s256) {
            return Err(ProofError::OtherToken);
        }
        if (now - claims.iat).abs() > WINDOW {
            return Err(ProofError::NotNow);
        }
        self.seen.retain(|_, made_at| now - *made_at <= WINDOW);
        if self.seen.insert(claims.jti, claims.iat).is_some() {
            return Err(ProofError::Replayed);
        }
        if self.demand == Demand::Nonce {
            let known = self.nonces.iter().position(|nonce| Some(nonce) == claims.nonce.as_ref());
            self.nonces.remove(known.ok_or(ProofError::Nonce)?);
        }
        Ok(thumbprint)
    }
}

/// The thumbprint of the key in a proof, and what the proof says, if that very key signed it.
fn verified(proof: &[u8]) -> Result<(String, Claims), ProofError> {
    let header = decode_header(proof).map_err(|_| ProofError::Malformed)?;
    let jwk = header.jwk.filter(|_| header.typ.as_deref() == Some("dpop+jwt") && header.alg == Algorithm::ES256);
    let jwk = jwk.filter(|_| !holds_private_key(proof)).ok_or(ProofError::Malformed)?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| ProofError::Malformed)?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.required_spec_claims.clear();
    let claims = decode(proof, &key, &validation).map_err(|_| ProofError::Signature)?.claims;
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| ProofError::Malformed)?;
    Ok((thumbprint, claims))
}

/// Whether the key in a proof has more than a public half. Its type reads over that.
fn holds_private_key(proof: &[u8]) -> bool {
    let header = proof.split(|byte| *byte == b'.').next().unwrap_or_default();
    let header: Option<Value> =
        URL_SAFE_NO_PAD.decode(header).ok().and_then(|header| serde_json::from_slice(&header).ok());
    header.is_none_or(|header| !header["jwk"]["d"].is_null())
}

/// The server's clock, in seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "this crate knows nothing of keybearer_core, and proofs tell the time of day"
)]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use jsonwebtoken::{EncodingKey, Header, encode, jwk::Jwk};
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;
    /// Made for this test alone.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgz4HSAsClzZuk6nL6\n\
        1t8cQDKTCtZIQJRG9JAI6eRaYNihRANCAARmgHZmiUPXI/eMlJffoKt3ONx61D97\n\
        PNb4SJD4QAYeAZM2fcf8HGNjO8vUFi4exwgIP62Zcdm7AhkV6nlKv9o+\n\
        -----END PRIVATE KEY-----";

    fn request<'a>(access_token: Option<&'a str>) -> Request<'a> {
        Request { method: "POST", url: "http://127.0.0.1/mcp", access_token }
    }

    /// A good proof for a request with the token `t`, but for these changes of its header and its claims.
    fn proof(header_changes: &Value, claim_changes: &Value) -> HeaderMap {
        let key = EncodingKey::from_ec_pem(KEY.as_bytes()).expect("a key");
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a public key")).expect("JSON");
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        for (name, value) in header_changes.as_object().into_iter().flatten() {
            match name.as_str() {
                "typ" => header.typ = value.as_str().map(str::to_owned),
                field => jwk[field] = value.clone(),
            }
        }
        header.extras.insert("jwk", jwk);
        let mut claims =
            json!({ "jti": "1", "htm": "POST", "htu": "http://127.0.0.1/mcp", "iat": NOW, "ath": s256("t") });
        for (name, value) in claim_changes.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        let proof = encode(&header, &claims, &key).expect("a proof");
        HeaderMap::from_iter([(PROOF.parse().expect("a name"), HeaderValue::from_str(&proof).expect("a value"))])
    }

    fn check(headers: &HeaderMap) -> Result<String, ProofError> {
        Proofs::new(Demand::Proof).check(headers, &request(Some("t")), NOW)
    }

    #[test]
    fn a_proof_that_breaks_a_rule_is_refused() {
        let none = json!({});
        assert!(check(&proof(&none, &none)).is_ok());
        assert_eq!(check(&HeaderMap::new()), Err(ProofError::NotOne));
        let mut twice = proof(&none, &none);
        twice.append(PROOF, twice[PROOF].clone());
        assert_eq!(check(&twice), Err(ProofError::NotOne));
        assert_eq!(check(&proof(&json!({ "typ": "JWT" }), &none)), Err(ProofError::Malformed));
        assert_eq!(check(&proof(&json!({ "d": "x" }), &none)), Err(ProofError::Malformed));
        let mut forged = proof(&none, &none);
        let text = forged[PROOF].to_str().expect("text").to_owned();
        let (signed, signature) = text.rsplit_once('.').expect("three parts");
        let signature: String = signature.chars().rev().collect();
        forged.insert(PROOF, format!("{signed}.{signature}").parse().expect("a value"));
        assert_eq!(check(&forged), Err(ProofError::Signature));
        for (change, refusal) in [
            (json!({ "htm": "GET" }), ProofError::OtherRequest),
            (json!({ "htu": "http://127.0.0.1/mcp?x=1" }), ProofError::OtherRequest),
            (json!({ "ath": s256("another") }), ProofError::OtherToken),
            (json!({ "ath": null }), ProofError::OtherToken),
            (json!({ "iat": NOW - 301 }), ProofError::NotNow),
            (json!({ "iat": NOW + 301 }), ProofError::NotNow),
        ] {
            assert_eq!(check(&proof(&none, &change)), Err(refusal), "{change}");
        }
    }

    #[test]
    fn a_proof_and_a_nonce_are_good_once() {
        let mut proofs = Proofs::new(Demand::Nonce);
        let mut check = |jti: &str, nonce: Option<&str>| {
            let headers = proof(&json!({}), &json!({ "jti": jti, "nonce": nonce }));
            let checked = proofs.check(&headers, &request(Some("t")), NOW).map(drop);
            (checked, proofs.next_nonce().expect("a nonce"))
        };
        let (refused, nonce) = check("1", None);
        assert_eq!(refused, Err(ProofError::Nonce));
        assert_eq!(check("1", Some(&nonce)).0, Err(ProofError::Replayed));
        assert_eq!(check("2", Some(&nonce)).0, Ok(()));
        assert_eq!(check("3", Some(&nonce)).0, Err(ProofError::Nonce));
    }
}
