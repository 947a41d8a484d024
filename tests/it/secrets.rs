//! Where no secret may be: logs at their most talkative, arguments, files, errors, replies that need none.

use keybearer_tests::canary::files_holding;
use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{TryRecvError, channel};

/// What every token and code of this practice server begins with.
const CANARY: &str = "canary7f3a";
/// The same, and the beginning of it in hexadecimal digits and in base64.
const GUISES: [&str; 3] = [CANARY, "63616e61727937", "Y2FuYXJ5N2"];

/// The processes that hold the canary in their arguments or their environment.
fn processes_with_canary() -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        for part in ["cmdline", "environ"] {
            let Ok(content) = fs::read(entry.path().join(part)) else { continue };
            let text = String::from_utf8_lossy(&content).replace('\0', " ");
            // The practice server itself was told what to plant.
            if text.contains(CANARY) && !text.contains("--plant-token") {
                found.push(format!("{part}: {text}"));
            }
        }
    }
    found
}

/// Does this while somebody looks at all processes, again and again; gives what was said.
fn watched(flows: impl FnOnce() -> String) -> String {
    let (end, ended) = channel::<()>();
    let watch = std::thread::spawn(move || {
        let mut seen = Vec::new();
        // It ends with the other end of the channel, also if a flow fails.
        while ended.try_recv() == Err(TryRecvError::Empty) {
            seen.extend(processes_with_canary());
        }
        seen
    });
    let said = flows();
    drop(end);
    assert_eq!(watch.join().unwrap(), Vec::<String>::new());
    said
}

/// Nothing that was planted is in what was said, in the log, or in a file of this world.
fn is_nowhere(world: &World, said: &str) {
    assert!(!said.contains(CANARY), "{said}");
    let log = world.log();
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "the log isn't talkative");
    assert_eq!(files_holding(&world.session.folder(), &GUISES), Vec::<String>::new());
}

#[test]
fn a_planted_token_appears_in_no_log_no_argument_list_and_no_file() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--plant-token", CANARY]).unwrap());
    let said = watched(|| every_flow(&world, &practice));
    is_nowhere(&world, &said);
}

#[test]
fn a_planted_secret_appears_nowhere_while_it_is_asked_about_moved_bound_and_typed() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&["--plant-token", CANARY]).unwrap());
    let bound = Practice::start(&["--plant-token", CANARY, "--dpop", "proof"]).unwrap();
    let said = watched(|| [prompts(&world, &practice), proofs(&world, &bound), vaults(&world, &practice)].concat());
    is_nowhere(&world, &said);
}

/// Prompts with every answer, and news of all that happens meanwhile.
fn prompts(world: &World, practice: &Practice) -> String {
    let mut said = String::new();
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(world).unwrap();
    let mut news = Wire::open(&world.admin_socket()).unwrap();
    let topics = ["token.rotated", "profile.changed", "lock.changed", "grant.revoked", "auth.completed", "prompt.*"];
    said.push_str(&news.call("events.subscribe", &json!({ "topics": topics })).unwrap().to_string());
    let mut program = world.programs().unwrap();
    program.ask(1, "grant.request", &json!({ "profile": "practice" })).unwrap();
    said.push_str(&prompter.answer("once").unwrap().to_string());
    said.push_str(&program.receive().unwrap().unwrap().to_string());
    let granted = program.call("token.get", &json!({ "profile": "practice" })).unwrap();
    assert!(granted["result"]["access_token"].as_str().unwrap().starts_with(CANARY));
    let refused = json!({ "profile": "practice", "generation": granted["result"]["generation"], "reason": "401" });
    program.ask(2, "token.invalidate", &refused).unwrap();
    said.push_str(&program.receive().unwrap().unwrap().to_string());
    let asking = world.spawn(&["token", "practice"]).unwrap();
    said.push_str(&prompter.answer("deny").unwrap().to_string());
    said.push_str(&String::from_utf8(asking.wait_with_output().unwrap().stderr).unwrap());
    for words in [&["grants", "--json"][..], &["token", "practice"], &["headers", "practice"], &["lock"]] {
        let run = world.run(words).unwrap();
        said.push_str(&format!("{words:?} {run:?}"));
    }
    prompter.0.ok("agent.unlock", &json!({})).unwrap();
    prompter.0.ok("settings.set", &json!({ "approval": "same_user" })).unwrap();
    news.ask(9, "agent.ping", &json!({})).unwrap();
    let told = std::iter::from_fn(|| news.receive().unwrap()).take_while(|line| line["id"] != 9);
    told.for_each(|line| said.push_str(&line.to_string()));
    said
}

/// Tokens that are bound to a key, which go out with proofs alone.
fn proofs(world: &World, practice: &Practice) -> String {
    let mut said = String::new();
    world.sign_in("bound", practice.mcp_url()).unwrap();
    let mut program = world.programs().unwrap();
    let question = json!({ "url": practice.mcp_url(), "profile": "bound", "method": "POST" });
    let headers = program.call("header.get", &question).unwrap();
    assert!(headers["result"]["headers"]["DPoP"].is_string(), "{headers}");
    for words in [&["token", "bound"][..], &["test", "bound"], &["show", "bound", "--json"]] {
        let run = world.run(words).unwrap();
        said.push_str(&format!("{words:?} {run:?}"));
    }
    said
}

/// Secrets that are typed, and all of them moved to another vault and back.
fn vaults(world: &World, practice: &Practice) -> String {
    let mut said = String::new();
    let secret = format!("{CANARY}-typed");
    let mut run = |words: &[&str], input: &str| {
        let run = world.run_with(words, input).unwrap();
        said.push_str(&format!("{words:?} {run:?}"));
        run.code
    };
    let add = ["add", practice.mcp_url(), "--name", "fixed", "--auth", "bearer", "--secret-stdin", "--no-sign-in"];
    assert_eq!(run(&add, &secret), 0);
    let header =
        ["add", practice.mcp_url(), "--name", "key", "--auth", "header", "--header", "X-Key", "--secret-stdin"];
    run(&header, &secret);
    assert_eq!(run(&["vault", "move", "sealed", "--passphrase-stdin"], &secret), 0);
    assert_eq!(run(&["lock"], ""), 0);
    assert_eq!(run(&["unlock", "--passphrase-stdin"], "wrong horse battery"), 10);
    // After a wrong one, whoever guesses has to wait a moment.
    until("the next try", || Ok((run(&["unlock", "--passphrase-stdin"], &secret) == 0).then_some(()))).unwrap();
    assert_eq!(run(&["vault", "passphrase", "--passphrase-stdin"], &format!("{secret}\n{secret}-again")), 0);
    // What makes no sense may still be a secret.
    assert_eq!(run(&["rpc", "-"], &format!("{{\"method\": \"{secret}")), 64);
    assert_eq!(run(&["vault", "move", "keyring"], ""), 0);
    assert_eq!(run(&["doctor", "--json"], ""), 0);
    said
}

#[test]
fn a_crash_leaves_no_core_of_the_agent_and_none_of_the_command() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--plant-token", CANARY]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    let folder = world.session.folder().join("cores");
    fs::create_dir(&folder).unwrap();
    // Run where core files are wanted, by a shell that lifts the limit.
    let wanted = |program: &Path, arguments: &[&str]| {
        let mut command = world.program("sh");
        command.args(["-c", "ulimit -c unlimited && exec \"$0\" \"$@\""]).arg(program).args(arguments);
        command.current_dir(&folder).stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let crash = |mut child: Child, signal: &str| {
        // Rust's own handler lets the first SIGSEGV pass and waits for the fault to come again.
        let status = until("the crash", || {
            Command::new("kill").args(["-s", signal, &child.id().to_string()]).status()?;
            Ok(child.try_wait()?)
        });
        let status = status.unwrap();
        assert!(status.signal().is_some(), "{status}");
        status.core_dumped()
    };
    for signal in ["SEGV", "ABRT"] {
        let agent = wanted(&executable("keybearer-agent"), &[]);
        until("the agent", || Ok(world.programs().ok())).unwrap();
        assert!(world.ok(&["token", "practice"]).unwrap().starts_with(CANARY));
        // A command that has had a token, and lives on.
        let requests = "{\"method\":\"token.get\",\"params\":{\"profile\":\"practice\"}}";
        let mut command = wanted(world.keybearer(), &["rpc", requests, "--follow"]);
        let mut answer = String::new();
        BufReader::new(command.stdout.take().unwrap()).read_line(&mut answer).unwrap();
        assert!(answer.contains(CANARY), "{answer}");
        assert!(!crash(command, signal), "the command has left a core");
        assert!(!crash(agent, signal), "the agent has left a core");
    }
    assert_eq!(files_holding(&world.session.folder(), &GUISES), Vec::<String>::new());
    // Whoever guards nothing leaves one, where this system writes any to files.
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let plain = wanted(Path::new("/bin/sleep"), &["60"]);
    until("sleep", || Ok((fs::read_to_string(format!("/proc/{}/comm", plain.id()))? == "sleep\n").then_some(())))
        .unwrap();
    assert!(crash(plain, "SEGV") || pattern.starts_with('|') || pattern.trim().is_empty(), "this test could not fail");
}

/// Goes every road once, good and bad; gives all that was said where no secret may be.
fn every_flow(world: &World, practice: &Practice) -> String {
    let mut said = String::new();
    let mut run = |arguments: &[&str]| {
        let run = world.run(arguments).unwrap();
        said.push_str(&format!("{arguments:?} {} {} {}\n", run.code, run.out, run.err));
        run.code
    };
    assert_eq!(run(&["add", practice.mcp_url(), "--name", "practice"]), 0);
    for good in [&["list", "--json"][..], &["show", "practice", "--json"], &["test", "practice", "--json"], &["status"]]
    {
        assert_eq!(run(good), 0);
    }
    let refresh = r#"{"method":"account.refresh","params":{"profile":"practice"}}"#;
    assert_eq!(run(&["rpc", "--admin", refresh]), 0);
    assert_eq!(run(&["doctor", "--online", "--json"]), 0);
    for fault in ["token-html", "refresh-500", "refresh-invalid-grant", "reject-tokens", "wrong-iss"] {
        practice.control(&json!({ "faults": [fault] })).unwrap();
        run(&["rpc", "--admin", refresh]);
        run(&["test", "practice"]);
        run(&["sign-in", "practice"]);
    }
    practice.control(&json!({ "faults": [] })).unwrap();
    assert_eq!(run(&["sign-in", "practice"]), 0);
    // These two exist to hand the token out; their trouble does not.
    assert!(world.ok(&["token", "practice"]).unwrap().starts_with(CANARY));
    assert_eq!(run(&["rpc", r#"{"method":"token.get","params":{"profile":7}}"#]), 70);
    assert_eq!(run(&["sign-out", "practice"]), 0);
    said
}
