//! One message of a client, and what HTTP has to say of it.

use crate::stdio::budget::Held;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use keybearer_oauth::http::PROTOCOL_VERSION;
use keybearer_oauth::reach::STATELESS;
use keybearer_protocol::envelope::{Envelope, MessageId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// How a value begins that no header can carry as it is (MCP 2026-07-28, transports).
const ENCODED: &str = "=?base64?";

/// A message on its way to the server.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) body: Bytes,
    /// The requests in it.
    pub(crate) asks: Vec<MessageId>,
    pub(crate) kind: Kind,
    /// What a revision without a handshake says with every request; none for older ones.
    stateless: Option<HeaderMap>,
    _held: Held,
}

/// What a message is, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The handshake's first message.
    Initialize,
    /// Its last.
    Initialized,
    /// This request isn't wanted any more.
    Cancelled(Option<MessageId>),
    /// At least one request.
    Request,
    /// Notifications and answers.
    Other,
}

/// What is read of a message beside its envelope.
#[derive(Debug, Default, Deserialize)]
struct Peek {
    #[serde(default)]
    method: Option<Value>,
    #[serde(default)]
    params: Option<Params>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    #[serde(default)]
    name: Option<Value>,
    #[serde(default)]
    uri: Option<Value>,
    #[serde(default)]
    request_id: Option<Value>,
    #[serde(default, rename = "_meta")]
    meta: Option<Meta>,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(default, rename = "io.modelcontextprotocol/protocolVersion")]
    protocol: Option<Value>,
}

impl Message {
    /// The message in these bytes, if they are one: JSON with an envelope.
    pub(crate) fn read(body: Vec<u8>, envelopes: &[Envelope], held: Held) -> Option<Message> {
        if !is_json(&body) || envelopes.is_empty() {
            return None;
        }
        let asks: Vec<MessageId> = envelopes.iter().filter_map(Envelope::asks).cloned().collect();
        let peek: Peek = serde_json::from_slice(&body).unwrap_or_default();
        let Params { name, uri, request_id, meta } = peek.params.unwrap_or_default();
        let method = peek.method.as_ref().and_then(Value::as_str).unwrap_or_default();
        let kind = match method {
            "initialize" if !asks.is_empty() => Kind::Initialize,
            "notifications/initialized" => Kind::Initialized,
            "notifications/cancelled" => Kind::Cancelled(request_id.as_ref().and_then(MessageId::of)),
            _ if asks.is_empty() => Kind::Other,
            _ => Kind::Request,
        };
        let protocol = meta.and_then(|meta| meta.protocol);
        let protocol = protocol.as_ref().and_then(Value::as_str).filter(|protocol| *protocol >= STATELESS);
        let stateless = protocol.map(|protocol| {
            let name = match method {
                "tools/call" | "prompts/get" => name,
                "resources/read" => uri,
                _ => None,
            };
            let name = name.as_ref().and_then(Value::as_str);
            let said = [(PROTOCOL_VERSION, Some(protocol)), ("mcp-method", Some(method)), ("mcp-name", name)];
            said.into_iter()
                .filter_map(|(header, value)| Some((HeaderName::from_static(header), encoded(value?)?)))
                .collect()
        });
        Some(Message { body: body.into(), asks, kind, stateless, _held: held })
    }

    /// Whether it is of a revision without a handshake: it says all that there is to say by itself.
    pub(crate) fn is_stateless(&self) -> bool {
        self.stateless.is_some()
    }

    /// The headers of its request, beside those of the session.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = posted();
        headers.extend(self.stateless.clone().unwrap_or_default());
        headers
    }
}

/// The headers of every message.
pub(crate) fn posted() -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    let both = HeaderValue::from_static("application/json, text/event-stream");
    HeaderMap::from_iter([(header::CONTENT_TYPE, json), (header::ACCEPT, both)])
}

/// Whether this is JSON from beginning to end.
pub(crate) fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// A text as a header's value: as it is if a header can carry it, and encoded otherwise.
fn encoded(text: &str) -> Option<HeaderValue> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.trim() == text;
    match is_plain && !text.starts_with(ENCODED) {
        true => HeaderValue::from_str(text).ok(),
        false => HeaderValue::from_str(&format!("{ENCODED}{}?=", BASE64_STANDARD.encode(text))).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stdio::budget::Budget;
    use keybearer_protocol::envelope::Scanner;
    use serde_json::json;

    fn message(text: &str) -> Option<Message> {
        let mut scanner = Scanner::default();
        scanner.push(text.as_bytes());
        Message::read(text.as_bytes().to_vec(), &scanner.end(), Budget::of(1024).nothing())
    }

    fn kind(text: &str) -> Option<Kind> {
        message(text).map(|message| message.kind)
    }

    #[test]
    fn a_message_is_known_by_its_method_whatever_else_it_holds() {
        assert_eq!(kind(r#"{"id":1,"method":"initialize","params":{}}"#), Some(Kind::Initialize));
        assert_eq!(kind(r#"{"method":"notifications/initialized"}"#), Some(Kind::Initialized));
        let cancelled = r#"{"method":"notifications/cancelled","params":{"requestId":7,"_meta":7}}"#;
        assert_eq!(kind(cancelled), Some(Kind::Other), "a shape that nobody knows");
        let cancelled = r#"{"method":"notifications/cancelled","params":{"requestId":7}}"#;
        assert_eq!(kind(cancelled), Some(Kind::Cancelled(MessageId::of(&json!(7)))));
        assert_eq!(kind(r#"[{"id":1,"method":"a"},{"method":"b"}]"#), Some(Kind::Request));
        assert_eq!(kind(r#"{"id":1,"result":{}}"#), Some(Kind::Other));
        for broken in ["", "{", "[]", "7", "{}{}", "{\"id\":1,\"method\":\"a\",}", "{\"a\":\"\u{1}\"}"] {
            assert_eq!(kind(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_revision_without_handshake_says_in_headers_what_stands_in_the_message() {
        let of = |method: &str, key: &str, value: &str| {
            let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
            let params = json!({ key: value, "_meta": meta });
            let text = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
            let headers = message(&text).expect("a message").headers();
            ["mcp-protocol-version", "mcp-method", "mcp-name"]
                .map(|name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned())
        };
        assert_eq!(of("tools/call", "name", "add"), ["2026-07-28", "tools/call", "add"]);
        assert_eq!(of("resources/read", "uri", "file:///a b"), ["2026-07-28", "resources/read", "file:///a b"]);
        assert_eq!(of("prompts/get", "name", "grüße")[2], "=?base64?Z3LDvMOfZQ==?=");
        assert_eq!(of("tools/call", "name", "=?base64?eA==?=")[2], "=?base64?PT9iYXNlNjQ/ZUE9PT89?=");
        assert_eq!(of("tools/call", "name", "a\r\nAuthorization: b")[2], "=?base64?YQ0KQXV0aG9yaXphdGlvbjogYg==?=");
        assert_eq!(of("tools/list", "name", "add"), ["2026-07-28", "tools/list", ""]);
        let older = r#"{"id":1,"method":"tools/call","params":{"name":"add"}}"#;
        assert!(!message(older).expect("a message").headers().contains_key("mcp-method"));
    }
}
