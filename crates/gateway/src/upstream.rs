//! One MCP request to a server, from handshake to answer (Streamable HTTP).

use crate::events::{Event, Events};
use crate::exchange::exchange;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use keybearer_core::upstream::{Access, ToolList, Upstream, UpstreamError};
use keybearer_oauth::http::{Answer, HANDSHAKE, PROTOCOL_VERSION, host, post};
use keybearer_oauth::reach::{STATELESS, challenge, media_type, stateless};
use keybearer_oauth::readable::readable;
use keybearer_oauth::{Http, HttpError, ServerUrl};
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

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
    match list_after_handshake(server, access).await {
        // A server of a later revision knows no handshake, and says so in ways of its own.
        Err(refused @ (UpstreamError::NotMcp(_) | UpstreamError::Refused(_))) => {
            match Session::without_handshake(server, access)?.list_tools().await {
                Err(UpstreamError::NotMcp(_) | UpstreamError::Refused(_)) => Err(refused),
                listed => listed,
            }
        }
        listed => listed,
    }
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
    headers: HeaderMap,
    protocol: String,
    name: String,
    next_id: u32,
}

impl<'a> Session<'a> {
    fn new(server: &'a ServerUrl, access: &'a Access) -> Result<Session<'a>, UpstreamError> {
        let (http, headers) = (Http::for_server(server)?, HeaderMap::new());
        Ok(Session { http, server, access, headers, protocol: String::new(), name: String::new(), next_id: 0 })
    }

    /// For a server that knows no handshake: every request says for itself what one would have told.
    fn without_handshake(server: &'a ServerUrl, access: &'a Access) -> Result<Session<'a>, UpstreamError> {
        Ok(Session { protocol: STATELESS.to_owned(), ..Session::new(server, access)? })
    }

    async fn open(server: &'a ServerUrl, access: &'a Access) -> Result<Session<'a>, UpstreamError> {
        let mut session = Session::new(server, access)?;
        let params = json!({ "protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": client() });
        let (hello, answer_headers) = session.request("initialize", params).await?;
        session.protocol = hello.get("protocolVersion").and_then(Value::as_str).map(readable).unwrap_or_default();
        session.name = hello.get("serverInfo").map(name).unwrap_or_default();
        session.remember(&answer_headers);
        session.notify("notifications/initialized").await?;
        Ok(session)
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
        let mut names = Vec::new();
        let mut cursor = None;
        for _ in 0..PAGES {
            let params = cursor.take().map_or(json!({}), |cursor: String| json!({ "cursor": cursor }));
            let (page, _) = self.request("tools/list", params).await?;
            if let Some(server) = page.pointer("/_meta/io.modelcontextprotocol~1serverInfo") {
                self.name = name(server);
            }
            let tools = page.get("tools").and_then(Value::as_array);
            let tools = tools.ok_or_else(|| UpstreamError::NotMcp("its tools/list names no tools".to_owned()))?;
            names.extend(tools.iter().filter_map(|tool| tool.get("name")?.as_str()).map(readable));
            names.truncate(TOOLS);
            cursor = page.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() || names.len() == TOOLS {
                break;
            }
        }
        Ok(ToolList { names, protocol: self.protocol.clone(), server: self.name.clone() })
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
        let mut answer = self.send(&message).await?;
        let headers = answer.headers().clone();
        let reply = read(&mut answer, id).await?;
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
        self.send(&json!({ "jsonrpc": "2.0", "method": method })).await.map(drop)
    }

    async fn send(&self, message: &Value) -> Result<Answer, UpstreamError> {
        let mut request = post(self.server.url(), "application/json", message.to_string().into_bytes())?;
        let accept = HeaderValue::from_static("application/json, text/event-stream");
        request.headers_mut().insert(header::ACCEPT, accept);
        let answer = self.exchange(request.map(Bytes::from)).await?;
        check(self.server, answer)
    }

    async fn exchange(&self, mut request: Request<Bytes>) -> Result<Answer, UpstreamError> {
        request.headers_mut().extend(self.headers.clone());
        exchange(&self.http, self.access, &request).await
    }

    /// Ends the session where the server keeps one. It may refuse; the session then ends by itself.
    async fn close(self) {
        if !self.headers.contains_key("mcp-session-id") {
            return;
        }
        let Ok(uri) = self.server.url().as_str().parse() else { return };
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = Method::DELETE;
        *request.uri_mut() = uri;
        let _ = self.exchange(request).await;
    }
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
async fn read(answer: &mut Answer, id: u32) -> Result<Value, UpstreamError> {
    let not_mcp = |problem: &str| UpstreamError::NotMcp(problem.to_owned());
    match media_type(answer.headers()).as_deref() {
        Some("application/json") => {
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                body.extend_from_slice(&chunk);
            }
            serde_json::from_slice(&body).map_err(|_| not_mcp("its answer isn't JSON"))
        }
        Some("text/event-stream") => {
            let mut events = Events::default();
            while let Some(chunk) = answer.chunk().await? {
                for Event { data, .. } in events.push(&chunk) {
                    let message: Value = serde_json::from_slice(&data).map_err(|_| not_mcp("an event isn't JSON"))?;
                    if message.get("id") == Some(&id.into()) && message.get("method").is_none() {
                        return Ok(message);
                    }
                }
            }
            Err(not_mcp("its stream ended without an answer"))
        }
        other => Err(not_mcp(&format!("it answered {}", other.unwrap_or("nothing")))),
    }
}

/// Who asks.
fn client() -> Value {
    json!({ "name": "keybearer", "version": env!("CARGO_PKG_VERSION") })
}

/// A server's own name and version.
fn name(server: &Value) -> String {
    let text = |field: &str| server.get(field).and_then(Value::as_str).map(readable).unwrap_or_default();
    format!("{} {}", text("name"), text("version")).trim().to_owned()
}
