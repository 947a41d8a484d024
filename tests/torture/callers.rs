//! Five hundred callers in several processes, and tokens of two seconds: each refresh is one that was due, and nobody is
//! ever given a token that the server refuses.

use crate::fleet::Fleet;
use crate::measure::{Durations, say, so_much};
use anyhow::{Context, ensure};
use keybearer_tests::executables::executable;
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ROW: &str = "callers";
const ACCOUNTS: usize = 20;
/// One process may have 64 connections.
const PROCESSES: usize = 10;
const CALLERS_OF_EACH: usize = 50;
/// Seconds.
const LIFETIME: &str = "2";
/// The least age in milliseconds at which a token of that lifetime may be replaced: nearly half its life.
const OF_AGE: u64 = 900;
/// How often each caller asks, in milliseconds.
const PACE: &str = "1000";

#[test]
fn five_hundred_callers_cause_one_refresh_for_each_token_that_ends_and_none_is_given_a_dead_one() {
    let fleet = Fleet::new(ACCOUNTS, &["--token-lifetime", LIFETIME, "--distance-ms", "20"]).unwrap();
    fleet.connect().unwrap();
    let seconds = so_much("20", "600");
    let started: Vec<Child> = (0..PROCESSES).map(|_| call(&fleet, seconds).unwrap()).collect();
    let mut at_hand = Durations::default();
    let mut renewed = Durations::default();
    let (mut refused, mut errors) = (0, Vec::new());
    for child in started {
        let seen = seen(child).unwrap();
        at_hand.extend(durations(&seen["at_hand"]));
        renewed.extend(durations(&seen["renewed"]));
        refused += seen["refused"].as_u64().unwrap();
        errors.extend(seen["errors"].as_array().unwrap().iter().map(Value::to_string));
    }
    let (mut issued, mut renewals, mut youngest) = (0, 0, u64::MAX);
    for tally in fleet.practice.grants().unwrap() {
        let count = |name: &str| tally[name].as_u64().unwrap();
        issued += count("issued");
        renewals += count("refreshes");
        youngest = youngest.min(tally["youngest_replaced"].as_u64().unwrap_or(u64::MAX));
        // One refresh for each token but the first: nobody asked twice, and none was asked for in vain.
        assert_eq!(count("refreshes"), count("issued") - 1, "{tally}");
        assert_eq!((count("renewed"), count("repeated"), count("reused")), (count("refreshes"), 0, 0), "{tally}");
        // And each for one that was used, to its end.
        assert!(count("used") + 1 >= count("issued"), "{tally}");
    }
    say(ROW, "seconds", seconds);
    say(ROW, "token.get while tokens are renewed all the time, answered at hand", at_hand.summary());
    say(ROW, "token.get that waited for a renewal", renewed.summary());
    say(ROW, "access tokens, refreshes", format!("{issued}, {renewals}"));
    say(ROW, "youngest token that was replaced", format!("{youngest} ms"));
    say(ROW, "tokens that the server refused", refused);
    assert!(refused == 0 && errors.is_empty(), "{refused} dead tokens; {errors:?}");
    assert!(youngest >= OF_AGE, "a token of {youngest} ms was replaced");
    assert!(issued > 3 * ACCOUNTS as u64, "only {issued} tokens");
}

/// Callers in a process of their own.
fn call(fleet: &Fleet, seconds: &str) -> anyhow::Result<Child> {
    let mut command = Command::new(executable("keybearer-stand-in"));
    command.arg("call").arg(fleet.world.programs_socket()).arg(fleet.practice.gate_url());
    command.args([&CALLERS_OF_EACH.to_string(), seconds, PACE]).args(&fleet.names);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("callers can't be started")
}

fn seen(child: Child) -> anyhow::Result<Value> {
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "callers: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn durations(microseconds: &Value) -> Durations {
    let mut durations = Durations::default();
    let all = microseconds.as_array().into_iter().flatten().filter_map(Value::as_u64);
    all.for_each(|one| durations.add(Duration::from_micros(one)));
    durations
}
