//! What the core needs from whoever speaks MCP: one real request, to see that a sign-in works.

use keybearer_oauth::HttpError;
use keybearer_oauth::challenge::Challenge;
use keybearer_oauth::server_url::ServerUrl;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

/// Headers that authorize a request.
pub type Headers = BTreeMap<String, SecretString>;

/// Speaks MCP to a server.
pub trait Upstream: Send + Sync + 'static {
    /// Makes a real `tools/list` with these headers.
    fn list_tools<'a>(
        &'a self,
        server: &'a ServerUrl,
        headers: &'a Headers,
    ) -> Pin<Box<dyn Future<Output = Result<ToolList, UpstreamError>> + Send + 'a>>;
}

/// What a server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolList {
    /// The names of its tools, fit to be read.
    pub names: Vec<String>,
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
