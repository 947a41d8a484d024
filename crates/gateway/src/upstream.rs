//! One MCP request to a server, from handshake to answer: Streamable HTTP, with and without a handshake, and the HTTP+SSE of
//! 2024-11-05.

/// A stream, up to the answer that is waited for.
mod stream;

use crate::endpoint::endpoint;
use crate::exchange::exchange;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use keybearer_core::upstream::{Access, ToolList, Upstream, UpstreamError};
use keybearer_oauth::http::{Answer, HANDSHAKE, PROTOCOL_VERSION, host, post};
use keybearer_oauth::reach::{STATELESS, challenge, media_type, stateless};
use keybearer_oauth::readable::readable;
use keybearer_oauth::{Http, HttpError, ServerUrl};
use keybearer_protocol::account::ToolView;
use keybearer_protocol::profile::Transport;
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use stream::Stream;
use url::Url;

/// Pages of a listing that are asked for at most.
const PAGES: usize = 50;
/// Tools that are counted at most.
const TOOLS: usize = 10_000;
/// The most that a whole listing may take, however many answers it is made of.
const PATIENCE: Duration = Duration::from_secs(60);

/// Speaks MCP over HTTP.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpUpstream;

impl Upstream for HttpUpstream {
    fn list_tools<'a>(
        &'a self,
        server: &'a ServerUrl,
        access: &'a Access,
    ) -> Pin<Box<dyn Future<Output = Result<ToolList, UpstreamError>> + Send + 'a>> {
        Box::pin(async move {
            let listed = tokio::time::timeout(PATIENCE, list(server, access)).await;
            listed.unwrap_or_else(|_| Err(HttpError::Timeout(host(server.url())).into()))
        })
    }
}

async fn list(server: &ServerUrl, access: &Access) -> Result<ToolList, UpstreamError> {
    let refused = match list_after_handshake(server, access).await {
        Err(refused @ (UpstreamError::NotMcp(_) | UpstreamError::Refused(_))) => refused,
        listed => return listed,
    };
    // A server of a later revision knows no handshake, and says so in ways of its own.
    match Session::without_handshake(server, access)?.list_tools().await {
        Err(UpstreamError::NotMcp(_) | UpstreamError::Refused(_)) => {}
        listed => return listed,
    }
    // One of the oldest takes no messages here, only at the endpoint that it names on its stream.
    if matches!(refused, UpstreamError::NotMcp(_))
        && let Some(mut session) = Session::by_stream(server, access).await?
    {
        return session.list_tools().await;
    }
    Err(refused)
}

async fn list_after_handshake(server: &ServerUrl, access: &Access) -> Result<ToolList, UpstreamError> {
    let mut session = Session::open(server, access).await?;
    let tools = session.list_tools().await;
    session.close().await;
    tools
}

/// A conversation with one server.
struct Session<'a> {
    http: Http,
    server: &'a ServerUrl,
    access: &'a Access,
    transport: Way,
    headers: HeaderMap,
    protocol: String,
    name: String,
    next_id: u32,
}

/// By which way messages go.
enum Way {
    /// Streamable HTTP (2025-03-26 and later): to the server's address, and the answer comes back by the same way.
    Streamable,
    /// HTTP+SSE (2024-11-05): to this endpoint, and all answers come by the one stream.
    Old { endpoint: Url, stream: Box<Stream> },
}

impl<'a> Session<'a> {
    fn new(server: &'a ServerUrl, access: &'a Access) -> Result<Session<'a>, UpstreamError> {
        Ok(Session {
            http: Http::for_server(server)?,
            server,
            access,
            transport: Way::Streamable,
            headers: HeaderMap::new(),
            protocol: String::new(),
            name: String::new(),
            next_id: 0,
        })
    }

    /// For a server that knows no handshake: every request says for itself what one would have told.
    fn without_handshake(server: &'a ServerUrl, access: &'a Access) -> Result<Session<'a>, UpstreamError> {
        Ok(Session { protocol: STATELESS.to_owned(), ..Session::new(server, access)? })
    }

    async fn open(server: &'a ServerUrl, access: &'a Access) -> Result<Session<'a>, UpstreamError> {
        let mut session = Session::new(server, access)?;
        let answer_headers = session.greet().await?;
        session.remember(&answer_headers);
        session.notify("notifications/initialized").await?;
        Ok(session)
    }

    /// By the old transport; none where the server has no stream to begin with.
    async fn by_stream(server: &'a ServerUrl, access: &'a Access) -> Result<Option<Session<'a>>, UpstreamError> {
        let mut session = Session::new(server, access)?;
        let mut request = empty(Method::GET, server)?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        let mut stream = match check(server, exchange(&session.http, access, &request).await?) {
            Ok(answer) if media_type(answer.headers()).as_deref() == Some("text/event-stream") => Stream::of(answer),
            Ok(_) | Err(UpstreamError::NotMcp(_) | UpstreamError::Refused(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let not_mcp = |problem: &str| UpstreamError::NotMcp(problem.to_owned());
        let first = stream.next().await?.filter(|event| event.name == "endpoint");
        let first = first.ok_or_else(|| not_mcp("its stream names no endpoint"))?;
        let endpoint = endpoint(server, String::from_utf8_lossy(&first.data).trim());
        let endpoint = endpoint.ok_or_else(|| not_mcp("it named another server's address for its messages"))?;
        session.transport = Way::Old { endpoint, stream: Box::new(stream) };
        session.greet().await?;
        session.notify("notifications/initialized").await?;
        Ok(Some(session))
    }

    /// The handshake, up to the server's answer; its headers.
    async fn greet(&mut self) -> Result<HeaderMap, UpstreamError> {
        let params = json!({ "protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": client() });
        let (hello, answer_headers) = self.request("initialize", params).await?;
        self.protocol = hello.get("protocolVersion").and_then(Value::as_str).map(readable).unwrap_or_default();
        self.name = hello.get("serverInfo").map(name).unwrap_or_default();
        Ok(answer_headers)
    }

    /// What every later message carries: the revision, and the session where the server keeps one.
    fn remember(&mut self, answer: &HeaderMap) {
        if let Ok(protocol) = HeaderValue::from_str(&self.protocol) {
            self.headers.insert(HeaderName::from_static(PROTOCOL_VERSION), protocol);
        }
        let name = HeaderName::from_static("mcp-session-id");
        if let Some(session) = answer.get(&name) {
            self.headers.insert(name, session.clone());
        }
    }

    async fn list_tools(&mut self) -> Result<ToolList, UpstreamError> {
        let mut all = Vec::new();
        let mut cursor = None;
        for _ in 0..PAGES {
            let params = cursor.take().map_or(json!({}), |cursor: String| json!({ "cursor": cursor }));
            let (page, _) = self.request("tools/list", params).await?;
            if let Some(server) = page.pointer("/_meta/io.modelcontextprotocol~1serverInfo") {
                self.name = name(server);
            }
            let tools = page.get("tools").and_then(Value::as_array);
            let tools = tools.ok_or_else(|| UpstreamError::NotMcp("its tools/list names no tools".to_owned()))?;
            all.extend(tools.iter().filter_map(tool));
            all.truncate(TOOLS);
            cursor = page.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() || all.len() == TOOLS {
                break;
            }
        }
        let transport = match self.transport {
            Way::Streamable => Transport::StreamableHttp,
            Way::Old { .. } => Transport::HttpSse,
        };
        Ok(ToolList { tools: all, transport, protocol: self.protocol.clone(), server: self.name.clone() })
    }

    async fn request(&mut self, method: &'static str, mut params: Value) -> Result<(Value, HeaderMap), UpstreamError> {
        self.next_id += 1;
        let id = self.next_id;
        if self.protocol == STATELESS {
            stateless(&mut self.headers, method);
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": STATELESS,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": client(),
            });
        }
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let request = self.post(&message)?;
        let (reply, headers) = match &mut self.transport {
            Way::Streamable => {
                let answer = check(self.server, exchange(&self.http, self.access, &request).await?)?;
                let headers = answer.headers().clone();
                (read(answer, id).await?, headers)
            }
            Way::Old { stream, .. } => {
                let refused = async {
                    let accepted = exchange(&self.http, self.access, &request).await;
                    match accepted.and_then(|answer| check(self.server, answer).map(drop)) {
                        Ok(()) => std::future::pending().await,
                        Err(refused) => refused,
                    }
                };
                // The server may write the answer before it accepts the request.
                let reply = tokio::select! {
                    reply = stream.answer_to(id) => reply?,
                    refused = refused => return Err(refused),
                };
                (reply, HeaderMap::new())
            }
        };
        if let Some(error) = reply.get("error") {
            let message = error.get("message").and_then(Value::as_str).unwrap_or("without a message");
            return Err(UpstreamError::Refused(readable(message)));
        }
        let result = reply.get("result").cloned();
        result
            .map(|result| (result, headers))
            .ok_or_else(|| UpstreamError::NotMcp("an answer without result".to_owned()))
    }

    async fn notify(&self, method: &str) -> Result<(), UpstreamError> {
        let request = self.post(&json!({ "jsonrpc": "2.0", "method": method }))?;
        check(self.server, exchange(&self.http, self.access, &request).await?).map(drop)
    }

    /// The request that carries a message.
    fn post(&self, message: &Value) -> Result<Request<Bytes>, UpstreamError> {
        let url = match &self.transport {
            Way::Streamable => self.server.url(),
            Way::Old { endpoint, .. } => endpoint,
        };
        let mut request = post(url, "application/json", message.to_string().into_bytes())?;
        let accept = HeaderValue::from_static("application/json, text/event-stream");
        request.headers_mut().insert(header::ACCEPT, accept);
        request.headers_mut().extend(self.headers.clone());
        Ok(request.map(Bytes::from))
    }

    /// Ends the session where the server keeps one. It may refuse; the session then ends by itself.
    async fn close(self) {
        if !self.headers.contains_key("mcp-session-id") {
            return;
        }
        let Ok(mut request) = empty(Method::DELETE, self.server) else { return };
        request.headers_mut().extend(self.headers);
        let _ = exchange(&self.http, self.access, &request).await;
    }
}

/// A request to the server without a body.
fn empty(method: Method, server: &ServerUrl) -> Result<Request<Bytes>, HttpError> {
    let url = server.url();
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = url.as_str().parse().map_err(|_| HttpError::NotAllowed(url.clone()))?;
    Ok(request)
}

fn check(server: &ServerUrl, answer: Answer) -> Result<Answer, UpstreamError> {
    match answer.status() {
        200..=299 => Ok(answer),
        401 => Err(UpstreamError::Unauthorized(challenge(answer.headers()))),
        403 => {
            let challenge = challenge(answer.headers());
            let scope = challenge.as_ref().is_some_and(|challenge| challenge.error() == Some("insufficient_scope"));
            match scope {
                true => Err(UpstreamError::InsufficientScope(challenge)),
                false => Err(UpstreamError::Refused("it answered 403".to_owned())),
            }
        }
        status if status == 429 || status >= 500 => Err(HttpError::status(server.host().to_owned(), status).into()),
        status => Err(UpstreamError::NotMcp(format!("it answered {status}"))),
    }
}

/// The answer to request `id`: the body itself, or one event of a stream, which is read no further.
async fn read(mut answer: Answer, id: u32) -> Result<Value, UpstreamError> {
    let not_mcp = |problem: &str| UpstreamError::NotMcp(problem.to_owned());
    match media_type(answer.headers()).as_deref() {
        Some("application/json") => {
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                body.extend_from_slice(&chunk);
            }
            serde_json::from_slice(&body).map_err(|_| not_mcp("its answer isn't JSON"))
        }
        Some("text/event-stream") => Stream::of(answer).answer_to(id).await,
        other => Err(not_mcp(&format!("it answered {}", other.unwrap_or("nothing")))),
    }
}

/// Who asks.
fn client() -> Value {
    json!({ "name": "keybearer", "version": env!("CARGO_PKG_VERSION") })
}

/// A tool, in the server's words. Before there were titles, an annotation had them (2025-03-26).
fn tool(listed: &Value) -> Option<ToolView> {
    let text = |place: &str| listed.pointer(place).and_then(Value::as_str).map(readable);
    let title = text("/title").or_else(|| text("/annotations/title")).filter(|title| !title.is_empty());
    Some(ToolView { name: text("/name")?, title })
}

/// A server's own name and version.
fn name(server: &Value) -> String {
    let text = |field: &str| server.get(field).and_then(Value::as_str).map(readable).unwrap_or_default();
    format!("{} {}", text("name"), text("version")).trim().to_owned()
}
