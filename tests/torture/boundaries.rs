//! A kill, and each of three errors, at every system call of one refresh: first in its worker, then in the agent.

use crate::fleet::{Asked, Fleet};
use crate::measure::{Durations, say, so_much};
use crate::processes::{agent, runs, signal};
use crate::tracer::{CALLS, Injection, Tracer, count};
use anyhow::{Context, ensure};
use keybearer_tests::usage::threads_of;
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const ROW: &str = "boundaries";

const KILL: &str = "signal=SIGKILL";
const ERRORS: [&str; 3] = ["error=ENOSPC", "error=EIO", "error=EINTR"];

/// The account whose refresh is looked at. The others must not notice.
const VICTIM: usize = 0;
const ACCOUNTS: usize = 3;

/// In whom something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Worker,
    Agent,
}

/// One refresh with something happening in it.
#[derive(Debug)]
struct Refresh {
    /// What its caller was told.
    asked: Option<Asked>,
    /// The calls that were made until then.
    calls: Vec<String>,
    /// Whether the server has spent the refresh token in it.
    spent: bool,
}

/// What came of all of them.
#[derive(Debug, Default)]
struct Table {
    tried: BTreeMap<&'static str, usize>,
    lost: Vec<String>,
    /// From the question until its answer, with something happening in between.
    took: Durations,
    /// The question that waited longest for its answer.
    slowest: (Duration, String),
}

struct Scene {
    fleet: Fleet,
    /// Where the journal has the one account.
    entry: PathBuf,
    /// What the keyring holds of the others.
    others: Vec<(String, String)>,
}

#[test]
fn a_worker_killed_at_any_system_call_loses_nothing_within_five_seconds_of_grace() {
    let mut scene = Scene::new("5").unwrap();
    let mut table = scene.try_all(Place::Worker, KILL).unwrap();
    table.say("worker killed, 5 s of grace");
    assert!(table.lost.is_empty(), "{:#?}", table.lost);
    scene.fleet.check(&[]).unwrap();
}

#[test]
fn a_worker_killed_without_any_grace_costs_at_most_its_own_account_and_only_before_the_answer_is_on_the_disk() {
    let mut scene = Scene::new("0").unwrap();
    scene.try_all(Place::Worker, KILL).unwrap().say("worker killed, no grace");
}

#[test]
fn errors_at_any_system_call_of_a_worker_cost_nothing_within_five_seconds_of_grace() {
    let mut scene = Scene::new("5").unwrap();
    for error in so_much(&ERRORS[..2], &ERRORS[..]) {
        let mut table = scene.try_all(Place::Worker, error).unwrap();
        table.say(&format!("worker, {error}, 5 s of grace"));
        assert!(table.lost.is_empty(), "{:#?}", table.lost);
    }
    scene.fleet.check(&[]).unwrap();
}

#[test]
fn an_agent_killed_at_any_system_call_loses_nothing_without_any_grace() {
    let mut scene = Scene::new("0").unwrap();
    let mut table = scene.try_all(Place::Agent, KILL).unwrap();
    table.say("agent killed, no grace");
    assert!(table.lost.is_empty(), "{:#?}", table.lost);
    scene.fleet.check(&[]).unwrap();
}

#[test]
fn errors_at_any_system_call_of_an_agent_lose_nothing_without_any_grace() {
    let mut scene = Scene::new("0").unwrap();
    for error in so_much(&ERRORS[..2], &ERRORS[..]) {
        let mut table = scene.try_all(Place::Agent, error).unwrap();
        table.say(&format!("agent, {error}, no grace"));
        assert!(table.lost.is_empty(), "{:#?}", table.lost);
    }
    scene.fleet.check(&[]).unwrap();
}

impl Scene {
    fn new(grace: &str) -> anyhow::Result<Scene> {
        let fleet = Fleet::new(ACCOUNTS, &["--refresh-grace", grace])?;
        // The first refresh of an agent makes connections and threads that the later ones find.
        ensure!(matches!(fleet.ask(&mut fleet.connect()?, VICTIM, true)?, Asked::Good(_)));
        let others = (1..ACCOUNTS).map(|account| item(&fleet, account)).collect::<anyhow::Result<_>>()?;
        let entry = fleet.world.home.join("state/journal").join(item(&fleet, VICTIM)?.0);
        Ok(Scene { fleet, entry, others })
    }

    /// Has this happen at each call that a refresh makes there, one refresh for each.
    fn try_all(&mut self, place: Place, what: &'static str) -> anyhow::Result<Table> {
        let mut table = Table::default();
        let made = count(&self.refresh(place, None)?.calls);
        ensure!(!made.is_empty(), "no call was seen in the {place:?}");
        say(ROW, &format!("calls of one refresh, {place:?}"), format!("{made:?}"));
        for &call in CALLS {
            let all = made.get(call).copied().unwrap_or_default();
            let enough = match place {
                Place::Worker => all,
                // Each of its threads counts for itself.
                Place::Agent => all.min(so_much(2, 12)),
            };
            let is_ending = call == "exit_group" && what != KILL;
            for number in (1..=enough).filter(|_| !is_ending) {
                // Threads wake each other by writing, which fails nowhere but here.
                let at = (call == "write" && what != KILL).then(|| self.entry.clone());
                let injection = Injection { call, number, what, at };
                self.try_one(place, &injection, &mut table).with_context(|| format!("{place:?}, {injection:?}"))?;
            }
        }
        Ok(table)
    }

    fn try_one(&mut self, place: Place, injection: &Injection, table: &mut Table) -> anyhow::Result<()> {
        *table.tried.entry(injection.call).or_default() += 1;
        let began = Instant::now();
        let refresh = self.refresh(place, Some(injection))?;
        let took = began.elapsed();
        table.took.add(took);
        table.slowest = std::mem::take(&mut table.slowest).max((took, format!("{injection:?}")));
        let durable = refresh.calls.iter().any(|line| line.contains("fdatasync(") && line.ends_with("= 0"));
        // Whatever it was, the next question is answered: by this agent, or by the next one.
        let mut wire = self.fleet.connect()?;
        let mut now = self.fleet.ask(&mut wire, VICTIM, true)?;
        if let Asked::Dead(generation) = now {
            // The server has revoked all that it gave, which nobody but who uses it finds out. One complaint, and that is said.
            let complaint = json!({ "profile": self.fleet.names[VICTIM], "generation": generation, "reason": "401" });
            wire.call("token.invalidate", &complaint)?;
            now = self.fleet.ask(&mut wire, VICTIM, true)?;
        }
        match now {
            Asked::Good(_) => {}
            Asked::NeedsSignIn(why) => {
                let unavoidable = place == Place::Worker && refresh.spent && !durable;
                ensure!(unavoidable, "lost without need: {why}; {refresh:#?}");
                ensure!(
                    self.fleet.states()?[VICTIM] == "needs_sign_in",
                    "lost, and said to be {:?}",
                    self.fleet.states()?
                );
                table.lost.push(format!("{injection:?}: {why}"));
                self.sign_in_again()?;
            }
            Asked::Dead(_) | Asked::Failed(..) => anyhow::bail!("{now:?} after {refresh:#?}"),
        }
        if let Some(Asked::Dead(_)) = refresh.asked {
            anyhow::bail!("a token was given out that the server refuses: {refresh:#?}");
        }
        self.judge_others()
    }

    /// The others are as they were, byte for byte, and all say of themselves what is true.
    fn judge_others(&self) -> anyhow::Result<()> {
        let states = self.fleet.states()?;
        for (account, (_, before)) in (1..ACCOUNTS).zip(&self.others) {
            let (id, now) = item(&self.fleet, account)?;
            ensure!(now == *before, "the item of {id} has changed");
        }
        ensure!(states.iter().all(|state| matches!(state.as_str(), "connected" | "locked")), "{states:?}");
        Ok(())
    }

    /// A refresh of the one account, with something happening in it.
    fn refresh(&self, place: Place, injection: Option<&Injection>) -> anyhow::Result<Refresh> {
        let mut wire = self.fleet.connect()?;
        let target = agent(&self.fleet.world).context("no agent")?;
        let log = self.fleet.world.session.folder().join("calls");
        let renewed = |fleet: &Fleet| -> anyhow::Result<u64> {
            let all = fleet.practice.grants()?;
            Ok(all.iter().filter_map(|tally| tally["renewed"].as_u64()).sum())
        };
        let before = renewed(&self.fleet)?;
        let (asked, calls) = std::thread::scope(|scope| {
            let catch = match place {
                Place::Worker => Some(Tracer::catch_worker(target)?),
                Place::Agent => None,
            };
            let watching = match place {
                Place::Worker => None,
                Place::Agent => Some(Tracer::of(&threads_of(target), log.clone(), injection)?),
            };
            let asking = scope.spawn(|| self.fleet.ask(&mut wire, VICTIM, true).ok());
            let watching = match (catch, watching) {
                (Some(catch), _) => {
                    let worker = catch.worker()?;
                    let tracer = Tracer::of(&[worker], log, injection)?;
                    signal(worker, Signal::CONT);
                    tracer
                }
                (None, Some(watching)) => watching,
                (None, None) => anyhow::bail!("nobody is watched"),
            };
            let asked = asking.join().ok().context("asking doesn't panic")?;
            let calls = watching.finish()?;
            anyhow::Ok((asked, calls))
        })?;
        let killed = place == Place::Agent && injection.is_some_and(|injection| injection.what == KILL);
        ensure!(!killed || asked.is_none() || runs(target), "a dead agent has answered");
        Ok(Refresh { asked, calls, spent: renewed(&self.fleet)? > before })
    }

    fn sign_in_again(&self) -> anyhow::Result<()> {
        self.fleet.world.ok(&["sign-in", &self.fleet.names[VICTIM]]).map(drop)
    }
}

/// What the keyring holds of an account.
fn item(fleet: &Fleet, account: usize) -> anyhow::Result<(String, String)> {
    let shown = fleet.world.json(&["show", &fleet.names[account]])?;
    let id = shown["id"].as_str().context("an id")?.to_owned();
    let held = fleet.world.session.read_item(&id)?;
    Ok((id, held))
}

impl Table {
    fn say(&mut self, what: &str) {
        let all: usize = self.tried.values().sum();
        say(ROW, &format!("{what}: calls"), format!("{all} ({:?})", self.tried));
        say(ROW, &format!("{what}: accounts lost"), format!("{} {:#?}", self.lost.len(), self.lost));
        let (slowest, took) = (&self.slowest.1, std::mem::take(&mut self.took).summary());
        say(ROW, &format!("{what}: one such refresh"), format!("{took}, the longest with {slowest}"));
    }
}
