//! `keybearer run`: a command that inherits a connection for one account, or finds one token in a variable.

use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A client on the descriptor that it inherits: each line on standard input is a request, each line on standard output its
/// answer. A request that says so comes from a child of it.
const CLIENT: &str = r#"
import json, os, socket, sys
wire = socket.socket(fileno=int(os.environ["KEYBEARER_FD"])).makefile("rw", encoding="utf-8", newline="\n")
def call(method, params, session=None):
    print(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params, "session": session}), file=wire, flush=True)
    return json.loads(wire.readline() or '"hung up"')
def converse(asked):
    hello = call("session.open", {"protocol": {"min": 1, "max": 1}, "client": {"name": "test", "version": "1"}})
    if asked["method"] == "session.open" or "result" not in hello:
        return hello
    return call(asked["method"], asked["params"], hello["result"]["session"])
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("child"):
        if os.fork() == 0:
            print(json.dumps(converse(asked)), flush=True)
            os._exit(0)
        os.wait()
    else:
        print(json.dumps(converse(asked)), flush=True)
"#;

fn signed_in(world: World) -> (World, Practice) {
    let practice = Practice::start(&["--plant-token", "canary"]).unwrap();
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

/// That client, run by `keybearer run`.
struct Inheritor {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Inheritor {
    fn start(world: &World, options: &[&str]) -> Inheritor {
        let arguments = [&["run", "practice"], options, &["--", "python3", "-c", CLIENT]].concat();
        let mut command = world.command(&arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let (requests, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Inheritor { child, requests, answers }
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.send(&json!({ "method": method, "params": params }))
    }

    fn send(&mut self, asked: &Value) -> Value {
        writeln!(self.requests, "{asked}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the command said {line:?}"))
    }

    fn token(&mut self) -> Value {
        self.call("token.get", &json!({}))
    }
}

impl Drop for Inheritor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_default()
}

fn is_token(answer: &Value) -> bool {
    answer["result"]["access_token"].as_str().is_some_and(|token| token.starts_with("canary"))
}

#[test]
fn a_command_and_its_children_get_the_tokens_of_one_account_and_nothing_else() {
    let (world, practice) = signed_in(World::new().unwrap());
    world.sign_in("other", practice.mcp_url()).unwrap();
    let mut inheritor = Inheritor::start(&world, &[]);
    let hello = inheritor.call("session.open", &json!({}));
    let offered = ["token.get", "header.get", "token.invalidate", "profile.list", "agent.ping", "request.cancel"];
    assert_eq!(hello["result"]["capabilities"], json!(offered), "{hello}");
    // Whoever names none means the one that there is; by name and address it is the same.
    assert!(is_token(&inheritor.token()));
    assert!(is_token(&inheritor.call("token.get", &json!({ "profile": "practice" }))));
    assert!(is_token(&inheritor.call("token.get", &json!({ "server_url": practice.mcp_url() }))));
    let headers = inheritor.call("header.get", &json!({ "url": practice.mcp_url() }));
    assert!(headers["result"]["headers"]["Authorization"].is_string(), "{headers}");
    let elsewhere = inheritor.call("header.get", &json!({ "url": "https://elsewhere.example/" }));
    assert_eq!(code(&elsewhere), 1009, "{elsewhere}");
    assert!(is_token(&inheritor.send(&json!({ "method": "token.get", "params": {}, "child": true }))));
    let listed = inheritor.call("profile.list", &json!({}));
    let names: Vec<&Value> = listed["result"]["accounts"].as_array().unwrap().iter().map(|it| &it["profile"]).collect();
    assert_eq!(names, ["practice"], "{listed}");
    let other = inheritor.call("token.get", &json!({ "profile": "other" }));
    assert_eq!((code(&other), &other["error"]["data"]["name"]), (1002, &json!("profile_not_found")), "{other}");
    for method in ["session.delegate", "agent.lock", "agent.status", "profile.add", "grant.list", "nonsense"] {
        let refused = inheritor.call(method, &json!({ "profile": "practice" }));
        assert_eq!(code(&refused), -32601, "{method}: {refused}");
    }
    // A refused token is renewed, by the inheritor as by any program.
    let first = inheritor.token()["result"]["generation"].clone();
    let refused = inheritor.call("token.invalidate", &json!({ "generation": first, "reason": "401" }));
    assert!(refused["result"]["generation"].as_u64() > first.as_u64(), "{refused}");
    assert!(is_token(&inheritor.token()));
}

#[test]
fn nothing_of_a_token_is_in_arguments_environment_or_files_of_the_command() {
    let (world, _practice) = signed_in(World::new().unwrap());
    let mut inheritor = Inheritor::start(&world, &[]);
    assert!(is_token(&inheritor.token()));
    let pid = inheritor.child.id();
    for file in ["cmdline", "environ"] {
        let content = fs::read(format!("/proc/{pid}/{file}")).unwrap();
        assert!(!content.windows(6).any(|piece| piece == b"canary"), "{file}");
    }
    // The connection and no more: the standard streams beside it.
    let open: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| fs::read_link(entry.unwrap().path()).unwrap().display().to_string())
        .filter(|target| target.starts_with("socket:"))
        .collect();
    assert_eq!(open.len(), 1, "{open:?}");
    let held = Command::new("grep").args(["-rl", "canary"]).arg(&world.home).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&held.stdout), "");
}

#[test]
fn the_connection_dies_with_the_command_also_if_a_child_of_it_holds_on() {
    let (world, _practice) = signed_in(World::new().unwrap());
    // The child asks once before the command ends, and once behind that: it knows when by its own new parent.
    let script = r#"
import json, os, socket, sys
wire = socket.socket(fileno=int(os.environ["KEYBEARER_FD"])).makefile("rw", encoding="utf-8", newline="\n")
def call(method, params, session=None):
    print(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params, "session": session}), file=wire, flush=True)
    return json.loads(wire.readline() or '"hung up"')
hello = {"protocol": {"min": 1, "max": 1}, "client": {"name": "test", "version": "1"}}
if os.fork() == 0:
    session = call("session.open", hello)["result"]["session"]
    print("before" if "result" in call("token.get", {}, session) else "refused", flush=True)
    # Its end is the agent's to tell: nothing is asked meanwhile.
    print("after" if wire.readline() else "hung up", flush=True)
    os._exit(0)
sys.stdin.readline()
"#;
    let mut command = world.command(&["run", "practice", "--", "python3", "-c", script]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(said.next().unwrap(), "before");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(said.next().unwrap(), "hung up");
}

#[test]
fn nobody_but_the_command_beside_the_agent_hands_connections_on() {
    let (world, _practice) = signed_in(World::with_desktop().unwrap());
    let mut program = world.programs().unwrap();
    let refused = program.call("session.delegate", &json!({ "profile": "practice" })).unwrap();
    assert_eq!((code(&refused), &refused["error"]["data"]["name"]), (1016, &json!("caller_unidentified")), "{refused}");
    // The same file in another place is another program.
    let copy = world.session.folder().join("keybearer");
    keybearer_tests::executables::copy(world.keybearer(), &copy).unwrap();
    let refused: Run = world.program(&copy).args(["run", "practice", "--", "true"]).output().unwrap().into();
    assert_eq!((refused.code, refused.out.as_str()), (25, ""), "{}", refused.err);
    // What was refused goes on as it was.
    assert!(is_token(&program.call("token.get", &json!({ "profile": "practice" })).unwrap()));
}

#[test]
fn the_prompt_names_who_runs_the_command_and_one_answer_holds_as_long_as_that_runs() {
    let (world, _practice) = signed_in(World::with_desktop().unwrap());
    let mut prompter = Prompter::register(&world).unwrap();
    let mut inheritor = Inheritor::start(&world, &[]);
    let prompt = prompter.answer("once").unwrap();
    let own = std::env::current_exe().unwrap();
    assert_eq!((prompt["kind"].as_str(), prompt["program"]["exe"].as_str()), (Some("run"), own.to_str()), "{prompt}");
    for _ in 0..3 {
        assert!(is_token(&inheritor.token()));
    }
    assert_eq!(prompter.prompts().unwrap(), Vec::<Value>::new());
    // That was for this command alone, and shows where answers are shown.
    assert_eq!(world.run(&["run", "practice", "--no-prompt", "--", "true"]).unwrap().code, 14);
    let grants = prompter.0.ok("grant.list", &json!({})).unwrap()["grants"].clone();
    assert_eq!(grants.as_array().map(Vec::len), Some(1), "{grants}");
    assert_eq!((&grants[0]["inherited"], &grants[0]["pid"]), (&json!(true), &json!(inheritor.child.id())), "{grants}");
    world.ok(&["grants", "revoke", grants[0]["grant"].as_str().unwrap()]).unwrap();
    let over = inheritor.token();
    assert_eq!(code(&over), 1005, "{over}");
    assert_eq!(prompter.prompts().unwrap(), Vec::<Value>::new());
    // A no keeps the command from being started.
    let refused = world.spawn(&["run", "practice", "--", "echo", "started"]).unwrap();
    prompter.answer("deny").unwrap();
    let refused: Run = refused.wait_with_output().unwrap().into();
    assert_eq!((refused.code, refused.out.as_str()), (13, ""), "{}", refused.err);
}

#[test]
fn what_was_handed_on_ends_with_the_answer_that_allowed_it() {
    let (world, _practice) = signed_in(World::with_desktop().unwrap());
    let mut prompter = Prompter::register(&world).unwrap();
    let mut inheritor = Inheritor::start(&world, &[]);
    prompter.answer("while_running").unwrap();
    assert!(is_token(&inheritor.token()));
    // Another one needs no question any more, and both go with the answer.
    let mut second = Inheritor::start(&world, &["--no-prompt"]);
    assert!(is_token(&second.token()));
    let grants = prompter.0.ok("grant.list", &json!({})).unwrap()["grants"].clone();
    let answer = grants.as_array().unwrap().iter().find(|grant| grant["inherited"] == false).unwrap();
    prompter.0.ok("grant.revoke", &json!({ "grant": answer["grant"] })).unwrap();
    assert_eq!([code(&inheritor.token()), code(&second.token())], [1005; 2]);
}

#[test]
fn a_lock_a_sign_out_a_removal_and_another_server_end_what_was_handed_on() {
    let (world, practice) = signed_in(World::new().unwrap());
    let mut locked = Inheritor::start(&world, &[]);
    assert!(is_token(&locked.token()));
    world.ok(&["lock"]).unwrap();
    assert_eq!(code(&locked.token()), 1001);
    world.ok(&["unlock"]).unwrap();
    let over = locked.token();
    assert_eq!(code(&over), 1005, "{over}");
    let mut signed_out = Inheritor::start(&world, &[]);
    assert!(is_token(&signed_out.token()));
    world.ok(&["sign-out", "practice"]).unwrap();
    assert_eq!(code(&signed_out.token()), 1005);
    world.ok(&["sign-in", "practice"]).unwrap();
    assert_eq!(code(&signed_out.token()), 1005);
    // Its entry leads to another server.
    let mut moved = Inheritor::start(&world, &[]);
    assert!(is_token(&moved.token()));
    let written = fs::read_to_string(world.servers_file()).unwrap();
    let other = Practice::start(&[]).unwrap();
    let edit = |text: &str| world.session.write("kb/config/servers.json", text).unwrap();
    edit(&written.replace(practice.mcp_url(), other.mcp_url()));
    let refused = until("the edit", || {
        let answer = moved.token();
        Ok((!is_token(&answer)).then_some(answer))
    });
    assert!([1005, 1006].contains(&code(&refused.unwrap())));
    edit(&written);
    until("the edit back", || Ok(is_token(&moved.token()).then_some(()))).unwrap();
    world.ok(&["remove", "practice"]).unwrap();
    assert_eq!(code(&moved.token()), 1002);
}

#[test]
fn a_connection_that_nobody_was_asked_about_ends_with_the_first_desktop() {
    let (world, _practice) = signed_in(World::with_desktop().unwrap());
    let mut inheritor = Inheritor::start(&world, &[]);
    assert!(is_token(&inheritor.token()));
    let mut prompter = Prompter::register(&world).unwrap();
    let over = inheritor.token();
    assert_eq!((code(&over), prompter.prompts().unwrap()), (1005, Vec::new()), "{over}");
}

#[test]
fn the_command_takes_the_place_of_keybearer_with_its_streams_signals_and_exit_code() {
    let (world, _practice) = signed_in(World::new().unwrap());
    let run = |words: &[&str], input: &str| {
        let mut child = {
            let mut command = world.command(&[&["run", "practice", "--"], words].concat());
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Run::from(child.wait_with_output().unwrap())
    };
    let cat = run(&["cat"], "as it is\n");
    assert_eq!((cat.code, cat.out.as_str(), cat.err.as_str()), (0, "as it is\n", ""));
    assert_eq!(run(&["sh", "-c", "exit 42"], "").code, 42);
    let missing = run(&["no-such-command-anywhere"], "");
    assert_eq!((missing.code, missing.out.as_str()), (127, ""));
    assert!(missing.err.starts_with("keybearer: command_not_found"), "{}", missing.err);
    assert_eq!((run(&["/etc/passwd"], "").code, run(&["/etc/passwd"], "").out.as_str()), (126, ""));
    // Its own number, so that whoever ends `keybearer run` ends the command.
    let mut child = world.command(&["run", "practice", "--", "sleep", "600"]).spawn().unwrap();
    let pid = child.id();
    until("the command", || Ok((fs::read_to_string(format!("/proc/{pid}/comm"))?.trim() == "sleep").then_some(())))
        .unwrap();
    assert!(Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    // What keeps `keybearer` from leaving a core dump isn't for the command.
    let inner = world.command(&[]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", r#"ulimit -S -c 7 && exec "$0" run practice -- sh -c 'ulimit -S -c'"#])
        .arg(inner.get_program());
    limited.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(Run::from(limited.output().unwrap()).out.trim(), "7");
    // What goes wrong before is told as ever, and the command isn't started.
    for (arguments, expected) in [
        (&["run", "nobody", "--", "echo", "started"][..], 11),
        (&["run", "practice", "--env", "LD_PRELOAD", "--", "echo", "started"], 64),
        (&["run", "practice", "--env", "A-B", "--", "echo", "started"], 64),
        (&["run", "practice"], 64),
    ] {
        let failed = world.run(arguments).unwrap();
        assert_eq!((failed.code, failed.out.as_str()), (expected, ""), "{arguments:?}: {}", failed.err);
    }
}

#[test]
fn a_variable_holds_one_token_for_the_command_alone() {
    let (world, _practice) = signed_in(World::new().unwrap());
    let words = ["run", "practice", "--env", "PRACTICE_TOKEN", "--", "sh", "-c"];
    let run = world.run(&[&words[..], &["echo \"$PRACTICE_TOKEN\"; echo \"${KEYBEARER_FD-none}\""]].concat()).unwrap();
    assert_eq!(run.code, 0, "{}", run.err);
    let said: Vec<&str> = run.out.lines().collect();
    assert!(said[0].starts_with("canary") && said[1] == "none", "{said:?}");
    // It inherits nothing that could ask for another one.
    let open = world.run(&[&words[..], &["ls -l /proc/self/fd"]].concat()).unwrap();
    assert!(!open.out.contains("socket:"), "{}", open.out);
}

#[test]
fn the_client_of_the_document_gets_a_token_over_what_it_inherits() {
    let (world, _practice) = signed_in(World::new().unwrap());
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md")).unwrap();
    let section = document.split("\n## An inherited connection\n").nth(1).unwrap();
    let example = section.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let path = world.session.write("inheritor.py", example).unwrap();
    let run = world.run(&["run", "practice", "--", "python3", path.to_str().unwrap()]).unwrap();
    assert!(run.code == 0 && run.out.starts_with("canary"), "{run:?}");
}
