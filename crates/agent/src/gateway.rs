//! The gateway's two entrances: a port of this machine, open as long as there is a key, and a socket of this user.

use crate::doors::Guard;
use keybearer_core::api::GATEWAY_PORTS;
use keybearer_core::consent::{GatewayDoor, GatewayState};
use keybearer_core::settings::SettingsFile;
use keybearer_gateway::http::{Gateway, Visitor};
use keybearer_ipc::peer;
use keybearer_ipc::place::Place;
use keybearer_ipc::server::{Handler, serve};
use keybearer_ipc::socket::{self, Listener};
use keybearer_protocol::Door;
use keybearer_protocol::session::Server;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Connections over loopback at one time.
const CONNECTIONS: usize = 256;
/// How often a port that another program has is tried again.
const AGAIN: Duration = Duration::from_secs(10);
/// After a connection that couldn't be accepted.
const BREATH: Duration = Duration::from_millis(100);

/// Listens on the port as long as there is a key, until the agent closes.
pub(crate) async fn listen(
    gateway: Arc<Gateway>,
    door: GatewayDoor,
    settings: &SettingsFile,
    mut closing: watch::Receiver<bool>,
) {
    let mut wanted = door.wanted();
    loop {
        tokio::select! {
            // Whoever wants it is the agent, which ends with its doors.
            _ = wanted.wait_for(|wanted| *wanted) => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
        let (shut, shutting) = watch::channel(false);
        let ending = async {
            tokio::select! {
                _ = wanted.wait_for(|wanted| !*wanted) => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
            shut.send_replace(true);
        };
        tokio::join!(serve_port(&gateway, &door, settings, shutting), ending);
        door.is(GatewayState::Shut);
    }
}

async fn serve_port(
    gateway: &Arc<Gateway>,
    door: &GatewayDoor,
    settings: &SettingsFile,
    mut shutting: watch::Receiver<bool>,
) {
    let (listener, port) = tokio::select! {
        opened = open(door, settings) => opened,
        _ = shutting.wait_for(|shutting| *shutting) => return,
    };
    tracing::info!(port, "the gateway opens");
    door.is(GatewayState::Open(port));
    accept(gateway, listener, port, shutting).await;
    tracing::info!("the gateway is shut");
}

/// Opens the port that was chosen, or chooses one. As long as another program has it, this tries again: another port would
/// be one that no client knows.
async fn open(door: &GatewayDoor, settings: &SettingsFile) -> (TcpListener, u16) {
    loop {
        match bind(settings).await {
            Ok(opened) => return opened,
            Err(problem) => {
                tracing::warn!(problem, "the gateway can't be opened");
                door.is(GatewayState::Failed(problem));
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn bind(settings: &SettingsFile) -> Result<(TcpListener, u16), String> {
    let chosen = settings.read().map_err(|error| error.to_string())?.gateway_port;
    let ports = chosen.map_or(GATEWAY_PORTS, |port| port..=port);
    let mut refused = None;
    for port in ports.clone() {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                if chosen.is_none() {
                    let remembered = settings.change(|preferences| preferences.gateway_port = Some(port));
                    remembered.map_err(|error| error.to_string())?;
                }
                return Ok((listener, port));
            }
            Err(error) => refused = Some(error),
        }
    }
    let (first, last) = (ports.start(), ports.end());
    let which = if first == last { format!("port {first}") } else { format!("all ports from {first} to {last}") };
    Err(match refused {
        Some(error) if error.kind() != io::ErrorKind::AddrInUse => format!("{which} of 127.0.0.1: {error}"),
        _ => format!("another program uses {which} of 127.0.0.1"),
    })
}

async fn accept(gateway: &Arc<Gateway>, listener: TcpListener, port: u16, mut shutting: watch::Receiver<bool>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let told = shutting.clone();
    let mut visits = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = shutting.wait_for(|shutting| *shutting) => break,
        };
        match accepted {
            Ok((connection, from)) => {
                // Whoever finds no place is hung up on: HTTP clients try again.
                if let Ok(place) = connections.clone().try_acquire_owned()
                    && is_ours(&connection, from)
                {
                    let (gateway, mut told) = (gateway.clone(), told.clone());
                    visits.spawn(async move {
                        let closing = async { drop(told.wait_for(|shutting| *shutting).await) };
                        gateway.serve(connection, Visitor::Loopback { port }, closing).await;
                        drop(place);
                    });
                }
            }
            // Too many open files, or a caller that left at once: the door stays open (REQ-L3).
            Err(error) => {
                tracing::warn!(%error, "a connection to the gateway was lost");
                tokio::time::sleep(BREATH).await;
            }
        }
        while visits.try_join_next().is_some() {}
    }
    drop(listener);
    while visits.join_next().await.is_some() {}
}

/// Whether the other end is this user's, as far as the system tells; and what is sent goes out at once.
fn is_ours(connection: &TcpStream, from: SocketAddr) -> bool {
    let (SocketAddr::V4(theirs), Ok(SocketAddr::V4(ours))) = (from, connection.local_addr()) else { return false };
    if peer::is_loopback_ours(theirs, ours) == Some(false) {
        tracing::warn!("a program of another user was turned away from the gateway");
        return false;
    }
    connection.set_nodelay(true).is_ok()
}

/// Serves the socket, until the agent closes: the one that was handed over, which stays, or one of its own. Without it,
/// clients still have the port.
pub(crate) async fn serve_socket<H: Handler>(
    place: &Place,
    handed: Option<Listener>,
    door: GatewayDoor,
    server: Server,
    handler: Arc<H>,
    closing: watch::Receiver<bool>,
) {
    let path = place.socket(Door::Gateway);
    let ours = handed.is_none();
    let listener = handed.map_or_else(
        || {
            // What an agent left that was killed: this one alone has the right to the place.
            let _ = fs::remove_file(&path);
            socket::bind(place, Door::Gateway)
        },
        Ok,
    );
    match listener {
        Ok(listener) => {
            let guard = Guard::of(place, &[Door::Gateway], ours);
            door.has_socket(path);
            serve(listener, Door::Gateway, server, handler, closing).await;
            guard.clear();
        }
        Err(error) => tracing::warn!(%error, "the gateway's socket can't be opened"),
    }
}
