//! A raw request, for trying the protocol and for scripts.

use crate::connection::Reach;
use crate::output::{Failure, answer_json};
use keybearer_protocol::Door;
use serde::Deserialize;
use serde_json::Value;

/// What is typed: the envelope is added.
#[derive(Deserialize)]
struct Question {
    method: String,
    #[serde(default)]
    params: Option<Value>,
}

/// `keybearer rpc`
pub(crate) fn rpc(reach: &Reach, request: &str, admin: bool) -> Result<(), Failure> {
    let question: Question = serde_json::from_str(request).map_err(|error| {
        Failure::usage(format!("a request looks like {{\"method\": …, \"params\": {{…}}}}: {error}"))
    })?;
    let door = if admin { Door::Admin } else { Door::Programs };
    let params = question.params.unwrap_or_else(|| serde_json::json!({}));
    answer_json(&reach.open(door)?.call_by_name(&question.method, params)?)
}
