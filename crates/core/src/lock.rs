//! The lock, as every part of the agent sees it at once: what is under way when it falls gives out nothing either.

use crate::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the agent is locked. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Lock(Arc<AtomicBool>);

impl Lock {
    /// Locks or unlocks.
    pub fn set(&self, locked: bool) {
        self.0.store(locked, Ordering::SeqCst);
    }

    /// Whether it is locked.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// An error while it is locked.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_set() { Err(Error::Locked) } else { Ok(()) }
    }
}
