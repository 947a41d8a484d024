//! Tokens asked for all the time, so that there is always a refresh to be disturbed.

use crate::fleet::{Asked, Fleet};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;

/// One account whose token is renewed without end.
#[derive(Debug, Default)]
struct Stroke {
    /// Whether a renewal is asked for at this moment.
    asking: AtomicBool,
    /// How many brought a token.
    rounds: AtomicU64,
}

/// All accounts of a fleet, renewed without end.
#[derive(Debug)]
pub(crate) struct Pump {
    strokes: Vec<Stroke>,
    stop: AtomicBool,
    /// What should not have been, and how often.
    findings: Mutex<BTreeMap<String, u64>>,
}

impl Pump {
    /// Nothing moves yet.
    pub(crate) fn new(fleet: &Fleet) -> Pump {
        Pump {
            strokes: fleet.names.iter().map(|_| Stroke::default()).collect(),
            stop: AtomicBool::new(false),
            findings: Mutex::default(),
        }
    }

    /// Begins, with a connection of its own for each account.
    pub(crate) fn start<'scope>(&'scope self, fleet: &'scope Fleet, scope: &'scope Scope<'scope, '_>) {
        for account in 0..fleet.names.len() {
            scope.spawn(move || {
                while !self.is_over() {
                    if let Err(error) = self.turn(fleet, account) {
                        self.find(format!("{}: {error}", fleet.names[account]));
                        return;
                    }
                }
            });
        }
    }

    /// Until it ends, or the agent does.
    fn turn(&self, fleet: &Fleet, account: usize) -> anyhow::Result<()> {
        let (mut wire, stroke) = (fleet.connect()?, &self.strokes[account]);
        while !self.is_over() {
            stroke.asking.store(true, Ordering::SeqCst);
            let asked = fleet.ask(&mut wire, account, true);
            stroke.asking.store(false, Ordering::SeqCst);
            // Whoever was asked has been killed.
            let Ok(asked) = asked else { return Ok(()) };
            let name = &fleet.names[account];
            match asked {
                Asked::Good(_) => drop(stroke.rounds.fetch_add(1, Ordering::SeqCst)),
                Asked::Dead(_) => self.find(format!("{name} was given a token that the server refuses")),
                Asked::NeedsSignIn(why) => self.find(format!("lost: {why}")),
                Asked::Failed(code, words) => self.find(format!("{code}: {words}")),
            }
        }
        Ok(())
    }

    /// How many renewals are asked for at this moment.
    pub(crate) fn asking(&self) -> usize {
        self.strokes.iter().filter(|stroke| stroke.asking.load(Ordering::SeqCst)).count()
    }

    /// How often each account has been given a token so far.
    pub(crate) fn rounds(&self) -> Vec<u64> {
        self.strokes.iter().map(|stroke| stroke.rounds.load(Ordering::SeqCst)).collect()
    }

    /// Whether every account has been given a token since then.
    pub(crate) fn has_turned_since(&self, before: &[u64]) -> bool {
        self.rounds().iter().zip(before).all(|(now, before)| now > before)
    }

    /// Lets it run out.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// What should not have been, and how often.
    pub(crate) fn findings(&self) -> BTreeMap<String, u64> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of something that should not have been.
    pub(crate) fn find(&self, what: String) {
        *self.findings.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
