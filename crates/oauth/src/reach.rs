//! The first contact: does the server want authorization, and is it an MCP server at all?

use crate::challenge::Challenge;
use crate::http::{Http, HttpError, PROTOCOL_VERSION, host, is_for_later, post};
use crate::server_url::ServerUrl;
use ::http::{HeaderMap, HeaderValue, Method, Request, header};

/// An `initialize` request, as every revision before 2026-07-28 opens with; later servers answer it as well, and
/// authorization comes before either (`DISC-1`).
const HELLO: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"#,
    r#""clientInfo":{"name":"keybearer","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}}}"#
);

/// The revision that did away with the handshake: every request says for itself which revision it speaks.
pub const STATELESS: &str = "2026-07-28";

/// The first question to a server that knows no handshake (`server/discover`).
const QUESTION: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{"_meta":{"#,
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"#,
    r#""io.modelcontextprotocol/clientInfo":{"name":"keybearer","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}}}}"#
);

/// What the server said to a request without a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// 401: it wants authorization, and perhaps says how.
    Challenged(Option<Challenge>),
    /// It answered as an MCP server without any authorization.
    Open,
}

/// Why the first contact failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReachError {
    /// No usable answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It answers, but not as an MCP server.
    #[error("there is no MCP server at {url} ({host} answered {status}{})", .kind.as_ref().map(|k| format!(", {k}")).unwrap_or_default())]
    NotMcp {
        /// The address that was asked.
        url: String,
        /// Its host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The media type of the answer.
        kind: Option<String>,
    },
}

/// Asks the server without a token.
pub async fn reach(http: &Http, server: &ServerUrl) -> Result<Reached, ReachError> {
    let mut hello = post(server.url(), "application/json", HELLO.as_bytes().to_vec())?;
    accept(hello.headers_mut(), "application/json, text/event-stream");
    let answer = http.open(hello).await?;
    match answer.status() {
        401 => Ok(Reached::Challenged(challenge(answer.headers()))),
        200 if is_mcp(answer.headers()) => Ok(Reached::Open),
        400 | 404 | 405 => reach_without_handshake(http, server).await,
        status => refused(server, status, answer.headers()),
    }
}

async fn reach_without_handshake(http: &Http, server: &ServerUrl) -> Result<Reached, ReachError> {
    let mut question = post(server.url(), "application/json", QUESTION.as_bytes().to_vec())?;
    accept(question.headers_mut(), "application/json, text/event-stream");
    stateless(question.headers_mut(), "server/discover");
    let answer = http.open(question).await?;
    match answer.status() {
        401 => Ok(Reached::Challenged(challenge(answer.headers()))),
        200 if is_mcp(answer.headers()) => Ok(Reached::Open),
        // The older HTTP+SSE transport opens with GET; POST to the same address is refused.
        _ => reach_by_get(http, server).await,
    }
}

/// What every request says in its headers where there is no handshake.
pub fn stateless(headers: &mut HeaderMap, method: &'static str) {
    headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(STATELESS));
    headers.insert("mcp-method", HeaderValue::from_static(method));
}

async fn reach_by_get(http: &Http, server: &ServerUrl) -> Result<Reached, ReachError> {
    let mut request = Request::new(Vec::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = server.url().as_str().parse().map_err(|_| HttpError::NotAllowed(server.url().clone()))?;
    accept(request.headers_mut(), "text/event-stream");
    let answer = http.open(request).await?;
    match answer.status() {
        401 => Ok(Reached::Challenged(challenge(answer.headers()))),
        200 if media_type(answer.headers()).as_deref() == Some("text/event-stream") => Ok(Reached::Open),
        status => refused(server, status, answer.headers()),
    }
}

fn refused(server: &ServerUrl, status: u16, headers: &HeaderMap) -> Result<Reached, ReachError> {
    let host = host(server.url());
    if is_for_later(status) {
        return Err(HttpError::status(host, status).into());
    }
    Err(ReachError::NotMcp { url: server.to_string(), host, status, kind: media_type(headers) })
}

/// The challenge of a 401 or 403 that asks for a token.
pub fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    Challenge::for_token(headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|line| line.to_str().ok()))
}

fn is_mcp(headers: &HeaderMap) -> bool {
    matches!(media_type(headers).as_deref(), Some("application/json" | "text/event-stream"))
}

/// The media type of an answer, in lower case and without parameters.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn accept(headers: &mut HeaderMap, value: &'static str) {
    headers.insert(header::ACCEPT, HeaderValue::from_static(value));
}
