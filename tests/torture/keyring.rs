//! A keyring that is killed, locked or replaced in the middle of a refresh: nothing is lost, what is said meanwhile is
//! clear, and it works again as soon as the keyring does, by the same agent.

use crate::fleet::{Asked, Fleet};
use crate::measure::say;
use crate::processes::agent;
use keybearer_tests::until::until;
use std::time::Instant;

const ROW: &str = "keyring";
const ACCOUNTS: usize = 4;

/// What may be said of an account whose keyring is away.
const CLEAR: [&str; 2] = ["agent_locked", "storage_unavailable"];

/// What happens to the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    /// It is killed; the bus starts it again, locked.
    Killed,
    /// It is locked, as a person does in its window.
    Locked,
    /// It stands still.
    Stalled,
    /// Another process takes its place, with the same files, unlocked.
    Replaced,
    /// The bus ends, and comes back with a locked keyring on it, as after a new login.
    BusRestarted,
}

#[test]
fn a_keyring_that_is_struck_in_the_middle_of_refreshes_loses_nothing_and_is_found_again() {
    // Answers take their time, so that there is a middle.
    let mut fleet = Fleet::new(ACCOUNTS, &["--distance-ms", "300"]).unwrap();
    for blow in [Blow::Killed, Blow::Locked, Blow::Stalled, Blow::Replaced, Blow::BusRestarted] {
        let before = agent(&fleet.world);
        let meanwhile = strike(&mut fleet, blow);
        for asked in &meanwhile {
            let is_clear = match asked {
                Asked::Good(_) => true,
                Asked::Failed(code, _) => CLEAR.contains(&code.as_str()),
                Asked::Dead(_) | Asked::NeedsSignIn(_) => false,
            };
            assert!(is_clear, "{blow:?}: {asked:?}");
        }
        let began = Instant::now();
        mend(&mut fleet, blow);
        until("every account", || {
            let mut wire = fleet.connect()?;
            let asked =
                (0..ACCOUNTS).map(|account| fleet.ask(&mut wire, account, true)).collect::<Result<Vec<_>, _>>()?;
            let lost = asked.iter().find(|asked| matches!(asked, Asked::NeedsSignIn(_) | Asked::Dead(_)));
            anyhow::ensure!(lost.is_none(), "{lost:?}");
            Ok(asked.iter().all(|asked| matches!(asked, Asked::Good(_))).then_some(()))
        })
        .unwrap_or_else(|error| panic!("{blow:?}: {error:#}"));
        let told = meanwhile.iter().filter(|asked| !matches!(asked, Asked::Good(_))).count();
        say(ROW, &format!("{blow:?}: told so meanwhile"), format!("{told} of {}", meanwhile.len()));
        say(ROW, &format!("{blow:?}: all accounts renewed after"), format!("{:?}", began.elapsed()));
        assert_eq!(agent(&fleet.world), before, "{blow:?}: another agent was needed");
        fleet.check(&[]).unwrap_or_else(|error| panic!("{blow:?}: {error:#}"));
    }
}

/// Has every account renewed, and strikes while the answers are under way.
fn strike(fleet: &mut Fleet, blow: Blow) -> Vec<Asked> {
    let wires: Vec<_> = (0..ACCOUNTS).map(|_| fleet.connect().unwrap()).collect();
    let (replaced, asked) = std::thread::scope(|scope| {
        let fleet = &*fleet;
        let ask = |(account, mut wire)| scope.spawn(move || fleet.ask(&mut wire, account, true).unwrap());
        let asking: Vec<_> = wires.into_iter().enumerate().map(ask).collect();
        until("answers under way", || Ok((fleet.practice.count("answers_under_way")? > 0).then_some(()))).unwrap();
        let session = &fleet.world.session;
        match blow {
            Blow::Killed => session.signal_keyring("KILL").unwrap(),
            Blow::Locked => session.lock_keyring().unwrap(),
            Blow::Stalled => session.signal_keyring("STOP").unwrap(),
            Blow::Replaced => session.replace_keyring().unwrap(),
            Blow::BusRestarted => session.kill_bus().unwrap(),
        }
        (blow, asking.into_iter().map(|one| one.join().unwrap()).collect())
    });
    if replaced == Blow::BusRestarted {
        fleet.world.session.lock().unwrap();
    }
    asked
}

fn mend(fleet: &mut Fleet, blow: Blow) {
    match blow {
        Blow::Killed | Blow::Locked | Blow::BusRestarted => fleet.world.session.unlock().unwrap(),
        Blow::Stalled => fleet.world.session.signal_keyring("CONT").unwrap(),
        Blow::Replaced => {}
    }
}

#[test]
fn a_keyring_that_comes_back_empty_means_signed_out_and_the_old_one_brings_all_back() {
    let mut fleet = Fleet::new(2, &["--distance-ms", "300"]).unwrap();
    let keyrings = fleet.world.session.folder().join("data/keyrings");
    let aside = fleet.world.session.folder().join("aside");
    fleet.world.ok(&["agent", "stop"]).unwrap();
    fleet.world.session.kill_bus().unwrap();
    std::fs::rename(&keyrings, &aside).unwrap();
    fleet.world.session.lock().unwrap();
    fleet.world.session.unlock().unwrap();
    let mut wire = fleet.connect().unwrap();
    for account in 0..2 {
        let asked = fleet.ask(&mut wire, account, false).unwrap();
        assert!(matches!(asked, Asked::NeedsSignIn(_)), "{asked:?}");
    }
    assert_eq!(fleet.states().unwrap(), ["needs_sign_in"; 2]);
    fleet.world.ok(&["agent", "stop"]).unwrap();
    fleet.world.session.kill_bus().unwrap();
    std::fs::remove_dir_all(&keyrings).unwrap();
    std::fs::rename(&aside, &keyrings).unwrap();
    fleet.world.session.lock().unwrap();
    fleet.world.session.unlock().unwrap();
    fleet.check(&[]).unwrap();
    say(ROW, "an empty keyring in its place, and the old one again", "signed out, and nothing lost");
}
