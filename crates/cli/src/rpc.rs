//! Raw requests, for trying the protocol and for scripts.

use crate::arguments::RpcArguments;
use crate::connection::Reach;
use crate::output::{Failure, answer_json};
use keybearer_ipc::client::Client;
use keybearer_ipc::frame::LIMIT;
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, BufRead, Read};

/// What is typed: the envelope is added.
#[derive(Deserialize)]
struct Question {
    method: String,
    #[serde(default)]
    params: Option<Value>,
    /// Given back with the answer, where several are asked.
    #[serde(default)]
    id: Option<Value>,
}

/// `keybearer rpc`
pub(crate) fn rpc(reach: &Reach, arguments: &RpcArguments) -> Result<(), Failure> {
    let door = if arguments.admin { Door::Admin } else { Door::Programs };
    if arguments.request == "-" {
        let mut agent = reach.open(door)?;
        let asked = several(&mut agent, &mut io::stdin().lock());
        return if arguments.follow { asked.and_then(|()| follow(&mut agent)) } else { asked };
    }
    let Question { method, params, .. } = question(arguments.request.as_bytes())?;
    let mut agent = reach.open(door)?;
    answer_json(&agent.call_by_name(&method, params.unwrap_or_else(|| json!({})))?)?;
    if arguments.follow { follow(&mut agent) } else { Ok(()) }
}

/// Answers each line with a line. One that fails keeps none from being asked; the first failure is that of the command.
fn several(agent: &mut Client, lines: &mut impl BufRead) -> Result<(), Failure> {
    let mut failed = None;
    while let Some(line) = next(lines)? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let asked = question(&line);
        let id = asked.as_ref().ok().and_then(|question| question.id.clone());
        let outcome = asked.and_then(|Question { method, params, .. }| {
            Ok(agent.call_by_name(&method, params.unwrap_or_else(|| json!({})))?)
        });
        let mut said = json!({});
        if let Some(id) = id {
            said["id"] = id;
        }
        match outcome {
            Ok(result) => said["result"] = result,
            Err(Failure(error)) => {
                said["error"] = json!(error);
                // Nothing more can be asked.
                let is_over = [ErrorCode::AgentUnreachable, ErrorCode::ProtocolMismatch].contains(&error.known_code());
                failed.get_or_insert(error);
                if is_over {
                    answer_json(&said)?;
                    break;
                }
            }
        }
        answer_json(&said)?;
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn follow(agent: &mut Client) -> Result<(), Failure> {
    loop {
        answer_json(&agent.next_news()?)?;
    }
}

/// The next line; one that no agent would read is refused before it is.
fn next(lines: &mut impl BufRead) -> Result<Option<Vec<u8>>, Failure> {
    let mut line = Vec::new();
    let limit = u64::try_from(LIMIT).unwrap_or(u64::MAX);
    let read = lines.by_ref().take(limit).read_until(b'\n', &mut line);
    read.map_err(|error| Failure::usage(format!("standard input can't be read: {error}")))?;
    match line.len() {
        0 => Ok(None),
        LIMIT.. => Err(Failure::usage("a request holds at most 64 KiB")),
        _ => Ok(Some(line)),
    }
}

fn question(line: &[u8]) -> Result<Question, Failure> {
    serde_json::from_slice(line).map_err(|error| {
        // The parser's words may quote a secret out of the request, so only the place is told.
        let place = format!("line {} column {}", error.line(), error.column());
        let message = format!("a request looks like {{\"method\": …, \"params\": {{…}}}}: {place}");
        Failure(ErrorObject::new(ErrorCode::Usage, message))
    })
}
