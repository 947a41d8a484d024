//! A socket in a folder of its own, which can be mounted into a container or forwarded by `ssh`.

use keybearer_core::consent::{DoorState, RestrictedDoor};
use keybearer_ipc::place::Place;
use keybearer_ipc::server::{Handler, serve};
use keybearer_ipc::socket;
use keybearer_protocol::Door;
use keybearer_protocol::session::Server;
use std::fs;
use std::sync::Arc;
use tokio::sync::watch;

/// Opens the door when it is wanted and shuts it when it isn't, until the agent closes.
pub(crate) async fn keep<H: Handler>(
    place: &Place,
    door: RestrictedDoor,
    server: Server,
    handler: Arc<H>,
    mut closing: watch::Receiver<bool>,
) {
    let mut wanted = door.wanted();
    // What an agent left that was killed: this one alone has the right to the place.
    let _ = fs::remove_file(place.socket(Door::Restricted));
    door.is(DoorState::Shut);
    loop {
        tokio::select! {
            // Whoever wants it is the agent, which ends with its doors.
            _ = wanted.wait_for(|wanted| *wanted) => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
        let (shut, shutting) = watch::channel(false);
        let serving = match socket::bind(place, Door::Restricted) {
            Ok(listener) => {
                tracing::info!("the restricted door opens");
                door.is(DoorState::Open);
                Some(serve(listener, Door::Restricted, server.clone(), handler.clone(), shutting))
            }
            Err(error) => {
                tracing::warn!(%error, "the restricted door can't be opened");
                door.is(DoorState::Failed(error.to_string()));
                None
            }
        };
        let is_open = serving.is_some();
        let ending = async {
            tokio::select! {
                _ = wanted.wait_for(|wanted| !*wanted) => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
            if is_open {
                // Gone before it is closed: nobody finds a socket where nobody listens.
                let _ = fs::remove_file(place.socket(Door::Restricted));
            }
            shut.send_replace(true);
        };
        let serving = async {
            if let Some(serving) = serving {
                serving.await;
            }
        };
        tokio::join!(serving, ending);
        tracing::info!("the restricted door is shut");
        door.is(DoorState::Shut);
    }
}
