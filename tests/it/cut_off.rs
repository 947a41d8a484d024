//! What was asked for and cut off: an agent dies, or its keyring goes, between the authorization server's answer and the
//! place where tokens are kept. Nothing is lost, and nothing is asked for twice.

use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World, keep_ports};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::RwLockWriteGuard;

/// An account that is signed in at a server which answers two seconds after it has acted.
fn signed_in(arguments: &[&str]) -> (World, Practice, String) {
    let (world, practice) = (World::new().unwrap(), Practice::start(arguments).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    practice.control(&json!({ "faults": ["slow-token"] })).unwrap();
    (world, practice, token)
}

/// Has a refresh begun, and returns once the authorization server has spent the refresh token.
fn begin_refresh(world: &World, practice: &Practice) {
    let mut asking = world.spawn(&["token", "practice", "--force"]).unwrap();
    until("the refresh", || Ok((practice.count("refreshes_ok")? == 1).then_some(()))).unwrap();
    asking.kill().unwrap();
    asking.wait().unwrap();
}

/// Has a person sign in, and returns once the authorization server has spent the code. The port of it is kept.
fn begin_redeeming(world: &World, practice: &Practice) -> (Child, RwLockWriteGuard<'static, ()>) {
    world.add("practice", practice.mcp_url()).unwrap();
    practice.control(&json!({ "faults": ["slow-token"] })).unwrap();
    let ports = keep_ports();
    let page = world.begin_sign_in_held("practice").unwrap();
    let browser = Command::new(executable("keybearer-practice")).args(["browse", &page]).spawn().unwrap();
    until("the code", || Ok((practice.count("code_exchanges")? == 1).then_some(()))).unwrap();
    (browser, ports)
}

fn counted(practice: &Practice, what: &[&str]) -> Vec<u64> {
    what.iter().map(|what| practice.count(what).unwrap()).collect()
}

fn generation(world: &World) -> Value {
    world.json(&["show", "practice"]).unwrap()["generation"].clone()
}

/// The journal's entries.
fn entries(world: &World) -> Vec<PathBuf> {
    let folder = fs::read_dir(world.home.join("state/journal"));
    folder.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Lays this in the place of an entry.
#[expect(clippy::disallowed_methods, reason = "it stands for what a crash or somebody else leaves there")]
fn lay(entry: &std::path::Path, content: &[u8]) {
    fs::write(entry, content).unwrap();
}

/// The processes that the agent has started.
fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split(' ').filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()).collect()
}

fn until_all_is_committed(world: &World) {
    until("an empty journal", || {
        world.ok(&["status"])?;
        Ok(entries(world).is_empty().then_some(()))
    })
    .unwrap();
}

#[test]
fn a_refresh_goes_on_without_its_agent_and_the_next_agent_has_what_it_brought() {
    let (world, practice, token) = signed_in(&[]);
    begin_refresh(&world, &practice);
    let before = generation(&world);
    world.kill_agent().unwrap();
    until_all_is_committed(&world);
    assert_ne!(world.ok(&["token", "practice"]).unwrap(), token);
    assert_eq!(generation(&world), json!(before.as_u64().unwrap() + 1));
    assert_eq!(world.json(&["test", "practice"]).unwrap()["ok"], true);
    assert_eq!(counted(&practice, &["refreshes", "reuse_detected"]), [1, 0]);
    // The refresh token that was brought is the one that is used next.
    world.ok(&["token", "practice", "--force"]).unwrap();
    assert_eq!(counted(&practice, &["refreshes_ok", "reuse_detected"]), [2, 0]);
}

#[test]
fn agents_may_die_again_and_again_while_one_worker_waits_for_its_server() {
    let (world, practice, token) = signed_in(&[]);
    begin_refresh(&world, &practice);
    for _ in 0..3 {
        world.kill_agent().unwrap();
        // It serves what it has, and waits for the worker with nobody.
        assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    }
    until_all_is_committed(&world);
    assert_ne!(world.ok(&["token", "practice"]).unwrap(), token);
    assert_eq!(counted(&practice, &["refreshes", "reuse_detected"]), [1, 0]);
}

#[test]
fn a_worker_is_one_thread_in_a_session_of_its_own_and_tells_nobody_its_errand() {
    let (world, practice, _) = signed_in(&["--plant-token", "planted"]);
    begin_refresh(&world, &practice);
    let worker = children(world.agent_pid().unwrap())[0];
    let proc = |name: &str| fs::read_to_string(format!("/proc/{worker}/{name}")).unwrap();
    assert_eq!(proc("cmdline"), "/proc/self/exe\0--refresh-worker\0");
    assert_eq!(fs::read_dir(format!("/proc/{worker}/task")).unwrap().count(), 1);
    let stat = proc("stat");
    let session = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().to_owned();
    assert_eq!(session, worker.to_string());
    assert!(!proc("environ").contains("planted"));
    let limits = proc("limits");
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
    until_all_is_committed(&world);
}

#[test]
fn the_journal_keeps_answers_sealed_and_for_this_user_alone() {
    let (world, practice, _) = signed_in(&["--plant-token", "planted"]);
    begin_refresh(&world, &practice);
    // The answer can't leave the journal.
    world.session.signal_keyring("STOP").unwrap();
    let worker = children(world.agent_pid().unwrap())[0];
    until("the worker's end", || Ok((!children(world.agent_pid().unwrap()).contains(&worker)).then_some(()))).unwrap();
    let [entry] = entries(&world).try_into().unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&entry), mode(entry.parent().unwrap())), (0o600, 0o700));
    let content = fs::read(&entry).unwrap();
    let line = String::from_utf8(content.split(|byte| *byte == b'\n').next().unwrap().to_vec()).unwrap();
    let intent: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((intent["traded"].as_str(), intent["version"].as_u64()), (Some("refresh_token"), Some(1)), "{line}");
    let sealed = &content[line.len() + 1..];
    let length = u32::from_le_bytes(sealed[..4].try_into().unwrap());
    assert!(length > 100, "there is an answer: {length}");
    assert!(!content.windows(7).any(|window| window == b"planted"));
    world.session.signal_keyring("CONT").unwrap();
    until_all_is_committed(&world);
    assert_eq!(counted(&practice, &["refreshes", "reuse_detected"]), [1, 0]);
}

#[test]
fn an_answer_that_was_bent_is_none_and_is_asked_for_again_within_the_grace() {
    for (what, grace, expected) in [("within the grace", "60", "connected"), ("without any", "0", "expiring")] {
        let (world, practice, _) = signed_in(&["--refresh-grace", grace]);
        begin_refresh(&world, &practice);
        world.session.signal_keyring("STOP").unwrap();
        let agent = world.agent_pid().unwrap();
        until("the worker's end", || Ok(children(agent).is_empty().then_some(()))).unwrap();
        world.kill_agent().unwrap();
        let [entry] = entries(&world).try_into().unwrap();
        let mut content = fs::read(&entry).unwrap();
        let line = content.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        content[line + 100] ^= 1;
        lay(&entry, &content);
        practice.control(&json!({ "faults": [] })).unwrap();
        world.session.signal_keyring("CONT").unwrap();
        // What can't be renewed any more is said, and what is still good is given out.
        until("another try", || {
            let status = world.json(&["list"])?[0]["status"].clone();
            Ok((practice.count("refreshes")? == 2 && entries(&world).is_empty() && status == expected).then_some(()))
        })
        .unwrap_or_else(|error| panic!("{what}: {error}"));
        world.ok(&["token", "practice"]).unwrap();
    }
}

#[test]
fn what_is_no_entry_and_what_a_newer_keybearer_wrote_cost_nothing() {
    let (world, practice, token) = signed_in(&[]);
    practice.control(&json!({ "faults": [] })).unwrap();
    let id = world.json(&["show", "practice"]).unwrap()["id"].as_str().unwrap().to_owned();
    let entry = world.home.join("state/journal").join(&id);
    fs::create_dir_all(entry.parent().unwrap()).unwrap();
    for torn in [&b""[..], b"{\"version\":1,\"acc", &[0; 70_000], b"\n"] {
        world.kill_agent().unwrap();
        lay(&entry, torn);
        assert_eq!(world.ok(&["token", "practice"]).unwrap(), token, "{torn:?}");
    }
    assert_eq!(practice.count("refreshes").unwrap(), 0, "nothing was sent, so nothing is sent again");
    let newer = b"{\"version\":2,\"whatever\":[]}\n";
    lay(&entry, newer);
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    let refused = world.run(&["token", "practice", "--force"]).unwrap();
    assert_eq!((refused.code, refused.out.as_str()), (23, ""), "{}", refused.err);
    assert!(refused.err.contains("a newer Keybearer wrote"), "{}", refused.err);
    assert_eq!((fs::read(&entry).unwrap().as_slice(), practice.count("refreshes").unwrap()), (&newer[..], 0));
    fs::remove_file(&entry).unwrap();
    world.ok(&["token", "practice", "--force"]).unwrap();
}

#[test]
fn a_sign_in_whose_agent_dies_while_its_code_is_redeemed_comes_to_its_end_with_the_next() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let (mut browser, _ports) = begin_redeeming(&world, &practice);
    world.kill_agent().unwrap();
    browser.wait().unwrap();
    let ended = until("the sign-in's end", || {
        let view = world.sign_in_view("practice")?;
        Ok(matches!(view["phase"].as_str(), Some("signed_in" | "failed")).then_some(view))
    })
    .unwrap();
    assert_eq!(ended["phase"], "signed_in", "{ended}");
    assert_eq!(world.json(&["test", "practice"]).unwrap()["ok"], true);
    assert_eq!(counted(&practice, &["code_exchanges", "authorizations", "refreshes"]), [1, 1, 0]);
    assert!(entries(&world).is_empty());
}

#[test]
fn a_sign_in_whose_keyring_goes_while_its_code_is_redeemed_comes_to_its_end_with_the_keyring() {
    let (mut world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let (mut browser, _ports) = begin_redeeming(&world, &practice);
    world.session.signal_keyring("KILL").unwrap();
    browser.wait().unwrap();
    let told = world.run(&["token", "practice"]).unwrap();
    assert_eq!((told.code, told.out.as_str()), (10, ""), "the keyring is locked: {}", told.err);
    world.session.unlock().unwrap();
    until("the tokens", || Ok((world.run(&["token", "practice"])?.code == 0).then_some(()))).unwrap();
    assert_eq!(counted(&practice, &["code_exchanges", "authorizations"]), [1, 1]);
}

#[test]
fn a_device_whose_agent_dies_while_its_tokens_come_is_signed_in_with_the_next() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("s", practice.mcp_url()).unwrap();
    let view = world.begin_sign_in_as("s", &json!({ "device": true })).unwrap();
    let text = |field: &str| view[field].as_str().unwrap_or_else(|| panic!("{view}")).to_owned();
    let typed = format!("{}?user_code={}", text("authorization_url"), text("user_code"));
    practice.control(&json!({ "faults": ["slow-token"] })).unwrap();
    let person = Command::new(executable("keybearer-practice")).args(["browse", &typed]).output().unwrap();
    assert!(person.status.success());
    let polls = practice.count("device_polls").unwrap();
    // This question or the next one brings the tokens, two seconds late.
    until("a question", || Ok((practice.count("device_polls")? > polls).then_some(()))).unwrap();
    world.kill_agent().unwrap();
    let ended = until("the end", || {
        let view = world.sign_in_view("s")?;
        Ok(matches!(view["phase"].as_str(), Some("signed_in" | "failed")).then_some(view))
    })
    .unwrap();
    assert_eq!(ended["phase"], "signed_in", "{ended}");
    assert_eq!(practice.count("device_authorizations").unwrap(), 1);
    let tested = Run::from(world.command(&["test", "s"]).output().unwrap());
    assert_eq!(tested.code, 0, "{}", tested.err);
}

#[test]
fn an_account_that_is_signed_out_or_removed_leaves_nothing_in_the_journal() {
    for last in ["sign-out", "remove"] {
        let (world, practice, _) = signed_in(&[]);
        begin_refresh(&world, &practice);
        world.session.signal_keyring("STOP").unwrap();
        let agent = world.agent_pid().unwrap();
        until("the worker's end", || Ok(children(agent).is_empty().then_some(()))).unwrap();
        world.session.signal_keyring("CONT").unwrap();
        world.ok(&[last, "practice"]).unwrap();
        assert!(entries(&world).is_empty(), "{last}");
    }
}
