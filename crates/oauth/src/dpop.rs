//! Tokens that are bound to a key, and the proofs that go with them (RFC 9449): each request proves anew that its sender
//! holds the key, so a stolen token opens nothing.

use crate::challenge::Challenge;
use crate::resource_metadata::ResourceMetadata;
use crate::secret::expose;
use crate::server_metadata::ServerMetadata;
use crate::server_url::without_query;
use crate::signing_key::{KeyError, SigningKey, unique};
use ::http::{HeaderMap, Response, header};
use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use jsonwebtoken::jwk::{CommonParameters, Jwk, ThumbprintHash};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use url::{Origin, Url};

/// The scheme of challenges and of the `Authorization` header (RFC 9449 §7.1).
pub const SCHEME: &str = "DPoP";
/// The header that a proof travels in (RFC 9449 §4.1).
pub const PROOF: &str = "dpop";
/// The header that a server's nonce travels in (RFC 9449 §8.1).
const NONCE: &str = "dpop-nonce";
/// What a server answers that misses its nonce (RFC 9449 §8, §9).
const USE_NONCE: &str = "use_dpop_nonce";
/// What a server answers that doesn't take a proof (RFC 9449 §7.1).
const INVALID_PROOF: &str = "invalid_dpop_proof";
/// How our proofs are signed: what every server is likely to know (RFC 9449 §5.1).
const ALGORITHM: &str = "ES256";
/// Servers whose nonces are remembered, the latest ones: an MCP server and its authorization server are two.
const ORIGINS: usize = 8;
/// The most that a nonce may hold, in bytes.
const NONCE_LIMIT: usize = 1024;

/// Why tokens can't be bound although they must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// It takes no proofs that are signed as ours are, or none at all.
    #[error(
        "the server takes only tokens that are bound to a key (DPoP), but {0} doesn't say that it knows ES256 for that"
    )]
    Unsupported(String),
}

/// Whether the server takes only tokens that are bound to a key: its metadata say so, or it asks for no others
/// (`DPOP-1`). Nothing is bound without need: most programs know a bare token alone, and can't use such.
pub fn is_demanded(
    server: &ServerMetadata,
    resource: Option<&ResourceMetadata>,
    challenge: Option<&Challenge>,
) -> Result<bool, DpopError> {
    let says_so = resource.and_then(|resource| resource.dpop_bound_access_tokens_required) == Some(true);
    if !says_so && !challenge.is_some_and(|challenge| challenge.is_scheme(SCHEME)) {
        return Ok(false);
    }
    let knows_ours = |algorithms: &Vec<String>| algorithms.iter().any(|algorithm| algorithm == ALGORITHM);
    if !server.dpop_signing_alg_values_supported.as_ref().is_some_and(knows_ours) {
        return Err(DpopError::Unsupported(server.issuer.clone()));
    }
    match resource {
        Some(resource) if !resource.dpop_signing_alg_values_supported.as_ref().is_none_or(knows_ours) => {
            Err(DpopError::Unsupported(resource.resource.clone()))
        }
        Some(_) | None => Ok(true),
    }
}

/// The private key that tokens are bound to. Only whoever made it has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DpopKey(#[serde(serialize_with = "expose")] SecretString);

impl DpopKey {
    /// Makes a key.
    pub fn generate() -> Result<DpopKey, KeyError> {
        SigningKey::generate().map(DpopKey)
    }

    /// What names the key and doesn't tell it (RFC 7638), for `dpop_jkt`.
    pub fn thumbprint(&self) -> Result<String, KeyError> {
        let public = SigningKey::from_pem(&self.0)?.public()?;
        public.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError::Unusable)
    }
}

/// Makes proofs that the holder of a token holds its key, with the nonces that servers want in them.
#[derive(Clone, Debug)]
pub struct Prover {
    /// The key.
    pub key: DpopKey,
    /// What servers gave.
    pub nonces: Nonces,
}

impl Prover {
    /// A proof for one request at this time, in seconds since 1970; with a token if one goes along (RFC 9449 §4.2).
    pub fn prove(
        &self,
        method: &str,
        url: &Url,
        token: Option<&SecretString>,
        now: i64,
    ) -> Result<SecretString, KeyError> {
        let key = SigningKey::from_pem(&self.key.0)?;
        let mut header = key.header();
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(Jwk { common: CommonParameters::default(), ..key.public()? });
        let mut claims = json!({ "jti": unique(), "htm": method, "htu": without_query(url), "iat": now });
        if let Some(token) = token {
            let hash = digest(&SHA256, token.expose_secret().as_bytes());
            claims["ath"] = BASE64_URL_SAFE_NO_PAD.encode(hash).into();
        }
        if let Some(nonce) = self.nonces.of(url) {
            claims["nonce"] = nonce.into();
        }
        key.sign(header, &claims)
    }
}

/// The nonces that servers want in the next proof, each server's last one (RFC 9449 §8.2). In memory, shared by clones.
#[derive(Clone, Debug, Default)]
pub struct Nonces(Arc<Mutex<VecDeque<(Origin, String)>>>);

impl Nonces {
    /// Remembers what an answer from this address brought, if it brought one.
    pub fn learn(&self, url: &Url, answer: &HeaderMap) {
        if let Some(nonce) = answer.get(NONCE).and_then(|value| value.to_str().ok()) {
            self.remember(url, nonce);
        }
    }

    /// Remembers a nonce of the server at this address. Whether it can be one (RFC 9449 §8.1).
    pub fn remember(&self, url: &Url, nonce: &str) -> bool {
        let is_nonce = |c: u8| c.is_ascii_graphic() && c != b'"' && c != b'\\';
        if nonce.is_empty() || nonce.len() > NONCE_LIMIT || !nonce.bytes().all(is_nonce) {
            return false;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(origin, _)| *origin != url.origin());
        known.push_front((url.origin(), nonce.to_owned()));
        known.truncate(ORIGINS);
        true
    }

    /// What the server at this address wants in the next proof, if it has said so.
    pub fn of(&self, url: &Url) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(origin, _)| *origin == url.origin()).map(|(_, nonce)| nonce.clone())
    }
}

/// Whether an authorization server refuses a request for lack of its nonce, and brings one (RFC 9449 §8).
pub fn is_nonce_wanted(answer: &Response<Vec<u8>>) -> bool {
    let refusal = serde_json::from_slice(answer.body());
    answer.status().is_client_error()
        && answer.headers().contains_key(NONCE)
        && refusal.is_ok_and(|Refusal { error }| error == USE_NONCE)
}

/// Whether a protected resource does so with a 401 (RFC 9449 §9).
pub fn is_nonce_challenged(answer: &HeaderMap) -> bool {
    let lines = answer.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|line| line.to_str().ok());
    let wants = |challenge: &Challenge| challenge.is_scheme(SCHEME) && challenge.error() == Some(USE_NONCE);
    answer.contains_key(NONCE) && Challenge::parse_all(lines).iter().any(wants)
}

/// Whether a challenge is about the proof: then the token may be good, and another would fare no better.
pub fn is_about_proof(challenge: &Challenge) -> bool {
    challenge.is_scheme(SCHEME) && matches!(challenge.error(), Some(USE_NONCE | INVALID_PROOF))
}

/// The answer of RFC 6749 §5.2, as far as we use it.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// What of an address a proof is for: all up to the query.
#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
    use serde_json::Value;
    use std::collections::{BTreeSet, HashSet};

    const NOW: i64 = 1_800_000_000;

    fn prover() -> Prover {
        Prover { key: DpopKey::generate().expect("a key"), nonces: Nonces::default() }
    }

    fn url(text: &str) -> Url {
        text.parse().expect("an address")
    }

    /// Verifies a proof as a server does, with the key in it; gives its header and claims.
    fn verified(proof: &SecretString) -> (Header, Value) {
        let proof = proof.expose_secret();
        let header = decode_header(proof).expect("a header");
        let mut validation = Validation::new(Algorithm::ES256);
        (validation.required_spec_claims, validation.validate_exp) = (HashSet::new(), false);
        let key = DecodingKey::from_jwk(header.jwk.as_ref().expect("a key")).expect("a public key");
        (header, decode(proof, &key, &validation).expect("a good signature").claims)
    }

    #[test]
    fn a_proof_verifies_with_the_key_in_it_and_is_for_one_request_and_token() {
        let prover = prover();
        let token = SecretString::from("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
        let at = url("https://mcp.example:8443/mcp?session=1#end");
        let (header, claims) = verified(&prover.prove("DELETE", &at, Some(&token), NOW).expect("a proof"));
        assert_eq!((header.typ.as_deref(), header.alg), (Some("dpop+jwt"), Algorithm::ES256));
        let jwk = serde_json::to_value(&header.jwk).expect("JSON");
        let members: BTreeSet<&str> = jwk.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(members, BTreeSet::from(["crv", "kty", "x", "y"]), "the public half and nothing else");
        let named = header.jwk.expect("a key").thumbprint(ThumbprintHash::SHA256).expect("a thumbprint");
        assert_eq!(named, prover.key.thumbprint().expect("a thumbprint"));
        // The hash of RFC 9449 §7.1 for that token.
        let expected = json!({
            "jti": claims["jti"], "htm": "DELETE", "htu": "https://mcp.example:8443/mcp", "iat": NOW,
            "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
        });
        assert_eq!(claims, expected);
        assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() == 22), "96 bits and more (RFC 9449 §4.2)");
    }

    #[test]
    fn no_two_proofs_are_the_same_and_no_two_keys() {
        let (prover, at) = (prover(), url("https://as.example/token"));
        let prove = || verified(&prover.prove("POST", &at, None, NOW).expect("a proof")).1;
        let (one, other) = (prove(), prove());
        assert_ne!(one["jti"], other["jti"]);
        assert_eq!((one.get("ath"), one.get("nonce")), (None, None));
        assert_ne!(prover.key.thumbprint(), DpopKey::generate().expect("a key").thumbprint());
    }

    #[test]
    fn a_nonce_is_for_its_server_alone_and_the_last_one_counts() {
        let prover = prover();
        let nonce =
            |at: &str| verified(&prover.prove("POST", &url(at), None, NOW).expect("a proof")).1["nonce"].clone();
        let answer = |nonce: &'static str| {
            HeaderMap::from_iter([(NONCE.parse().expect("a name"), nonce.parse().expect("a value"))])
        };
        prover.nonces.learn(&url("https://as.example/token"), &answer("first"));
        prover.nonces.learn(&url("https://as.example/other"), &answer("second"));
        prover.nonces.learn(&url("https://as.example/token"), &HeaderMap::new());
        prover.nonces.learn(&url("https://as.example/token"), &answer("not one"));
        assert_eq!(nonce("https://as.example/par"), "second");
        for other in ["https://mcp.example/token", "https://as.example:8443/token", "http://as.example/token"] {
            assert_eq!(nonce(other), Value::Null, "{other}");
        }
        assert!(!prover.nonces.remember(&url("https://as.example"), &"n".repeat(NONCE_LIMIT + 1)));
        for number in 0..ORIGINS {
            assert!(prover.nonces.remember(&url(&format!("https://{number}.example")), "n"));
        }
        assert_eq!((nonce("https://as.example/token"), nonce("https://0.example")), (Value::Null, "n".into()));
    }

    #[test]
    fn tokens_are_bound_where_nothing_else_is_taken_and_only_there() {
        let metadata = |resource: Value| serde_json::from_value(resource).expect("metadata");
        let challenge = |line: &str| Challenge::for_token([line]);
        let check = |resource: Option<Value>, line: &str, algorithms: &[&str]| {
            let server = json!({
                "issuer": "https://as.example", "authorization_endpoint": "https://as.example/authorize",
                "token_endpoint": "https://as.example/token", "dpop_signing_alg_values_supported": algorithms,
            });
            let server = serde_json::from_value(server).expect("metadata");
            let resource: Option<ResourceMetadata> = resource.map(metadata);
            is_demanded(&server, resource.as_ref(), challenge(line).as_ref()).map_err(|error| error.to_string())
        };
        let of = |required: bool| {
            Some(json!({ "resource": "https://mcp.example", "dpop_bound_access_tokens_required": required }))
        };
        assert_eq!(check(of(true), "Bearer", &["RS256", "ES256"]), Ok(true));
        assert_eq!(check(of(false), "DPoP", &["ES256"]), Ok(true));
        assert_eq!(check(None, "DPoP", &["ES256"]), Ok(true));
        assert_eq!(check(of(false), "DPoP, Bearer", &["ES256"]), Ok(false));
        assert_eq!(check(None, "Bearer", &["ES256"]), Ok(false));
        let unsaid = json!({ "resource": "https://mcp.example", "dpop_bound_access_tokens_required": null });
        assert_eq!(check(Some(unsaid), "Bearer", &["ES256"]), Ok(false));
        for algorithms in [&[][..], &["RS256"]] {
            assert!(check(of(true), "Bearer", algorithms).is_err_and(|error| error.contains("https://as.example")));
        }
        let resource = json!({ "resource": "https://mcp.example", "dpop_signing_alg_values_supported": ["EdDSA"] });
        assert!(check(Some(resource), "DPoP", &["ES256"]).is_err_and(|error| error.contains("https://mcp.example")));
    }

    #[test]
    fn a_key_is_written_for_its_keeper_alone() {
        let key = DpopKey::generate().expect("a key");
        let written = serde_json::to_string(&key).expect("JSON");
        let back: DpopKey = serde_json::from_str(&written).expect("the same");
        assert_eq!(back.thumbprint(), key.thumbprint());
        assert!(written.contains("PRIVATE KEY") && !format!("{:?}", prover()).contains("PRIVATE"));
    }
}
