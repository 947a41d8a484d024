//! The client at its authorization server's endpoints: with whatever it posts there, it says and proves who it is.

use crate::dpop::{self, Prover};
use crate::http::{Http, HttpError, post};
use crate::registration::{AuthMethod, Registration};
use crate::signing_key::{KeyError, SigningKey, unique};
use ::http::{HeaderName, HeaderValue, Request, Response, header};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// Parameters of a request, in order.
pub type Form<'a> = Vec<(&'a str, &'a str)>;

/// Says that what proves the client is a JWT that it signed (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long such a JWT is good, in seconds: for one request and clocks that differ.
const ASSERTION_LIFETIME: i64 = 120;

/// A client that posts to endpoints of the authorization server that it is registered at.
#[derive(Clone, Debug)]
pub struct Client<'a> {
    /// The way out.
    pub http: &'a Http,
    /// Who it is.
    pub registration: &'a Registration,
    key: Option<SigningKey>,
    /// Proves that it holds the key that its tokens are bound to, if they are.
    prover: Option<Prover>,
    /// Seconds since 1970, for what is signed.
    now: i64,
}

impl<'a> Client<'a> {
    /// A client of now, in seconds since 1970.
    pub fn new(http: &'a Http, registration: &'a Registration, now: i64) -> Result<Client<'a>, KeyError> {
        let key = registration.client_key.as_ref().map(SigningKey::from_pem).transpose()?;
        let key = match &registration.signing_algorithm {
            Some(chosen) => key.and_then(|key| key.among(std::slice::from_ref(chosen))),
            None => key,
        };
        Ok(Client { http, registration, key, prover: None, now })
    }

    /// The same client, with a proof in each request that it holds a key (RFC 9449 §5).
    #[must_use]
    pub fn bound_to(self, prover: Option<Prover>) -> Client<'a> {
        Client { prover, ..self }
    }

    /// Whether what it gets is to be bound to a key.
    pub fn is_bound(&self) -> bool {
        self.prover.is_some()
    }

    /// Posts a form in the client's name, and reads the whole answer (`TOK-3`). A server that wants its nonce in the
    /// proof is asked once more, with it (RFC 9449 §8, `DPOP-2`).
    pub async fn post(&self, endpoint: &Url, form: &Form<'_>) -> Result<Response<Vec<u8>>, HttpError> {
        let answer = self.post_once(endpoint, form).await?;
        match self.is_bound() && dpop::is_nonce_wanted(&answer) {
            true => self.post_once(endpoint, form).await,
            false => Ok(answer),
        }
    }

    async fn post_once(&self, endpoint: &Url, form: &Form<'_>) -> Result<Response<Vec<u8>>, HttpError> {
        let mut request = self.request(endpoint, form)?;
        let Some(prover) = &self.prover else { return self.http.send(request).await };
        let proof = prover.prove(request.method().as_str(), endpoint, None, self.now).map_err(unusable)?;
        let proof = HeaderValue::from_str(proof.expose_secret()).map_err(unusable)?;
        request.headers_mut().insert(HeaderName::from_static(dpop::PROOF), proof);
        let answer = self.http.send(request).await?;
        prover.nonces.learn(endpoint, answer.headers());
        Ok(answer)
    }

    fn request(&self, endpoint: &Url, form: &Form<'_>) -> Result<Request<Vec<u8>>, HttpError> {
        let mut fields = Serializer::new(String::new());
        fields.extend_pairs(form);
        let mut basic = None;
        let Registration { client_id, client_secret, auth_method, .. } = self.registration;
        if *auth_method != AuthMethod::ClientSecretBasic && !client_id.is_empty() {
            fields.append_pair("client_id", client_id);
        }
        match (auth_method, client_secret) {
            (AuthMethod::ClientSecretBasic, secret) => basic = basic_header(client_id, secret.as_ref()),
            (AuthMethod::ClientSecretPost, Some(secret)) => {
                fields.append_pair("client_secret", secret.expose_secret());
            }
            (AuthMethod::PrivateKeyJwt, _) => {
                fields.append_pair("client_assertion_type", JWT_BEARER);
                fields.append_pair("client_assertion", self.assertion()?.expose_secret());
            }
            (AuthMethod::None, _) | (AuthMethod::ClientSecretPost, None) => {}
        }
        let mut request = post(endpoint, "application/x-www-form-urlencoded", fields.finish().into_bytes())?;
        request.headers_mut().extend(basic.map(|value| (header::AUTHORIZATION, value)));
        Ok(request)
    }

    /// The client's own word, signed, for its authorization server alone (RFC 7523 §3, `CC-2`).
    fn assertion(&self) -> Result<SecretString, HttpError> {
        let key = self.key.as_ref().ok_or_else(|| HttpError::Unusable("a private key is missing".to_owned()))?;
        let Registration { client_id, issuer, .. } = self.registration;
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": issuer,
            "jti": unique(), "iat": self.now, "exp": self.now + ASSERTION_LIFETIME,
        });
        key.sign(key.header(), &claims).map_err(unusable)
    }
}

fn unusable(error: impl ToString) -> HttpError {
    HttpError::Unusable(error.to_string())
}

/// HTTP Basic with form-encoded ID and secret (RFC 6749 §2.3.1, `TOK-4`).
fn basic_header(client_id: &str, secret: Option<&SecretString>) -> Option<HeaderValue> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let secret = secret.map(|secret| encode(secret.expose_secret())).unwrap_or_default();
    let pair = format!("{}:{secret}", encode(client_id));
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::RegistrationOrigin;
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair as RsaKey, KeySize};
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        Ed25519KeyPair, KeyPair,
    };
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    use serde_json::Value;

    const ISSUER: &str = "https://as.example";
    const NOW: i64 = 1_800_000_000;

    fn pem(label: &str, der: &[u8]) -> SecretString {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", BASE64_STANDARD.encode(der)).into()
    }

    fn rsa() -> (SecretString, DecodingKey) {
        let key = RsaKey::generate(KeySize::Rsa2048).expect("a key");
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).expect("PKCS#8");
        (pem("PRIVATE KEY", der.as_ref()), DecodingKey::from_rsa_der(key.public_key().as_ref()))
    }

    fn ec(curve: &'static EcdsaSigningAlgorithm) -> (SecretString, DecodingKey) {
        let der = EcdsaKeyPair::generate_pkcs8(curve, &SystemRandom::new()).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(curve, der.as_ref()).expect("the same");
        (pem("PRIVATE KEY", der.as_ref()), DecodingKey::from_ec_der(key.public_key().as_ref()))
    }

    fn ed() -> (SecretString, DecodingKey) {
        let der = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).expect("a key");
        let key = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("the same");
        (pem("PRIVATE KEY", der.as_ref()), DecodingKey::from_ed_der(key.public_key().as_ref()))
    }

    /// What a client with this key says of itself, read by whoever knows its public half.
    fn assertion(pem: &SecretString, chosen: Option<&str>, public: &DecodingKey, expected: Algorithm) -> Value {
        let registration = Registration {
            issuer: ISSUER.to_owned(),
            client_id: "bot".to_owned(),
            client_secret: None,
            secret_expires_at: None,
            client_key: Some(pem.clone()),
            signing_algorithm: chosen.map(str::to_owned),
            auth_method: AuthMethod::PrivateKeyJwt,
            origin: RegistrationOrigin::PreRegistered,
            redirect_uris: Vec::new(),
            device: false,
        };
        let server = "https://mcp.example/mcp".parse().expect("an address");
        let http = Http::for_server(&server).expect("a client");
        let client = Client::new(&http, &registration, NOW).expect("a key that signs");
        let jwt = client.assertion().expect("signed");
        let mut rules = Validation::new(expected);
        rules.set_audience(&[ISSUER]);
        rules.set_issuer(&["bot"]);
        rules.sub = Some("bot".to_owned());
        // It was signed in the time of the test, which isn't now.
        rules.validate_exp = false;
        decode::<Value>(jwt.expose_secret(), public, &rules).expect("a good signature").claims
    }

    #[test]
    fn every_kind_of_key_signs_what_its_public_half_verifies() {
        let (rsa, rsa_public) = rsa();
        let (p256, p256_public) = ec(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let (p384, p384_public) = ec(&ECDSA_P384_SHA384_FIXED_SIGNING);
        let (ed, ed_public) = ed();
        let mut names = Vec::new();
        for (pem, chosen, public, algorithm) in [
            (&rsa, None, &rsa_public, Algorithm::RS256),
            (&rsa, Some("PS256"), &rsa_public, Algorithm::PS256),
            (&p256, None, &p256_public, Algorithm::ES256),
            (&p384, None, &p384_public, Algorithm::ES384),
            (&ed, None, &ed_public, Algorithm::EdDSA),
        ] {
            let claims = assertion(pem, chosen, public, algorithm);
            assert_eq!(claims["aud"], ISSUER, "{claims}");
            let (from, until) = (claims["iat"].as_i64(), claims["exp"].as_i64());
            assert!(from == Some(NOW) && until > from && until <= Some(NOW + 120), "{claims}");
            names.push(claims["jti"].as_str().expect("a name").to_owned());
        }
        names.push(assertion(&rsa, None, &rsa_public, Algorithm::RS256)["jti"].to_string());
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 6, "every one has a name of its own");
    }

    #[test]
    fn the_server_chooses_among_what_the_key_can_do() {
        let choice = |pem: &SecretString, accepted: &[&str]| {
            let accepted: Vec<String> = accepted.iter().map(|name| (*name).to_owned()).collect();
            let key = SigningKey::from_pem(pem).expect("a key");
            key.among(&accepted).map(|key| key.algorithm())
        };
        let ((rsa, _), (p256, _)) = (rsa(), ec(&ECDSA_P256_SHA256_FIXED_SIGNING));
        assert_eq!(choice(&rsa, &["ES256", "PS256", "RS256"]).as_deref(), Some("RS256"));
        assert_eq!(choice(&rsa, &["ES256", "PS256", "odd"]).as_deref(), Some("PS256"));
        assert_eq!(choice(&rsa, &["ES256", "HS256", "none"]), None);
        assert_eq!(choice(&p256, &["RS256", "ES256"]).as_deref(), Some("ES256"));
        assert_eq!(choice(&p256, &["RS256", "ES384"]), None);
    }

    #[test]
    fn a_text_that_cannot_sign_says_what_would() {
        for (pem, expected) in [
            (pem("EC PRIVATE KEY", b"x"), KeyError::NotPkcs8),
            (pem("ENCRYPTED PRIVATE KEY", b"x"), KeyError::Encrypted),
            (pem("PRIVATE KEY", b"x"), KeyError::Unusable),
            (pem("PUBLIC KEY", b"x"), KeyError::Unusable),
        ] {
            assert_eq!(SigningKey::from_pem(&pem).err(), Some(expected));
        }
        assert!(KeyError::NotPkcs8.to_string().contains("openssl pkcs8"));
    }
}
