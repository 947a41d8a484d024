//! The bodies of requests: kept whole until the server has answered, since a token may have to be renewed in between, and
//! all together within what the agent has room for.

use crate::budget::{Budget, Held};
use crate::relay::{BODY_LIMIT, RelayError};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::time::Duration;
use tokio::time::timeout;

/// What the bodies of all requests under way hold at most, in bytes.
const ALL_BODIES: usize = 4 * BODY_LIMIT;
/// The next piece of a body comes within this time, and the whole body within that.
const PIECE_TIME: Duration = Duration::from_secs(30);
const WHOLE_TIME: Duration = Duration::from_secs(300);

/// Takes bodies in.
pub(super) struct Uploads(Budget);

impl Default for Uploads {
    fn default() -> Uploads {
        Uploads(Budget::of(ALL_BODIES))
    }
}

impl Uploads {
    /// Takes a body in, and says what it holds.
    pub(super) async fn take(&self, body: Incoming) -> Result<(Bytes, Held), RelayError> {
        timeout(WHOLE_TIME, self.take_in(body)).await.unwrap_or(Err(RelayError::Slow))
    }

    async fn take_in(&self, mut body: Incoming) -> Result<(Bytes, Held), RelayError> {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let mut held = self.0.nothing();
        grow(&mut held, announced)?;
        let mut whole = BytesMut::with_capacity(announced);
        while let Some(frame) = timeout(PIECE_TIME, body.frame()).await.map_err(|_| RelayError::Slow)? {
            // A client that breaks off, or says how long its body is in two ways.
            let frame = frame.map_err(|_| RelayError::Malformed)?;
            if let Some(piece) = frame.data_ref() {
                grow(&mut held, whole.len() + piece.len())?;
                whole.extend_from_slice(piece);
            }
        }
        Ok((whole.freeze(), held))
    }
}

fn grow(held: &mut Held, bytes: usize) -> Result<(), RelayError> {
    match bytes {
        0..=BODY_LIMIT => held.grow(bytes).then_some(()).ok_or(RelayError::Busy),
        _ => Err(RelayError::TooLarge),
    }
}
