//! Which account is to be renewed when. The accounts write down their deadlines; whoever keeps them renewed reads.

use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// When an account is to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The time, by the machine's clock.
    pub at: Timestamp,
    /// Whether a try has failed before, because a server couldn't be asked or was of no help.
    pub after_failure: bool,
}

/// The accounts, by id, in the order of their deadlines.
#[derive(Debug, Default)]
pub struct Deadlines {
    of: HashMap<Arc<str>, Deadline>,
    order: BTreeSet<(Timestamp, Arc<str>)>,
    /// How many of them are there after a failure.
    failed: usize,
}

impl Deadlines {
    /// Gives an account another deadline, or none.
    pub fn set(&mut self, id: &str, deadline: Option<Deadline>) {
        let known = self.of.remove_entry(id);
        let id = known.as_ref().map_or_else(|| Arc::from(id), |(id, _)| id.clone());
        if let Some((id, before)) = known {
            self.order.remove(&(before.at, id));
            self.failed -= usize::from(before.after_failure);
        }
        if let Some(deadline) = deadline {
            self.order.insert((deadline.at, id.clone()));
            self.failed += usize::from(deadline.after_failure);
            self.of.insert(id, deadline);
        }
    }

    /// The first deadline.
    pub fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes out the account whose deadline has been passed for the longest time.
    pub fn take_due(&mut self, now: Timestamp) -> Option<Arc<str>> {
        let (_, id) = self.order.first().filter(|(at, _)| *at <= now)?.clone();
        self.set(&id, None);
        Some(id)
    }

    /// The accounts that wait after a failure.
    pub fn after_failure(&self) -> Vec<Arc<str>> {
        let failed = self.of.iter().filter(|(_, deadline)| deadline.after_failure);
        failed.map(|(id, _)| id.clone()).collect()
    }
}

/// The deadlines, as all parts of the agent share them. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct Schedule(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    deadlines: Deadlines,
    closed: bool,
}

/// What there is to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// The first deadline.
    pub next: Option<Timestamp>,
    /// Whether accounts wait after a failure.
    pub after_failure: bool,
}

impl Schedule {
    /// Gives an account another deadline, or none. Whoever waits is woken only if there is something else to wait for.
    pub fn set(&self, id: &str, deadline: Option<Deadline>) {
        let mut state = self.state();
        let before = state.outlook();
        state.deadlines.set(id, deadline);
        if state.outlook() != before {
            self.0.changed.notify_one();
        }
    }

    /// Takes out an account whose deadline has passed.
    pub fn take_due(&self, now: Timestamp) -> Option<Arc<str>> {
        self.state().deadlines.take_due(now)
    }

    /// The accounts that wait after a failure.
    pub fn after_failure(&self) -> Vec<Arc<str>> {
        self.state().deadlines.after_failure()
    }

    /// What there is to wait for; nothing once it is closed.
    pub fn outlook(&self) -> Option<Outlook> {
        let state = self.state();
        (!state.closed).then(|| state.outlook())
    }

    /// Returns when there is something else to wait for.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Nothing is renewed ahead any more: the agent ends.
    pub fn close(&self) {
        self.state().closed = true;
        self.0.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves whole values behind.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn outlook(&self) -> Outlook {
        Outlook { next: self.deadlines.next(), after_failure: self.deadlines.failed > 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::hash::{DefaultHasher, Hash, Hasher};

    fn at(second: u64) -> Timestamp {
        Timestamp::from_second(i64::try_from(second).expect("a second")).expect("a time")
    }

    /// The same number for the same question, and as good as chance.
    fn chance(question: impl Hash, below: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        question.hash(&mut hasher);
        hasher.finish() % below
    }

    #[test]
    fn whatever_is_set_and_taken_agrees_with_a_plain_list() {
        for run in 0..50 {
            let (mut deadlines, mut list) = (Deadlines::default(), BTreeMap::<String, Deadline>::new());
            for step in 0..400 {
                let id = chance((run, step, "id"), 12).to_string();
                let now = at(chance((run, step, "time"), 100));
                let kind = chance((run, step, "kind"), 10);
                if kind < 6 {
                    let deadline = Deadline { at: now, after_failure: kind < 2 };
                    deadlines.set(&id, Some(deadline));
                    list.insert(id, deadline);
                } else if kind < 8 {
                    deadlines.set(&id, None);
                    list.remove(&id);
                } else {
                    let due = list.iter().filter(|(_, deadline)| deadline.at <= now);
                    let first = due.min_by_key(|(id, deadline)| (deadline.at, (*id).clone())).map(|(id, _)| id.clone());
                    assert_eq!(deadlines.take_due(now).as_deref(), first.as_deref(), "run {run}, step {step}");
                    first.map(|first| list.remove(&first));
                }
                assert_eq!(deadlines.next(), list.values().map(|deadline| deadline.at).min(), "run {run}, step {step}");
                let mut failed: Vec<String> = deadlines.after_failure().iter().map(|id| id.to_string()).collect();
                failed.sort();
                let expected = list.iter().filter(|(_, deadline)| deadline.after_failure).map(|(id, _)| id.clone());
                assert_eq!(failed, expected.collect::<Vec<_>>(), "run {run}, step {step}");
                assert_eq!(deadlines.failed, failed.len(), "run {run}, step {step}");
            }
        }
    }

    #[tokio::test]
    async fn only_another_outlook_wakes_whoever_waits() {
        let schedule = Schedule::default();
        let is_woken = async || tokio::time::timeout(std::time::Duration::ZERO, schedule.changed()).await.is_ok();
        let deadline = |second, after_failure| Some(Deadline { at: at(second), after_failure });
        schedule.set("a", deadline(10, false));
        assert!(is_woken().await);
        schedule.set("b", deadline(20, false));
        schedule.set("b", deadline(30, false));
        schedule.set("a", deadline(10, false));
        assert!(!is_woken().await);
        schedule.set("b", deadline(30, true));
        assert!(is_woken().await);
        schedule.set("b", deadline(5, true));
        assert!(is_woken().await);
        schedule.set("a", None);
        assert!(!is_woken().await);
        schedule.close();
        assert!(is_woken().await);
        assert_eq!(schedule.outlook(), None);
    }
}
