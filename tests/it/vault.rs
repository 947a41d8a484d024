//! Where everything lies: in the keyring or in a sealed file, moved between the two, opened by a passphrase.

use keybearer_tests::canary::files_holding;
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::session::Session;
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const PASSPHRASE: &str = "correct horse battery";

/// The files of sealed vaults, without what SQLite lays beside them.
fn sealed_files(world: &World) -> Vec<PathBuf> {
    let files = fs::read_dir(world.home.join("state")).unwrap().map(|entry| entry.unwrap().path());
    let is_vault = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("vault-") && name.ends_with(".db")
    };
    files.filter(is_vault).collect()
}

fn kind(world: &World) -> Value {
    world.json(&["vault", "status"]).unwrap()["kind"].clone()
}

/// The run, which must fail with this exit code and say all of this.
fn fails(run: &Run, code: i32, says: &[&str]) {
    assert_eq!((run.code, run.out.as_str()), (code, ""), "{}", run.err);
    assert!(says.iter().all(|words| run.err.contains(words)), "{says:?}: {}", run.err);
}

/// Moves everything into a file with a passphrase.
fn seal(world: &World) {
    let sealed = world.run_with(&["vault", "move", "sealed", "--passphrase-stdin"], PASSPHRASE).unwrap();
    assert_eq!(sealed.code, 0, "{}", sealed.err);
}

fn unlock(world: &World) -> Run {
    world.run_with(&["unlock", "--passphrase-stdin"], PASSPHRASE).unwrap()
}

/// An account that holds this bearer token.
fn keep(world: &World, name: &str, url: &str, token: &str) {
    let params = json!({ "url": url, "name": name, "auth": "bearer", "secret": token });
    world.ok(&["rpc", "--admin", &json!({ "method": "profile.add", "params": params }).to_string()]).unwrap();
}

#[test]
fn everything_moves_from_vault_to_vault_and_nothing_stays_behind() {
    // Each token is of sixteen kilobytes.
    let large = ["--plant-token", "cnry", "--token-length", "16384"];
    let (world, practice) = (World::new().unwrap(), Practice::start(&large).unwrap());
    world.sign_in("one", practice.mcp_url()).unwrap();
    world.sign_in("two", practice.mcp_url()).unwrap();
    // It is out of the file, and comes along all the same.
    let entries = fs::read_to_string(world.servers_file()).unwrap();
    world.session.write("kb/config/servers.json", "{\"mcpServers\": {}}").unwrap();
    assert_eq!((kind(&world), sealed_files(&world).len()), (json!("keyring"), 0));

    world.ok(&["vault", "move", "sealed"]).unwrap();
    assert_eq!(kind(&world), "sealed_by_keyring");
    // All that the keyring has is the key.
    assert_eq!((world.session.count_keyring_items().unwrap(), sealed_files(&world).len()), (1, 1));
    let file = &sealed_files(&world)[0];
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);

    seal(&world);
    assert_eq!(kind(&world), "sealed_by_passphrase");
    assert_eq!((world.session.count_keyring_items().unwrap(), sealed_files(&world).len()), (0, 1));
    assert_ne!(&sealed_files(&world)[0], file, "the key that the keyring had is good for nothing any more");
    world.session.write("kb/config/servers.json", &entries).unwrap();
    let renewed = world.ok(&["token", "one", "--force"]).unwrap();
    assert!(renewed.len() == 16 * 1024);
    world.kill_agent().unwrap();
    fails(&world.run(&["token", "one"]).unwrap(), 10, &["keybearer unlock"]);
    assert_eq!(unlock(&world).code, 0);
    assert_eq!(world.ok(&["token", "one"]).unwrap(), renewed);
    assert_eq!(files_holding(&world.home, &["cnry", "refresh_token", PASSPHRASE]), Vec::<String>::new());

    world.ok(&["vault", "move", "keyring"]).unwrap();
    assert_eq!(kind(&world), "keyring");
    assert_eq!(sealed_files(&world).len(), 0);
    world.kill_agent().unwrap();
    assert_eq!(world.ok(&["token", "one"]).unwrap(), renewed);
    world.ok(&["token", "two", "--force"]).unwrap();
    fails(&world.run(&["vault", "move", "keyring"]).unwrap(), 64, &["lies there already"]);
    assert_eq!(practice.count("reuse_detected").unwrap(), 0);
}

#[test]
fn without_a_keyring_a_passphrase_does_and_the_way_there_is_told() {
    let (world, practice) = (World::on(Session::absent().unwrap()), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let refused = world.run(&["sign-in", "practice"]).unwrap();
    fails(&refused, 23, &["can't be reached", "keybearer vault move sealed --passphrase"]);
    fails(&world.run_with(&["vault", "move", "sealed", "--passphrase-stdin"], "short").unwrap(), 64, &["8 characters"]);
    // Nothing is kept in another place than the one that was said, and nothing half made stays.
    fails(&world.run(&["vault", "move", "sealed"]).unwrap(), 23, &["can't be reached"]);
    assert_eq!((kind(&world), sealed_files(&world).len()), (json!("keyring"), 0));
    seal(&world);
    world.ok(&["sign-in", "practice"]).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    let status = world.ok(&["status"]).unwrap();
    assert!(status.contains("vault     works: a sealed file with a passphrase"), "{status}");
    world.ok(&["agent", "stop"]).unwrap();

    // A fresh agent is locked, and says so of itself and of its accounts.
    let doctor = world.run(&["doctor"]).unwrap();
    assert!(doctor.out.contains("its passphrase opens it"), "{}", doctor.out);
    let status = world.json(&["status"]).unwrap();
    assert_eq!((&status["locked"], &status["wants_passphrase"]), (&json!(true), &json!(true)), "{status}");
    assert_eq!((&status["vault"], &status["vault_kind"]), (&json!("locked"), &json!("sealed_by_passphrase")));
    for arguments in [&["list"][..], &["token", "practice"], &["sign-in", "practice"], &["unlock"]] {
        let code = if arguments == ["unlock"] { 64 } else { 10 };
        assert_eq!(world.run(arguments).unwrap().code, code, "{arguments:?}");
    }
    assert_eq!(unlock(&world).code, 0);
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    // The lock drops the key, and the same agent gives nothing without the passphrase.
    world.ok(&["lock"]).unwrap();
    assert_eq!(world.run(&["rpc", "--admin", r#"{"method": "agent.unlock", "params": {}}"#]).unwrap().code, 10);
    assert_eq!(unlock(&world).code, 0);
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
}

#[test]
fn a_wrong_passphrase_makes_the_next_wait_and_nobody_else() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    seal(&world);
    world.ok(&["lock"]).unwrap();
    let wrong = || world.run_with(&["unlock", "--passphrase-stdin", "--json"], "wrong horse battery").unwrap();
    let reason = |run: &Run| serde_json::from_str::<Value>(&run.err).unwrap()["data"].clone();
    let mut waits = Vec::new();
    for _ in 0..3 {
        let tried = until("a try that is looked at", || {
            let tried = wrong();
            Ok((reason(&tried)["reason"] == "wrong_passphrase").then_some(tried))
        });
        assert_eq!(tried.unwrap().code, 10);
        let too_soon = unlock(&world);
        fails(&too_soon, 22, &["can be tried again in"]);
        let told = world.run_with(&["unlock", "--passphrase-stdin", "--json"], PASSPHRASE).unwrap();
        waits.push(reason(&told)["retry_after_ms"].as_u64().unwrap().div_ceil(1000));
        // Whoever asks something else is answered meanwhile.
        let began = Instant::now();
        assert_eq!(world.json(&["status"]).unwrap()["locked"], true);
        assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    }
    assert_eq!(waits, [1, 2, 4]);
    until("the passphrase", || Ok((unlock(&world).code == 0).then_some(()))).unwrap();
    world.ok(&["token", "practice"]).unwrap();
}

#[test]
fn a_changed_passphrase_is_the_only_one_from_then_on() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let change = |input: &str| world.run_with(&["vault", "passphrase", "--passphrase-stdin"], input).unwrap();
    fails(&change("one\nanother one"), 64, &["no passphrase"]);
    seal(&world);
    let token = world.ok(&["token", "practice"]).unwrap();
    fails(&change("wrong horse battery\nanother horse"), 10, &["isn't the passphrase"]);
    until(
        "a try that isn't too soon",
        || Ok((change(&format!("{PASSPHRASE}\nanother horse")).code == 0).then_some(())),
    )
    .unwrap();
    world.kill_agent().unwrap();
    assert_eq!((unlock(&world).code, sealed_files(&world).len()), (10, 1));
    until("the new passphrase", || {
        let unlocked = world.run_with(&["unlock", "--passphrase-stdin"], "another horse")?;
        Ok((unlocked.code == 0).then_some(()))
    })
    .unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
}

#[test]
fn the_service_managers_credential_opens_the_vault_of_a_fresh_agent() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    seal(&world);
    let credential = world.session.write("credentials/keybearer", &format!("{PASSPHRASE}\n")).unwrap();
    let with_credential = |arguments: &[&str]| -> Run {
        let mut command = world.command(arguments);
        command.env("CREDENTIALS_DIRECTORY", credential.parent().unwrap()).output().unwrap().into()
    };
    world.kill_agent().unwrap();
    assert_eq!(with_credential(&["token", "practice"]).out.trim_end(), token);
    let status = world.json(&["vault", "status"]).unwrap();
    assert_eq!((&status["credential"], &status["wants_passphrase"]), (&json!(true), &json!(false)), "{status}");
    // A lock stays a lock, also for the next agent, until a person ends it.
    world.ok(&["lock"]).unwrap();
    world.kill_agent().unwrap();
    assert_eq!(with_credential(&["token", "practice"]).code, 10);
    world.ok(&["unlock"]).unwrap();
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    // One that doesn't fit opens nothing, and doesn't stand in the way of the person.
    world.session.write("credentials/keybearer", "wrong horse battery").unwrap();
    world.kill_agent().unwrap();
    assert_eq!(with_credential(&["token", "practice"]).code, 10);
    assert_eq!(unlock(&world).code, 0);
}

#[test]
fn only_the_desktop_moves_the_vault_once_there_was_one_and_whoever_knows_the_passphrase_opens_it() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    for arguments in [&["vault", "move", "sealed"][..], &["vault", "move", "sealed", "--passphrase-stdin"]] {
        fails(&world.run_with(arguments, PASSPHRASE).unwrap(), 34, &["Keybearer's own window"]);
    }
    assert_eq!(kind(&world), "keyring");
    let to = json!({ "to": "sealed_by_passphrase", "passphrase": PASSPHRASE });
    prompter.0.ok("vault.move", &to).unwrap();
    let change = world.run_with(&["vault", "passphrase", "--passphrase-stdin"], &format!("{PASSPHRASE}\nnew horse x"));
    assert_eq!(change.unwrap().code, 34);
    // What the person has chosen came along.
    assert_eq!(prompter.0.ok("settings.get", &json!({})).unwrap()["approval"], "ask");
    prompter.0.ok("agent.lock", &json!({})).unwrap();
    assert_eq!(world.run(&["rpc", "--admin", r#"{"method": "agent.unlock", "params": {}}"#]).unwrap().code, 34);
    assert_eq!(unlock(&world).code, 0);
    assert_eq!(world.json(&["status"]).unwrap()["locked"], false);
}

#[test]
fn a_move_that_is_killed_at_any_instant_leaves_all_in_one_vault() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("signed-in", practice.mcp_url()).unwrap();
    let names: Vec<String> = (0..12).map(|number| format!("kept-{number}")).collect();
    names.iter().for_each(|name| keep(&world, name, practice.mcp_url(), &format!("token of {name} ").repeat(150)));
    let all = |world: &World| -> BTreeMap<String, String> {
        names.iter().map(|name| (name.clone(), world.ok(&["token", name]).unwrap())).collect()
    };
    let (before, mut ended) = (all(&world), [0, 0]);
    // As long as one takes, and how often it is cut off on the way.
    let began = Instant::now();
    world.ok(&["vault", "move", "sealed"]).unwrap();
    let whole = began.elapsed();
    for cut in 0..24u32 {
        let to = if kind(&world) == "keyring" { "sealed" } else { "keyring" };
        let mut moving = world.spawn(&["vault", "move", to]).unwrap();
        let end = Instant::now() + whole * cut / 20;
        until("the instant", || Ok((Instant::now() >= end).then_some(()))).unwrap();
        world.kill_agent().unwrap();
        moving.wait().unwrap();
        let now = kind(&world);
        assert_eq!(all(&world), before, "cut {cut}, now {now}");
        ended[usize::from(now == to || (now == "sealed_by_keyring" && to == "sealed"))] += 1;
        // What was left behind is gone with the next agent: one key beside one file, or every item and no file.
        let left = (world.session.count_keyring_items().unwrap(), sealed_files(&world).len());
        let expected = if now == "keyring" { (names.len() + 1, 0) } else { (1, 1) };
        assert_eq!(left, expected, "cut {cut}, now {now}");
    }
    println!("{} of 24 moves were undone, {} had taken place", ended[0], ended[1]);
    assert!(ended.iter().all(|count| *count > 0), "{ended:?}");
    world.ok(&["token", "signed-in", "--force"]).unwrap();
    assert_eq!(practice.count("reuse_detected").unwrap(), 0);
}

#[test]
fn a_sealed_vault_that_is_damaged_newer_or_of_unknown_choice_is_left_as_it_is() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.ok(&["vault", "move", "sealed"]).unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    let (file, choice) = (sealed_files(&world).remove(0), world.home.join("state/vault.json"));
    let whole = fs::read(&file).unwrap();
    let write_at = |place: u64, bytes: &[u8]| {
        let mut open = File::options().write(true).open(&file).unwrap();
        open.seek(SeekFrom::Start(place)).unwrap();
        open.write_all(bytes).unwrap();
    };
    let refused = |says: &str| {
        let before = fs::read(&file).unwrap();
        fails(&world.run(&["token", "practice"]).unwrap(), 23, &[says]);
        let status = world.json(&["status"]).unwrap();
        assert_eq!(status["vault"], "absent", "{status}");
        world.ok(&["agent", "stop"]).unwrap();
        assert_eq!(fs::read(&file).unwrap(), before, "{says}");
    };
    // The user version of its tables.
    write_at(60, &9u32.to_be_bytes());
    refused("a newer Keybearer");
    write_at(0, b"something else  ");
    refused("damaged");
    restore(&file, &whole);
    let chosen = fs::read(&choice).unwrap();
    restore(&choice, b"{");
    refused("can't be told which vault is in use");
    // A choice that is gone is no reason to begin anew.
    fs::remove_file(&choice).unwrap();
    refused("can't be told which vault is in use");
    restore(&choice, &chosen);
    world.ok(&["token", "practice"]).unwrap();
}

fn restore(path: &std::path::Path, content: &[u8]) {
    let mut file = File::options().create(true).write(true).truncate(true).open(path).unwrap();
    file.write_all(content).unwrap();
    file.set_permissions(Permissions::from_mode(0o600)).unwrap();
    let mut back = Vec::new();
    File::open(path).unwrap().read_to_end(&mut back).unwrap();
    assert_eq!(back, content);
}
