//! Consent: once a desktop is there, a person is asked which program may use an account.

use keybearer_tests::executables::copy;
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::stand_in::StandIn;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn signed_in() -> (World, Practice) {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

/// A program of its own: another executable, with its own connection to the door for programs.
fn program(world: &World, name: &str) -> StandIn {
    let path = world.session.folder().join(name);
    if !path.exists() {
        copy(&world.keybearer().with_file_name("keybearer-desktop"), &path).unwrap();
    }
    StandIn::start(&path, &world.programs_socket()).unwrap()
}

fn ask(program: &mut StandIn) -> Value {
    program.call("token.get", &json!({ "profile": "practice" })).unwrap()
}

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_default()
}

/// Runs a script with the shell. Another command follows in it, so that the shell stays what it is.
fn run(world: &World, script: &Path) -> Child {
    let template = world.command(&[]);
    let mut command = Command::new("sh");
    command.arg(script).env_clear().envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("KEYBEARER", world.keybearer()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A script that asks for a token, as a person would write one.
const SCRIPT: &str = "\"$KEYBEARER\" token practice\nexit $?\n";

/// A script of this name, which a person has allowed for good.
fn allowed_for_good(world: &World, name: &str) -> PathBuf {
    let mut prompter = Prompter::register(world).unwrap();
    let path = world.session.write(name, SCRIPT).unwrap();
    let asking = run(world, &path);
    prompter.answer("always").unwrap();
    assert!(asking.wait_with_output().unwrap().status.success());
    path
}

#[test]
fn without_a_desktop_every_program_of_this_user_may_and_after_one_none_unasked() {
    let (world, _practice) = signed_in();
    world.ok(&["token", "practice"]).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let asking = world.spawn(&["token", "practice"]).unwrap();
    prompter.answer("once").unwrap();
    assert!(asking.wait_with_output().unwrap().status.success());
    // The desktop is gone, and the agent too: what was asked once is asked for good.
    drop(prompter);
    let unasked = || world.run(&["token", "practice"]).unwrap();
    until("the desktop's end", || Ok((unasked().code == 14).then_some(()))).unwrap();
    world.kill_agent().unwrap();
    let refused = unasked();
    assert_eq!((refused.code, refused.out.as_str()), (14, ""), "{}", refused.err);
    assert!(refused.err.contains("window"), "{}", refused.err);
}

#[test]
fn a_desktop_that_registers_while_the_keyring_is_away_asks_all_the_same() {
    let (mut world, _practice) = signed_in();
    world.ok(&["token", "practice"]).unwrap();
    // The bus goes, and the keyring with it: the agent goes on with what it has read.
    world.session.lock().unwrap();
    world.ok(&["token", "practice"]).unwrap();
    let _prompter = Prompter::register(&world).unwrap();
    assert_eq!(world.run(&["token", "practice", "--no-prompt"]).unwrap().code, 14);
}

#[test]
fn a_prompt_names_the_program_past_helper_and_shell_and_carries_no_token() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    let path = world.session.write("triage.sh", SCRIPT).unwrap();
    let asking = run(&world, &path);
    let pid = asking.id();
    let prompt = prompter.prompt().unwrap();
    let program = &prompt["program"];
    assert_eq!(program["name"], "triage.sh", "{prompt}");
    assert_eq!(program["script"], path.to_str().unwrap());
    assert_eq!((program["pid"].as_u64(), program["confidence"].as_str()), (Some(pid.into()), Some("script")));
    let chain = program["chain"].as_array().unwrap();
    let remembered: Vec<u64> =
        chain.iter().filter(|link| link["remembered"] == true).filter_map(|link| link["pid"].as_u64()).collect();
    assert_eq!(remembered, [u64::from(pid)]);
    assert_eq!(chain.last().unwrap()["name"], "keybearer");
    assert_eq!(
        (prompt["profile"].as_str(), prompt["calls"].as_u64(), &prompt["always_off"]),
        (Some("practice"), Some(1), &Value::Null)
    );
    let given = {
        prompter.answer("once").unwrap();
        String::from_utf8(asking.wait_with_output().unwrap().stdout).unwrap()
    };
    assert!(given.trim().len() > 20 && !prompt.to_string().contains(given.trim()));
}

#[test]
fn deny_once_and_while_it_runs_do_what_they_say() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    let answered = |prompter: &mut Prompter, program: &mut StandIn, decision: &str| {
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask(program));
            prompter.answer(decision).unwrap();
            asking.join().unwrap()
        })
    };
    let mut first = program(&world, "first");
    // Once: the next call asks again.
    assert!(answered(&mut prompter, &mut first, "once")["result"]["access_token"].is_string());
    assert!(answered(&mut prompter, &mut first, "while_running")["result"]["access_token"].is_string());
    // While it runs: no more questions.
    for _ in 0..3 {
        assert!(ask(&mut first)["result"]["access_token"].is_string());
    }
    assert_eq!(prompter.prompts().unwrap(), Vec::<Value>::new());
    // Another process of the same file is another program.
    let mut second = program(&world, "first");
    assert_eq!(code(&answered(&mut prompter, &mut second, "deny")), 1004);
    // A no is remembered as well, for that process.
    assert_eq!(code(&ask(&mut second)), 1004);
    assert!(ask(&mut first)["result"].is_object());
    // The end of the program is the end of the answer.
    drop(first);
    let mut third = program(&world, "first");
    assert_eq!(code(&third.call("token.get", &json!({ "profile": "practice", "interactive": false })).unwrap()), 1005);
    let grants = prompter.0.ok("grant.list", &json!({})).unwrap()["grants"].clone();
    let decisions: Vec<&str> =
        grants.as_array().unwrap().iter().filter_map(|grant| grant["decision"].as_str()).collect();
    assert_eq!(decisions, ["deny"], "{grants}");
    // Ask again.
    prompter.0.ok("grant.revoke", &json!({ "grant": grants[0]["grant"] })).unwrap();
    assert!(answered(&mut prompter, &mut second, "once")["result"].is_object());
}

#[test]
fn a_yes_is_not_given_to_what_the_program_has_become_meanwhile() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    // It asks, and then becomes another program, which reads what comes on the connection.
    let script = world.session.folder().join("becomes.py");
    let socket = world.programs_socket();
    #[expect(clippy::disallowed_methods, reason = "an editor writes like this")]
    fs::write(
        &script,
        format!(
            r#"
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect({socket:?})
def say(id, method, params, **more):
    s.sendall(json.dumps(dict(jsonrpc="2.0", id=id, method=method, params=params, **more)).encode() + b"\n")
say(0, "session.open", dict(protocol=dict(min=1, max=1), client=dict(name="b", version="0")))
session = json.loads(s.makefile().readline())["result"]["session"]
say(1, "token.get", dict(profile="practice"), session=session)
sys.stdin.readline()
os.dup2(s.fileno(), 0)
os.execv("/bin/cat", ["cat"])
"#
        ),
    )
    .unwrap();
    let mut asking = Command::new("python3").arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let exe = PathBuf::from(format!("/proc/{}/exe", asking.id()));
    prompter.prompt().unwrap();
    drop(asking.stdin.take());
    until("another program", || Ok(fs::read_link(&exe)?.ends_with("cat").then_some(()))).unwrap();
    prompter.answer("once").unwrap();
    assert_eq!(String::from_utf8(asking.wait_with_output().unwrap().stdout).unwrap(), "");
}

#[test]
fn a_hundred_calls_of_one_running_program_are_one_prompt() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    let commands: Vec<Child> = (0..100).map(|_| world.spawn(&["token", "practice"]).unwrap()).collect();
    // All of them are this test's: it is the program past the helper.
    let all = until("all calls", || {
        let prompts = prompter.prompts()?;
        Ok((prompts.iter().map(|prompt| prompt["calls"].as_u64().unwrap_or_default()).sum::<u64>() == 100)
            .then_some(prompts))
    });
    let all = all.unwrap();
    assert_eq!((all.len(), all[0]["program"]["pid"].as_u64()), (1, Some(std::process::id().into())));
    prompter.answer("while_running").unwrap();
    for command in commands {
        assert!(command.wait_with_output().unwrap().status.success());
    }
    assert_eq!(prompter.prompts().unwrap(), Vec::<Value>::new());
}

#[test]
fn a_call_that_may_not_ask_or_has_nobody_to_ask_ends_at_once() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    assert_eq!(world.run(&["token", "practice", "--no-prompt"]).unwrap().code, 14);
    assert_eq!(prompter.prompts().unwrap(), Vec::<Value>::new());
    // A prompt ends with the desktop that shows it, and with the program that waits for it.
    let waiting = world.spawn(&["token", "practice"]).unwrap();
    prompter.prompt().unwrap();
    drop(prompter);
    assert_eq!(waiting.wait_with_output().unwrap().status.code(), Some(14));
    let mut prompter = Prompter::register(&world).unwrap();
    let mut waiting = world.spawn(&["token", "practice"]).unwrap();
    prompter.prompt().unwrap();
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    until("the prompt's end", || Ok(prompter.prompts()?.is_empty().then_some(()))).unwrap();
}

#[test]
fn headers_are_asked_about_without_waiting_and_the_next_call_finds_the_answer() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    let headers = || world.run(&["headers", "practice"]).unwrap().code;
    assert_eq!([headers(), headers(), headers()], [14; 3]);
    assert_eq!(prompter.answer("once").unwrap()["calls"], 3);
    // Once is for one call, however often it was tried; and seeing the account is none.
    let visible = || world.programs().unwrap().call("profile.list", &json!({})).unwrap()["result"]["hidden"] == 0;
    until("the answer", || Ok(visible().then_some(()))).unwrap();
    assert!(visible());
    assert_eq!([headers(), headers()], [0, 14]);
    prompter.answer("while_running").unwrap();
    assert_eq!([headers(), headers()], [0, 0]);
    assert_eq!(prompter.prompts().unwrap(), Vec::<Value>::new());
}

#[test]
fn at_most_eight_questions_wait() {
    let (world, _practice) = signed_in();
    let mut prompter = Prompter::register(&world).unwrap();
    let ask = |number: usize| {
        let path = world.session.write(&format!("bot-{number}.sh"), SCRIPT).unwrap();
        run(&world, &path)
    };
    let mut waiting: Vec<Child> = (0..8).map(ask).collect();
    until("eight prompts", || Ok((prompter.prompts()?.len() == 8).then_some(()))).unwrap();
    assert_eq!(ask(8).wait_with_output().unwrap().status.code(), Some(22));
    waiting.iter_mut().for_each(|child| child.kill().unwrap());
    for mut child in waiting {
        child.wait().unwrap();
    }
}

#[test]
fn an_answer_for_good_is_for_one_script_as_it_is_and_outlives_agent_and_program() {
    let (world, _practice) = signed_in();
    let path = allowed_for_good(&world, "nightly.sh");
    world.kill_agent().unwrap();
    // Nobody is there to be asked, and nobody need be.
    assert!(run(&world, &path).wait_with_output().unwrap().status.success());
    // The same words in another file are another program, and so is the same file with other words.
    let copy = world.session.write("copy.sh", SCRIPT).unwrap();
    assert_eq!(run(&world, &copy).wait_with_output().unwrap().status.code(), Some(14));
    world.session.write("nightly.sh", &format!("# changed\n{SCRIPT}")).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let asking = run(&world, &path);
    let prompt = prompter.prompt().unwrap();
    assert_eq!(prompt["always_off"], "changed", "{prompt}");
    assert!(prompt["allowed_before"].is_string());
    // What isn't offered isn't accepted either.
    let always = json!({ "prompt": prompt["prompt"], "decision": "always" });
    assert_eq!(code(&prompter.0.call("prompt.answer", &always).unwrap()), 1031);
    prompter.answer("deny").unwrap();
    assert_eq!(asking.wait_with_output().unwrap().status.code(), Some(13));
}

#[test]
fn what_grew_while_the_person_thought_is_asked_about_again() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.ok(&["add", practice.mcp_url(), "--name", "practice", "--scope", "mcp:tools"]).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let asking = world.spawn(&["token", "practice"]).unwrap();
    let prompt = prompter.prompt().unwrap();
    assert_eq!(prompt["scopes"], json!(["mcp:tools"]), "{prompt}");
    // A sign-in with more comes between.
    prompter
        .0
        .ok("profile.update", &json!({ "profile": "practice", "scopes": ["mcp:tools", "offline_access"] }))
        .unwrap();
    world.ok(&["sign-in", "practice"]).unwrap();
    prompter.answer("once").unwrap();
    let wider = prompter.prompt().unwrap();
    assert_eq!(wider["scopes"], json!(["mcp:tools", "offline_access"]), "{wider}");
    prompter.answer("deny").unwrap();
    assert_eq!(asking.wait_with_output().unwrap().status.code(), Some(13));
}

#[test]
fn an_answer_for_good_that_was_taken_back_stays_away() {
    let (world, _practice) = signed_in();
    let path = allowed_for_good(&world, "nightly.sh");
    let listed = world.ok(&["grants"]).unwrap();
    world.ok(&["grants", "revoke", listed.split(' ').next().unwrap()]).unwrap();
    world.kill_agent().unwrap();
    assert_eq!(world.ok(&["grants"]).unwrap(), "");
    assert_eq!(run(&world, &path).wait_with_output().unwrap().status.code(), Some(14));
}

#[test]
fn a_program_sees_the_accounts_that_it_may_use_and_how_many_others_there_are() {
    let (world, practice) = signed_in();
    world.add("other", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let mut asking = program(&world, "lister");
    let listed = |asking: &mut StandIn| {
        let reply = asking.ok("profile.list", &json!({})).unwrap();
        let names: Vec<String> = reply["accounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|account| account["profile"].as_str().unwrap().to_owned())
            .collect();
        (names, reply["hidden"].as_u64().unwrap())
    };
    assert_eq!(listed(&mut asking), (vec![], 2));
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| ask(&mut asking));
        prompter.answer("while_running").unwrap();
        assert!(answer.join().unwrap()["result"].is_object());
    });
    assert_eq!(listed(&mut asking), (vec!["practice".to_owned()], 1));
}

#[test]
fn nobody_but_the_desktop_beside_the_agent_registers_answers_or_weakens_the_policy() {
    let (world, _practice) = signed_in();
    world.ok(&["status"]).unwrap();
    // The same program from another folder, and the command.
    let path = world.session.folder().join("impostor");
    copy(&world.keybearer().with_file_name("keybearer-desktop"), &path).unwrap();
    let mut impostor = StandIn::start(&path, &world.admin_socket()).unwrap();
    assert_eq!(code(&impostor.call("prompt.register", &json!({})).unwrap()), 1027);
    assert_eq!(world.run(&["rpc", "--admin", r#"{"method":"prompt.register"}"#]).unwrap().code, 34);
    let mut prompter = Prompter::register(&world).unwrap();
    // A second desktop, as long as the first is there.
    let mut second = world.desktop().unwrap();
    assert_eq!(code(&second.call("prompt.register", &json!({})).unwrap()), 1013);
    let asking = world.spawn(&["token", "practice"]).unwrap();
    let prompt = prompter.prompt().unwrap();
    let answer = json!({ "prompt": prompt["prompt"], "decision": "always" });
    for other in [&mut impostor, &mut second] {
        assert_eq!(code(&other.call("prompt.answer", &answer).unwrap()), 1027);
        assert_eq!(code(&other.call("prompt.next", &json!({})).unwrap()), 1027);
        assert_eq!(code(&other.call("settings.set", &json!({ "approval": "same_user" })).unwrap()), 1027);
        assert_eq!(code(&other.call("agent.unlock", &json!({})).unwrap()), 1027);
        assert_eq!(code(&other.call("token.get", &json!({ "profile": "practice" })).unwrap()), -32601);
    }
    assert_eq!(prompter.prompts().unwrap().len(), 1);
    prompter.answer("deny").unwrap();
    assert_eq!(asking.wait_with_output().unwrap().status.code(), Some(13));
    // The person at the desktop may choose otherwise.
    prompter.0.ok("settings.set", &json!({ "approval": "same_user" })).unwrap();
    drop(prompter);
    world.ok(&["token", "practice"]).unwrap();
    world.kill_agent().unwrap();
    let _prompter = Prompter::register(&world).unwrap();
    world.ok(&["token", "practice"]).unwrap();
}
