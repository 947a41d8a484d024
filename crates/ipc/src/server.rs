//! The agent's side: accept, handshake, requests. Each caller has a task and limits of its own, so one that stalls
//! costs the others nothing (REQ-L1, REQ-L2).

use crate::frame::{self, FrameError, LIMIT};
use crate::peer::{self, Witness, identify};
use crate::socket::{Connection, Listener, accept};
use keybearer_protocol::method::Method;
use keybearer_protocol::rpc::{Id, Request, Response};
use keybearer_protocol::session::{
    CallerView, PROTOCOL, Server, SessionOpen, SessionOpenParams, SessionOpenReply, VersionRange,
};
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::Zeroizing;

/// Connections at one time, all callers together.
const CONNECTIONS: usize = 1024;
/// Connections at one time of one process.
const CONNECTIONS_OF_ONE: u32 = 64;
/// Requests at one time of one connection.
const IN_FLIGHT: usize = 64;
/// A caller says hello within this time.
const HELLO: Duration = Duration::from_secs(2);
/// A line that began ends within this time.
const PARTIAL: Duration = Duration::from_secs(5);
/// A connection without requests is closed after this time.
const IDLE: Duration = Duration::from_secs(600);
/// Requests of a connection that ends are answered within this time.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// A caller takes its answer within this time.
const WRITE: Duration = Duration::from_secs(5);

/// Answers what comes through the doors.
pub trait Handler: Send + Sync + 'static {
    /// The methods behind a door.
    fn capabilities(&self, door: Door) -> Vec<String>;

    /// Answers one request. Dropped when its caller leaves.
    fn answer(
        &self,
        door: Door,
        caller: &Caller,
        method: &str,
        params: Value,
    ) -> impl Future<Output = Result<Value, ErrorObject>> + Send;
}

/// Whoever is at the other end of a connection, as far as an answer may depend on it.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What is known of the process.
    pub view: Arc<CallerView>,
    /// The name that it gives itself: untrusted, for quotes (REQ-H4).
    pub claimed_name: Arc<str>,
    /// Whether it is the desktop that lies beside this agent.
    pub is_desktop: bool,
    /// Whether it is the command that lies there.
    pub is_helper: bool,
    /// Tells this connection from every other.
    pub connection: u64,
    /// Changes never; ends with the connection.
    pub open: watch::Receiver<()>,
}

/// What all connections share.
struct Shared<H> {
    door: Door,
    server: Server,
    handler: Arc<H>,
    connections: Arc<Semaphore>,
    by_process: Mutex<HashMap<u32, u32>>,
    connections_so_far: AtomicU64,
    closed: watch::Receiver<bool>,
}

/// Serves a door until `closing` turns true: then nobody is let in, and open requests get a moment to be answered.
pub async fn serve<H: Handler>(
    listener: Listener,
    door: Door,
    server: Server,
    handler: Arc<H>,
    mut closing: watch::Receiver<bool>,
) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let closed = closing.clone();
    let (by_process, connections_so_far) = Default::default();
    let shared = Arc::new(Shared { door, server, handler, connections, by_process, connections_so_far, closed });
    let mut callers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            // Also if whoever could close the door is gone.
            _ = closing.wait_for(|closing| *closing) => break,
        };
        match accepted {
            Ok(connection) => {
                if let Ok(permit) = shared.connections.clone().try_acquire_owned() {
                    callers.spawn(attend(shared.clone(), connection, permit));
                }
            }
            // Too many open files, or a caller that left at once: the door stays open (REQ-L3).
            Err(error) => {
                tracing::warn!(%error, "a connection was lost");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while callers.try_join_next().is_some() {}
    }
    drop(listener);
    while callers.join_next().await.is_some() {}
}

async fn attend<H: Handler>(shared: Arc<Shared<H>>, connection: Connection, _permit: OwnedSemaphorePermit) {
    // The limit of a process comes first: to be identified costs more than to ask.
    let pid = peer::number(&connection);
    let Some(_place) = Place::take(&shared, pid) else { return turn_away(connection).await };
    let looking = tokio::task::spawn_blocking(move || (identify(&connection), connection));
    let (peer, connection) = match timeout(HELLO, looking).await {
        Ok(Ok((Ok(peer), connection))) => (peer, connection),
        Ok(Ok((Err(error), _))) => return tracing::debug!(%error, "a caller can't be identified"),
        Ok(Err(error)) => return tracing::error!(%error, "a caller's identification broke off"),
        Err(_) => return tracing::warn!(pid, "a caller's files don't answer, so it was hung up on"),
    };
    if !peer.may_enter(shared.door) {
        return tracing::warn!(pid = peer.view.pid, "a program of another user was turned away");
    }
    // The other end of this channel ends with the connection, whatever ends it.
    let (_end, open) = watch::channel(());
    let caller = Caller {
        view: Arc::new(peer.view),
        claimed_name: "".into(),
        is_desktop: peer.is_desktop,
        is_helper: peer.is_helper,
        connection: shared.connections_so_far.fetch_add(1, Ordering::Relaxed),
        open,
    };
    if let Err(error) = converse(&shared, connection, caller, peer.is_helper, peer.witness).await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Says that there is no place, instead of leaving the caller to guess.
async fn turn_away(mut connection: Connection) {
    let mut error = ErrorObject::new(ErrorCode::Busy, "this program has too many connections open");
    error.data.retry_after_ms = Some(1000);
    // Whoever doesn't listen learns it from the end of the connection.
    let _ = timeout(WRITE, connection.write_all(&encode(&Response::new(None, Err(error))))).await;
}

/// One of the connections that a process may have.
struct Place<'a> {
    by_process: &'a Mutex<HashMap<u32, u32>>,
    pid: u32,
}

impl<'a> Place<'a> {
    fn take<H>(shared: &'a Shared<H>, pid: Option<u32>) -> Option<Place<'a>> {
        let pid = pid.unwrap_or_default();
        let mut counts = shared.by_process.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(pid).or_default();
        if *count == CONNECTIONS_OF_ONE {
            tracing::warn!(pid, "a program has too many connections");
            return None;
        }
        *count += 1;
        Some(Place { by_process: &shared.by_process, pid })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut counts = self.by_process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.pid) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.pid);
            }
        }
    }
}

async fn converse<H: Handler>(
    shared: &Arc<Shared<H>>,
    connection: Connection,
    mut caller: Caller,
    is_helper: bool,
    witness: Witness,
) -> io::Result<()> {
    let (reader, mut writer) = peer::split(connection, caller.view.pid);
    let mut lines = Lines::new(reader);
    let (answers, mut outgoing) = mpsc::channel::<Response>(IN_FLIGHT);
    let writing = async {
        while let Some(answer) = outgoing.recv().await {
            timeout(WRITE, writer.write_all(&encode(&answer))).await??;
        }
        io::Result::Ok(())
    };
    let reading = async move {
        let session = match greet(shared, &mut lines, &caller.view).await? {
            Ok(Greeted { session, claimed_name, answer }) => {
                // Our own command needn't say who it is: that is known, and is the name of nobody who asks.
                if !is_helper {
                    caller.claimed_name = claimed_name.into();
                }
                send(&answers, answer).await;
                session
            }
            Err(answer) => {
                send(&answers, answer).await;
                return Ok(());
            }
        };
        let mut requests: JoinSet<Id> = JoinSet::new();
        let mut open = HashSet::new();
        let mut closed = shared.closed.clone();
        loop {
            let line = tokio::select! {
                line = lines.next(IDLE) => line?,
                _ = closed.wait_for(|closed| *closed) => break,
            };
            let Some(line) = line else { break };
            while let Some(done) = requests.try_join_next() {
                done.iter().for_each(|id| drop(open.take(id)));
            }
            if !witness.is_unchanged() {
                // Another program in the same process, or none any more: what was said of it counts no more (REQ-I1).
                tracing::warn!(pid = caller.view.pid, "a caller became another program and was hung up on");
                break;
            }
            let request = match line.map_err(frame_error).and_then(|line| check(&line, &session)) {
                Ok(request) => request,
                Err(answer) => {
                    // After a broken line nothing tells where the next one begins.
                    send(&answers, *answer).await;
                    break;
                }
            };
            if requests.len() >= IN_FLIGHT {
                let error = ErrorObject::new(ErrorCode::Busy, "too many requests at one time on this connection");
                send(&answers, Response::new(Some(request.id), Err(error))).await;
                continue;
            }
            let (shared, caller, answers) = (shared.clone(), caller.clone(), answers.clone());
            open.insert(request.id.clone());
            requests.spawn(async move {
                let Request { id, method, params, .. } = request;
                let outcome = shared.handler.answer(shared.door, &caller, &method, params).await;
                send(&answers, Response::new(Some(id.clone()), outcome)).await;
                id
            });
        }
        // A caller that only finished writing still gets its answers; what takes longer is dropped with the set.
        let _ = timeout(LAST_ANSWERS, async {
            while let Some(done) = requests.join_next().await {
                done.iter().for_each(|id| drop(open.take(id)));
            }
        })
        .await;
        if *closed.borrow() {
            // Whoever waits learns that this is an end that was asked for, and not a crash.
            for id in open {
                let error = ErrorObject::new(ErrorCode::AgentUnreachable, "the agent was told to stop");
                send(&answers, Response::new(Some(id), Err(error))).await;
            }
        }
        io::Result::Ok(())
    };
    tokio::try_join!(reading, writing).map(|_| ())
}

/// A caller that has said hello.
struct Greeted {
    session: String,
    claimed_name: String,
    answer: Response,
}

/// The handshake: `session.open` first, in time, with a version that both speak (REQ-H1..H3).
async fn greet<H: Handler, R: AsyncRead + Unpin>(
    shared: &Shared<H>,
    lines: &mut Lines<R>,
    caller: &CallerView,
) -> io::Result<Result<Greeted, Response>> {
    let Some(line) = timeout(HELLO, lines.next(HELLO)).await?? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
    let request = match line.map_err(frame_error).and_then(|line| request(&line)) {
        Ok(request) => request,
        Err(answer) => return Ok(Err(*answer)),
    };
    let refuse = |error| Ok(Err(Response::new(Some(request.id.clone()), Err(error))));
    if request.method != SessionOpen::NAME {
        return refuse(ErrorObject::new(ErrorCode::InvalidRequest, "the first request must be session.open"));
    }
    let Ok(params) = serde_json::from_value::<SessionOpenParams>(request.params) else {
        return refuse(ErrorObject::new(ErrorCode::InvalidParams, "the parameters don't fit session.open"));
    };
    if !params.protocol.contains(PROTOCOL) {
        let VersionRange { min, max } = VersionRange::OURS;
        let message = format!("this agent speaks protocol {min} to {max}");
        return refuse(ErrorObject::new(ErrorCode::ProtocolMismatch, message));
    }
    if shared.door == Door::Admin && caller.foreign {
        let message = "the admin door is closed to programs in sandboxes, containers and other namespaces";
        return refuse(ErrorObject::new(ErrorCode::CallerUnidentified, message));
    }
    let session = nonce();
    let reply = SessionOpenReply {
        protocol: PROTOCOL,
        session: session.clone(),
        server: shared.server.clone(),
        capabilities: shared.handler.capabilities(shared.door),
        caller: if shared.door == Door::Restricted { CallerView::hidden() } else { caller.clone() },
    };
    let Ok(reply) = serde_json::to_value(reply) else {
        return refuse(ErrorObject::new(ErrorCode::Internal, "the handshake can't be written"));
    };
    let answer = Response::new(Some(request.id), Ok(reply));
    Ok(Ok(Greeted { session, claimed_name: params.client.name, answer }))
}

fn check(line: &[u8], session: &str) -> Result<Request, Box<Response>> {
    let request = request(line)?;
    if request.session.as_deref() == Some(session) {
        return Ok(request);
    }
    // Whoever doesn't know the nonce hasn't read our reply: another process may be writing (REQ-H2).
    let error = ErrorObject::new(ErrorCode::InvalidRequest, "the request doesn't carry this connection's session");
    Err(Box::new(Response::new(Some(request.id), Err(error))))
}

fn request(line: &[u8]) -> Result<Request, Box<Response>> {
    let value = frame::parse(line).map_err(frame_error)?;
    let request: Request = serde_json::from_value(value).map_err(|_| invalid())?;
    if request.jsonrpc == keybearer_protocol::rpc::VERSION { Ok(request) } else { Err(invalid()) }
}

fn invalid() -> Box<Response> {
    let error = ErrorObject::new(ErrorCode::InvalidRequest, "this isn't a JSON-RPC 2.0 request");
    Box::new(Response::new(None, Err(error)))
}

fn frame_error(error: FrameError) -> Box<Response> {
    let code = match error {
        FrameError::NotAnObject => ErrorCode::InvalidRequest,
        FrameError::TooLong | FrameError::ControlCharacter | FrameError::NotJson => ErrorCode::ParseError,
    };
    Box::new(Response::new(None, Err(ErrorObject::new(code, error.to_string()))))
}

async fn send(answers: &mpsc::Sender<Response>, answer: Response) {
    // Nobody takes it if the writing side has ended: the connection is over.
    let _ = answers.send(answer).await;
}

/// An answer as a line. One over the limit becomes an error: the caller would refuse it anyway.
fn encode(answer: &Response) -> Zeroizing<Vec<u8>> {
    let line = |answer: &Response| {
        let mut line = Zeroizing::new(serde_json::to_vec(answer).unwrap_or_default());
        line.push(b'\n');
        line
    };
    let encoded = line(answer);
    if encoded.len() <= LIMIT {
        return encoded;
    }
    let id: Option<Id> = answer.id.clone();
    line(&Response::new(id, Err(ErrorObject::new(ErrorCode::Internal, "the answer is longer than 64 KiB"))))
}

fn nonce() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("an operating system without chance can't keep secrets either");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How much is read at one time.
const PIECE: usize = 8 * 1024;

/// The lines of a connection. Nothing of one that was taken stays here: it may have held a secret, and the connection may
/// stay open for long.
struct Lines<R> {
    reader: R,
    /// What was read and not taken yet, and nothing else.
    read: Zeroizing<Vec<u8>>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(reader: R) -> Lines<R> {
        Lines { reader, read: Zeroizing::default() }
    }

    /// The next line, waited for this long at most; `None` at the end. A line over the limit is an error before it is
    /// read to its end.
    async fn next(&mut self, patience: Duration) -> io::Result<Option<Result<Zeroizing<Vec<u8>>, FrameError>>> {
        let idle = Instant::now() + patience;
        let (mut partial, mut looked_at) = (None, 0);
        loop {
            if let Some(end) = self.read[looked_at..].iter().position(|byte| *byte == b'\n') {
                let end = looked_at + end;
                let rest = Zeroizing::new(self.read[end + 1..].to_vec());
                let mut line = std::mem::replace(&mut self.read, rest);
                line.truncate(end);
                return Ok(Some(if end < LIMIT { Ok(line) } else { Err(FrameError::TooLong) }));
            }
            looked_at = self.read.len();
            if looked_at >= LIMIT {
                return Ok(Some(Err(FrameError::TooLong)));
            }
            if looked_at > 0 {
                partial.get_or_insert_with(|| Instant::now() + PARTIAL);
            }
            self.read.reserve(PIECE);
            if timeout_at(partial.unwrap_or(idle), self.reader.read_buf(&mut *self.read)).await?? == 0 {
                return Ok(None);
            }
        }
    }
}
