//! One place for a notification: which facts it tells. Each is told once, and only if it stands for a moment.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What lasts no longer than this is told to nobody: an account that was just added is signed in to at once.
const MOMENT: Duration = Duration::from_secs(2);

/// The facts that there are, and those that are told now.
#[derive(Debug)]
pub(super) struct Slot<F> {
    facts: BTreeMap<F, Standing>,
    told: Vec<F>,
}

/// How a fact stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is there since then.
    Since(Instant),
    /// The user has seen it.
    Seen,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change<F> {
    /// What is told stays.
    Nothing,
    /// These are told together, in place of what was.
    Tell(Vec<F>),
    /// Nothing is told any more.
    Withdraw,
}

impl<F> Default for Slot<F> {
    fn default() -> Self {
        Slot { facts: BTreeMap::new(), told: Vec::new() }
    }
}

impl<F: Clone + Ord> Slot<F> {
    /// The facts as they are now; none if that can't be told, and then nothing is forgotten.
    pub(super) fn step(&mut self, facts: Option<Vec<F>>, in_front: bool, now: Instant) -> Change<F> {
        let due = match facts {
            None => Vec::new(),
            Some(facts) => {
                self.facts.retain(|fact, _| facts.contains(fact));
                for fact in facts {
                    let standing = self.facts.entry(fact).or_insert(Standing::Since(now));
                    if in_front {
                        *standing = Standing::Seen;
                    }
                }
                let is_due =
                    |standing| matches!(standing, Standing::Since(since) if now.duration_since(since) >= MOMENT);
                self.facts.iter().filter(|(_, standing)| is_due(**standing)).map(|(fact, _)| fact.clone()).collect()
            }
        };
        match () {
            () if due == self.told => Change::Nothing,
            () if due.is_empty() => {
                self.told.clear();
                Change::Withdraw
            }
            () => {
                self.told.clone_from(&due);
                Change::Tell(due)
            }
        }
    }

    /// When a fact will have stood long enough.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        let left = |standing: &Standing| match standing {
            Standing::Since(since) => MOMENT.checked_sub(now.duration_since(*since)).filter(|left| !left.is_zero()),
            Standing::Seen => None,
        };
        self.facts.values().filter_map(left).min()
    }

    /// The user has seen what is told.
    pub(super) fn saw(&mut self) {
        for fact in self.told.drain(..) {
            self.facts.insert(fact, Standing::Seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Clock(Slot<&'static str>, Instant);

    impl Clock {
        fn new() -> Clock {
            Clock(Slot::default(), Instant::now())
        }

        /// These facts, and a moment later still.
        fn told(&mut self, facts: &[&'static str]) -> Change<&'static str> {
            let first = self.0.step(Some(facts.to_vec()), false, self.1);
            self.1 += self.0.next(self.1).unwrap_or_default();
            let second = self.0.step(Some(facts.to_vec()), false, self.1);
            if second == Change::Nothing { first } else { second }
        }
    }

    #[test]
    fn what_passes_is_told_to_nobody() {
        let mut clock = Clock::new();
        assert_eq!(clock.0.step(Some(vec!["a"]), false, clock.1), Change::Nothing);
        assert_eq!(clock.0.next(clock.1), Some(MOMENT));
        assert_eq!(clock.0.step(Some(vec![]), false, clock.1 + MOMENT), Change::Nothing);
        assert_eq!(clock.0.next(clock.1), None);
    }

    #[test]
    fn several_are_told_together_and_what_is_settled_is_taken_away() {
        let mut clock = Clock::new();
        assert_eq!(clock.told(&["a"]), Change::Tell(vec!["a"]));
        assert_eq!(clock.told(&["a"]), Change::Nothing);
        assert_eq!(clock.told(&["a", "b"]), Change::Tell(vec!["a", "b"]));
        assert_eq!(clock.told(&["b"]), Change::Tell(vec!["b"]));
        assert_eq!(clock.told(&[]), Change::Withdraw);
        assert_eq!(clock.told(&["b"]), Change::Tell(vec!["b"]), "it came again");
    }

    #[test]
    fn what_was_seen_is_not_told_again() {
        let mut clock = Clock::new();
        clock.told(&["a"]);
        clock.0.saw();
        assert_eq!(clock.told(&["a"]), Change::Nothing);
        assert_eq!(clock.told(&["a", "b"]), Change::Tell(vec!["b"]));
        assert_eq!(clock.0.step(Some(vec!["a", "b"]), true, clock.1), Change::Withdraw, "a window came to the front");
        assert_eq!(clock.told(&["a", "b"]), Change::Nothing);
        // While nothing is known, as under a lock, nothing is told and nothing forgotten.
        assert_eq!(clock.0.step(None, false, clock.1), Change::Nothing);
        assert_eq!(clock.told(&["a", "b"]), Change::Nothing);
    }

    #[test]
    fn a_lock_takes_away_what_names_accounts_until_it_ends() {
        let mut clock = Clock::new();
        clock.told(&["a"]);
        assert_eq!(clock.0.step(None, false, clock.1), Change::Withdraw);
        assert_eq!(clock.told(&["a"]), Change::Tell(vec!["a"]));
    }
}
