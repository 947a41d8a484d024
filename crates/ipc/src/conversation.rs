//! One connection, pumped by one task: lines in, answers out. An answer that is ready at once is written in the same turn.

use crate::frame::{FrameError, LIMIT, Lines};
use crate::peer::{self, Witness};
use crate::pipe::Pipe;
use crate::server::{Caller, Handler, Refusal};
use crate::session::{Session, Step, Welcome};
use crate::socket::Connection;
use futures_util::future::{AbortHandle, Abortable, Aborted, OptionFuture};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use keybearer_protocol::rpc::{Id, Notice, Response};
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use zeroize::Zeroizing;

/// A caller says hello within this time.
pub(crate) const HELLO: Duration = Duration::from_secs(2);
/// A line that began ends within this time.
const PARTIAL: Duration = Duration::from_secs(5);
/// A connection without requests is closed after this time.
const IDLE: Duration = Duration::from_secs(600);
/// Requests of a connection that ends are answered within this time.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Who broke a rule is hung up on after this time.
const REST: Duration = Duration::from_millis(100);
/// A caller takes its answer within this time.
pub(crate) const WRITE: Duration = Duration::from_secs(5);

/// A request that is being answered.
type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Its answer, with the reply as it was written.
type Answer = Response<Box<RawValue>>;

/// One connection.
struct Conversation<H> {
    handler: Arc<H>,
    door: Door,
    caller: Arc<Caller>,
    witness: Witness,
    session: Session,
    answering: FuturesUnordered<Abortable<Answering>>,
    /// Ends one of those.
    taken_back: HashMap<Id, AbortHandle>,
    /// What is to be written next.
    outgoing: Zeroizing<Vec<u8>>,
    /// Whether nothing more is read.
    is_over: bool,
    /// Whether it was given to whoever holds its descriptor.
    is_delegated: bool,
}

/// Talks with a caller until it leaves, breaks a rule, or `closing` turns true.
pub(crate) async fn converse<H: Handler>(
    handler: Arc<H>,
    welcome: Welcome,
    connection: Connection,
    caller: Caller,
    witness: Witness,
    mut notices: mpsc::Receiver<Notice>,
    closing: watch::Receiver<bool>,
) -> io::Result<()> {
    let (mut reader, mut writer) = peer::split(connection, caller.view.pid);
    let mut conversation = Conversation {
        handler,
        door: welcome.door,
        caller: Arc::new(caller),
        witness,
        session: Session::new(welcome),
        answering: FuturesUnordered::new(),
        taken_back: HashMap::new(),
        outgoing: Zeroizing::default(),
        is_over: false,
        is_delegated: false,
    };
    let mut told = closing.clone();
    // Also if whoever could close the door is gone.
    let mut told = pin!(async move { drop(told.wait_for(|closing| *closing).await) });
    let mut ended = pin!(OptionFuture::from(None));
    let mut lines = Lines::default();
    let mut deadline = pin!(sleep_until(Instant::now() + HELLO));
    while !conversation.is_over {
        let had_begun = lines.is_partial();
        let read = tokio::select! {
            biased;
            () = &mut told => break,
            Some(answer) = conversation.answering.next() => {
                conversation.answer_late(answer);
                None
            }
            Some(notice) = notices.recv() => {
                conversation.tell(&notice);
                None
            }
            read = reader.read_buf(lines.room()) => Some(read),
            Some(()) = &mut ended => break,
            () = &mut deadline => {
                if had_begun || !conversation.may_be_silent() {
                    return Err(ErrorKind::TimedOut.into());
                }
                deadline.as_mut().reset(Instant::now() + IDLE);
                None
            }
        };
        match read {
            Some(Ok(0)) => break,
            Some(Ok(_)) => {
                let (was_open, came) = (conversation.session.is_open(), conversation.hear_all(&mut lines));
                // A hello has one time for all its pieces, and so has every line.
                let patience = match (conversation.session.is_open(), lines.is_partial()) {
                    (false, _) => was_open.then_some(HELLO),
                    (true, true) => (came || !had_begun).then_some(PARTIAL),
                    (true, false) => Some(IDLE),
                };
                patience.iter().for_each(|patience| deadline.as_mut().reset(Instant::now() + *patience));
            }
            Some(Err(error)) => return Err(conversation.lost(error)),
            None => {}
        }
        conversation.write(&mut writer).await?;
        if let Some(hold) = conversation.caller.handover.take().filter(|_| !conversation.is_over) {
            // What is under way, or was said too early, has no place in a pipe.
            if conversation.session.open().next().is_some() || lines.is_partial() {
                return Err(ErrorKind::InvalidData.into());
            }
            let pipe = conversation.into_pipe(reader, writer);
            tokio::select! {
                () = hold(pipe) => {}
                () = &mut told => {}
            }
            return Ok(());
        }
        if conversation.begins_anew() {
            peer::share(&mut reader);
            // A child of the process may hold the connection longer than it lives.
            ended.set(Some(conversation.witness.ended()).into());
            deadline.as_mut().reset(Instant::now() + HELLO);
        }
    }
    let (is_closing, broke_a_rule) = (*closing.borrow(), conversation.is_over);
    conversation.end(&mut writer, is_closing).await?;
    if broke_a_rule {
        // It knows why; who comes back at once to do it again is slowed down, and takes less from the others.
        let _ = timeout(REST, told).await;
    }
    Ok(())
}

impl<H: Handler> Conversation<H> {
    /// Takes the lines that are there, and gives the answers that are ready at once; whether there was a line.
    fn hear_all(&mut self, lines: &mut Lines) -> bool {
        let mut came = false;
        while !self.is_over && lines.next(|line| self.hear(line)).is_some() {
            came = true;
        }
        while let Some(Some(answer)) = self.answering.next().now_or_never() {
            self.answer_late(answer);
        }
        came
    }

    /// Whether the caller still is what it was when it connected. One that became another program, or ended, is heard no
    /// more and gets nothing more: what was said of it doesn't count for what is there now (REQ-I1).
    fn is_itself(&mut self) -> bool {
        let is_itself = if self.is_delegated { self.witness.is_alive() } else { self.witness.is_unchanged() };
        if is_itself {
            return true;
        }
        tracing::warn!(pid = self.caller.view.pid, "a caller became another program and was hung up on");
        self.handler.refused(self.door, &self.caller.view, Refusal::BecameAnother);
        self.is_over = true;
        self.answering.clear();
        false
    }

    /// Does what the next line says.
    fn hear(&mut self, line: Result<&[u8], FrameError>) {
        if !self.is_itself() {
            return;
        }
        match self.session.hear(line) {
            Step::Say(answer) => self.say(&answer),
            Step::Greet { claimed_name, answer } => {
                self.take_all_back();
                // Our own command needn't say who it is: that is known, and is the name of nobody who asks.
                if !self.caller.is_helper {
                    Arc::make_mut(&mut self.caller).claimed_name = claimed_name.into();
                }
                self.say(&answer);
            }
            Step::Ask(request) => {
                let (handler, door, caller) = (self.handler.clone(), self.door, self.caller.clone());
                let id = request.id.clone();
                let mut answering: Answering = Box::pin(async move {
                    let outcome = handler.answer(door, &caller, &request.method, request.params).await;
                    Response::new(Some(request.id), outcome)
                });
                // Most answers are ready at once, and need not wait in a queue.
                match answering.as_mut().now_or_never() {
                    Some(answer) => self.answer(&answer),
                    None => {
                        let (abort, registration) = AbortHandle::new_pair();
                        self.taken_back.insert(id, abort);
                        self.answering.push(Abortable::new(answering, registration));
                    }
                }
            }
            Step::Cancel(id, answer) => {
                self.taken_back.remove(&id).iter().for_each(AbortHandle::abort);
                self.say(&answer);
            }
            Step::HangUp(answer) => {
                self.say(&answer);
                self.is_over = true;
            }
        }
    }

    /// Takes an answer that took its time to whoever asked, unless that is another by now, or took the request back.
    fn answer_late(&mut self, answer: Result<Answer, Aborted>) {
        if let Ok(answer) = answer
            && self.is_itself()
        {
            answer.id.as_ref().map(|id| self.taken_back.remove(id));
            self.answer(&answer);
        }
    }

    /// Takes an answer to whoever asked, unless that was taken back.
    fn answer(&mut self, answer: &Answer) {
        if answer.id.as_ref().is_some_and(|id| self.session.answered(id)) {
            self.say(answer);
        }
    }

    /// Whether this is the moment in which the connection was given to whoever holds its descriptor. They have to say hello,
    /// and the process that opened it need only live.
    fn begins_anew(&mut self) -> bool {
        if self.is_delegated || self.caller.delegation.get().is_none() {
            return false;
        }
        self.is_delegated = true;
        self.take_all_back();
        self.session.restart(self.handler.capabilities(self.door, &self.caller));
        true
    }

    /// The connection as a pipe.
    fn into_pipe(self, reader: impl AsyncRead + Send + 'static, writer: impl AsyncWrite + Send + 'static) -> Pipe {
        let Conversation { handler, door, caller, witness, .. } = self;
        Pipe::new(reader, writer, witness, move |why| handler.refused(door, &caller.view, why))
    }

    /// Ends all that is under way: what was asked before a hello gets no answer any more.
    fn take_all_back(&mut self) {
        self.taken_back.drain().for_each(|(_, answering)| answering.abort());
    }

    /// Whether the caller may be silent for as long as it likes: it waits for notices, or can't come back.
    fn may_be_silent(&self) -> bool {
        self.is_delegated || (self.session.is_open() && self.caller.outbox.listens())
    }

    fn tell(&mut self, notice: &Notice) {
        if !self.is_itself() {
            return;
        }
        let line = line(notice);
        // What a caller can't take isn't worth its connection; it sees that a number is missing.
        if line.len() <= LIMIT {
            self.put(line);
        }
    }

    /// Puts an answer behind those that are to be written.
    fn say<R: Serialize>(&mut self, answer: &Response<R>) {
        self.put(encode(answer));
    }

    fn put(&mut self, line: Zeroizing<Vec<u8>>) {
        if self.outgoing.is_empty() {
            self.outgoing = line;
            return;
        }
        // By hand, since what grows by itself leaves its old bytes behind.
        let mut both = Zeroizing::new(Vec::with_capacity(self.outgoing.len() + line.len()));
        both.extend_from_slice(&self.outgoing);
        both.extend_from_slice(&line);
        self.outgoing = both;
    }

    async fn write(&mut self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let outgoing = std::mem::take(&mut self.outgoing);
        if outgoing.is_empty() { Ok(()) } else { timeout(WRITE, writer.write_all(&outgoing)).await? }
    }

    /// Tells of a connection that ended because another process wrote on it.
    fn lost(&self, error: io::Error) -> io::Error {
        if error.kind() == ErrorKind::PermissionDenied {
            tracing::warn!(pid = self.caller.view.pid, "another process wrote on a caller's connection");
            self.handler.refused(self.door, &self.caller.view, Refusal::AnotherProcess);
        }
        error
    }

    /// A caller that only finished writing still gets its answers; what takes longer is dropped.
    async fn end(mut self, writer: &mut (impl AsyncWrite + Unpin), is_closing: bool) -> io::Result<()> {
        let until = Instant::now() + LAST_ANSWERS;
        while let Ok(Some(answer)) = tokio::time::timeout_at(until, self.answering.next()).await {
            self.answer_late(answer);
            self.write(writer).await?;
        }
        if is_closing {
            // Whoever waits learns that this is an end that was asked for, and not a crash.
            let open: Vec<Id> = self.session.open().cloned().collect();
            for id in open {
                let error = ErrorObject::new(ErrorCode::AgentUnreachable, "the agent was told to stop");
                self.say(&Response::<Value>::new(Some(id), Err(error)));
            }
        }
        self.write(writer).await
    }
}

/// An answer as a line. One over the limit becomes an error: the caller would refuse it anyway.
pub(crate) fn encode<R: Serialize>(answer: &Response<R>) -> Zeroizing<Vec<u8>> {
    let encoded = line(answer);
    if encoded.len() <= LIMIT {
        return encoded;
    }
    let error = ErrorObject::new(ErrorCode::Internal, "the answer is longer than 64 KiB");
    line(&Response::<R>::new(answer.id.clone(), Err(error)))
}

/// A message with the end of a line behind it.
fn line(message: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut line = Zeroizing::new(serde_json::to_vec(message).unwrap_or_default());
    line.push(b'\n');
    line
}
