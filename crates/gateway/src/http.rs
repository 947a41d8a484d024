//! The gateway over HTTP: what an MCP client sends to `/mcp/NAME` is carried to that account's server, and what comes back
//! goes out as it comes.
//!
//! A web page that a browser shows must get nothing here, whatever name it has this machine known by: so the `Host` is one
//! of this machine's, an `Origin` is none but this very address, and no answer permits a page anything (DNS rebinding,
//! CORS). A client that meets an expired token must not begin a sign-in of its own: so there is no 401, no challenge, and
//! nothing under `/.well-known/`.

/// Where a request is meant to go.
mod address;
/// The old transport, HTTP+SSE (2024-11-05).
mod old_transport;
/// The bodies of requests, within what there is room for.
mod upload;

use crate::budget::Held;
use crate::relay::{Answer, Relay, RelayError};
use address::Address;
use bytes::Bytes;
use futures_util::stream::unfold;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use keybearer_core::api::{Api, KEY_HEADER, Pass};
use keybearer_core::caller::{Caller, Standing};
use keybearer_core::consent::Asking;
use keybearer_core::error::Error;
use keybearer_oauth::reach::media_type;
use keybearer_protocol::{ErrorCode, ErrorObject};
use old_transport::{Endpoints, Named, Opening};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use upload::Uploads;

/// What the head of a request holds at most, in bytes, and in lines.
const HEAD_LIMIT: usize = 32 * 1024;
const HEADERS: usize = 64;
/// The head of a request is there within this time after the answer before it.
const HEAD_TIME: Duration = Duration::from_secs(60);
/// Requests of one client that are under way at one time, streams among them.
const UNDER_WAY: usize = 64;
/// Accounts that a program uses over one connection, as far as they are remembered.
const PASSES: usize = 16;
/// Answers under way when the agent stops get this time.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// What is sent to clients.
type Body = UnsyncBoxBody<Bytes, RelayError>;

/// The gateway. One for all connections.
pub struct Gateway {
    api: Arc<Api>,
    relay: Arc<Relay>,
    uploads: Uploads,
    endpoints: Arc<Endpoints>,
    /// How many requests of each client are under way.
    under_way: Arc<Mutex<HashMap<String, usize>>>,
}

/// Who is at the other end of a connection, as far as whoever accepted it can tell.
pub enum Visitor {
    /// Somebody on this machine, over loopback: the key of each request says who.
    Loopback {
        /// Our port.
        port: u16,
    },
    /// A program that the kernel names.
    Program {
        /// The program.
        caller: Caller,
        /// Whether it still is what it was when it connected.
        is_itself: Arc<dyn Fn() -> bool + Send + Sync>,
    },
}

/// One connection.
struct Visit {
    gateway: Arc<Gateway>,
    visitor: Visitor,
    /// A program's passes, by the name of the account: a yes for once is for its connection.
    passes: Mutex<HashMap<String, Arc<Pass>>>,
}

/// A request that isn't carried anywhere, and the answer to it.
struct Refusal {
    status: u16,
    error: Box<ErrorObject>,
}

impl Refusal {
    fn new(status: u16, code: ErrorCode, message: impl Into<String>) -> Refusal {
        Refusal { status, error: Box::new(ErrorObject::new(code, message)) }
    }

    /// The answer, in the words of JSON-RPC, to the message of this id.
    fn answer(&self, id: &Value) -> Response<Body> {
        let body = json!({ "jsonrpc": "2.0", "id": id, "error": self.error }).to_string();
        let mut answer = Response::new(Full::from(body).map_err(|never| match never {}).boxed_unsync());
        *answer.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == 405 {
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST, DELETE"));
        }
        answer
    }
}

impl From<RelayError> for Refusal {
    fn from(error: RelayError) -> Refusal {
        Refusal { status: error.status(), error: Box::new(error.to_object()) }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        RelayError::from(error).into()
    }
}

impl Gateway {
    /// A gateway to the accounts of this agent, by connections that others may share.
    pub fn new(api: Arc<Api>, relay: Arc<Relay>) -> Arc<Gateway> {
        let (uploads, endpoints, under_way) = Default::default();
        Arc::new(Gateway { api, relay, uploads, endpoints, under_way })
    }

    /// Serves one connection, until it ends or `closing` does.
    pub async fn serve(
        self: &Arc<Self>,
        connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        visitor: Visitor,
        closing: impl Future<Output = ()>,
    ) {
        let visit = Arc::new(Visit { gateway: self.clone(), visitor, passes: Mutex::default() });
        let service = service_fn(move |request| {
            let visit = visit.clone();
            async move { Ok::<_, Infallible>(visit.answer(request).await) }
        });
        let mut serving = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .max_headers(HEADERS)
                .max_buf_size(HEAD_LIMIT)
                .serve_connection(TokioIo::new(connection), service)
        );
        let ended = tokio::select! {
            ended = &mut serving => ended,
            () = closing => {
                serving.as_mut().graceful_shutdown();
                tokio::time::timeout(LAST_ANSWERS, serving).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection to the gateway ended");
        }
    }

    /// Counts a request of this client, if it has not too many.
    fn count(&self, client: String) -> Result<UnderWay, RelayError> {
        let mut counts = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client.clone()).or_default();
        if *count == UNDER_WAY {
            return Err(RelayError::Busy);
        }
        *count += 1;
        Ok(UnderWay { counts: self.under_way.clone(), client })
    }
}

/// A request that is under way.
struct UnderWay {
    counts: Arc<Mutex<HashMap<String, usize>>>,
    client: String,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

impl Visit {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let (mut id, checked) = (Value::Null, self.check(&head));
        // Where one whose length is told in pieces ends, others may see otherwise; and whoever sends what no client would
        // send says nothing more: what follows on this connection is read by nobody.
        let is_last = checked.is_err() || head.headers.contains_key(header::TRANSFER_ENCODING);
        let carried = match checked {
            Ok(()) => self.carry(&head, body, &mut id).await,
            Err(refusal) => Err(refusal),
        };
        let mut answer = match carried {
            Ok(answer) => answer,
            Err(refusal) => {
                tracing::debug!(method = %head.method, status = refusal.status, error = refusal.error.data.name, "refused");
                refusal.answer(&id)
            }
        };
        if is_last {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        answer
    }

    /// Carries a request to the server that it is meant for; `id` becomes that of its message.
    async fn carry(&self, head: &Parts, body: Incoming, id: &mut Value) -> Result<Response<Body>, Refusal> {
        let address = Address::of(head.uri.path());
        let address =
            address.ok_or_else(|| Refusal::new(404, ErrorCode::ProfileNotFound, "there is nothing at this address"))?;
        let (pass, client) = self.pass(&address, &head.headers).await?;
        let under_way = self.gateway.count(client)?;
        let named = match address.endpoint {
            Some(endpoint) => Some(self.gateway.endpoints.find(endpoint, pass.account()).ok_or_else(|| {
                Refusal::new(404, ErrorCode::NotThere, "this session is over, or was never begun here")
            })?),
            None => None,
        };
        let (body, room): (Bytes, Held) = self.gateway.uploads.take(body).await?;
        *id = id_of(&body);
        let mut request = Request::new(body);
        (*request.method_mut(), *request.headers_mut()) = (head.method.clone(), head.headers.clone());
        let answer = self.gateway.relay.send(&pass, named.as_deref(), request).await?;
        drop(room);
        Ok(self.pass_on(head, &address, &pass, answer, under_way))
    }

    /// Whether this is a request that a program on this machine makes: from no web page, to this very address.
    fn check(&self, head: &Parts) -> Result<(), Refusal> {
        let refuse = |status, message: &str| Err(Refusal::new(status, ErrorCode::InvalidRequest, message));
        if head.uri.scheme().is_some() || head.uri.authority().is_some() {
            return refuse(400, "this is no proxy: name the path alone");
        }
        let hosts = match &self.visitor {
            Visitor::Loopback { port } => Some([format!("127.0.0.1:{port}"), format!("localhost:{port}")]),
            // No browser comes here, and a socket has no host.
            Visitor::Program { .. } => None,
        };
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
        if let Some(hosts) = &hosts {
            let mut named = head.headers.get_all(header::HOST).iter();
            let is_ours = named.next().is_some_and(|host| hosts.contains(&text(host))) && named.next().is_none();
            if !is_ours {
                return refuse(403, "the gateway answers to 127.0.0.1 and localhost alone, with its port");
            }
        }
        let is_own = |origin: &HeaderValue| {
            hosts.iter().flatten().any(|host| text(origin).strip_prefix("http://") == Some(host.as_str()))
        };
        let is_from_page = head.headers.get_all(header::ORIGIN).iter().any(|origin| !is_own(origin))
            || head
                .headers
                .get_all("sec-fetch-site")
                .iter()
                .any(|site| !["none", "same-origin"].contains(&&*text(site)));
        if is_from_page {
            return refuse(403, "web pages get nothing from the gateway");
        }
        match head.method {
            Method::GET | Method::POST | Method::DELETE => Ok(()),
            _ => refuse(405, "the gateway takes GET, POST and DELETE"),
        }
    }

    /// The pass with which this request goes on, and what tells its client from others.
    async fn pass(&self, address: &Address<'_>, headers: &HeaderMap) -> Result<(Arc<Pass>, String), Refusal> {
        let api = &self.gateway.api;
        match &self.visitor {
            Visitor::Loopback { .. } => {
                let key = address.key.or_else(|| presented(headers));
                let Some(key) = key else {
                    let message = format!(
                        "the gateway wants a key with each request, in the header {KEY_HEADER} (what to do: keybearer gateway \
                         key NAME --client CLIENT makes one)"
                    );
                    return Err(Refusal::new(403, ErrorCode::CallerUnidentified, message));
                };
                let caller = api.key_holder(key).await?;
                let pass = api.pass(&caller, &address.profile, Asking::Never).await?;
                let client = if let Standing::Key(id) = &caller.standing { id.to_string() } else { String::new() };
                Ok((Arc::new(pass), client))
            }
            Visitor::Program { caller, is_itself } => {
                if !is_itself() {
                    return Err(Refusal::new(403, ErrorCode::CallerUnidentified, "another program has connected here"));
                }
                let client = format!("process {}", caller.view.pid.unwrap_or_default());
                if let Some(pass) = self.passes().get(&address.profile) {
                    return Ok((pass.clone(), client));
                }
                let pass = Arc::new(api.pass(caller, &address.profile, Asking::Wait).await?);
                let mut passes = self.passes();
                if passes.len() >= PASSES {
                    passes.clear();
                }
                passes.insert(address.profile.clone(), pass.clone());
                Ok((pass, client))
            }
        }
    }

    fn passes(&self) -> MutexGuard<'_, HashMap<String, Arc<Pass>>> {
        self.passes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's answer, as it comes.
    fn pass_on(
        &self,
        head: &Parts,
        address: &Address<'_>,
        pass: &Arc<Pass>,
        answer: Answer,
        under_way: UnderWay,
    ) -> Response<Body> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::BAD_GATEWAY);
        *response.headers_mut() = answer.headers().clone();
        let is_stream = media_type(answer.headers()).as_deref() == Some("text/event-stream");
        // Only a stream that was opened by itself can begin with an endpoint.
        let opening = (is_stream && head.method == Method::GET && address.endpoint.is_none())
            .then(|| Opening::new(&self.gateway.endpoints, pass.account(), address.base));
        if opening.is_some() {
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        let is_itself = match &self.visitor {
            Visitor::Loopback { .. } => None,
            Visitor::Program { is_itself, .. } => Some(is_itself.clone()),
        };
        let download = Download { answer, opening, named: None, is_itself, _under_way: under_way };
        let pieces = unfold(download, |mut download| async move {
            let piece = download.piece().await.transpose()?;
            Some((piece.map(Frame::data), download))
        });
        response.map(|()| StreamBody::new(pieces).boxed_unsync())
    }
}

/// An answer on its way to a client.
struct Download {
    answer: Answer,
    /// The beginning of a stream, as long as it isn't known what stream it is.
    opening: Option<Opening>,
    /// The endpoint that was named on it: it is one as long as the stream lasts.
    named: Option<Named>,
    is_itself: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    _under_way: UnderWay,
}

impl Download {
    async fn piece(&mut self) -> Result<Option<Bytes>, RelayError> {
        loop {
            let piece = self.answer.chunk().await?;
            if self.is_itself.as_ref().is_some_and(|is_itself| !is_itself()) {
                return Err(Error::Removed.into());
            }
            let (Some(opening), Some(bytes)) = (&mut self.opening, &piece) else {
                // What is held of a stream that ended is its rest.
                return Ok(piece.or_else(|| self.opening.take().and_then(Opening::rest)));
            };
            let (bytes, is_over) = opening.push(bytes);
            if is_over {
                self.named = self.opening.take().and_then(Opening::named);
            }
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }
}

/// The key in the headers of a request. Some clients know no header but `Authorization`.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get(KEY_HEADER).and_then(|value| value.to_str().ok());
    own.or_else(|| {
        let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    })
}

/// The id of a request, for an answer of ours; null for anything else.
fn id_of(message: &[u8]) -> Value {
    #[derive(Deserialize)]
    struct Message {
        method: Option<serde::de::IgnoredAny>,
        id: Option<Value>,
    }
    let message: Option<Message> = serde_json::from_slice(message).ok();
    let id = message.filter(|message| message.method.is_some()).and_then(|message| message.id);
    id.filter(|id| id.is_string() || id.is_number()).unwrap_or_default()
}
