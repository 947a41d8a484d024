//! The parts put together, from the folders to the open doors.

use crate::clients::Clients;
use crate::log::Log;
use crate::service_manager::{self, Handed};
use crate::{client_metadata, doors, gateway, harden, lock, log, ready, refresh_worker, restricted_door};
use anyhow::Context as _;
use keybearer_core::accounts::Accounts;
use keybearer_core::api::{Api, inherited_capabilities};
use keybearer_core::caller::{Caller, Connection, Instance, Outlet, Standing};
use keybearer_core::consent::Consent;
use keybearer_core::home::{Home, random_id};
use keybearer_core::{renewals, slept};
use keybearer_gateway::http::{Gateway, Visitor};
use keybearer_gateway::relay::Relay;
use keybearer_gateway::stdio::Bridges;
use keybearer_gateway::upstream::HttpUpstream;
use keybearer_ipc::peer::{self, Witness};
use keybearer_ipc::pipe::Pipe;
use keybearer_ipc::place::Place;
use keybearer_ipc::server::{self, Handler, Refusal, Stream, serve};
use keybearer_protocol::bridge::BridgeOpen;
use keybearer_protocol::session::{CallerView, Server, SessionDelegate};
use keybearer_protocol::{Door, ErrorCode, ErrorObject, Method, methods};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// The most that a refresh or sign-in under way may take when the agent stops: two requests of half a minute each.
const LAST_WORK: Duration = Duration::from_secs(65);
/// How long an agent that was woken waits for the one before: longer than that one takes with its last answers and its
/// last work.
const HANDOVER: Duration = Duration::from_secs(72);

/// Runs the agent until somebody stops it.
pub(crate) fn run(root: Option<&Path>, detach: bool) -> anyhow::Result<()> {
    let handed = service_manager::handed()?;
    let (hardened, locked) = (harden::process(), harden::stay_out_of_swap());
    if detach {
        harden::leave_terminal();
    }
    let home = Home::open(root)?;
    let log = log::start(&home, detach)?;
    if let Err(error) = hardened {
        tracing::warn!(%error, "this system doesn't let the agent hide its memory");
    }
    match locked {
        Ok(locked) => tracing::debug!(locked, "memory and the swap"),
        Err(error) => tracing::warn!(%error, "this system doesn't keep the agent out of the swap"),
    }
    let place = Place::of(root)?;
    // Sockets that were handed over are in the place of those of an agent that has noticed and ends.
    let _lock = if handed.is_empty() { lock::take(&home, &place) } else { lock::wait_for(&home, &place, HANDOVER) }?;
    // One worker: a question is answered sooner where nothing is handed from thread to thread.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    // On a worker, as the connections that it accepts: none has to be handed to another thread first.
    let living = runtime.spawn(live(home, root.map(Path::to_owned), place, handed, detach, log));
    let ended = runtime.block_on(living).context("the agent broke off").flatten();
    // A name server that doesn't answer holds up nobody.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

async fn live(
    home: Home,
    root: Option<PathBuf>,
    place: Place,
    handed: Handed,
    detach: bool,
    log: Log,
) -> anyhow::Result<()> {
    let document = client_metadata::in_environment();
    let accounts = Accounts::open(&home, Arc::new(HttpUpstream), document, refresh_worker::workers()?)?;
    let stop = Arc::new(Notify::new());
    let context = accounts.context();
    tokio::spawn(log.follow(context.settings.log_detail()));
    let started_by = doors::started_by(&handed, detach);
    let consent = Consent::new(
        context.vault.clone(),
        context.changes.clone(),
        context.lock.clone(),
        context.activity.clone(),
        still_runs,
    );
    let clients = Clients::of(&home, root.as_deref()).context("the agent doesn't find itself")?;
    let (restricted, gateway_door) = (consent.restricted_door().clone(), consent.gateway_door().clone());
    let api = Arc::new(Api::new(accounts.clone(), consent, Arc::new(clients), started_by, stop.clone()));
    let relay = Arc::new(Relay::default());
    let (gateway, bridges) = (Gateway::new(api.clone(), relay.clone()), Arc::new(Bridges::new(relay)));
    let handler = Arc::new(Doors { api: api.clone(), gateway: gateway.clone(), bridges });
    let server = Server {
        name: "keybearer-agent".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance: random_id(),
    };
    let doors = doors::open(&place, handed)?;
    tracing::info!(version = server.version, instance = server.instance, ?started_by, "ready");
    ready::ready(detach).context("whoever started the agent can't be told that it is ready")?;
    tell("READY=1", detach);
    let (close, closing) = watch::channel(false);
    let (programs, admin, handed, guard) = (doors.programs, doors.admin, doors.gateway, doors.guard);
    let served = async {
        tokio::join!(
            serve(programs, Door::Programs, server.clone(), handler.clone(), closing.clone()),
            serve(admin, Door::Admin, server.clone(), handler.clone(), closing.clone()),
            restricted_door::keep(&place, restricted, server.clone(), handler.clone(), closing.clone()),
            gateway::serve_socket(
                &place,
                handed,
                gateway_door.clone(),
                server.clone(),
                handler.clone(),
                closing.clone()
            ),
            gateway::listen(gateway, gateway_door.clone(), &context.settings, closing.clone()),
        )
    };
    let ending = api.clone();
    tokio::spawn(async move { api.wake().await });
    tokio::spawn(renewals::keep(accounts.clone()));
    tokio::spawn(slept::note(accounts.context().activity.clone()));
    let stopping = async {
        tokio::select! {
            () = told_to_stop(&stop) => tracing::info!("stopping"),
            path = guard.lost() => tracing::warn!(path = %path.display(), "stopping: the socket is gone or replaced"),
        }
        tell("STOPPING=1", detach);
        close.send_replace(true);
    };
    tokio::join!(served, stopping);
    ending.end_ways_back();
    // A refresh token that was just rotated must reach the keyring.
    if tokio::time::timeout(LAST_WORK, accounts.done()).await.is_err() {
        tracing::warn!("stopped in the middle of a refresh or sign-in");
    }
    guard.clear();
    Ok(())
}

/// Tells the service manager that started the agent how it is. One that doesn't hear it changes nothing here. A detached
/// agent was started by a command, whose service manager is somebody else's.
fn tell(state: &str, detach: bool) {
    if detach {
        return;
    }
    if let Err(error) = service_manager::tell(state) {
        tracing::warn!(%error, state, "the service manager can't be told");
    }
}

async fn told_to_stop(stop: &Notify) {
    tokio::select! {
        () = stop.notified() => {}
        () = signalled() => {}
    }
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Ctrl+C, a closed console window, the end of the session.
#[cfg(windows)]
async fn signalled() {
    use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
    let signals = (ctrl_c(), ctrl_close(), ctrl_shutdown());
    let (Ok(mut interrupt), Ok(mut close), Ok(mut shutdown)) = signals else { return std::future::pending().await };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = close.recv() => {}
        _ = shutdown.recv() => {}
    }
}

/// The API behind the sockets.
struct Doors {
    api: Arc<Api>,
    gateway: Arc<Gateway>,
    bridges: Arc<Bridges>,
}

impl Handler for Doors {
    fn capabilities(&self, door: Door, caller: &server::Caller) -> Vec<String> {
        if caller.delegation.get().is_some() { inherited_capabilities() } else { methods::behind(door) }
    }

    async fn answer(
        &self,
        door: Door,
        caller: &server::Caller,
        method: &str,
        params: Value,
    ) -> Result<Box<RawValue>, ErrorObject> {
        if method == BridgeOpen::NAME {
            return self.open_bridge(door, caller, params).await;
        }
        let answer = self.api.answer(door, &seen(caller), method, params).await;
        if method == SessionDelegate::NAME && answer.is_ok() {
            // Only the first sets it, and there is no second: what was handed on hands nothing on.
            let _ = caller.delegation.set(());
        }
        answer
    }

    async fn carry(&self, caller: server::Caller, witness: Witness, connection: impl Stream) {
        let is_itself = Arc::new(move || witness.is_unchanged());
        let visitor = Visitor::Program { caller: seen(&caller), is_itself };
        // It ends with the door.
        self.gateway.serve(connection, visitor, std::future::pending()).await;
    }

    fn refused(&self, door: Door, caller: &CallerView, why: Refusal) {
        tracing::debug!(door = door.name(), pid = caller.pid, ?why, "refused");
        self.api.note_turned_away(
            caller,
            match why {
                Refusal::OtherUser => "other_user",
                Refusal::TooManyConnections => "too_many_connections",
                Refusal::BecameAnother => "became_another",
                Refusal::AnotherProcess => "another_process",
            },
        );
    }
}

impl Doors {
    /// Gives the connection to the gateway, as a pipe.
    async fn open_bridge(
        &self,
        door: Door,
        caller: &server::Caller,
        params: Value,
    ) -> Result<Box<RawValue>, ErrorObject> {
        let (reply, pass) = self.api.open_bridge(door, &seen(caller), params).await?;
        let bridges = self.bridges.clone();
        caller.handover.give(async move |pipe: Pipe| bridges.carry(pass, pipe.reader, pipe.writer).await);
        to_raw_value(&reply).map_err(|_| ErrorObject::new(ErrorCode::Internal, "a reply can't be written"))
    }
}

/// The caller in the core's words.
fn seen(caller: &server::Caller) -> Caller {
    Caller {
        view: caller.view.clone(),
        claimed_name: caller.claimed_name.clone(),
        is_desktop: caller.is_desktop,
        is_helper: caller.is_helper,
        standing: Standing::Program,
        connection: Connection {
            number: caller.connection,
            open: caller.open.clone(),
            outlet: Outlet { queue: caller.outbox.queue(), in_use: caller.outbox.in_use() },
        },
    }
}

fn still_runs(instance: &Instance) -> bool {
    peer::runs(instance.pid, &instance.started)
}
