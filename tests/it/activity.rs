//! The record of activity: what happened is in it, as it was written, and nothing of a secret.

use keybearer_tests::canary::files_holding;
use keybearer_tests::executables::{copy, executable};
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::stand_in::StandIn;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

fn signed_in() -> (World, Practice) {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

/// All rows, the oldest first, as a person exports them.
fn exported(world: &World, more: &[&str]) -> Vec<Value> {
    let lines = world.ok(&[&["activity", "--json"], more].concat()).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["kind"].as_str().unwrap()).collect()
}

/// The rows of this kind.
fn of_kind(world: &World, kind: &str) -> Vec<Value> {
    exported(world, &["--kind", kind])
}

fn the_one(world: &World, kind: &str) -> Value {
    let rows = of_kind(world, kind);
    let [row] = rows.as_slice() else { panic!("{kind}: {rows:?}") };
    row.clone()
}

/// The answer to `activity.list` at the admin door.
fn list(world: &World, params: &Value) -> Value {
    let request = json!({ "method": "activity.list", "params": params }).to_string();
    world.json(&["rpc", "--admin", &request]).unwrap()
}

#[test]
fn each_thing_that_happens_has_its_row_with_who_what_and_why() {
    let (world, practice) = signed_in();
    let token = world.ok(&["token", "practice", "--reason", "to triage issues"]).unwrap();
    world.ok(&["headers", "practice"]).unwrap();
    assert_eq!(world.run(&["token", "nobody"]).unwrap().code, 11);
    let refresh = r#"{"method":"account.refresh","params":{"profile":"practice"}}"#;
    world.ok(&["rpc", "--admin", refresh]).unwrap();
    practice.control(&json!({ "faults": ["refresh-500"] })).unwrap();
    assert_eq!(world.run(&["rpc", "--admin", refresh]).unwrap().code, 20);
    practice.control(&json!({ "faults": [] })).unwrap();
    world.ok(&["change", "practice", "--scope", "mcp:tools"]).unwrap();
    world.ok(&["rename", "practice", "work"]).unwrap();
    world.ok(&["auto-lock", "--after", "60m"]).unwrap();
    world.ok(&["lock"]).unwrap();
    assert_eq!(world.run(&["token", "work"]).unwrap().code, 10);
    world.ok(&["unlock"]).unwrap();
    practice.control(&json!({ "faults": ["wrong-iss"] })).unwrap();
    assert_ne!(world.run(&["sign-in", "work"]).unwrap().code, 0);
    practice.control(&json!({ "faults": [] })).unwrap();
    world.ok(&["sign-out", "work"]).unwrap();
    world.ok(&["remove", "work"]).unwrap();

    let rows = exported(&world, &[]);
    let expected = [
        "record_begun",
        "account_added",
        "signed_in",
        "token_given",
        "header_given",
        "refused",
        "token_refreshed",
        "refresh_failed",
        "account_changed",
        "account_changed",
        "protection_changed",
        "locked",
        "refused",
        "unlocked",
        "sign_in_failed",
        "signed_out",
        "account_removed",
    ];
    assert_eq!(kinds(&rows), expected);
    let numbers: Vec<u64> = rows.iter().map(|row| row["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=expected.len() as u64).collect::<Vec<_>>());

    let given = &rows[3];
    assert_eq!(given["profile"], "practice");
    assert_eq!((&given["from_cache"], &given["calls"]), (&json!(true), &json!(1)));
    assert_eq!(given["reason"], "to triage issues");
    assert!(given["scopes"].as_array().is_some_and(|scopes| !scopes.is_empty()), "{given}");
    assert_eq!(given["resource"], practice.mcp_url());
    let digest: String = Sha256::digest(&token).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(given["token_sha256"], digest.as_str());
    let caller = &given["caller"];
    assert!(caller["program"]["chain"].as_array().is_some_and(|chain| !chain.is_empty()), "{caller}");
    assert!(caller["pid"].is_u64() && caller["program"]["confidence"].is_string(), "{caller}");

    assert_eq!((&rows[5]["profile"], &rows[5]["error"]), (&json!("nobody"), &json!("profile_not_found")));
    assert!(rows[6]["token_sha256"].is_string() && rows[6]["token_sha256"] != given["token_sha256"], "{}", rows[6]);
    assert_eq!((&rows[7]["error"], &rows[7]["caller"]), (&json!("provider_unreachable"), &Value::Null));
    assert_eq!((&rows[9]["cause"], &rows[9]["profile"]), (&json!("renamed"), &json!("work")));
    assert_eq!((&rows[12]["error"], &rows[12]["profile"]), (&json!("agent_locked"), &json!("work")));
    assert_eq!((&rows[14]["cause"], &rows[15]["cause"]), (&json!("issuer_mismatch"), &json!("revoked")));
    // Rows of an account are found by its name of then, once it is gone; and people read a line for each.
    assert_eq!(exported(&world, &["--account", "work"]).len(), 5);
    let read = world.ok(&["activity", "--limit", "100"]).unwrap();
    assert_eq!(read.lines().count(), rows.len(), "{read}");
    assert!(read.contains("because \"to triage issues\"") && !read.contains(&token), "{read}");
    // One that never was is no account to which nothing has happened.
    for arguments in [&["activity", "--account", "typo"][..], &["activity", "--account", "typo", "--json"]] {
        let refused = world.run(arguments).unwrap();
        assert_eq!((refused.code, refused.out.as_str()), (11, ""), "{arguments:?}: {}", refused.err);
    }
}

#[test]
fn equal_calls_of_one_program_are_two_rows_that_tell_how_many_they_were() {
    let (world, _practice) = signed_in();
    let mut program = world.programs().unwrap();
    for _ in 0..100 {
        assert!(program.call("token.get", &json!({ "profile": "practice" })).unwrap()["result"].is_object());
    }
    let rows = of_kind(&world, "token_given");
    let calls: Vec<u64> = rows.iter().map(|row| row["calls"].as_u64().unwrap()).collect();
    assert_eq!(calls, [1, 99]);
    assert!(rows[1]["until"].as_str() > rows[1]["at"].as_str(), "{}", rows[1]);
    // What is counted is written down by an agent that stops, as well.
    for _ in 0..3 {
        program.call("token.get", &json!({ "profile": "practice" })).unwrap();
    }
    world.ok(&["agent", "stop"]).unwrap();
    let calls: Vec<u64> = of_kind(&world, "token_given").iter().map(|row| row["calls"].as_u64().unwrap()).collect();
    assert_eq!(calls.iter().sum::<u64>(), 103, "{calls:?}");
}

#[test]
fn an_answer_to_a_prompt_and_what_it_allows_are_told_and_so_is_taking_it_back() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let path = world.session.folder().join("asker");
    copy(&world.keybearer().with_file_name("keybearer-desktop"), &path).unwrap();
    let mut program = StandIn::start(&path, &world.programs_socket()).unwrap();
    let ask = |program: &mut StandIn| program.call("token.get", &json!({ "profile": "practice" })).unwrap();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&mut program));
        prompter.answer("while_running").unwrap();
        assert!(asking.join().unwrap()["result"].is_object());
    });
    assert!(ask(&mut program)["result"].is_object());
    let answered = the_one(&world, "prompt_answered");
    assert_eq!((&answered["decision"], &answered["profile"]), (&json!("while_running"), &json!("practice")));
    assert_eq!(answered["caller"]["program"]["exe"], path.to_str().unwrap());
    let grant = &answered["grant"];
    let given = of_kind(&world, "token_given");
    assert!(grant.is_string() && given.iter().all(|row| row["grant"] == *grant), "{given:?}");
    assert!(given.iter().all(|row| row["caller"]["program"]["pid"] == program.pid()), "{given:?}");
    assert!(answered["number"].as_u64() < given[0]["number"].as_u64());
    prompter.0.ok("grant.revoke", &json!({ "grant": grant })).unwrap();
    let revoked = the_one(&world, "grant_revoked");
    assert_eq!((&revoked["grant"], &revoked["cause"]), (grant, &json!("asker")));
    // A no is a row as well, with the row of the call that got nothing.
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&mut program));
        prompter.answer("deny").unwrap();
        assert_eq!(asking.join().unwrap()["error"]["code"], 1004);
    });
    assert_eq!(the_one(&world, "refused")["error"], "consent_denied");
    // Filters know the program by its file.
    assert_eq!(exported(&world, &["--program", path.to_str().unwrap()]).len(), 5);
}

#[test]
fn a_caller_that_becomes_another_program_is_written_down() {
    let (world, _practice) = signed_in();
    let mut attacker = Command::new(executable("keybearer-stand-in"));
    let command = r#"printf '%s\n' "$REQUEST" >&0; read -r answer; echo "$answer""#;
    attacker.arg("become").arg(world.programs_socket()).args(["token.get", r#"{"profile":"practice"}"#, command]);
    assert_eq!(String::from_utf8(attacker.output().unwrap().stdout).unwrap().trim(), "");
    let row = the_one(&world, "connection_refused");
    assert_eq!(row["cause"], "became_another");
    // As it was seen when it connected.
    let exe = row["caller"]["program"]["exe"].as_str().unwrap();
    assert!(exe.ends_with("keybearer-stand-in"), "{row}");
}

#[test]
fn rows_come_in_pages_that_are_chained_from_the_first_to_the_last() {
    let (world, _practice) = signed_in();
    let mut admin = Wire::open(&world.admin_socket()).unwrap();
    for number in 0..200 {
        let names = [format!("practice-{number}"), "practice".to_owned()];
        for (from, to) in [(1, 0), (0, 1)] {
            let params = json!({ "profile": names[from], "name": names[to] });
            assert!(admin.call("profile.rename", &params).unwrap()["result"].is_object());
        }
    }
    let rows = exported(&world, &[]);
    let (mut before, mut paged, mut pages) = (Value::Null, Vec::new(), 0);
    loop {
        let page = list(&world, &json!({ "before": before }));
        paged.extend(page["rows"].as_array().unwrap().clone());
        (before, pages) = (paged.last().unwrap()["number"].clone(), pages + 1);
        if page["more"] != true {
            break;
        }
    }
    paged.reverse();
    assert!(pages > 1 && paged == rows, "{pages} pages, {} and {} rows", paged.len(), rows.len());
    assert_eq!(list(&world, &json!({ "limit": 2 }))["rows"].as_array().unwrap().len(), 2);
    let verified = world.json(&["activity", "--verify"]).unwrap();
    assert_eq!((&verified["rows"], &verified["hash"]), (&json!(rows.len()), &rows.last().unwrap()["hash"]));
    assert_eq!((&verified["first"], &verified["problem"]), (&json!(1), &Value::Null));
    // Behind the door for programs nothing of it can be read.
    for method in ["activity.list", "activity.follow", "activity.verify", "activity.set_aside"] {
        let refused = world.programs().unwrap().call(method, &json!({})).unwrap();
        assert_eq!(refused["error"]["code"], -32601, "{method}: {refused}");
    }
}

#[test]
fn a_row_that_was_changed_is_found_by_the_next_agent_and_said_wherever_people_look() {
    let (world, practice) = signed_in();
    world.ok(&["token", "practice"]).unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    let file = world.activity_file();
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection
        .execute("UPDATE rows SET content = REPLACE(content, 'practice', 'somebody') WHERE number = 3", [])
        .unwrap();
    drop(connection);

    world.ok(&["agent", "start"]).unwrap();
    let said = "row 3 was changed since it was written";
    let problem =
        until("the look at the chain", || Ok(world.json(&["status"])?["activity_problem"].as_str().map(str::to_owned)));
    assert!(problem.unwrap().contains(said));
    let verified = world.run(&["activity", "--verify"]).unwrap();
    assert!(verified.code == 36 && verified.err.contains(said) && verified.err.contains("--set-aside"), "{verified:?}");
    assert!(world.ok(&["status"]).unwrap().contains(said));
    let doctor = world.run(&["doctor"]).unwrap();
    assert!(doctor.code == 36 && doctor.out.contains(said), "{doctor:?}");
    // Nothing is held up, and what happens now is written down behind what there is.
    world.ok(&["token", "practice"]).unwrap();
    assert_eq!(of_kind(&world, "token_given").len(), 2);
    assert!(world.json(&["status"]).unwrap()["activity_problem"].as_str().unwrap().contains(said));

    let before = exported(&world, &[]).last().unwrap()["number"].as_u64().unwrap();
    let aside = world.json(&["activity", "--set-aside"]).unwrap();
    let aside = aside["file"].as_str().unwrap().to_owned();
    let rows = exported(&world, &[]);
    assert_eq!((kinds(&rows), rows[0]["number"].as_u64()), (vec!["record_begun"], Some(before + 1)));
    assert_eq!(rows[0]["cause"], "set_aside");
    assert_eq!(world.json(&["status"]).unwrap()["activity_problem"], Value::Null);
    let kept = rusqlite::Connection::open(aside).unwrap();
    let changed = kept.query_row("SELECT content FROM rows WHERE number = 3", [], |row| row.get::<_, String>(0));
    assert!(changed.unwrap().contains("somebody"));
    drop(practice);
}

#[test]
fn a_record_that_cannot_be_written_is_told_of_and_tokens_are_given_all_the_same() {
    let (world, _practice) = signed_in();
    world.ok(&["agent", "stop"]).unwrap();
    let file = world.activity_file();
    let elsewhere = file.with_extension("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    // Something that no file can be written to.
    fs::create_dir(&file).unwrap();
    world.ok(&["token", "practice"]).unwrap();
    let status = until("the problem", || {
        let status = world.json(&["status"])?;
        Ok(status["activity_problem"].is_string().then_some(status))
    });
    assert!(status.unwrap()["activity_advice"].is_string());
    let refused = world.run(&["activity"]).unwrap();
    assert!(refused.code == 23 && refused.out.is_empty(), "{refused:?}");
    let doctor = world.run(&["doctor"]).unwrap();
    assert!(doctor.code == 36 && doctor.out.contains("activity"), "{doctor:?}");
    // What waited is written once that is over, behind what was there.
    fs::remove_dir(&file).unwrap();
    fs::rename(&elsewhere, &file).unwrap();
    let rows = exported(&world, &[]);
    assert_eq!(kinds(&rows).last(), Some(&"token_given"), "{rows:?}");
    assert_eq!(world.json(&["status"]).unwrap()["activity_problem"], Value::Null);
    assert_eq!(world.json(&["activity", "--verify"]).unwrap()["problem"], Value::Null);
}

#[test]
fn a_record_that_is_taken_away_begins_again_and_says_so() {
    let (world, _practice) = signed_in();
    let before = exported(&world, &[]);
    fs::remove_file(world.activity_file()).unwrap();
    world.ok(&["token", "practice"]).unwrap();
    let rows = exported(&world, &[]);
    assert_eq!(kinds(&rows), ["record_begun", "token_given"]);
    assert_eq!((&rows[0]["cause"], rows[0]["number"].as_u64()), (&json!("taken_away"), Some(before.len() as u64 + 1)));
}

#[test]
fn no_token_and_no_secret_is_in_the_record() {
    const CANARY: &str = "canary7f3a";
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--plant-token", CANARY]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    assert!(world.ok(&["token", "practice"]).unwrap().contains(CANARY));
    world.ok(&["headers", "practice"]).unwrap();
    let refresh = r#"{"method":"account.refresh","params":{"profile":"practice"}}"#;
    world.ok(&["rpc", "--admin", refresh]).unwrap();
    assert!(!world.ok(&["activity", "--json"]).unwrap().contains(CANARY));
    world.ok(&["agent", "stop"]).unwrap();
    assert!(fs::metadata(world.activity_file()).unwrap().len() > 4096);
    assert_eq!(files_holding(world.activity_file().parent().unwrap(), &[CANARY]), Vec::<String>::new());
}

/// `keybearer activity --follow`, as long as it is held.
struct Follower {
    child: Child,
    /// None once nobody reads.
    lines: Option<BufReader<ChildStdout>>,
}

impl Follower {
    /// Begun once this returns: it has shown the last row that there was.
    fn start(world: &World) -> Follower {
        let mut command = world.command(&["activity", "--follow", "--json", "--limit", "1"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let lines = child.stdout.take().map(BufReader::new);
        let mut follower = Follower { child, lines };
        follower.next();
        follower
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.as_mut().unwrap().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
    }

    /// The next row of this kind.
    fn until(&mut self, kind: &str) -> Value {
        loop {
            let row = self.next();
            if row["kind"] == kind {
                return row;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_follower_sees_each_row_as_it_comes_behind_a_lock_and_after_a_restart() {
    let (world, _practice) = signed_in();
    // One that began behind the lock would be told of the lock alone, and end.
    let mut follower = Follower::start(&world);
    world.ok(&["lock"]).unwrap();
    world.ok(&["unlock"]).unwrap();
    let mut seen = follower.until("unlocked");
    world.ok(&["agent", "stop"]).unwrap();
    for name in ["one", "two"] {
        world.ok(&["rename", "practice", name]).unwrap();
        let row = follower.until("account_changed");
        assert_eq!(row["profile"], name);
        assert!(row["number"].as_u64() > seen["number"].as_u64());
        seen = row;
        world.ok(&["rename", name, "practice"]).unwrap();
        follower.until("account_changed");
    }
    // Nobody reads any more: it ends without a word, and as one that was done.
    follower.lines = None;
    world.ok(&["rename", "practice", "last"]).unwrap();
    assert!(follower.child.wait().unwrap().success());
}
