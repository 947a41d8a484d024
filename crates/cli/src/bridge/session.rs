//! Opening the bridge, and saying again what the client said to begin with: it said so once, and notices no other agent.

use super::client::{Client, cut_off};
use crate::connection::Reach;
use crate::output::Failure;
use keybearer_ipc::socket::Stream;
use keybearer_protocol::bridge::{BridgeOpen, BridgeOpenParams};
use keybearer_protocol::envelope::{Envelope, MessageId, Scanner};
use keybearer_protocol::settings::LONGEST_ANSWER_TIME;
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::Duration;

/// How long opening may take: a person has two minutes.
const OPENING: Duration = Duration::from_secs(LONGEST_ANSWER_TIME as u64 + 30);
/// How long the server may take with a handshake that the client doesn't see.
const AGREEING: Duration = Duration::from_secs(60);
/// The longest message that is kept, in bytes.
const KEPT: usize = 256 * 1024;

/// A bridge that is open.
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) reader: BufReader<Stream>,
}

/// What a client says to begin with, or a part of it.
#[derive(Default)]
pub(super) struct Handshake {
    line: Vec<u8>,
    is_too_long: bool,
    initialize: Option<Value>,
    initialized: Option<Vec<u8>>,
}

impl Handshake {
    /// Keeps a piece of a line that may be part of it.
    pub(super) fn keep(&mut self, piece: &[u8]) {
        self.is_too_long |= self.line.len() + piece.len() > KEPT;
        if self.is_too_long {
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(piece);
        }
    }

    /// The request that a line takes back, if it does: it needs no answer.
    pub(super) fn takes_back(&self, envelopes: &[Envelope]) -> Option<MessageId> {
        let is_meant = |envelope: &&Envelope| envelope.method.as_deref() == Some("notifications/cancelled");
        envelopes.first().filter(is_meant)?;
        let message: Value = serde_json::from_slice(&self.line).ok()?;
        message.pointer("/params/requestId").and_then(MessageId::of)
    }

    /// Takes over a line that has ended, if it is part of it.
    pub(super) fn learn(&mut self, kept: Handshake, envelopes: &[Envelope]) {
        let [envelope] = envelopes else { return };
        match envelope.method.as_deref() {
            Some("initialize") => {
                self.initialize = serde_json::from_slice(&kept.line).ok();
                self.initialized = None;
            }
            Some("notifications/initialized") => self.initialized = Some(kept.line),
            Some(_) | None => {}
        }
    }
}

/// Opens a bridge, and has it where the one before was.
pub(super) fn open(reach: &Reach, target: &str, handshake: &Handshake, client: &Client) -> Result<Opened, Failure> {
    let mut agent = reach.open(Door::Programs)?;
    agent.set_timeout(Some(OPENING));
    agent.call::<BridgeOpen>(&BridgeOpenParams::of(target))?;
    agent.set_timeout(None);
    let stream = agent.into_stream();
    let reader = stream.try_clone().map_err(|_| cut_off())?;
    let mut opened = Opened { stream, reader: BufReader::new(reader) };
    // Without the end of the handshake there was no session yet.
    if let (Some(initialize), Some(initialized)) = (&handshake.initialize, &handshake.initialized) {
        opened.agree(initialize.clone(), initialized, client)?;
    }
    Ok(opened)
}

impl Opened {
    /// The handshake, under an id of ours.
    fn agree(&mut self, mut initialize: Value, initialized: &[u8], client: &Client) -> Result<(), Failure> {
        let id = json!("keybearer-bridge");
        initialize["id"] = id.clone();
        let _ = self.stream.set_read_timeout(Some(AGREEING));
        let said = self.stream.write_all(format!("{initialize}\n").as_bytes());
        said.map_err(|_| cut_off())?;
        self.await_answer(&id, client)?;
        let _ = self.stream.set_read_timeout(None);
        self.stream.write_all(initialized).map_err(|_| cut_off().into())
    }

    /// Waits for the answer to the handshake; what else the server says goes to the client.
    fn await_answer(&mut self, id: &Value, client: &Client) -> Result<(), Failure> {
        let id = MessageId::of(id);
        loop {
            let mut line = Vec::new();
            let limit = u64::try_from(KEPT).unwrap_or(u64::MAX);
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut line);
            if read.is_err() || line.pop() != Some(b'\n') {
                return Err(cut_off().into());
            }
            let mut scanner = Scanner::default();
            scanner.push(&line);
            if scanner.end().first().and_then(Envelope::answers) != id.as_ref() {
                client.say(&line).map_err(|error| gone(&error))?;
                continue;
            }
            let answer: Value = serde_json::from_slice(&line).unwrap_or_default();
            return match answer.get("error") {
                Some(error) => Err(refused(error).into()),
                None => Ok(()),
            };
        }
    }
}

/// What the client is told where the handshake is refused.
fn refused(error: &Value) -> ErrorObject {
    let message = error.get("message").and_then(Value::as_str).unwrap_or("without a reason");
    serde_json::from_value(error.clone())
        .unwrap_or_else(|_| ErrorObject::new(ErrorCode::ProviderError, format!("the server refused: {message}")))
}

fn gone(error: &io::Error) -> ErrorObject {
    ErrorObject::new(ErrorCode::Internal, format!("the answer can't be written: {error}"))
}
