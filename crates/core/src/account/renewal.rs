//! When an account is renewed: by the agent ahead of the token's end, or because a program needs it now; and how it waits
//! after a renewal that came to nothing.

use super::{Account, Means, State, because, means};
use crate::backoff::{Backoff, PACE};
use crate::clock::{Moment, now};
use crate::error::Error;
use crate::refresh::{chance, is_usable, renews_at};
use crate::schedule::Deadline;
use jiff::Timestamp;
use keybearer_protocol::activity::ActivityKind;
use std::sync::Arc;
use std::time::Instant;

/// What this process knows of the use and the renewal of the current token set.
#[derive(Debug)]
pub(super) struct Renewal {
    generation: u32,
    /// When this process learned of the set: however the machine's clock is set later, it doesn't get younger.
    known_since: Moment,
    /// Whether a program got it.
    used: bool,
    /// Whether a renewal is under way.
    running: bool,
    /// Since the last one came to nothing.
    backoff: Option<Backoff>,
}

impl Renewal {
    /// Of an account of which nothing is read yet.
    pub(super) fn new() -> Renewal {
        Renewal { generation: 0, known_since: Moment::now(), used: false, running: false, backoff: None }
    }

    /// The set of this generation is the current one.
    pub(super) fn follow(&mut self, generation: u32) {
        if self.generation != generation {
            *self = Renewal { generation, running: self.running, ..Renewal::new() };
        }
    }

    /// Now, in the life of the current set.
    pub(super) fn now(&self) -> Timestamp {
        self.known_since.now_since()
    }
}

impl State {
    /// When the agent renews this account by itself, if it does. Nothing is done while the record isn't here, as it is in
    /// a locked agent, nor for what was rejected.
    pub(super) fn deadline(&self, id: &str) -> Option<Deadline> {
        let (record, renewal) = (self.record.as_ref()?, &self.renewal);
        let tokens = record.tokens.as_ref().filter(|_| means(&self.profile, record) == Means::Oauth)?;
        if let Some(backoff) = renewal.backoff.as_ref().filter(|_| tokens.is_renewable()) {
            return Some(Deadline { at: backoff.until, after_failure: backoff.ends_with_news() });
        }
        let at = renews_at(renewal.now(), tokens, renewal.used, chance((id, record.generation)))?;
        Some(Deadline { at: renewal.known_since.on_the_wall(at), after_failure: false })
    }
}

impl Account {
    /// A program got the token of this generation: it is worth being renewed ahead of its end.
    pub fn note_use(&self, generation: u32) {
        let mut state = self.state();
        if state.renewal.generation == generation && !state.renewal.used {
            state.renewal.used = true;
            self.reschedule(&state);
        }
    }

    /// Renews the token if it is time, for whoever keeps the schedule. What comes of it is kept with the account.
    pub async fn renew_if_due(self: &Arc<Self>) {
        let due = {
            let state = self.state();
            self.reschedule(&state);
            let is_due =
                !self.context.lock.is_set() && state.deadline(&self.id).is_some_and(|deadline| deadline.at <= now());
            state.record.as_ref().filter(|_| is_due).map(|record| record.generation)
        };
        if let Some(generation) = due {
            // Its failure has its own way to be told.
            let _ = self.refreshing.join(|| self.clone().renewing(generation)).await;
        }
    }

    /// The network has returned: a server that couldn't be asked can be now, perhaps.
    pub fn try_again(&self) {
        let mut state = self.state();
        state
            .renewal
            .backoff
            .iter_mut()
            .filter(|backoff| backoff.ends_with_news())
            .for_each(|backoff| backoff.end(now()));
        self.reschedule(&state);
    }

    /// The machine has slept, or its clock was set: deadlines are to be looked at anew, and what failed is worth a try.
    pub fn look_again(&self) {
        let mut state = self.state();
        state.renewal.backoff.iter_mut().for_each(|backoff| backoff.end(now()));
        self.reschedule(&state);
    }

    /// Renews the set of this generation for a program that needs another now. After a failure the server is not asked by
    /// each of them: a token that is still good has to do, unless newer ones only wait for the keyring, and whoever can't use
    /// that waits for the next try, which all of them share.
    pub(super) async fn renew(self: &Arc<Self>, generation: u32, force: bool) -> Result<(), Error> {
        let came = Instant::now();
        loop {
            let (pause, error) = {
                let state = self.state();
                let Some(backoff) = state.renewal.backoff.as_ref().filter(|_| !state.renewal.running) else { break };
                let will_do = !force && !state.outdated && usable(&state, generation);
                if backoff.failed_since(came) || (will_do && !backoff.is_over(now())) {
                    return Err(backoff.error.clone());
                }
                (backoff.pause(), backoff.error.clone())
            };
            if pause.is_zero() {
                break;
            }
            if pause > PACE {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
        let result = self.refreshing.join(|| self.clone().renewing(generation)).await;
        result.unwrap_or(Err(Error::Internal("the refresh ended without a result")))
    }

    /// The renewal of this generation came to nothing. What was rejected isn't tried again in any case.
    fn back_off(&self, seen: u32, error: &Error) {
        let mut state = self.state();
        // A newer set has not failed.
        if state.renewal.generation != seen {
            return;
        }
        let chance = chance((&self.id, Instant::now()));
        let backoff = Backoff::after(state.renewal.backoff.as_ref(), error.clone(), now(), chance);
        state.renewal.backoff = Some(backoff);
        if let Some(deadline) = state.deadline(&self.id) {
            let seconds = deadline.at.duration_since(now()).as_secs();
            tracing::info!(account = %self.id, %error, seconds, "a renewal came to nothing; it is tried again after a while");
        }
    }

    /// Whether the old token can be handed out although it could not be renewed.
    pub(super) fn still_usable(&self, generation: u32) -> bool {
        usable(&self.state(), generation)
    }

    /// Writes down when this account is to be renewed next. Called after every change of what [`State::deadline`] looks at.
    pub(super) fn reschedule(&self, state: &State) {
        let deadline = state.deadline(&self.id).filter(|_| !state.renewal.running);
        self.context.schedule.set(&self.id, deadline);
    }

    /// A refresh, with what is remembered of it.
    pub(super) async fn renewing(self: Arc<Self>, seen: u32) -> Result<(), Error> {
        self.state().renewal.running = true;
        // Also if it panics.
        let running = Running(self.clone());
        let outcome = self.clone().refresh(seen).await;
        if let Err(error) = &outcome {
            self.context.activity.add(because(error, self.happened(ActivityKind::RefreshFailed)));
            self.back_off(seen, error);
        }
        drop(running);
        outcome
    }
}

/// A renewal under way, as long as it lives.
struct Running(Arc<Account>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.renewal.running = false;
        self.0.reschedule(&state);
    }
}

fn usable(state: &State, generation: u32) -> bool {
    let record = state.record.as_ref().filter(|record| record.generation == generation);
    let tokens = record.and_then(|record| record.tokens.as_ref());
    tokens.is_some_and(|tokens| is_usable(state.renewal.now(), tokens, state.refused == Some(generation)))
}
