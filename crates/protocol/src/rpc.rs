//! The JSON-RPC 2.0 envelope. Batches don't exist here (REQ-F2).

use crate::error::ErrorObject;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The only value of the member `jsonrpc`.
pub const VERSION: &str = "2.0";

/// What tells the requests of a connection apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Id {
    /// A number, as most callers choose.
    Number(u64),
    /// Or a text.
    Text(String),
}

/// A request: `{"jsonrpc":"2.0","id":1,"method":"token.get","params":{…},"session":"…"}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Always [`VERSION`].
    pub jsonrpc: String,
    /// Chosen by the caller, given back in the answer.
    pub id: Id,
    /// The method's name.
    pub method: String,
    /// The method's parameters; absent means `{}`.
    #[serde(default = "empty_object")]
    pub params: Value,
    /// The nonce from the reply to `session.open`; only that first request lacks it (REQ-H2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// An answer: either `result` or `error`. The reply is read as a [`Value`]; whoever writes one has it as text already.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Response<R = Value> {
    /// Always [`VERSION`].
    pub jsonrpc: String,
    /// The request's id; absent where the request couldn't be read.
    pub id: Option<Id>,
    /// The reply, if it went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<R>,
    /// The error, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorObject>,
}

/// What the agent tells of its own accord, of whoever asked for it: a request without `id`, which gets no answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// Always [`VERSION`].
    pub jsonrpc: String,
    /// What it is about.
    pub method: String,
    /// What there is to tell.
    pub params: Value,
}

impl Notice {
    /// A notice of this kind.
    pub fn new(method: &str, params: Value) -> Self {
        Notice { jsonrpc: VERSION.to_owned(), method: method.to_owned(), params }
    }
}

impl Request {
    /// A request of this method.
    pub fn new(id: Id, method: &str, params: Value, session: Option<String>) -> Self {
        Request { jsonrpc: VERSION.to_owned(), id, method: method.to_owned(), params, session }
    }
}

impl<R> Response<R> {
    /// The answer to request `id`.
    pub fn new(id: Option<Id>, outcome: Result<R, ErrorObject>) -> Self {
        let (result, error) = match outcome {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error)),
        };
        Response { jsonrpc: VERSION.to_owned(), id, result, error }
    }
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}
