//! What must not be cut off when the agent stops: work between an authorization server's answer and the keyring.

use crate::error::Error;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

/// Counts such work.
#[derive(Clone, Debug)]
pub struct Busy {
    count: Arc<watch::Sender<u32>>,
}

/// One piece of it, as long as it lives.
#[derive(Debug)]
pub struct Work {
    count: Arc<watch::Sender<u32>>,
}

impl Default for Busy {
    fn default() -> Self {
        Busy { count: Arc::new(watch::Sender::new(0)) }
    }
}

impl Busy {
    /// Begins a piece of work.
    pub fn begin(&self) -> Work {
        self.count.send_modify(|count| *count += 1);
        Work { count: self.count.clone() }
    }

    /// Does a job to its end as a task of its own, also if whoever waits for it leaves.
    pub async fn to_the_end<T: Send + 'static>(
        &self,
        job: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let work = self.begin();
        let task = tokio::spawn(async move {
            let _work = work;
            job.await
        });
        task.await.unwrap_or(Err(Error::Internal("a job ended without a result")))
    }

    /// Returns when no work is under way.
    pub async fn done(&self) {
        // The sender is here, so the wait can't fail.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.count.send_modify(|count| *count -= 1);
    }
}
