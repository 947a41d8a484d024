//! The bodies of requests: kept whole until the server has answered, since a token may have to be renewed in between, and
//! all together within what the agent has room for.

use crate::relay::{BODY_LIMIT, RelayError};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What the bodies of all requests under way hold at most, in units of [`UNIT`].
const ROOM: usize = 4 * BODY_LIMIT / UNIT;
const UNIT: usize = 1024;
/// The next piece of a body comes within this time, and the whole body within that.
const PIECE_TIME: Duration = Duration::from_secs(30);
const WHOLE_TIME: Duration = Duration::from_secs(300);

/// The room that there is.
pub(super) struct Rooms(Arc<Semaphore>);

impl Default for Rooms {
    fn default() -> Rooms {
        Rooms(Arc::new(Semaphore::new(ROOM)))
    }
}

/// The room that a body takes.
pub(super) struct Room(Option<OwnedSemaphorePermit>, usize);

impl Rooms {
    /// Takes a body in.
    pub(super) async fn take(&self, body: Incoming) -> Result<(Bytes, Room), RelayError> {
        timeout(WHOLE_TIME, self.take_in(body)).await.unwrap_or(Err(RelayError::Slow))
    }

    async fn take_in(&self, mut body: Incoming) -> Result<(Bytes, Room), RelayError> {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let mut room = Room(None, 0);
        self.widen(&mut room, announced)?;
        let mut whole = BytesMut::with_capacity(announced);
        while let Some(frame) = timeout(PIECE_TIME, body.frame()).await.map_err(|_| RelayError::Slow)? {
            // A client that breaks off, or says how long its body is in two ways.
            let frame = frame.map_err(|_| RelayError::Malformed)?;
            if let Some(piece) = frame.data_ref() {
                self.widen(&mut room, whole.len() + piece.len())?;
                whole.extend_from_slice(piece);
            }
        }
        Ok((whole.freeze(), room))
    }

    /// Makes room for so many bytes, if there is some. Nobody waits for it: two that wait for each other would for ever.
    fn widen(&self, room: &mut Room, bytes: usize) -> Result<(), RelayError> {
        if bytes > BODY_LIMIT {
            return Err(RelayError::TooLarge);
        }
        let more = bytes.div_ceil(UNIT).saturating_sub(room.1);
        if more == 0 {
            return Ok(());
        }
        let permit = self.0.clone().try_acquire_many_owned(u32::try_from(more).unwrap_or(u32::MAX));
        let permit = permit.map_err(|_| RelayError::Busy)?;
        room.1 += more;
        match &mut room.0 {
            Some(taken) => taken.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}
