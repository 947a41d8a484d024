//! The least of an MCP client: requests, one after the other, in the words of the revision that the suite wants.

use keybearer_tests::loopback;
use serde_json::{Value, json};

/// The revision that did away with the handshake.
const STATELESS: &str = "2026-07-28";

/// The suite's server.
pub(crate) struct Server {
    url: String,
    revision: String,
    session: Option<String>,
    next_id: u32,
}

/// What it said.
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The challenge, as it came.
    pub(crate) challenge: Option<String>,
    /// The nonce that the next proof is to carry.
    pub(crate) nonce: Option<String>,
    /// The body, as text.
    pub(crate) body: String,
}

impl Server {
    /// The server at this address.
    pub(crate) fn at(url: &str, revision: &str) -> Server {
        Server { url: url.to_owned(), revision: revision.to_owned(), session: None, next_id: 0 }
    }

    /// What comes before the first real request.
    pub(crate) fn opening(&self) -> Vec<(&'static str, Value)> {
        if self.is_stateless() {
            return vec![("server/discover", json!({}))];
        }
        let hello = json!({ "protocolVersion": self.revision, "capabilities": {}, "clientInfo": who() });
        vec![("initialize", hello), ("notifications/initialized", json!({}))]
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Sends a message, with these headers beside its own.
    pub(crate) fn ask(&mut self, method: &str, params: &Value, access: &[String]) -> anyhow::Result<Answer> {
        let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        if !method.starts_with("notifications/") {
            self.next_id += 1;
            message["id"] = self.next_id.into();
        }
        let mut headers = vec!["Accept: application/json, text/event-stream".to_owned()];
        headers.extend_from_slice(access);
        headers.extend(self.session.as_ref().map(|session| format!("Mcp-Session-Id: {session}")));
        if method != "initialize" {
            headers.push(format!("MCP-Protocol-Version: {}", self.revision));
        }
        if self.is_stateless() {
            message["params"]["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": self.revision,
                "io.modelcontextprotocol/clientInfo": who(),
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            headers.push(format!("Mcp-Method: {method}"));
            headers.extend(params["name"].as_str().map(|name| format!("Mcp-Name: {name}")));
        }
        let answer = loopback::request_with("POST", &self.url, &headers.join("\r\n"), Some(&message.to_string()))?;
        self.session = header(&answer, "mcp-session-id").or(self.session.take());
        let (challenge, nonce) = (header(&answer, "www-authenticate"), header(&answer, "dpop-nonce"));
        Ok(Answer { status: answer.status, challenge, nonce, body: answer.body })
    }

    fn is_stateless(&self) -> bool {
        self.revision.as_str() >= STATELESS
    }
}

fn who() -> Value {
    json!({ "name": "keybearer-conformance", "version": env!("CARGO_PKG_VERSION") })
}

/// The value of a header; names ignore case.
pub(crate) fn header(answer: &loopback::Answer, name: &str) -> Option<String> {
    let fields = answer.head.lines().filter_map(|line| line.split_once(':'));
    let mut found = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim().to_owned())
}
