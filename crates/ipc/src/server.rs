//! The agent's side: accept, identify, talk. Each caller has a task and limits of its own, so one that stalls costs the
//! others nothing (REQ-L1, REQ-L2).

use crate::conversation::{HELLO, WRITE, converse, encode};
use crate::peer::{self, Peer, Witness, identify};
use crate::pipe::Handover;
use crate::session::Welcome;
use crate::socket::{Connection, Listener, accept};
use futures_util::FutureExt;
use keybearer_protocol::program::ProgramView;
use keybearer_protocol::rpc::{Notice, Response};
use keybearer_protocol::session::{CallerView, Server};
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections at one time, all callers together.
const CONNECTIONS: usize = 1024;
/// Connections at one time of one process.
const CONNECTIONS_OF_ONE: u32 = 64;
/// Connections so far, through whichever door.
static SO_FAR: AtomicU64 = AtomicU64::new(0);
/// Notices that wait for one caller.
const NOTICES: usize = 64;

/// Answers what comes through the doors.
pub trait Handler: Send + Sync + 'static {
    /// The methods that this caller is answered at a door.
    fn capabilities(&self, door: Door, caller: &Caller) -> Vec<String>;

    /// Answers one request, with a reply that is written already. Dropped when its caller leaves.
    fn answer(
        &self,
        door: Door,
        caller: &Caller,
        method: &str,
        params: Value,
    ) -> impl Future<Output = Result<Box<RawValue>, ErrorObject>> + Send;

    /// Serves a connection to the gateway, which speaks HTTP, until it ends. Dropped when the agent stops.
    fn carry(&self, caller: Caller, witness: Witness, connection: impl Stream) -> impl Future<Output = ()> + Send;

    /// Learns of a caller that gets no further, and why.
    fn refused(&self, door: Door, caller: &CallerView, why: Refusal);
}

/// Both directions of a connection; what comes in is the connector's own.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// Why a caller gets no further, for whoever keeps a record of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It runs as another user.
    OtherUser,
    /// It has too many connections.
    TooManyConnections,
    /// It became another program after it had connected (REQ-I1).
    BecameAnother,
    /// A process that didn't connect wrote on its connection (REQ-I1).
    AnotherProcess,
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
    /// Whether the connection was given away, with which it begins anew as that of whoever holds its descriptor. Set by
    /// whoever answers the request for that.
    pub delegation: Arc<OnceLock<()>>,
    /// What goes on with the connection as a pipe. Set by whoever answers the request for that.
    pub handover: Handover,
    /// Takes notices to the caller.
    pub outbox: Outbox,
}

/// Takes notices to one caller, which has asked for them.
#[derive(Clone, Debug)]
pub struct Outbox {
    notices: mpsc::Sender<Notice>,
    listens: Arc<AtomicBool>,
}

impl Outbox {
    /// An outbox, and the end at which its notices come out.
    fn new() -> (Outbox, mpsc::Receiver<Notice>) {
        let (notices, told) = mpsc::channel(NOTICES);
        (Outbox { notices, listens: Arc::default() }, told)
    }

    /// Sends a notice; whether there was room for it. Nobody waits for a slow caller.
    pub fn send(&self, notice: Notice) -> bool {
        self.notices.try_send(notice).is_ok()
    }

    /// Where notices go in, for whoever tells of those that found no room.
    pub fn queue(&self) -> mpsc::Sender<Notice> {
        self.notices.clone()
    }

    /// What [`Outbox::set_listens`] sets.
    pub fn in_use(&self) -> Arc<AtomicBool> {
        self.listens.clone()
    }

    /// Says whether the caller waits for notices: then its connection may be silent for as long as it likes.
    pub fn set_listens(&self, listens: bool) {
        self.listens.store(listens, Ordering::Relaxed);
    }

    /// Whether the caller waits for notices.
    pub(crate) fn listens(&self) -> bool {
        self.listens.load(Ordering::Relaxed)
    }
}

/// What all connections share.
struct Shared<H> {
    door: Door,
    server: Server,
    handler: Arc<H>,
    connections: Arc<Semaphore>,
    by_process: Mutex<HashMap<u32, u32>>,
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
    let by_process = Mutex::default();
    let shared = Arc::new(Shared { door, server, handler, connections, by_process, closed });
    let mut callers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            // Also if whoever could close the door is gone.
            _ = closing.wait_for(|closing| *closing) => break,
        };
        match accepted {
            Ok(connection) => {
                match shared.connections.clone().try_acquire_owned() {
                    Ok(permit) => drop(callers.spawn(attend(shared.clone(), connection, permit))),
                    // Said if it can be said at once: nobody is waited for at the door.
                    Err(_) => drop(turn_away(connection, "the agent has too many connections open").now_or_never()),
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
    let Some(_place) = Place::take(&shared, pid) else {
        let view = CallerView { pid, exe: None, foreign: false, program: ProgramView::default() };
        shared.handler.refused(shared.door, &view, Refusal::TooManyConnections);
        return turn_away(connection, "this program has too many connections open").await;
    };
    let Some((peer, connection)) = recognise(connection, pid).await else { return };
    if !peer.may_enter(shared.door) {
        tracing::warn!(pid = peer.view.pid, "a program of another user was turned away");
        return shared.handler.refused(shared.door, &peer.view, Refusal::OtherUser);
    }
    // The other end of this channel ends with the connection, whatever ends it.
    let (_end, open) = watch::channel(());
    let (outbox, notices) = Outbox::new();
    let caller = Caller {
        view: Arc::new(peer.view),
        claimed_name: "".into(),
        is_desktop: peer.is_desktop,
        is_helper: peer.is_helper,
        connection: SO_FAR.fetch_add(1, Ordering::Relaxed),
        open,
        delegation: Arc::default(),
        handover: Handover::default(),
        outbox,
    };
    if shared.door == Door::Gateway {
        let (reader, writer) = peer::split(connection, caller.view.pid);
        let carrying = shared.handler.carry(caller, peer.witness, tokio::io::join(reader, writer));
        let mut closed = shared.closed.clone();
        tokio::select! {
            () = carrying => {}
            _ = closed.wait_for(|closing| *closing) => {}
        }
        return;
    }
    // A container or a remote host learns nothing of the processes of this machine.
    let seen = if shared.door == Door::Restricted { Arc::new(CallerView::hidden()) } else { caller.view.clone() };
    let welcome = Welcome {
        door: shared.door,
        server: shared.server.clone(),
        capabilities: shared.handler.capabilities(shared.door, &caller),
        caller: seen,
    };
    let (handler, closed) = (shared.handler.clone(), shared.closed.clone());
    if let Err(error) = converse(handler, welcome, connection, caller, peer.witness, notices, closed).await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Who has connected, and the connection. What has to be looked up can hang on a file of the caller's.
async fn recognise(connection: Connection, pid: Option<u32>) -> Option<(Peer, Connection)> {
    if pid.is_some_and(peer::is_at_hand) {
        let peer = identify(&connection).inspect_err(|error| tracing::debug!(%error, "a caller can't be identified"));
        return Some((peer.ok()?, connection));
    }
    let looking = tokio::task::spawn_blocking(move || (identify(&connection), connection));
    match timeout(HELLO, looking).await {
        Ok(Ok((Ok(peer), connection))) => return Some((peer, connection)),
        Ok(Ok((Err(error), _))) => tracing::debug!(%error, "a caller can't be identified"),
        Ok(Err(error)) => tracing::error!(%error, "a caller's identification broke off"),
        Err(_) => tracing::warn!(pid, "a caller's files don't answer, so it was hung up on"),
    }
    None
}

/// Says that there is no place, instead of leaving the caller to guess.
async fn turn_away(mut connection: Connection, why: &str) {
    let mut error = ErrorObject::new(ErrorCode::Busy, why);
    error.data.retry_after_ms = Some(1000);
    // Whoever doesn't listen learns it from the end of the connection.
    let _ = timeout(WRITE, connection.write_all(&encode(&Response::<Value>::new(None, Err(error))))).await;
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
