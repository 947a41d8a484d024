//! The lock, as every part of the agent sees it at once: what is under way when it falls gives out nothing either.

use crate::error::Error;
use std::sync::Arc;
use tokio::sync::watch;

/// Whether the agent is locked. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Lock(Arc<watch::Sender<bool>>);

impl Lock {
    /// Locks or unlocks.
    pub fn set(&self, locked: bool) {
        self.0.send_replace(locked);
    }

    /// Whether it is locked.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// An error while it is locked.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_set() { Err(Error::Locked) } else { Ok(()) }
    }

    /// Returns once it is locked.
    pub async fn falls(&self) {
        self.becomes(true).await;
    }

    /// Returns once it is open.
    pub async fn lifts(&self) {
        self.becomes(false).await;
    }

    async fn becomes(&self, locked: bool) {
        // The sender is here, so the wait can't fail.
        let _ = self.0.subscribe().wait_for(|now| *now == locked).await;
    }
}
