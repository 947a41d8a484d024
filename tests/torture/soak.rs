//! Kills at random instants of continuous refreshing, at a server that revokes a grant whose refresh token comes twice.

use crate::chance::Chance;
use crate::desktop::Desktop;
use crate::fleet::Fleet;
use crate::measure::{Durations, say, so_much};
use crate::processes::{agent, kill, wait_for_end, workers_of};
use crate::pump::Pump;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use std::time::{Duration, Instant};

const ACCOUNTS: usize = 6;

/// How far the server is, in milliseconds: most of a refresh is spent on the way there and back.
const DISTANCE: &str = "20";

/// The latest moment of a kill, counted from when an agent was seen to serve.
const LATEST: Duration = Duration::from_millis(250);

/// The same where a window has to come up as well.
const LATEST_WITH_DESKTOP: Duration = Duration::from_millis(1_500);

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victims {
    /// The agent.
    Agent,
    /// The agent and its refresh workers.
    AgentAndWorkers,
    /// The agent, the window, or both.
    AgentAndDesktop,
}

/// What came of it.
#[derive(Debug, Default)]
struct Kills {
    all: usize,
    /// While a renewal was asked for.
    in_a_renewal: usize,
    /// While the server had spent a refresh token and its answer was on its way.
    before_the_answer: usize,
    workers: usize,
    windows: usize,
    /// From a kill until every account had a new token.
    back: Durations,
}

#[test]
fn agents_killed_at_any_instant_lose_nothing_without_any_grace() {
    soak("soak, agents, no grace", "0", Victims::Agent, so_much(25, 1_000));
}

#[test]
fn workers_killed_at_any_instant_lose_nothing_within_five_seconds_of_grace() {
    soak("soak, agents and workers, 5 s of grace", "5", Victims::AgentAndWorkers, so_much(25, 1_000));
}

#[test]
fn agents_and_windows_killed_at_any_instant_lose_nothing_without_any_grace() {
    soak("soak, agents and windows, no grace", "0", Victims::AgentAndDesktop, so_much(8, 100));
}

fn soak(row: &str, grace: &str, victims: Victims, kills: usize) {
    let mut chance = Chance::of(row);
    let has_desktop = victims == Victims::AgentAndDesktop;
    let world = if has_desktop { World::with_desktop() } else { World::new() };
    let fleet = Fleet::on(world.unwrap(), ACCOUNTS, &["--refresh-grace", grace, "--distance-ms", DISTANCE]).unwrap();
    let mut desktop = has_desktop.then(|| Desktop::start(&fleet.world).unwrap());
    let pump = Pump::new(&fleet);
    let mut counted = Kills::default();
    std::thread::scope(|scope| {
        pump.start(&fleet, scope);
        for _ in 0..kills {
            let dead = match &mut desktop {
                Some(desktop) => strike_with(desktop, &fleet, &pump, &mut chance, &mut counted),
                None => strike(&fleet, &pump, victims, &mut chance, &mut counted),
            };
            if let Err(error) = dead {
                pump.find(error.to_string());
            }
            if !pump.findings().is_empty() {
                break;
            }
        }
        pump.stop();
    });
    let refreshes: u64 = pump.rounds().iter().sum();
    say(row, "kills", counted.all);
    say(row, "  of them while a renewal was asked for", counted.in_a_renewal);
    say(row, "  of them between the server's word and its arrival", counted.before_the_answer);
    say(row, "  workers killed with them", counted.workers);
    say(row, "  windows killed with them", counted.windows);
    say(row, "renewals that came to an end", refreshes);
    say(row, "from a kill until every account had a new token", std::mem::take(&mut counted.back).summary());
    let findings = pump.findings();
    say(row, "accounts lost, wrong states and wrong answers", findings.len());
    assert!(findings.is_empty(), "after {} kills: {findings:#?}", counted.all);
    assert!(counted.in_a_renewal * 2 > counted.all, "most kills must fall into a renewal: {counted:?}");
    drop(desktop);
    fleet.check(&[]).unwrap();
}

/// Kills the agent at a moment of chance.
fn strike(
    fleet: &Fleet,
    pump: &Pump,
    victims: Victims,
    chance: &mut Chance,
    counted: &mut Kills,
) -> anyhow::Result<()> {
    let target = moment(fleet, pump, LATEST, chance, counted)?;
    let mut dead = vec![target];
    if victims == Victims::AgentAndWorkers {
        let workers = workers_of(target);
        counted.workers += workers.len();
        dead.extend(workers);
    }
    // Whoever goes first has a moment to do something about the others.
    if chance.coin() {
        dead.reverse();
    }
    dead.iter().for_each(|pid| kill(*pid));
    wait_for_end(&dead)
}

/// Kills the agent, the window or both at a moment of chance. A new window is opened for one that was killed.
fn strike_with(
    desktop: &mut Desktop,
    fleet: &Fleet,
    pump: &Pump,
    chance: &mut Chance,
    counted: &mut Kills,
) -> anyhow::Result<()> {
    let target = moment(fleet, pump, LATEST_WITH_DESKTOP, chance, counted)?;
    let (agents, windows) = [(true, false), (false, true), (true, true)][chance.below(3) as usize];
    if agents {
        kill(target);
    }
    if windows {
        counted.windows += 1;
        desktop.open_another(&fleet.world)?;
    }
    if agents { wait_for_end(&[target]) } else { Ok(()) }
}

/// Waits for a moment of chance in the life of an agent; gives the agent.
fn moment(
    fleet: &Fleet,
    pump: &Pump,
    latest: Duration,
    chance: &mut Chance,
    counted: &mut Kills,
) -> anyhow::Result<u32> {
    let began = Instant::now();
    // One agent in two is let come to itself first; the other is killed while it still finds its way.
    if chance.coin() {
        let before = pump.rounds();
        let is_enough = || pump.has_turned_since(&before) || !pump.findings().is_empty();
        until("a token of every account", || Ok(is_enough().then_some(())))?;
        counted.back.add(began.elapsed());
        judge_states(fleet, pump)?;
    }
    let target = until("an agent", || Ok(agent(&fleet.world)))?;
    std::thread::sleep(chance.moment(latest));
    counted.all += 1;
    counted.before_the_answer += usize::from(fleet.practice.count("answers_under_way")? > 0);
    counted.in_a_renewal += usize::from(pump.asking() > 0);
    Ok(target)
}

/// What is said of the accounts while all of them work.
fn judge_states(fleet: &Fleet, pump: &Pump) -> anyhow::Result<()> {
    for (account, state) in fleet.states()?.into_iter().enumerate() {
        if state != "connected" {
            pump.find(format!("{} is said to be {state}", fleet.names[account]));
        }
    }
    Ok(())
}
