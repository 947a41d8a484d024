//! The MCP of stdio, carried to a server over HTTP: a message is a line on one side and a request of its own on the other.
//! What is said passes unchanged; each request of the client is answered once, by the server or with the reason why not.

/// How a message gets to the server, and its answer back.
mod carrying;
/// The lines of a client.
mod lines;
/// What client and server have agreed on.
mod link;
/// One message of a client.
mod message;
/// The streams on which a server speaks by itself.
mod streams;
/// The requests without an answer.
mod waiting;

use crate::budget::Budget;
use crate::relay::Relay;
use keybearer_core::api::Pass;
use keybearer_protocol::envelope::{BATCH, Envelope, MessageId};
use keybearer_protocol::{ErrorCode, ErrorObject};
use lines::{Line, Lines, NoRoom};
use link::Link;
use message::{Kind, Message};
use serde_json::json;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use waiting::Waiting;

/// What the messages of all bridges hold at most, in bytes.
const ALL_MESSAGES: usize = 256 * 1024 * 1024;
/// Requests of one client that may be open.
const OPEN: usize = 1024;
/// How much is written at one time, in bytes.
const PIECE: usize = 64 * 1024;
/// How long a client may take to read that much.
const READING: Duration = Duration::from_secs(60);
/// How long the requests of a client that has finished may take, and then the end of its session.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// How long a request that isn't wanted any more is still listened to.
const GRACE: Duration = Duration::from_secs(10);
/// How long a server may take to accept a notification or an answer.
const ACCEPTING: Duration = Duration::from_secs(30);

/// Carries what all bridges say.
#[derive(Debug)]
pub struct Bridges {
    relay: Arc<Relay>,
    budget: Budget,
}

/// One of them.
struct Bridge {
    relay: Arc<Relay>,
    pass: Arc<Pass>,
    budget: Budget,
    waiting: Waiting,
    /// Never held across an await.
    link: Mutex<Link>,
    /// Counts what matters to [`Bridge::listen`].
    changed: watch::Sender<u32>,
    /// Held by whoever agrees anew.
    renewing: tokio::sync::Mutex<()>,
    /// Where the client reads; none once it doesn't.
    out: tokio::sync::Mutex<Option<Pin<Box<dyn AsyncWrite + Send>>>>,
}

/// The order in which messages reach the server. Requests go at one time, but behind the handshake; all else goes one by
/// one.
#[derive(Debug, Default)]
struct Turns {
    handshake: Option<watch::Receiver<()>>,
    last: Option<watch::Receiver<()>>,
}

impl Bridges {
    /// Bridges over this relay.
    pub fn new(relay: Arc<Relay>) -> Bridges {
        Bridges { relay, budget: Budget::of(ALL_MESSAGES) }
    }

    /// Carries what a client says and hears, until it leaves or what allows it is over.
    pub async fn carry(
        &self,
        pass: Pass,
        reader: impl AsyncRead + Unpin + Send,
        writer: impl AsyncWrite + Send + 'static,
    ) {
        let (changed, changes) = watch::channel(0);
        let bridge = Arc::new(Bridge {
            relay: self.relay.clone(),
            pass: Arc::new(pass),
            budget: self.budget.clone(),
            waiting: Waiting::default(),
            link: Mutex::default(),
            changed,
            renewing: tokio::sync::Mutex::default(),
            out: tokio::sync::Mutex::new(Some(Box::pin(writer))),
        });
        let (mut lines, mut turns, mut tasks) =
            (Lines::new(reader, self.budget.clone()), Turns::default(), JoinSet::new());
        let listening = bridge.clone();
        tasks.spawn(async move { listening.listen(changes).await });
        let mut over = pin!(bridge.pass.over());
        loop {
            tokio::select! {
                biased;
                why = &mut over => return bridge.fail_all(&why.to_object()).await,
                line = lines.next() => match line {
                    Ok(Some(line)) => bridge.hear(line, &mut turns, &mut tasks).await,
                    Ok(None) => break,
                    Err(error) => return tracing::debug!(%error, "a bridge broke"),
                },
                Some(_) = tasks.join_next() => {}
            }
        }
        let until = Instant::now() + LAST_ANSWERS;
        while bridge.waiting.count() > 0 && timeout_at(until, tasks.join_next()).await.is_ok() {}
        tasks.shutdown().await;
        bridge.fail_all(&left_early()).await;
        let _ = timeout(LAST_ANSWERS, bridge.leave()).await;
    }
}

impl Bridge {
    /// Does what the client says.
    async fn hear(self: &Arc<Self>, line: Line, turns: &mut Turns, tasks: &mut JoinSet<()>) {
        let Line { envelopes, message } = line;
        let (body, held) = match message {
            Ok(message) => message,
            Err(NoRoom::TooLong) => {
                let error = ErrorObject::new(ErrorCode::Usage, "the message is larger than 64 MiB");
                return self.refuse(&envelopes, &error.with_reason("too_large")).await;
            }
            Err(NoRoom::Busy) => return self.refuse(&envelopes, &no_room()).await,
        };
        let Some(message) = Message::read(body, &envelopes, held) else {
            let error = ErrorObject::new(ErrorCode::ParseError, "the line isn't a message of JSON-RPC");
            return self.refuse(&envelopes, &error).await;
        };
        if envelopes.len() >= BATCH {
            let error = ErrorObject::new(ErrorCode::Usage, "a batch holds too many messages");
            return self.refuse(&envelopes, &error.with_reason("too_large")).await;
        }
        if self.waiting.count() + message.asks.len() > OPEN {
            let error = ErrorObject::new(ErrorCode::Busy, "too many requests are under way");
            return self.refuse(&envelopes, &error).await;
        }
        if let Kind::Cancelled(Some(id)) = &message.kind {
            self.waiting.cancel(id);
            if self.link().protocol.is_none() {
                // Without a handshake, a request is taken back by the end of its connection, and not in words.
                return;
            }
        }
        if self.waiting.has_one_of(&message.asks) {
            // Its answer couldn't be told from the other's.
            let error = ErrorObject::new(ErrorCode::InvalidRequest, "a request with this id is under way");
            return self.say(&answer(None, &error)).await;
        }
        let is_handshake = message.kind == Kind::Initialize;
        let open = message.asks.iter().filter_map(|id| self.waiting.add(id, is_handshake, false)).collect();
        let (before, turn) = turns.next(&message.kind);
        let bridge = self.clone();
        tasks.spawn(async move {
            done(before).await;
            bridge.run(message, open).await;
            drop(turn);
        });
    }

    /// Has a message carried, and answers its requests where the server doesn't.
    async fn run(&self, message: Message, mut open: Vec<watch::Receiver<bool>>) {
        let first = open.first().cloned();
        let patience = async {
            match first {
                Some(told) => unwanted(told, message.is_stateless()).await,
                None => tokio::time::sleep(ACCEPTING).await,
            }
        };
        let sent = async {
            self.send(&message).await?;
            // By the old transport, answers come another way.
            for told in &mut open {
                while self.is_legacy() && told.changed().await.is_ok() {}
            }
            Ok(())
        };
        let sent: Result<(), ErrorObject> = tokio::select! {
            sent = sent => sent,
            () = patience => Ok(()),
        };
        let error = sent.err().unwrap_or_else(no_answer);
        for id in &message.asks {
            if self.waiting.take(id).is_some_and(|open| !open.is_cancelled()) {
                self.say(&answer(Some(id), &error)).await;
            }
        }
    }

    /// Answers what can't be carried.
    async fn refuse(&self, envelopes: &[Envelope], error: &ErrorObject) {
        let asks: Vec<&MessageId> = envelopes.iter().filter_map(Envelope::asks).collect();
        if asks.is_empty() {
            self.say(&answer(None, error)).await;
        }
        for id in asks {
            self.say(&answer(Some(id), error)).await;
        }
    }

    /// Answers what the client has open with the reason why nothing comes of it.
    async fn fail_all(&self, error: &ErrorObject) {
        for (id, open) in self.waiting.take_all() {
            if !open.is_ours && !open.is_cancelled() {
                self.say(&answer(Some(&id), error)).await;
            }
        }
    }

    /// Writes a line to the client. One that doesn't read any more is gone.
    async fn say(&self, line: &[u8]) {
        let mut out = self.out.lock().await;
        let Some(writer) = out.as_mut() else { return };
        for piece in line.chunks(PIECE).chain([&b"\n"[..]]) {
            if !matches!(timeout(READING, writer.write_all(piece)).await, Ok(Ok(()))) {
                *out = None;
                return;
            }
        }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turns {
    /// What the next message waits for, and what the others wait for that come behind it: they go on when it is dropped.
    fn next(&mut self, kind: &Kind) -> (Option<watch::Receiver<()>>, Option<watch::Sender<()>>) {
        if *kind == Kind::Request {
            return (self.handshake.clone(), None);
        }
        let (turn, done) = watch::channel(());
        let before = self.last.replace(done.clone());
        if matches!(kind, Kind::Initialize | Kind::Initialized) {
            self.handshake = Some(done);
        }
        (before, Some(turn))
    }
}

async fn done(before: Option<watch::Receiver<()>>) {
    if let Some(mut before) = before {
        // Nothing is ever sent: the only news is its end.
        while before.changed().await.is_ok() {}
    }
}

/// Returns when a request isn't wanted any more. A server that was told in words has a moment to answer.
async fn unwanted(mut told: watch::Receiver<bool>, at_once: bool) {
    let is_cancelled = told.wait_for(|cancelled| *cancelled).await.is_ok();
    match (is_cancelled, at_once) {
        (false, _) => std::future::pending().await,
        (true, true) => {}
        (true, false) => tokio::time::sleep(GRACE).await,
    }
}

/// An answer of our own.
fn answer(id: Option<&MessageId>, error: &ErrorObject) -> Vec<u8> {
    let id = id.map(MessageId::to_value);
    serde_json::to_vec(&json!({ "jsonrpc": "2.0", "id": id, "error": error })).unwrap_or_default()
}

fn no_answer() -> ErrorObject {
    let text = "the server ended the request without an answer, so nobody knows what it did";
    ErrorObject::new(ErrorCode::ProviderError, text).with_reason("no_answer")
}

fn left_early() -> ErrorObject {
    let text = "the client finished before the answer came, so nobody knows what the server did";
    ErrorObject::new(ErrorCode::ProviderError, text).with_reason("no_answer")
}

fn no_room() -> ErrorObject {
    ErrorObject::new(
        ErrorCode::Busy,
        "the messages of all bridges hold too much memory together; try again in a moment",
    )
}
