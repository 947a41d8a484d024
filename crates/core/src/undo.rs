//! Ways back: what was removed or forgotten is gone at once, and kept in memory for half a minute, in which it can be had
//! again. An agent that is killed meanwhile has nothing of it any more.

use crate::account::{SignedOut, give_back};
use crate::accounts::{Accounts, Gone};
use crate::clock::now;
use crate::consent::Answers;
use crate::grants::Grant;
use crate::home::random_id;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};
use keybearer_protocol::undo::UNDO_SECS;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many there are at one time; the oldest makes room.
const LIMIT: usize = 64;

/// What can be had again.
#[derive(Debug)]
pub enum WayBack {
    /// An account, with what was said about it.
    Account {
        /// The account.
        gone: Box<Gone>,
        /// What was said.
        answers: Answers,
    },
    /// A remembered answer.
    Grant(Box<Grant>),
}

/// The ways back of one agent.
pub struct WaysBack {
    accounts: Arc<Accounts>,
    /// By name, the oldest first.
    open: Mutex<Vec<(String, WayBack)>>,
}

impl WaysBack {
    /// None yet.
    pub fn new(accounts: Arc<Accounts>) -> Arc<WaysBack> {
        Arc::new(WaysBack { accounts, open: Mutex::default() })
    }

    /// Keeps one for half a minute; gives its name.
    pub fn keep(self: &Arc<Self>, way: WayBack) -> String {
        let name = random_id();
        self.keep_as(name.clone(), way);
        name
    }

    /// The same under this name.
    pub fn keep_as(self: &Arc<Self>, name: String, way: WayBack) {
        let mut open = self.open();
        open.push((name.clone(), way));
        let crowded = (open.len() > LIMIT).then(|| open.remove(0));
        drop(open);
        crowded.into_iter().for_each(|(_, way)| self.end(way));
        let ways = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(UNDO_SECS.into())).await;
            let over = ways.take(&name, |_| true);
            over.into_iter().for_each(|way| ways.end(way));
        });
    }

    /// Takes the one of this name, if it is of the kind that is wanted.
    pub fn take(&self, name: &str, wanted: impl Fn(&WayBack) -> bool) -> Option<WayBack> {
        let mut open = self.open();
        let place = open.iter().position(|(known, way)| known == name && wanted(way))?;
        Some(open.remove(place).1)
    }

    /// Ends all of them: the agent is locked, or stops.
    pub fn end_all(&self) {
        let all = std::mem::take(&mut *self.open());
        all.into_iter().for_each(|(_, way)| self.end(way));
    }

    /// There is no way back any more: an account's tokens are given back to whoever issued them (RFC 7009).
    fn end(&self, way: WayBack) {
        let WayBack::Account { gone, .. } = way else { return };
        let Some(record) = gone.record.as_ref().filter(|record| record.tokens.is_some()).cloned() else { return };
        let (work, activity) = (self.accounts.context().busy.begin(), self.accounts.context().activity.clone());
        tokio::spawn(async move {
            let _work = work;
            let outcome = give_back(&record).await;
            let cause = if matches!(outcome, SignedOut::Revoked) { "revoked" } else { "not_revoked" };
            activity.add(ActivityEntry {
                profile: Some(gone.name().to_owned()),
                account: Some(gone.id.clone()),
                cause: Some(cause.to_owned()),
                ..ActivityEntry::new(ActivityKind::SignedOut, now())
            });
        });
    }

    fn open(&self) -> MutexGuard<'_, Vec<(String, WayBack)>> {
        // A panic elsewhere leaves whole values behind: every change is one call.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
