//! News for windows: a count that goes up with every change of anything that one shows.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The count. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Changes {
    revision: Arc<watch::Sender<u32>>,
}

impl Default for Changes {
    fn default() -> Self {
        Changes { revision: Arc::new(watch::Sender::new(0)) }
    }
}

impl Changes {
    /// Something changed.
    pub fn announce(&self) {
        self.revision.send_modify(|revision| *revision = revision.wrapping_add(1));
    }

    /// The count as it stands.
    pub fn revision(&self) -> u32 {
        *self.revision.borrow()
    }

    /// Returns when the count is another than `seen`, or after `wait`.
    pub async fn after(&self, seen: u32, wait: Duration) -> u32 {
        // Time running out is an answer as well: nothing changed.
        let _ = tokio::time::timeout(wait, self.revision.subscribe().wait_for(|revision| *revision != seen)).await;
        self.revision()
    }
}
