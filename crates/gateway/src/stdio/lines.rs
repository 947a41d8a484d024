//! The lines of a client: messages of any length up to a limit, each of which holds its part of what all may hold.

use crate::budget::{Budget, Held};
use crate::relay::BODY_LIMIT;
use keybearer_protocol::envelope::{Envelope, Scanner};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much is read at one time, in bytes.
const PIECE: usize = 16 * 1024;

/// What a client has said.
#[derive(Debug)]
pub(crate) struct Line {
    /// What it is.
    pub(crate) envelopes: Vec<Envelope>,
    /// The message itself, with what it holds of the budget; an error where there was no room for it.
    pub(crate) message: Result<(Vec<u8>, Held), NoRoom>,
}

/// Why a message can't be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// It is longer than any may be.
    TooLong,
    /// Others hold too much.
    Busy,
}

/// Reads lines.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    budget: Budget,
    /// What was read and not looked at.
    bytes: Vec<u8>,
    looked_at: usize,
    scanner: Scanner,
    message: Vec<u8>,
    held: Held,
    no_room: Option<NoRoom>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R, budget: Budget) -> Lines<R> {
        let held = budget.nothing();
        let (bytes, looked_at, scanner, message, no_room) = Default::default();
        Lines { reader, budget, bytes, looked_at, scanner, message, held, no_room }
    }

    /// The next line that isn't empty; `None` when the client has finished. Nothing is lost if this is dropped before it
    /// is done.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let fresh = self.bytes.get(self.looked_at..).unwrap_or_default();
            if let Some(end) = fresh.iter().position(|byte| *byte == b'\n') {
                self.take(end);
                self.looked_at += 1;
                let line = self.end();
                if line.is_some() {
                    return Ok(line);
                }
                continue;
            }
            let all = fresh.len();
            self.take(all);
            self.bytes.clear();
            self.looked_at = 0;
            self.bytes.reserve(PIECE);
            if self.reader.read_buf(&mut self.bytes).await? == 0 {
                return Ok(self.end());
            }
        }
    }

    /// Takes so many of the bytes that were read into the line.
    fn take(&mut self, count: usize) {
        let Some(piece) = self.bytes.get(self.looked_at..self.looked_at + count) else { return };
        self.scanner.push(piece);
        self.looked_at += count;
        if self.no_room.is_some() {
            return;
        }
        let length = self.message.len() + count;
        if length > BODY_LIMIT {
            self.no_room = Some(NoRoom::TooLong);
        } else if !self.held.grow(length) {
            self.no_room = Some(NoRoom::Busy);
        } else {
            self.message.extend_from_slice(piece);
        }
        if self.no_room.is_some() {
            self.message = Vec::new();
            self.held = self.budget.nothing();
        }
    }

    fn end(&mut self) -> Option<Line> {
        let (envelopes, no_room) = (self.scanner.end(), self.no_room.take());
        let message = std::mem::take(&mut self.message);
        let held = std::mem::replace(&mut self.held, self.budget.nothing());
        if no_room.is_none() && message.trim_ascii().is_empty() {
            return None;
        }
        Some(Line { envelopes, message: no_room.map_or(Ok((message, held)), Err) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_one_that_is_too_long_costs_itself_alone() {
        let long = format!(r#"{{"id":2,"method":"long","params":"{}"}}"#, "x".repeat(BODY_LIMIT));
        let said = format!("{{\"id\":1,\"method\":\"a\"}}\r\n\n  \n{long}\n{{\"id\":3,\"method\":\"b\"}}");
        let budget = Budget::of(BODY_LIMIT + 1024);
        let mut lines = Lines::new(said.as_bytes(), budget.clone());
        let mut next = async || {
            lines.next().await.expect("a reader").map(|line| {
                let id = line.envelopes.first().and_then(|envelope| envelope.asks().map(ToString::to_string));
                (id.unwrap_or_default(), line.message.map(|(message, _)| message.len()))
            })
        };
        assert_eq!(next().await, Some(("1".to_owned(), Ok(22))));
        assert_eq!(next().await, Some(("2".to_owned(), Err(NoRoom::TooLong))));
        assert_eq!(next().await, Some(("3".to_owned(), Ok(21))));
        assert_eq!(next().await, None);
        let mut all = budget.nothing();
        assert!(all.grow(BODY_LIMIT), "what was read and let go holds nothing");
        let mut busy = Lines::new(&b"{\"id\":4,\"method\":\"c\",\"params\":[1,2,3,4,5]}\n"[..], Budget::of(0));
        let line = busy.next().await.expect("a reader").expect("a line");
        assert_eq!(line.message.map(|(message, _)| message.len()), Err(NoRoom::Busy));
    }
}
