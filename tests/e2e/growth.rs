//! What window and tray take, after much has happened.

use crate::panel::find;
use crate::screens::Window;
use crate::stage::Stage;
use keybearer_tests::until::until;
use keybearer_tests::usage::share_of_memory;
use serde_json::json;
use std::env;
use std::fmt::Write as _;

/// How many events there are, unless `KEYBEARER_EVENTS` says so: ten thousand show a leak of a few kilobytes each.
const EVENTS: usize = 1_000;
/// How many accounts there are meanwhile: the tray shows a few of them, the window all.
const ACCOUNTS: usize = 12;
/// What the processes may have gained, in KiB: what web views keep for later use comes and goes by some of it.
const GAIN: u64 = 24 * 1024;

#[test]
fn much_that_happens_takes_no_more_memory_than_little() {
    let events = env::var("KEYBEARER_EVENTS").map_or(EVENTS, |events| events.parse().unwrap());
    let mut stage = Stage::new().unwrap();
    for number in 0..ACCOUNTS {
        stage.world.add(&format!("account-{number:02}"), "https://mcp.example/").unwrap();
    }
    let page = stage.open().unwrap();
    Window(&page).lists("account-00", "Needs sign-in").unwrap();
    // What is made with the first events stays.
    happen(&stage, events / 10);
    let early = memory(&stage).unwrap();
    happen(&stage, events - events / 10);
    Window(&page).lists("account-00", "Needs sign-in").unwrap();
    stage.panel.menu_with("the first account", |rows| find(rows, "! Sign in again to account-00…").is_some()).unwrap();
    let mut late = early;
    until("the memory to be as before", || {
        late = memory(&stage)?;
        Ok((late <= early + GAIN).then_some(()))
    })
    .unwrap_or_else(|_| panic!("{early} KiB became {late} KiB within {events} events"));
    // For who reads the log of a long run.
    println!("{events} events: {early} KiB early, {late} KiB late");
}

/// So many events, each of which changes the list in the window and the menu of the tray: the first account changes its
/// name, and gets it back.
fn happen(stage: &Stage, events: usize) {
    let mut requests = String::new();
    for _ in 0..events / 2 {
        for (from, to) in [("account-00", "another"), ("another", "account-00")] {
            let rename = json!({ "method": "profile.rename", "params": { "profile": from, "name": to } });
            writeln!(requests, "{rename}").unwrap();
        }
    }
    let run = stage.world.run_with(&["rpc", "--admin", "-"], &requests).unwrap();
    assert_eq!(run.code, 0, "{}", run.err);
}

/// What the window's processes take together in KiB, shared pages by their share.
fn memory(stage: &Stage) -> anyhow::Result<u64> {
    let processes = stage.web_processes()?.into_iter().chain(stage.window_pid()?);
    let shares = processes.map(share_of_memory).collect::<anyhow::Result<Vec<u64>>>()?;
    Ok(shares.into_iter().sum::<u64>() / 1024)
}
