//! The pause, as every part of the agent sees it at once: nothing is given out, and all that is kept is renewed.

use crate::clock::now;
use crate::error::Error;
use keybearer_protocol::agent::Pause;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

/// Whether the agent is paused. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Pausing(Arc<watch::Sender<Option<Pause>>>);

impl Pausing {
    /// Begins a pause, or ends it.
    pub fn set(&self, pause: Option<Pause>) {
        self.0.send_replace(pause);
    }

    /// The pause as it was said, also one that is over and was not ended yet.
    pub fn said(&self) -> Option<Pause> {
        *self.0.borrow()
    }

    /// The pause, unless it is over.
    pub fn current(&self) -> Option<Pause> {
        self.said().filter(|pause| pause.until.is_none_or(|until| now() < until))
    }

    /// The same as it changes.
    pub fn changes(&self) -> watch::Receiver<Option<Pause>> {
        self.0.subscribe()
    }

    /// What comes of this, unless there is a pause or one begins meanwhile: who waits for a server or a person then waits
    /// no longer, and gets nothing.
    pub async fn unless_paused<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.check()?;
        let done = tokio::select! {
            biased;
            done = work => done?,
            () = self.begins() => return Err(self.refusal()),
        };
        self.check().map(|()| done)
    }

    /// An error while there is a pause.
    pub fn check(&self) -> Result<(), Error> {
        if self.current().is_some() { Err(self.refusal()) } else { Ok(()) }
    }

    fn refusal(&self) -> Error {
        Error::Paused { until: self.said().and_then(|pause| pause.until) }
    }

    async fn begins(&self) {
        // The sender is here, so the wait can't fail.
        let _ = self.0.subscribe().wait_for(|_| self.current().is_some()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use std::future::{pending, ready};

    fn ending_in(seconds: i64) -> Option<Pause> {
        Some(Pause { until: Some(now() + SignedDuration::from_secs(seconds)) })
    }

    #[test]
    fn a_pause_is_over_when_its_time_has_come_and_one_without_end_is_not() {
        let pausing = Pausing::default();
        pausing.check().expect("nobody said so");
        pausing.set(ending_in(-1));
        assert_eq!(pausing.current(), None);
        for pause in [ending_in(60), Some(Pause { until: None })] {
            pausing.set(pause);
            assert_eq!(pausing.current(), pause);
            assert!(pausing.check().is_err());
        }
    }

    #[tokio::test]
    async fn who_waits_when_a_pause_begins_gets_nothing() {
        let pausing = Pausing::default();
        assert!(matches!(pausing.unless_paused(ready(Ok(1))).await, Ok(1)));
        let begins = async { pausing.set(ending_in(60)) };
        let (waited, ()) = tokio::join!(pausing.unless_paused(pending::<Result<(), Error>>()), begins);
        assert!(matches!(waited, Err(Error::Paused { until: Some(_) })));
        // What became ready in the same moment is not given out either.
        pausing.set(None);
        let late = pausing.unless_paused(async {
            pausing.set(Some(Pause { until: None }));
            Ok(())
        });
        assert!(matches!(late.await, Err(Error::Paused { until: None })));
    }
}
