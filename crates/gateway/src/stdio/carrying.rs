//! How a message gets to the server, and its answer back to the client.

use crate::budget::Held;
use crate::relay::Answer;
use crate::stdio::link::{SESSION, Transport};
use crate::stdio::message::{Kind, Message, is_json, posted};
use crate::stdio::{Bridge, no_answer, no_room};
use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use keybearer_oauth::reach::media_type;
use keybearer_protocol::envelope::{Envelope, MessageId, Scanner};
use keybearer_protocol::{ErrorCode, ErrorObject};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// The longest message of a server, in bytes.
pub(crate) const LONGEST: usize = 128 * 1024 * 1024;
/// How much is read of what a server says with a refusal, in bytes.
const REFUSAL: usize = 64 * 1024;
/// The longest answer to a handshake that is looked into, in bytes.
const HANDSHAKE: usize = 1024 * 1024;
/// How long a server of the old transport may take to name its endpoint.
const OPENING: Duration = Duration::from_secs(20);
/// How long a handshake may take that nobody sees.
const AGREEING: Duration = Duration::from_secs(30);

impl Bridge {
    /// Carries a message by the way that client and server have agreed on.
    pub(super) async fn send(&self, message: &Message) -> Result<(), ErrorObject> {
        if message.kind == Kind::Initialize {
            self.link().begin(&message.body);
            self.announce();
        }
        let lost = {
            let link = self.link();
            matches!(link.transport, Transport::Lost).then_some(link.number)
        };
        if let Some(number) = lost {
            self.renew(number).await?;
        }
        let endpoint = self.endpoint();
        match &endpoint {
            Some(endpoint) => self.post_to(endpoint, &message.body).await?,
            None => self.post(message).await?,
        }
        if message.kind == Kind::Initialized {
            self.link().begun(&message.body);
            if endpoint.is_none() {
                self.announce();
            }
        }
        Ok(())
    }

    /// Streamable HTTP. Where the session is gone, the handshake is made anew and the message sent once more.
    async fn post(&self, message: &Message) -> Result<(), ErrorObject> {
        let is_handshake = message.kind == Kind::Initialize;
        let mut is_again = false;
        loop {
            let mut headers = message.headers();
            let (number, of_session) = {
                let link = self.link();
                (link.number, if message.is_stateless() { HeaderMap::new() } else { link.headers() })
            };
            let in_session = of_session.contains_key(SESSION);
            headers.extend(of_session);
            let opened = self.ask(Method::POST, None, headers, message.body.clone()).await?;
            match opened.status() {
                404 if in_session && !is_again => {
                    is_again = true;
                    self.renew(number).await?;
                }
                400 | 404 | 405 if is_handshake => {
                    // It may know the old transport alone.
                    let refusal = refusal(opened, &message.asks).await;
                    let Some(endpoint) = self.open_stream().await else { return self.refused(refusal).await };
                    return self.post_to(&endpoint, &message.body).await;
                }
                200..=299 => {
                    if is_handshake {
                        self.link().session = opened.headers().get(SESSION).cloned();
                    }
                    return self.take_answer(opened, &message.asks).await;
                }
                _ => return self.refused(refusal(opened, &message.asks).await).await,
            }
        }
    }

    /// The old transport: the answer comes by the stream.
    async fn post_to(&self, endpoint: &str, body: &Bytes) -> Result<(), ErrorObject> {
        let opened = self.ask(Method::POST, Some(endpoint), posted(), body.clone()).await?;
        match opened.status() {
            200..=299 => Ok(()),
            status => Err(unusable(status)),
        }
    }

    /// Sends a request with this account's access.
    pub(super) async fn ask(
        &self,
        method: Method,
        endpoint: Option<&str>,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, ErrorObject> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        self.relay.send(&self.pass, endpoint, request).await.map_err(|error| error.to_object())
    }

    async fn take_answer(&self, opened: Answer, asks: &[MessageId]) -> Result<(), ErrorObject> {
        if asks.is_empty() {
            return Ok(());
        }
        match media_type(opened.headers()).as_deref() {
            Some("application/json") => {
                // What waits for the client to read it counts until it was read.
                let (body, _held) = self.collect(opened).await?;
                if self.pass_on(body).await { Ok(()) } else { Err(no_answer()) }
            }
            Some("text/event-stream") => self.follow_answer(opened, asks).await,
            _ => Err(no_answer()),
        }
    }

    /// A whole body, and the memory that it holds.
    async fn collect(&self, mut opened: Answer) -> Result<(Vec<u8>, Held), ErrorObject> {
        let (mut body, mut held) = (Vec::new(), self.budget.nothing());
        while let Some(chunk) = opened.chunk().await.map_err(|error| error.to_object())? {
            let length = body.len() + chunk.len();
            if length > LONGEST {
                return Err(too_long());
            }
            if !held.grow(length) {
                return Err(no_room());
            }
            body.extend_from_slice(&chunk);
        }
        Ok((body, held))
    }

    /// Takes a server's message to the client: requests and notifications as they are, and answers to what is open. Whether
    /// it was a message at all.
    pub(super) async fn pass_on(&self, mut message: Vec<u8>) -> bool {
        // Outside of texts, where alone JSON has them, they mean nothing; a line has none.
        message.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        let mut scanner = Scanner::default();
        scanner.push(&message);
        let envelopes = scanner.end();
        if envelopes.is_empty() || !is_json(&message) {
            return false;
        }
        let answers: Vec<&MessageId> = envelopes.iter().filter_map(Envelope::answers).collect();
        let open: Vec<_> = answers.iter().filter_map(|id| self.waiting.take(id)).collect();
        if open.iter().any(|open| open.is_handshake) && message.len() <= HANDSHAKE {
            self.link().agree(&message);
        }
        // An answer that nobody waits for, or that waits for somebody else, is none.
        let is_wanted = answers.is_empty() || open.iter().any(|open| !open.is_ours);
        if is_wanted {
            self.say(&message).await;
        }
        true
    }

    async fn refused(&self, refusal: Result<Vec<u8>, ErrorObject>) -> Result<(), ErrorObject> {
        self.pass_on(refusal?).await;
        Ok(())
    }

    /// The session is gone: what the client said in the beginning is said again, and it notices nothing. Whoever comes
    /// while that is done waits for it.
    async fn renew(&self, number: u32) -> Result<(), ErrorObject> {
        let _renewing = self.renewing.lock().await;
        let id = MessageId::of(&json!(format!("keybearer-{number}"))).ok_or_else(session_lost)?;
        let (again, initialized, is_legacy, before) = {
            let mut link = self.link();
            if link.number != number {
                return Ok(());
            }
            let is_legacy = matches!(link.transport, Transport::Lost);
            let again = link.again(&id).ok_or_else(session_lost)?;
            let before = (link.session.take(), link.protocol.take());
            (again, link.initialized.clone(), is_legacy, before)
        };
        let told = self.waiting.add(&id, true, true);
        let agreed = timeout(AGREEING, self.agree(&id, again, is_legacy, told)).await;
        self.waiting.take(&id);
        if agreed.is_ok_and(|agreed| agreed.is_ok()) && self.link().protocol.is_some() {
            if let Some(initialized) = initialized {
                let headers = self.link().headers();
                let _ = match self.endpoint() {
                    Some(endpoint) => self.post_to(&endpoint, &initialized).await,
                    None => {
                        let headers =
                            posted().into_iter().chain(headers).filter_map(|(name, value)| Some((name?, value)));
                        self.ask(Method::POST, None, headers.collect(), initialized).await.map(drop)
                    }
                };
            }
            self.link().number += 1;
            // The stream of the old transport is the new session; another has to be opened for it.
            if !is_legacy {
                self.announce();
            }
            return Ok(());
        }
        // The next message tries again.
        let mut link = self.link();
        (link.session, link.protocol) = before;
        if is_legacy {
            link.transport = Transport::Lost;
        }
        Err(session_lost())
    }

    async fn agree(
        &self,
        id: &MessageId,
        again: Bytes,
        is_legacy: bool,
        told: Option<watch::Receiver<bool>>,
    ) -> Result<(), ErrorObject> {
        if is_legacy {
            let endpoint = self.open_stream().await.ok_or_else(session_lost)?;
            self.post_to(&endpoint, &again).await?;
            if let Some(mut told) = told {
                while told.changed().await.is_ok() {}
            }
            return Ok(());
        }
        let opened = self.ask(Method::POST, None, posted(), again).await?;
        if !(200..=299).contains(&opened.status()) {
            return Err(session_lost());
        }
        self.link().session = opened.headers().get(SESSION).cloned();
        self.take_answer(opened, std::slice::from_ref(id)).await
    }

    /// Has the stream of the old transport opened; its endpoint.
    async fn open_stream(&self) -> Option<String> {
        let (tell, named) = oneshot::channel();
        self.link().transport = Transport::Opening(Some(tell));
        self.announce();
        let named = timeout(OPENING, named).await.ok().and_then(Result::ok);
        if named.is_none() {
            self.link().transport = Transport::Streamable;
            self.announce();
        }
        named
    }

    /// The endpoint of the old transport, if that is in use.
    fn endpoint(&self) -> Option<String> {
        if let Transport::Legacy(endpoint) = &self.link().transport { Some(endpoint.clone()) } else { None }
    }

    pub(super) fn is_legacy(&self) -> bool {
        matches!(self.link().transport, Transport::Legacy(_))
    }

    /// Ends the session where the server keeps one. It may refuse; the session then ends by itself.
    pub(super) async fn leave(&self) {
        let headers = self.link().headers();
        if headers.contains_key(SESSION) {
            let _ = self.ask(Method::DELETE, None, headers, Bytes::new()).await;
        }
    }

    /// Tells [`Bridge::listen`] that something changed.
    fn announce(&self) {
        self.changed.send_modify(|changes| *changes += 1);
    }
}

/// What a server says with a status that is no success: the error of JSON-RPC in its body as the answer to what was asked, or
/// the status in our words.
async fn refusal(mut opened: Answer, asks: &[MessageId]) -> Result<Vec<u8>, ErrorObject> {
    let status = opened.status();
    let [id] = asks else { return Err(unusable(status)) };
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = opened.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > REFUSAL {
            return Err(unusable(status));
        }
    }
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    match said.get("error").filter(|error| error.get("code").is_some_and(Value::is_i64)) {
        Some(error) => Ok(json!({ "jsonrpc": "2.0", "id": id.to_value(), "error": error }).to_string().into_bytes()),
        None => Err(unusable(status)),
    }
}

fn unusable(status: u16) -> ErrorObject {
    match status {
        408 | 425 | 429 | 500.. => ErrorObject::new(
            ErrorCode::ProviderUnreachable,
            format!("the server answered {status}; try again in a moment"),
        ),
        _ => ErrorObject::new(ErrorCode::ProviderError, format!("the server refused the message with {status}")),
    }
}

fn session_lost() -> ErrorObject {
    let text = "the server has ended the session, and began no new one; restart this MCP server in your client";
    ErrorObject::new(ErrorCode::ProviderError, text).with_reason("session_lost")
}

pub(super) fn too_long() -> ErrorObject {
    ErrorObject::new(ErrorCode::ProviderError, "the server's answer is larger than 128 MiB").with_reason("too_large")
}
