//! What the core needs from whoever speaks MCP: one real request, to see that a sign-in works.

use crate::clock::now;
use keybearer_oauth::HttpError;
use keybearer_oauth::challenge::Challenge;
use keybearer_oauth::dpop::{Prover, SCHEME};
use keybearer_oauth::server_url::ServerUrl;
use keybearer_oauth::signing_key::KeyError;
use keybearer_protocol::account::ToolView;
use keybearer_protocol::profile::Transport;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use url::Url;

/// Headers that authorize a request.
pub type Headers = BTreeMap<String, SecretString>;

/// What opens a server to requests.
#[derive(Clone, Debug)]
pub enum Access {
    /// The same headers with every request; none for a server that needs no sign-in.
    Headers(Headers),
    /// A token, and with every request a proof made for it alone (RFC 9449 §7.1).
    Bound {
        /// The token.
        token: SecretString,
        /// Who holds its key.
        prover: Prover,
    },
}

impl Access {
    /// To a server that needs no sign-in.
    pub fn open() -> Access {
        Access::Headers(Headers::new())
    }

    /// With a token that whoever has it may use.
    pub fn bearer(token: &SecretString) -> Access {
        Access::Headers(Headers::from([authorization("Bearer", token)]))
    }

    /// The headers of one request that is sent now.
    pub fn headers(&self, method: &str, url: &Url) -> Result<Headers, KeyError> {
        match self {
            Access::Headers(headers) => Ok(headers.clone()),
            Access::Bound { token, prover } => {
                let proof = prover.prove(method, url, Some(token), now().as_second())?;
                Ok(Headers::from([authorization(SCHEME, token), ("DPoP".to_owned(), proof)]))
            }
        }
    }
}

fn authorization(scheme: &str, token: &SecretString) -> (String, SecretString) {
    ("Authorization".to_owned(), format!("{scheme} {}", token.expose_secret()).into())
}

/// Speaks MCP to a server.
pub trait Upstream: Send + Sync + 'static {
    /// Makes a real `tools/list` with this access.
    fn list_tools<'a>(
        &'a self,
        server: &'a ServerUrl,
        access: &'a Access,
    ) -> Pin<Box<dyn Future<Output = Result<ToolList, UpstreamError>> + Send + 'a>>;
}

/// What a server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolList {
    /// Its tools, in words fit to be read.
    pub tools: Vec<ToolView>,
    /// By which way it was asked.
    pub transport: Transport,
    /// The MCP revision that was spoken.
    pub protocol: String,
    /// The server's own name and version.
    pub server: String,
}

/// Why a request to an MCP server failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No usable answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// No proof can be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// 401: the token is not good.
    #[error("the server refused this account's token or key")]
    Unauthorized(Option<Challenge>),
    /// 403: the token doesn't reach far enough.
    #[error("the server wants more access than the sign-in gave")]
    InsufficientScope(Option<Challenge>),
    /// It doesn't speak MCP.
    #[error("there is no MCP server at this address ({0})")]
    NotMcp(String),
    /// It speaks MCP and answered with an error of its own.
    #[error("the server answered with an error: {0}")]
    Refused(String),
}
