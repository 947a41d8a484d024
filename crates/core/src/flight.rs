//! One job at a time, shared by all who want its result.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// A place where at most one job runs. Whoever comes while it runs gets the same result.
#[derive(Debug)]
pub struct Flight<T> {
    /// `None` in the channel until the job is done.
    running: Mutex<Option<watch::Receiver<Option<T>>>>,
}

impl<T> Default for Flight<T> {
    fn default() -> Self {
        Flight { running: Mutex::new(None) }
    }
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Joins the job that runs, or starts this one. The job is a task of its own: it goes on when its callers leave,
    /// so that a rotated refresh token is never lost to an impatient one. `None` only if the job panicked.
    pub async fn join<F>(&self, start: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut result = self.depart(start);
        let done = result.wait_for(Option::is_some).await.ok()?;
        done.clone()
    }

    /// Starts this job unless one runs, without waiting for it.
    pub fn launch<F>(&self, start: impl FnOnce() -> F)
    where
        F: Future<Output = T> + Send + 'static,
    {
        drop(self.depart(start));
    }

    fn depart<F>(&self, start: impl FnOnce() -> F) -> watch::Receiver<Option<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // A job whose sender is gone has ended; its result was for those who came before that.
        if let Some(job) = running.as_ref().filter(|job| job.has_changed().is_ok() && job.borrow().is_none()) {
            return job.clone();
        }
        let (sender, receiver) = watch::channel(None);
        let job = start();
        tokio::spawn(async move {
            let result = job.await;
            sender.send_replace(Some(result));
        });
        *running = Some(receiver.clone());
        receiver
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn many_callers_share_one_job_and_the_next_caller_starts_another() {
        let (flight, runs, gate) = (Arc::new(Flight::default()), Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let job = || {
            let (runs, gate) = (runs.clone(), gate.clone());
            move || async move {
                gate.notified().await;
                runs.fetch_add(1, Ordering::SeqCst) + 1
            }
        };
        let callers: Vec<_> = (0..50)
            .map(|_| {
                let (flight, job) = (flight.clone(), job());
                tokio::spawn(async move { flight.join(job).await })
            })
            .collect();
        tokio::task::yield_now().await;
        gate.notify_one();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), Some(1));
        }
        gate.notify_one();
        assert_eq!(flight.join(job()).await, Some(2));
    }

    #[tokio::test]
    async fn a_job_outlives_its_caller() {
        let (flight, done, gate) = (Flight::default(), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (told, opened) = (done.clone(), gate.clone());
        {
            let call = flight.join(|| async move {
                opened.notified().await;
                told.notify_one();
            });
            // The caller polls once and leaves.
            let _ = tokio::time::timeout(std::time::Duration::ZERO, call).await;
        }
        gate.notify_one();
        done.notified().await;
    }
}
