//! What the messages of all clients of one kind may hold of the agent's memory together.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted at one time, in bytes.
const UNIT: usize = 1024;

/// Memory for messages, shared by all that hold a clone.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

/// What one message holds of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Budget,
    units: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// So many bytes.
    pub(crate) fn of(bytes: usize) -> Budget {
        Budget(Arc::new(Semaphore::new(bytes / UNIT)))
    }

    /// The part of a message that is still empty.
    pub(crate) fn nothing(&self) -> Held {
        Held { budget: self.clone(), units: None }
    }
}

impl Held {
    /// Makes room for a message of so many bytes; whether there is. Nobody waits for it: who holds the rest may wait for
    /// whoever asks.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let has = self.units.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = bytes.div_ceil(UNIT).saturating_sub(has);
        let Some(missing) = u32::try_from(missing).ok().filter(|missing| *missing > 0) else { return missing == 0 };
        let Ok(more) = self.budget.0.clone().try_acquire_many_owned(missing) else { return false };
        match &mut self.units {
            Some(units) => units.merge(more),
            None => self.units = Some(more),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_messages_hold_together_is_bounded_and_comes_back_when_they_go() {
        let budget = Budget::of(4 * UNIT);
        let (mut one, mut other) = (budget.nothing(), budget.nothing());
        assert!(one.grow(0) && one.grow(UNIT + 1), "two units");
        // What it has already isn't asked for again.
        assert!(one.grow(UNIT) && one.grow(2 * UNIT));
        assert!(other.grow(2 * UNIT));
        assert!(!other.grow(2 * UNIT + 1) && !one.grow(3 * UNIT));
        // Whoever got no more keeps what it has, and the rest is there for others.
        assert!(other.grow(2 * UNIT));
        drop(one);
        assert!(other.grow(4 * UNIT) && !budget.nothing().grow(1));
        drop(other);
        assert!(budget.nothing().grow(4 * UNIT));
    }

    #[test]
    fn a_message_longer_than_any_budget_is_refused_and_not_counted() {
        let budget = Budget::of(4 * UNIT);
        let mut held = budget.nothing();
        assert!(!held.grow(usize::MAX) && !held.grow(5 * UNIT));
        assert!(held.grow(4 * UNIT));
    }
}
