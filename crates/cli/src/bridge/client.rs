//! The client's side: who waits for which answer, and the lines that it reads.

use super::{PIECE, tell};
use keybearer_protocol::envelope::{Envelope, MessageId, Scanner};
use keybearer_protocol::{ErrorCode, ErrorObject};
use serde_json::json;
use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The client.
#[derive(Debug)]
pub(super) struct Client {
    open: Mutex<Open>,
    /// Held for a whole line, so that none gets into another.
    out: Mutex<()>,
}

#[derive(Debug, Default)]
struct Open {
    requests: HashSet<MessageId>,
    /// Whether the connection ends because the client wants it.
    is_leaving: bool,
}

impl Client {
    pub(super) fn new() -> Client {
        Client { open: Mutex::default(), out: Mutex::default() }
    }

    /// The client waits for answers to these.
    pub(super) fn ask(&self, ids: &[MessageId]) {
        self.open().requests.extend(ids.iter().cloned());
    }

    /// The client doesn't wait for this any more.
    pub(super) fn forget(&self, id: &MessageId) {
        self.open().requests.remove(id);
    }

    /// The client has finished: the end of the connection is none to tell of.
    pub(super) fn expect_the_end(&self) {
        self.open().is_leaving = true;
    }

    /// Passes on what the agent says, to its end. An error if the client doesn't read it.
    pub(super) fn hear(&self, agent: &mut impl Read) -> io::Result<()> {
        let (mut buffer, mut scanner, mut line) = (vec![0; PIECE], Scanner::default(), None);
        loop {
            let read = match agent.read(&mut buffer) {
                Ok(read @ 1..) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(_) | Err(_) => break,
            };
            for piece in buffer.get(..read).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
                if line.is_none() {
                    line = Some(self.line());
                }
                scanner.push(piece.strip_suffix(b"\n").unwrap_or(piece));
                if piece.ends_with(b"\n") {
                    let mut open = self.open();
                    for id in scanner.end().iter().filter_map(Envelope::answers) {
                        open.requests.remove(id);
                    }
                }
                write(piece)?;
                if piece.ends_with(b"\n") {
                    line = None;
                }
            }
            // A message may go on much later; what there is of it is there now.
            io::stdout().flush()?;
        }
        if line.is_some() {
            write(b"\n")?;
            io::stdout().flush()?;
        }
        Ok(())
    }

    /// The connection has ended: whoever waits is told.
    pub(super) fn cut(&self) {
        let (count, is_leaving) = {
            let open = self.open();
            (open.requests.len(), open.is_leaving)
        };
        if !is_leaving {
            tell(&match count {
                0 => "the connection to the agent ended; the next message opens another".to_owned(),
                1 => {
                    "the connection to the agent ended with a request open, which was answered with an error".to_owned()
                }
                _ => format!(
                    "the connection to the agent ended with {count} requests open, which were answered with errors"
                ),
            });
        }
        self.fail(&cut_off());
    }

    /// Answers all that is open with this.
    pub(super) fn fail(&self, error: &ErrorObject) {
        let requests = std::mem::take(&mut self.open().requests);
        for id in requests {
            let answer = json!({ "jsonrpc": "2.0", "id": id.to_value(), "error": error });
            let _ = self.say(answer.to_string().as_bytes());
        }
    }

    /// Writes a line.
    pub(super) fn say(&self, text: &[u8]) -> io::Result<()> {
        let _line = self.line();
        write(text)?;
        write(b"\n")?;
        io::stdout().flush()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self) -> MutexGuard<'_, ()> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    io::stdout().write_all(bytes)
}

/// What is said of a request that was open when the agent ended.
pub(super) fn cut_off() -> ErrorObject {
    let text = "Keybearer's agent ended before the answer came, so nobody knows what the server did; ask again";
    ErrorObject::new(ErrorCode::AgentUnreachable, text).with_reason("cut_off")
}
