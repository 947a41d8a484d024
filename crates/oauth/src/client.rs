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
        if *auth_method != AuthMethod::ClientSecretBasic {
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
