//! A stream of a server, read event by event up to the answer that is waited for.

use crate::events::{Event, Events};
use keybearer_core::upstream::UpstreamError;
use keybearer_oauth::http::Answer;
use serde_json::Value;
use std::collections::VecDeque;

/// A stream that is under way. The answer that it is the body of limits its length and its time.
pub(super) struct Stream {
    answer: Answer,
    events: Events,
    /// Events that came with another and weren't looked at yet.
    ready: VecDeque<Event>,
}

impl Stream {
    pub(super) fn of(answer: Answer) -> Stream {
        Stream { answer, events: Events::default(), ready: VecDeque::new() }
    }

    /// The next event; none at the end. Whoever stops waiting loses none.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, UpstreamError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(chunk) = self.answer.chunk().await? else { return Ok(None) };
            self.ready.extend(self.events.push(&chunk));
        }
    }

    /// The answer to request `id`, whatever comes before it.
    pub(super) async fn answer_to(&mut self, id: u32) -> Result<Value, UpstreamError> {
        let not_mcp = |problem: &str| UpstreamError::NotMcp(problem.to_owned());
        while let Some(Event { data, .. }) = self.next().await? {
            let message: Value = serde_json::from_slice(&data).map_err(|_| not_mcp("an event isn't JSON"))?;
            if message.get("id") == Some(&id.into()) && message.get("method").is_none() {
                return Ok(message);
            }
        }
        Err(not_mcp("its stream ended without an answer"))
    }
}
