//! The keyring in all its moods: locked, absent, new, restarted, stalled, edited. Nothing hangs, nothing is lost, and
//! when it is well again, all works without a restart of anything.

use keybearer_tests::practice::Practice;
use keybearer_tests::session::Session;
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World};
use serde_json::json;
use std::time::{Duration, Instant};

/// Longer than Keybearer waits for a keyring, on a machine with other work.
const SOON: Duration = Duration::from_secs(8);

fn signed_in() -> (World, Practice, String) {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    (world, practice, token)
}

/// The run, which must fail soon, with this exit code, and say all of this.
fn fails(world: &World, arguments: &[&str], code: i32, says: &[&str]) -> Run {
    let began = Instant::now();
    let run = world.run(arguments).unwrap();
    assert_eq!((run.code, run.out.as_str()), (code, ""), "{arguments:?}: {}", run.err);
    assert!(says.iter().all(|words| run.err.contains(words)), "{says:?}: {}", run.err);
    assert!(began.elapsed() < SOON, "{arguments:?} took {:?}", began.elapsed());
    run
}

/// The account works: its token is renewed once more, kept, and found again by the next agent.
fn all_is_well(world: &World, practice: &Practice) {
    let renewed = world.ok(&["token", "practice", "--force"]).unwrap();
    assert_eq!(world.json(&["status"]).unwrap()["vault"], "unlocked");
    world.kill_agent().unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), renewed);
    assert_eq!(practice.count("reuse_detected").unwrap(), 0);
}

#[test]
fn a_keyring_that_is_locked_stops_what_must_be_kept_and_nothing_else() {
    let (mut world, practice, token) = signed_in();
    world.session.lock_keyring().unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    for _ in 0..2 {
        fails(&world, &["token", "practice", "--force"], 10, &["(gnome-keyring) is locked", "unlock it"]);
        fails(&world, &["sign-out", "practice"], 10, &["(gnome-keyring) is locked"]);
        fails(&world, &["remove", "practice"], 10, &["(gnome-keyring) is locked"]);
    }
    assert_eq!(world.json(&["status"]).unwrap()["vault"], "locked");
    // What couldn't be kept wasn't asked for.
    assert_eq!((practice.count("refreshes").unwrap(), practice.count("revocations").unwrap()), (0, 0));
    let agent = world.agent_pid();
    world.session.unlock().unwrap();
    world.ok(&["token", "practice", "--force"]).unwrap();
    assert_eq!(world.agent_pid(), agent);
    all_is_well(&world, &practice);
}

#[test]
fn a_locked_keyring_is_never_taken_for_an_empty_one() {
    let (mut world, practice, token) = signed_in();
    // What was read is put away, and has to be read again.
    world.ok(&["lock"]).unwrap();
    world.session.lock_keyring().unwrap();
    // The answers that were given for good lie there as well, so even this waits for it.
    let unlocked = world.run(&["unlock"]).unwrap();
    assert!([0, 10].contains(&unlocked.code), "{}", unlocked.err);
    fails(&world, &["token", "practice"], 10, &[]);
    assert_eq!(world.run(&["sign-in", "practice"]).unwrap().code, 10);
    world.session.unlock().unwrap();
    let _ = world.run(&["unlock"]).unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    all_is_well(&world, &practice);
}

#[test]
fn a_keyring_that_comes_late_is_found_by_the_agent_that_missed_it() {
    let (mut world, practice) = (World::on(Session::absent().unwrap()), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let says = |world: &World, words| {
        fails(world, &["sign-in", "practice"], 23, &[words, "start a keyring"]);
        let status = world.json(&["status"]).unwrap();
        assert_eq!(status["vault"], "absent");
        assert!(status["vault_problem"].as_str().unwrap().contains(words), "{status}");
        assert!(world.ok(&["status"]).unwrap().contains(words));
    };
    says(&world, "no D-Bus");
    let agent = world.agent_pid();
    world.session.start_bare_bus().unwrap();
    says(&world, "no program in this session offers one");
    world.session.unlock().unwrap();
    assert_eq!(world.ok(&["sign-in", "practice"]).unwrap(), "practice is signed in (4 tools)");
    assert_eq!(world.agent_pid(), agent);
    all_is_well(&world, &practice);
}

#[test]
fn a_keyring_without_a_default_collection_is_told_from_a_locked_one() {
    let mut session = Session::absent().unwrap();
    // The bus starts a keyring that nobody has ever unlocked.
    session.lock().unwrap();
    assert_eq!(session.default_collection().unwrap(), None);
    let (mut world, practice) = (World::on(session), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    fails(&world, &["sign-in", "practice"], 23, &["no default collection", "set it as default"]);
    let status = world.json(&["status"]).unwrap();
    assert!(status["vault_problem"].as_str().unwrap().contains("no default collection"), "{status}");
    world.session.unlock().unwrap();
    world.ok(&["sign-in", "practice"]).unwrap();
    all_is_well(&world, &practice);
}

#[test]
fn a_keyring_that_dies_between_two_writes_costs_nothing() {
    let (mut world, practice, token) = signed_in();
    world.session.signal_keyring("KILL").unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    // The bus starts it again, locked.
    fails(&world, &["token", "practice", "--force"], 10, &["(gnome-keyring) is locked"]);
    assert_eq!(practice.count("refreshes").unwrap(), 0);
    world.session.unlock().unwrap();
    all_is_well(&world, &practice);
}

#[test]
fn a_keyring_that_dies_or_stalls_during_a_refresh_costs_nothing() {
    for (signal, code) in [("KILL", 10), ("STOP", 23)] {
        let (mut world, practice, token) = signed_in();
        practice.control(&json!({ "faults": ["slow-token"] })).unwrap();
        let asking = world.spawn(&["token", "practice", "--force"]).unwrap();
        until("the refresh", || Ok((practice.count("refreshes_ok")? == 1).then_some(()))).unwrap();
        world.session.signal_keyring(signal).unwrap();
        let asked = Run::from(asking.wait_with_output().unwrap());
        // The new token has no second copy yet, so nobody gets it.
        assert_eq!((asked.code, asked.out.as_str()), (code, ""), "{signal}: {}", asked.err);
        practice.control(&json!({ "faults": [] })).unwrap();
        match signal {
            "STOP" => world.session.signal_keyring("CONT").unwrap(),
            _ => world.session.unlock().unwrap(),
        }
        // Until then the old one is given out, which is still good.
        until("the new token", || Ok((world.ok(&["token", "practice"])? != token).then_some(()))).unwrap();
        assert_eq!(practice.count("refreshes").unwrap(), 1, "{signal}");
        all_is_well(&world, &practice);
    }
}

#[test]
fn a_keyring_that_stalls_holds_up_no_token_at_hand_and_no_longer_than_it_stalls() {
    let (world, practice, token) = signed_in();
    world.session.signal_keyring("STOP").unwrap();
    fails(&world, &["token", "practice", "--force"], 23, &["isn't answering", "dialog"]);
    // While one waits for it, others get what is there.
    let mut waiting = world.spawn(&["sign-out", "practice"]).unwrap();
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    assert_eq!(waiting.wait().unwrap().code(), Some(23));
    assert_eq!(world.json(&["status"]).unwrap()["vault"], "absent");
    assert_eq!((practice.count("refreshes").unwrap(), practice.count("revocations").unwrap()), (0, 0));
    world.session.signal_keyring("CONT").unwrap();
    all_is_well(&world, &practice);
}

#[test]
fn an_item_that_the_user_deleted_means_signed_out_and_no_more() {
    let (world, practice, token) = signed_in();
    world.sign_in("other", practice.mcp_url()).unwrap();
    let others = world.ok(&["token", "other"]).unwrap();
    world.session.clear_keyring().unwrap();
    // This agent has read it, and writes it again with the next refresh.
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    world.ok(&["token", "other", "--force"]).unwrap();
    world.kill_agent().unwrap();
    fails(&world, &["token", "practice"], 15, &["keybearer sign-in practice"]);
    let list = world.json(&["list"]).unwrap();
    assert_eq!((list[0]["status"].as_str(), list[1]["status"].as_str()), (Some("connected"), Some("needs_sign_in")));
    assert_ne!(world.ok(&["token", "other"]).unwrap(), others);
    world.ok(&["sign-in", "practice"]).unwrap();
    // The same where the item is there and its secret isn't.
    let id = world.json(&["show", "practice"]).unwrap()["id"].as_str().unwrap().to_owned();
    world.session.overwrite_item(&id, "").unwrap();
    world.kill_agent().unwrap();
    fails(&world, &["token", "practice"], 15, &["keybearer sign-in practice"]);
    world.ok(&["sign-in", "practice"]).unwrap();
    all_is_well(&world, &practice);
}

#[test]
fn an_item_that_cannot_be_read_is_left_as_it_is_and_troubles_no_other_account() {
    let (world, practice, _) = signed_in();
    world.sign_in("other", practice.mcp_url()).unwrap();
    let id = world.json(&["show", "practice"]).unwrap()["id"].as_str().unwrap().to_owned();
    world.ok(&["agent", "stop"]).unwrap();
    for garbage in ["{", "no JSON at all", "{\"version\":99}", "[1]", "\u{ff}"] {
        world.session.overwrite_item(&id, garbage).unwrap();
        let refused =
            fails(&world, &["token", "practice"], 23, &["can't be read", "left as it is", "keybearer remove"]);
        assert!(garbage.len() < 3 || !refused.err.contains(garbage), "{}", refused.err);
        fails(&world, &["sign-in", "practice"], 23, &["can't be read"]);
        world.ok(&["token", "other"]).unwrap();
        assert_eq!(world.session.read_item(&id).unwrap(), garbage);
        world.ok(&["list"]).unwrap();
    }
    // The way out that was told.
    world.ok(&["remove", "practice"]).unwrap();
    assert_eq!(world.session.count_keyring_items().unwrap(), 1);
    world.sign_in("practice", practice.mcp_url()).unwrap();
    all_is_well(&world, &practice);
}

#[test]
fn two_items_of_one_account_count_as_the_later_one_and_are_deleted_together() {
    let (world, practice, _) = signed_in();
    let id = world.json(&["show", "practice"]).unwrap()["id"].as_str().unwrap().to_owned();
    world.session.copy_item(&id).unwrap();
    assert_eq!(world.session.count_keyring_items().unwrap(), 2);
    world.kill_agent().unwrap();
    all_is_well(&world, &practice);
    world.ok(&["remove", "practice"]).unwrap();
    assert_eq!(world.session.count_keyring_items().unwrap(), 0);
}

#[test]
fn a_record_of_many_kilobytes_is_kept_whole() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let token = "t0k3n/".repeat(3_500);
    let params = json!({ "url": practice.mcp_url(), "name": "large", "auth": "bearer", "secret": token });
    world.ok(&["rpc", "--admin", &json!({ "method": "profile.add", "params": params }).to_string()]).unwrap();
    world.kill_agent().unwrap();
    assert_eq!(world.ok(&["token", "large"]).unwrap(), token);
}

#[test]
fn what_guards_the_accounts_opens_nothing_when_the_keyring_has_lost_it() {
    let (world, practice, _) = signed_in();
    world.ok(&["lock"]).unwrap();
    world.kill_agent().unwrap();
    fails(&world, &["token", "practice"], 10, &["keybearer unlock"]);
    for lost in ["", "{"] {
        world.session.overwrite_item("protection", lost).unwrap();
        world.kill_agent().unwrap();
        fails(&world, &["token", "practice"], 23, &["so nothing is given out", "\"Keybearer protection\""]);
        fails(&world, &["unlock"], 23, &["so nothing is given out"]);
        assert_eq!(world.session.read_item("protection").unwrap(), lost);
    }
    // The way out that was told.
    world.session.delete_item("protection").unwrap();
    world.kill_agent().unwrap();
    all_is_well(&world, &practice);
}
