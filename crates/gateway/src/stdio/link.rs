//! What a client and its server have agreed on: revision, session, transport; and what it takes to agree anew.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use keybearer_oauth::http::PROTOCOL_VERSION;
use keybearer_oauth::reach::STATELESS;
use keybearer_protocol::envelope::MessageId;
use serde_json::Value;
use tokio::sync::oneshot;

/// The header that names a session.
pub(crate) const SESSION: &str = "mcp-session-id";
/// The longest handshake that is remembered, in bytes.
const LONGEST: usize = 1024 * 1024;

/// The agreement as it stands.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Counts the agreements.
    pub(crate) number: u32,
    pub(crate) transport: Transport,
    pub(crate) protocol: Option<String>,
    pub(crate) session: Option<HeaderValue>,
    /// What the client said to begin with.
    initialize: Option<Bytes>,
    /// What it said behind the answer to that.
    pub(crate) initialized: Option<Bytes>,
    /// Whether it has said that.
    has_begun: bool,
}

/// By which way messages go.
#[derive(Debug, Default)]
pub(crate) enum Transport {
    /// Streamable HTTP (2025-03-26 and later).
    #[default]
    Streamable,
    /// HTTP+SSE (2024-11-05): the stream is being opened, and its endpoint goes there.
    Opening(Option<oneshot::Sender<String>>),
    /// HTTP+SSE: messages go to this endpoint, and everything comes by the stream.
    Legacy(String),
    /// HTTP+SSE whose stream is gone, and the session with it.
    Lost,
}

impl Link {
    /// The client begins anew.
    pub(crate) fn begin(&mut self, initialize: &Bytes) {
        let number = self.number + 1;
        let initialize = Some(initialize).filter(|said| said.len() <= LONGEST).cloned();
        *self = Link { number, initialize, ..Link::default() };
    }

    /// The client has taken the server's answer.
    pub(crate) fn begun(&mut self, initialized: &Bytes) {
        self.has_begun = true;
        self.initialized = Some(initialized).filter(|said| said.len() <= LONGEST).cloned();
    }

    /// What the server's answer to the handshake says.
    pub(crate) fn agree(&mut self, answer: &[u8]) {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let protocol = answer.pointer("/result/protocolVersion").and_then(Value::as_str);
        self.protocol = protocol.map(str::to_owned);
    }

    /// The headers that every message of this agreement carries.
    pub(crate) fn headers(&self) -> HeaderMap {
        let protocol = self.protocol.as_ref().and_then(|protocol| HeaderValue::from_str(protocol).ok());
        let both = [(PROTOCOL_VERSION, protocol), (SESSION, self.session.clone())];
        both.into_iter().filter_map(|(name, value)| Some((HeaderName::from_static(name), value?))).collect()
    }

    /// Whether the server may have something to say of its own accord, by a stream of its own.
    pub(crate) fn has_stream(&self) -> bool {
        self.has_begun && self.protocol.as_deref().is_some_and(|protocol| protocol < STATELESS)
    }

    /// The handshake once more, under this id.
    pub(crate) fn again(&self, id: &MessageId) -> Option<Bytes> {
        let mut initialize: Value = serde_json::from_slice(self.initialize.as_ref()?).ok()?;
        *initialize.get_mut("id")? = id.to_value();
        serde_json::to_vec(&initialize).ok().map(Bytes::from)
    }
}
