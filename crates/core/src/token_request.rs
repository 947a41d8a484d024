//! A token request whose grant is good once, whole: so that a process of its own can send it, and its answer can be kept
//! before anybody reads it.

use crate::clock::now;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use keybearer_oauth::asked::Asked;
use keybearer_oauth::authorization::{Code, PendingAuthorization};
use keybearer_oauth::client::Client;
use keybearer_oauth::dpop::{DpopKey, Nonces, Prover};
use keybearer_oauth::token::{Grant, TokenEndpoint, understand};
use keybearer_oauth::token_answer::{TokenError, Tokens};
use keybearer_oauth::{Http, HttpError, ServerUrl};
use keybearer_protocol::secret::expose;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use url::Url;
use zeroize::Zeroizing;

/// The headers of an answer that mean something to whoever reads it later.
const HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::RETRY_AFTER, HeaderName::from_static("dpop-nonce")];

/// Everything that the request needs.
#[derive(Debug, Serialize, Deserialize)]
pub struct TokenRequest {
    /// The MCP server that it is for: nothing is asked that lies nearer.
    pub server: String,
    /// What is asked for, of whom, and as whom.
    pub asked: Asked,
    /// What is traded.
    pub grant: SingleUse,
    /// The key that the tokens are bound to, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_key: Option<DpopKey>,
    /// What the token endpoint wants in the next proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// A grant that an authorization server takes once: its answer has no second copy.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SingleUse {
    /// A refresh token, which most servers replace with every use.
    RefreshToken(#[serde(serialize_with = "expose")] SecretString),
    /// A code that a browser brought, and what it was asked for with.
    Code(Code, Box<PendingAuthorization>),
    /// The code of a device whose person signs in elsewhere.
    DeviceCode(#[serde(serialize_with = "expose")] SecretString),
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// When.
    pub received_at: Timestamp,
    outcome: Result<Received, HttpError>,
}

/// An HTTP answer as it came.
#[derive(Debug, Serialize, Deserialize)]
struct Received {
    status: u16,
    headers: BTreeMap<String, String>,
    /// In base64, since it may be anything.
    #[serde(serialize_with = "expose")]
    body: SecretString,
}

impl TokenRequest {
    /// Sends it. Reads nothing of the answer but its length.
    pub async fn send(&self) -> Answer {
        let outcome = self.ask().await.map(Received::of);
        Answer { received_at: now(), outcome }
    }

    async fn ask(&self) -> Result<Response<Vec<u8>>, HttpError> {
        let server: ServerUrl = self.server.parse().map_err(unusable)?;
        let nonces = Nonces::default();
        if let Some(nonce) = &self.nonce {
            nonces.remember(&self.asked.token_endpoint, nonce);
        }
        let prover = self.dpop_key.clone().map(|key| Prover { key, nonces });
        let http = Http::for_server(&server)?;
        let client = Client::new(&http, &self.asked.registration, now().as_second()).map_err(unusable)?;
        let grant = match &self.grant {
            SingleUse::RefreshToken(token) => Grant::RefreshToken(token),
            SingleUse::Code(code, pending) => Grant::Code(code, pending),
            SingleUse::DeviceCode(code) => Grant::DeviceCode(code),
        };
        TokenEndpoint::of(client.bound_to(prover), &self.asked).ask(grant).await
    }
}

fn unusable(error: impl ToString) -> HttpError {
    HttpError::Unusable(error.to_string())
}

impl Answer {
    /// The tokens in it, which this endpoint gave to a client that proved to hold a key, or didn't.
    pub fn tokens(self, endpoint: &Url, prover: Option<&Prover>) -> Result<Tokens, TokenError> {
        let answer = self.outcome?.into_response().map_err(unusable)?;
        if let Some(prover) = prover {
            prover.nonces.learn(endpoint, answer.headers());
        }
        let tokens = understand(endpoint, prover.is_some(), &answer);
        drop(Zeroizing::new(answer.into_body()));
        tokens
    }
}

impl Received {
    fn of(answer: Response<Vec<u8>>) -> Received {
        let (head, body) = answer.into_parts();
        let body = Zeroizing::new(body);
        let kept = |name: &HeaderName| Some((name.to_string(), head.headers.get(name)?.to_str().ok()?.to_owned()));
        Received {
            status: head.status.as_u16(),
            headers: HEADERS.iter().filter_map(kept).collect(),
            body: BASE64_STANDARD.encode(&*body).into(),
        }
    }

    fn into_response(self) -> Result<Response<Vec<u8>>, String> {
        let body = BASE64_STANDARD.decode(self.body.expose_secret()).map_err(|_| "a body isn't base64".to_owned())?;
        let mut answer = Response::new(body);
        *answer.status_mut() = StatusCode::from_u16(self.status).map_err(|error| error.to_string())?;
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
            let value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
            answer.headers_mut().insert(name, value);
        }
        Ok(answer)
    }
}
