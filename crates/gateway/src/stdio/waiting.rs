//! The requests of a client that have no answer yet. Whoever takes one out answers it, so each is answered once.

use keybearer_protocol::envelope::MessageId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A client's open requests.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<MessageId, Open>>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Open {
    /// Whether it is the handshake.
    pub(crate) is_handshake: bool,
    /// Whether it is our own, whose answer the client never sees.
    pub(crate) is_ours: bool,
    /// Turns true when the client doesn't want it any more; ends when it is answered.
    cancelled: watch::Sender<bool>,
}

impl Open {
    /// Whether the client doesn't want its answer any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }
}

impl Waiting {
    /// Adds a request, unless one of this id is open; gives what tells of its end.
    pub(crate) fn add(&self, id: &MessageId, is_handshake: bool, is_ours: bool) -> Option<watch::Receiver<bool>> {
        let mut open = self.open();
        if open.contains_key(id) {
            return None;
        }
        let (cancelled, told) = watch::channel(false);
        open.insert(id.clone(), Open { is_handshake, is_ours, cancelled });
        Some(told)
    }

    /// Takes a request out, for whoever answers it.
    pub(crate) fn take(&self, id: &MessageId) -> Option<Open> {
        self.open().remove(id)
    }

    /// Takes all out.
    pub(crate) fn take_all(&self) -> Vec<(MessageId, Open)> {
        self.open().drain().collect()
    }

    /// The client doesn't want this any more.
    pub(crate) fn cancel(&self, id: &MessageId) {
        if let Some(open) = self.open().get(id) {
            open.cancelled.send_replace(true);
        }
    }

    /// Whether one of these is open.
    pub(crate) fn has_one_of(&self, ids: &[MessageId]) -> bool {
        let open = self.open();
        ids.iter().any(|id| open.contains_key(id))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.open().len()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<MessageId, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
