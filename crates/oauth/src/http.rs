//! The one way out to authorization servers: https or loopback only, no nearer than the MCP server lies, bounded in size
//! and time, no redirects.

use crate::network::Network;
use crate::readable::readable;
use crate::resolver::{ResolveError, Resolver};
use crate::server_url::{ServerUrl, is_protected};
use crate::tls;
use ::http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// The most that a body may hold, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// The header that says which revision of MCP is spoken.
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The newest revision that opens with a handshake.
pub const HANDSHAKE: &str = "2025-11-25";
/// The most that a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most that a whole exchange may take.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// The most that the head of an answer to a program may take: servers that don't stream work on a call for so long.
const HEAD_TIMEOUT: Duration = Duration::from_secs(600);
/// How often a silent connection is asked whether there is still somebody.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Sends requests to the servers that belong to one MCP server.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    resolver: Resolver,
    /// The most that a body may hold, if there is a limit.
    limit: Option<usize>,
}

/// Why a request got no usable answer.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum HttpError {
    /// The address is neither https nor loopback (`TLS-1`, `SSRF-2`), or holds a user name or password.
    #[error("{0} is not an https address that may be used, so nothing was sent there")]
    NotAllowed(Url),
    /// The MCP server leads to an address that lies nearer than itself (`SSRF-1`, `SSRF-3`).
    #[error(
        "the server leads to {host}, which lies {network}, nearer than the server itself, so nothing was sent there"
    )]
    TooNear {
        /// The host that it names.
        host: String,
        /// Where that lies.
        network: Network,
    },
    /// The name doesn't resolve.
    #[error("the name {0} could not be found")]
    Dns(String),
    /// Nobody accepts the connection.
    #[error("{0} doesn't accept connections")]
    Connect(String),
    /// The certificate or the TLS handshake is bad.
    #[error("the connection to {host} can't be trusted: {cause}")]
    Tls {
        /// The host that was asked.
        host: String,
        /// What the TLS library says.
        cause: String,
    },
    /// The answer took too long.
    #[error("{0} didn't answer in time")]
    Timeout(String),
    /// The body is over [`BODY_LIMIT`].
    #[error("the answer of {0} is larger than 1 MiB")]
    TooLarge(String),
    /// The connection broke in mid-answer. What the server did with the request is unknown.
    #[error("the connection to {0} broke")]
    Broken(String),
    /// A status that nothing can be made of.
    #[error("{host} answered {status}")]
    Status {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// In how many seconds the server wants to be asked again, where it says so (RFC 9110 §10.2.3).
        retry_after: Option<u64>,
    },
    /// The body is not the JSON that was expected. The text says what is wrong with it, never what it holds.
    #[error("{host} answered something that isn't the expected JSON ({problem})")]
    NotJson {
        /// The host that was asked.
        host: String,
        /// Line, column and kind of the fault.
        problem: String,
    },
    /// The HTTP client can't be made: a fault of this machine.
    #[error("no HTTPS client can be made on this machine: {0}")]
    Unusable(String),
}

/// Whether an answer of this status only says that there is none now: the request came in too slowly, too early or too
/// often, or the server has a fault. What is over 599 counts as one (RFC 9110 §15, RFC 8470 §5.2, RFC 6585 §4).
pub(crate) fn is_for_later(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

impl HttpError {
    /// For a status that nothing can be made of.
    pub fn status(host: String, status: u16) -> HttpError {
        HttpError::Status { host, status, retry_after: None }
    }

    /// The same, with what the answer says of when to ask again. A date is left out: this crate has no clock.
    pub fn answered<T>(host: &str, answer: &Response<T>) -> HttpError {
        let retry_after =
            answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        HttpError::Status { host: host.to_owned(), status: answer.status().as_u16(), retry_after }
    }

    /// Whether the same request may work later by itself.
    pub fn is_transient(&self) -> bool {
        match self {
            HttpError::Dns(_) | HttpError::Connect(_) | HttpError::Timeout(_) | HttpError::Broken(_) => true,
            HttpError::Status { status, .. } => is_for_later(*status),
            HttpError::NotAllowed(_)
            | HttpError::TooNear { .. }
            | HttpError::Tls { .. }
            | HttpError::TooLarge(_)
            | HttpError::NotJson { .. }
            | HttpError::Unusable(_) => false,
        }
    }
}

impl Http {
    /// A client for what belongs to `server`, which leads no nearer than it lies itself: a server on the internet can't
    /// make us talk to this machine or a private network, nor one in a private network to this machine (`SSRF-1`,
    /// `SSRF-3`).
    pub fn for_server(server: &ServerUrl) -> Result<Self, HttpError> {
        Http::build(server, Some(BODY_LIMIT), |builder| builder.timeout(TOTAL_TIMEOUT))
    }

    /// The same for what programs say to `server` itself: answers may be as long as they like, and streams last for as long
    /// as both sides like.
    pub fn for_traffic(server: &ServerUrl) -> Result<Self, HttpError> {
        Http::build(server, None, |builder| builder.tcp_keepalive(KEEP_ALIVE))
    }

    fn build(
        server: &ServerUrl,
        limit: Option<usize>,
        bounds: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, HttpError> {
        let resolver = Resolver::of(server);
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("keybearer/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(resolver.clone()))
            .tls_backend_preconfigured(tls::configuration().map_err(|error| HttpError::Unusable(error.to_string()))?);
        let builder = if server.is_loopback() { builder.no_proxy() } else { builder };
        let client = bounds(builder).build().map_err(|error| HttpError::Unusable(error.to_string()))?;
        Ok(Http { client, resolver, limit })
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpError> {
        let mut answer = self.open(request).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(answer.head.map(|()| bytes))
    }

    /// Sends a request and reads the answer's head; the body is read piece by piece, for streams that may not end.
    pub async fn open(&self, request: Request<impl Into<Bytes>>) -> Result<Answer, HttpError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| HttpError::Connect("the address".to_owned()))?;
        let checked = self.resolver.check_literal(&host_of(&url)?).await;
        checked.map_err(|error| refused(&url, error))?;
        let request = reqwest::Request::try_from(request.map(Into::into)).map_err(|error| classify(&url, &error))?;
        // No path: some servers' addresses are secrets.
        tracing::debug!(method = %request.method(), host = %host(&url), "request");
        let answered = tokio::time::timeout(HEAD_TIMEOUT, self.client.execute(request)).await;
        let body = answered.map_err(|_| HttpError::Timeout(host(&url)))?.map_err(|error| classify(&url, &error))?;
        tracing::debug!(status = %body.status(), host = %host(&url), "answer");
        let mut head = Response::new(());
        *head.status_mut() = body.status();
        *head.headers_mut() = body.headers().clone();
        Ok(Answer { head, url, body, left: self.limit })
    }

    /// Gets a JSON document. `None` where the server has none at this address (any 4xx, RFC 9728 §3.2).
    pub async fn get_document<T: DeserializeOwned>(&self, url: &Url) -> Result<Option<T>, HttpError> {
        let mut request = Request::new(Vec::new());
        *request.uri_mut() = uri(url)?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        // Servers of the 2025-03-26 revision choose by it what they publish (LEG-3).
        request.headers_mut().insert(PROTOCOL_VERSION, HeaderValue::from_static(HANDSHAKE));
        let response = self.send(request).await?;
        match response.status().as_u16() {
            200 => json(url, response.body()).map(Some),
            400..=499 if response.status().as_u16() != 429 => Ok(None),
            _ => Err(HttpError::answered(&host(url), &response)),
        }
    }

    /// The same where the address is a guess: what isn't the document counts as none, since many servers answer every
    /// unknown path with a page of theirs, or lead to one.
    pub async fn guess_document<T: DeserializeOwned>(&self, url: &Url) -> Result<Option<T>, HttpError> {
        match self.get_document(url).await {
            Err(HttpError::NotJson { .. } | HttpError::Status { status: 300..=399, .. }) => Ok(None),
            found => found,
        }
    }

    /// Posts a body and reads the whole answer.
    pub async fn post(&self, url: &Url, content_type: &str, body: Vec<u8>) -> Result<Response<Vec<u8>>, HttpError> {
        self.send(post(url, content_type, body)?).await
    }

    /// Whether this address may be opened in a browser on behalf of the server. The browser looks its name up anew, so
    /// this can only be as good as the name.
    pub async fn check(&self, url: &Url) -> Result<(), HttpError> {
        let checked = self.resolver.check(&host_of(url)?).await;
        checked.map_err(|error| refused(url, error))
    }
}

/// The host of an address that may be used at all.
fn host_of(url: &Url) -> Result<Host<&str>, HttpError> {
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    let host = url.host().filter(|_| is_protected(url) && is_anonymous);
    host.ok_or_else(|| HttpError::NotAllowed(without_user_info(url)))
}

/// An address without what may be a secret in it, for people.
pub(crate) fn without_user_info(url: &Url) -> Url {
    let mut url = url.clone();
    // Those that can't have any have none.
    let _ = (url.set_username(""), url.set_password(None));
    url
}

fn refused(url: &Url, error: ResolveError) -> HttpError {
    match error {
        ResolveError::NotFound => HttpError::Dns(url.host_str().unwrap_or_default().to_owned()),
        ResolveError::TooNear(network) => HttpError::TooNear { host: host(url), network },
    }
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Answer {
    head: Response<()>,
    url: Url,
    body: reqwest::Response,
    /// How much more the body may hold, if there is a limit.
    left: Option<usize>,
}

impl Answer {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.head.status().as_u16()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// The next piece of the body; `None` at its end. [`BODY_LIMIT`] counts all pieces together.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let chunk = self.body.chunk().await.map_err(|error| classify(&self.url, &error))?;
        if let (Some(chunk), Some(left)) = (&chunk, &mut self.left) {
            *left = left.checked_sub(chunk.len()).ok_or_else(|| HttpError::TooLarge(host(&self.url)))?;
        }
        Ok(chunk)
    }
}

/// A POST request to `url`.
pub fn post(url: &Url, content_type: &str, body: Vec<u8>) -> Result<Request<Vec<u8>>, HttpError> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri(url)?;
    let content_type = HeaderValue::from_str(content_type).unwrap_or(HeaderValue::from_static("application/json"));
    request.headers_mut().insert(header::CONTENT_TYPE, content_type);
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}

/// Parses a JSON object; the error names the place of the fault and never the content.
pub(crate) fn json<T: DeserializeOwned>(url: &Url, body: &[u8]) -> Result<T, HttpError> {
    let not_json = |problem| HttpError::NotJson { host: host(url), problem };
    let body = without_mark(body);
    // A list would be read as the members in their order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(not_json("it isn't an object".to_owned()));
    }
    serde_json::from_slice(body)
        .map_err(|error| not_json(format!("line {}, column {}: {:?}", error.line(), error.column(), error.classify())))
}

/// A text without the byte order mark that some servers begin it with (RFC 8259 §8.1).
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The host of an address, for people.
pub fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.scheme().to_owned(),
    }
}

fn uri(url: &Url) -> Result<::http::Uri, HttpError> {
    url.as_str().parse().map_err(|_| HttpError::NotAllowed(url.clone()))
}

/// Finds what really went wrong at the bottom of the chain of causes.
fn classify(url: &Url, error: &reqwest::Error) -> HttpError {
    let host = host(url);
    if let Some(unresolved) = find_cause::<ResolveError>(error) {
        refused(url, *unresolved)
    } else if let Some(cause) = find_cause::<rustls::Error>(error) {
        tls::forget();
        HttpError::Tls { host, cause: readable(&cause.to_string()) }
    } else if error.is_connect() {
        // Also where that took too long: nothing was sent.
        HttpError::Connect(host)
    } else if error.is_timeout() {
        HttpError::Timeout(host)
    } else {
        HttpError::Broken(host)
    }
}

/// The cause of this type. An [`io::Error`] hides the error that it wraps from `source`, so it is opened by hand.
fn find_cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref() {
            return Some(found);
        }
        let wrapped = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = wrapped.map(|wrapped| wrapped as &(dyn StdError + 'static)).or_else(|| current.source());
    }
    None
}
