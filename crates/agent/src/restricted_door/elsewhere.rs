//! Pipes can neither be mounted into a container nor forwarded by `ssh`: there is no such door.

use keybearer_core::consent::{DoorState, RestrictedDoor};
use keybearer_ipc::place::Place;
use keybearer_ipc::server::Handler;
use keybearer_protocol::session::Server;
use std::sync::Arc;
use tokio::sync::watch;

/// Says that there is none.
pub(crate) async fn keep<H: Handler>(
    _place: &Place,
    door: RestrictedDoor,
    _server: Server,
    _handler: Arc<H>,
    _closing: watch::Receiver<bool>,
) {
    door.is(DoorState::Absent);
}
