//! The power goes: whatever of a refresh was on the disk at each moment, the next agent makes the best of it.
//!
//! What a disk holds after that is what was made durable, and any part of what was written since. So the state folder is
//! copied before each system call that a worker makes, and as it would be with the last writing not there; an agent that
//! finds such a copy, and the keyring as it is, must find its way.

use crate::fleet::{Asked, Fleet};
use crate::measure::say;
use crate::processes::{agent, signal, workers_of};
use crate::tracer::{CALLS, Injection, Tracer, count};
use anyhow::Context;
use keybearer_tests::until::until;
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROW: &str = "power";

/// The account whose refresh is cut off.
const VICTIM: usize = 0;

#[test]
fn whatever_a_refresh_had_on_the_disk_when_the_power_went_the_next_agent_finds_its_way() {
    // Within its grace a server gives again what never reached the disk.
    let fleet = Fleet::new(2, &["--refresh-grace", "60"]).unwrap();
    let mut wire = fleet.connect().unwrap();
    assert!(matches!(fleet.ask(&mut wire, VICTIM, true).unwrap(), Asked::Good(_)));
    let made = count(&calls(&fleet).unwrap());
    let mut cut = 0;
    for (call, number) in
        CALLS.iter().flat_map(|call| (1..=made.get(call).copied().unwrap_or_default()).map(|n| (*call, n)))
    {
        for damage in Damage::ALL {
            cut_off(&fleet, call, number, damage)
                .unwrap_or_else(|error| panic!("before {call} {number}, {damage:?}: {error:#}"));
            cut += 1;
        }
    }
    say(ROW, "times the power went in one refresh, nothing lost", cut);
    fleet.check(&[]).unwrap();
}

/// What of the last writing reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// All of it.
    None,
    /// Its first half.
    Half,
    /// Its length, and nothing of what it says.
    Zeros,
}

impl Damage {
    const ALL: [Damage; 3] = [Damage::None, Damage::Half, Damage::Zeros];

    /// Does it to what isn't durable in an entry of the journal: all that a worker has written into it.
    fn to(self, entry: &Path) -> anyhow::Result<()> {
        let mut bytes = fs::read(entry)?;
        let line = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(line, |last| (last + 1).max(line));
        match self {
            Damage::None => {}
            Damage::Half => bytes[line + (end - line) / 2..].fill(0),
            Damage::Zeros => bytes[line..].fill(0),
        }
        #[expect(clippy::disallowed_methods, reason = "a disk writes like this")]
        fs::write(entry, bytes)?;
        Ok(())
    }
}

/// The calls of a worker in one refresh.
fn calls(fleet: &Fleet) -> anyhow::Result<Vec<String>> {
    let mut wire = fleet.connect()?;
    let catch = Tracer::catch_worker(agent(&fleet.world).context("no agent")?)?;
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| fleet.ask(&mut wire, VICTIM, true));
        let worker = catch.worker()?;
        let tracer = Tracer::of(&[worker], fleet.world.session.folder().join("calls"), None)?;
        signal(worker, Signal::CONT);
        asking.join().ok().context("asking doesn't panic")??;
        tracer.finish()
    })
}

/// Ends the power before this call of a worker: everything that runs stops at once, and the disk holds what it held.
fn cut_off(fleet: &Fleet, call: &'static str, number: usize, damage: Damage) -> anyhow::Result<()> {
    let mut wire = fleet.connect()?;
    let running = agent(&fleet.world).context("no agent")?;
    let catch = Tracer::catch_worker(running)?;
    let (state, disk) = (fleet.world.home.join("state"), fleet.world.home.join("disk"));
    std::thread::scope(|scope| -> anyhow::Result<()> {
        // Whoever asked is cut off as well.
        let asking = scope.spawn(|| drop(fleet.ask(&mut wire, VICTIM, true)));
        let worker = catch.worker()?;
        let injection = Injection { call, number, what: "signal=SIGSTOP", at: None };
        let tracer = Tracer::of(&[worker], fleet.world.session.folder().join("calls"), Some(&injection))?;
        signal(worker, Signal::CONT);
        // Stopped after the call, or gone where it made fewer this time.
        until("the call", || Ok(tracer.has_seen(call, number)?.then_some(())))?;
        signal(running, Signal::STOP);
        copy(&state, &disk)?;
        for pid in workers_of(running).into_iter().chain([running]) {
            signal(pid, Signal::KILL);
        }
        tracer.finish()?;
        asking.join().ok().context("asking doesn't panic")
    })?;
    crate::processes::wait_for_end(&[running])?;
    let entries: Vec<PathBuf> =
        fs::read_dir(disk.join("journal"))?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.iter().try_for_each(|entry| damage.to(entry))?;
    fs::remove_dir_all(&state)?;
    fs::rename(&disk, &state)?;
    let mut wire = fleet.connect()?;
    for account in [VICTIM, 1] {
        let asked = fleet.ask(&mut wire, account, true)?;
        anyhow::ensure!(matches!(asked, Asked::Good(_)), "account {account}: {asked:?}");
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(Command::new("cp").arg("-a").arg(from).arg(to).status()?.success(), "the disk can't be copied");
    Ok(())
}
