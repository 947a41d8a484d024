//! Who calls: the process that connected, as the program that it was, and no other that gets hold of its connection
//! (REQ-I1); and what a program that lives apart, or hides, can't pass for (ipc.md 2.8).

use keybearer_tests::executables::{copy, executable};
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::stand_in::StandIn;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

const ACCOUNT: &str = r#"{"profile":"practice"}"#;

fn signed_in() -> (World, Practice) {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

/// What an attacker in this role gets: all that it and its children print.
fn attack(world: &World, role: &str, words: &[&str]) -> String {
    let mut attacker = Command::new(executable("keybearer-stand-in"));
    attacker.arg(role).arg(world.programs_socket()).args(words);
    let mut child = attacker.stdout(Stdio::piped()).spawn().unwrap();
    // Its number is free for another process only now.
    child.wait().unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    said.trim().to_owned()
}

/// How often the agent has hung up on somebody who was not, or no more, the one who connected.
fn refusals(world: &World) -> usize {
    let log = world.log();
    // The last is said of a process that turns while it is looked at.
    let refused = ["became another program", "another process wrote", "a caller can't be identified"];
    refused.iter().map(|why| log.matches(why).count()).sum()
}

#[test]
fn a_session_is_the_connectors_alone_and_ends_when_that_becomes_another_program() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut honest = world.programs().unwrap();
    let session = |command| ("become", vec!["token.get", ACCOUNT, command]);
    let mut attacks = vec![
        // Behind a request that was served: the same process as another program; a child of it; the child alone, its
        // parent being a trusted program by then.
        session(r#"printf '%s\n' "$REQUEST" >&0; read -r answer; echo "$answer""#),
        session(r#"(printf '%s\n' "$REQUEST" >&0); read -r answer; echo "$answer""#),
        session(r#"exec 3<&0; (printf '%s\n' "$REQUEST" >&3; read -r answer <&3; echo "$answer") & exec sleep 1"#),
        // The child sends all, also the handshake.
        (
            "connect",
            vec![r#"exec 3<&0; (printf '%s\n' "$HELLO" >&3; read -r answer <&3; echo "$answer") & exec sleep 1"#],
        ),
        // The same file executed again keeps number, start time and inode.
        ("again", vec!["token.get", ACCOUNT]),
        // A descriptor that was handed on.
        ("hand-on", vec!["token.get", ACCOUNT]),
    ];
    // A process that has got the number of the one that connected. To choose numbers takes a superuser.
    if rustix::process::geteuid().is_root() {
        attacks.push(("reborn", vec!["token.get", ACCOUNT]));
    }
    for (role, words) in attacks {
        let before = refusals(&world);
        assert_eq!(attack(&world, role, &words), "", "{role} {words:?}");
        // It was this rule that stopped it, and not a fault of the attack.
        until(&format!("the refusal of {role}"), || Ok((refusals(&world) > before).then_some(()))).unwrap();
        let reply = honest.call("token.get", &json!({ "profile": "practice" })).unwrap();
        assert!(reply["result"]["access_token"].is_string(), "{reply}");
    }
}

/// Runs a script of this name under the shell, started by these words.
fn script(world: &World, name: &str, starter: &[&str]) -> Command {
    let path = world.session.folder().join(name);
    if !path.exists() {
        world.session.write(name, "\"$KEYBEARER\" token practice\nexit $?\n").unwrap();
    }
    let mut words = starter.iter().map(OsStr::new).chain([OsStr::new("sh"), path.as_os_str()]);
    let mut command = world.program(words.next().unwrap());
    command.args(words).env("KEYBEARER", world.keybearer()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn code(mut command: Command) -> i32 {
    command.output().unwrap().status.code().unwrap()
}

/// Lets the person allow the script for good, and takes the desktop away.
fn allow_for_good(world: &World, name: &str) {
    let mut prompter = Prompter::register(world).unwrap();
    let asking = script(world, name, &[]).spawn().unwrap();
    prompter.answer("always").unwrap();
    assert!(asking.wait_with_output().unwrap().status.success());
}

#[test]
fn a_hundred_scripts_of_one_interpreter_are_a_hundred_programs() {
    let (world, _practice) = signed_in();
    allow_for_good(&world, "bot-0.sh");
    let names: Vec<String> = (0..100).map(|number| format!("bot-{number}.sh")).collect();
    for some in names.chunks(10) {
        let running: Vec<_> = some.iter().map(|name| script(&world, name, &[]).spawn().unwrap()).collect();
        for (name, child) in some.iter().zip(running) {
            let expected = if name == "bot-0.sh" { 0 } else { 14 };
            assert_eq!(child.wait_with_output().unwrap().status.code(), Some(expected), "{name}");
        }
    }
}

/// How the agent sees a stand-in that is started by these words.
fn seen(world: &World, starter: &[&str], program: &Path) -> Value {
    let mut words = starter.iter().map(OsStr::new).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    let output = command.args(words).arg("look").arg(world.programs_socket()).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_lives_apart_is_seen_as_that_and_cannot_pass_for_an_allowed_program() {
    let (world, _practice) = signed_in();
    world.ok(&["status"]).unwrap();
    let stand_in = executable("keybearer-stand-in");
    let apart: [&[&str]; 3] = [
        &["unshare", "--map-root-user", "--mount"],
        // In a user namespace of its own, a process may change what the kernel says that it runs.
        &["unshare", "--map-root-user"],
        &["unshare", "--map-root-user", "--pid", "--fork"],
    ];
    for starter in apart {
        let caller = seen(&world, starter, &stand_in);
        assert_eq!((&caller["foreign"], &caller["program"]["sandbox"]["kind"]), (&json!(true), &json!("namespaces")));
        assert_eq!(caller["program"]["confidence"], "pid_only", "{starter:?}: {caller}");
    }
    let near = seen(&world, &["env"], &stand_in);
    assert_eq!((&near["foreign"], &near["program"]["sandbox"]), (&json!(false), &Value::Null));
    // What forwards a socket to another machine speaks for nobody here.
    let ssh = world.session.folder().join("ssh");
    copy(&stand_in, &ssh).unwrap();
    let remote = seen(&world, &["env"], &ssh);
    assert_eq!((&remote["foreign"], &remote["program"]["sandbox"]["kind"]), (&json!(true), &json!("remote")));
    let mut far = StandIn::start(&ssh, &world.programs_socket()).unwrap();
    assert_eq!(far.call("token.get", &json!({ "profile": "practice" })).unwrap()["error"]["code"], 1005);
    drop(far);
    // A script that is allowed for good is allowed here, and not where its name may mean another file.
    allow_for_good(&world, "nightly.sh");
    assert_eq!(code(script(&world, "nightly.sh", &[])), 0);
    for starter in apart {
        let output = script(&world, "nightly.sh", starter).output().unwrap();
        // From another process namespace, the command itself can't tell whose agent answers.
        assert!(matches!(output.status.code(), Some(14 | 30)) && output.stdout.is_empty(), "{starter:?}: {output:?}");
    }
    // Nor for whoever started the sandbox: past helper and shell, the question is about what lives in it.
    let mut prompter = Prompter::register(&world).unwrap();
    let asking = script(&world, "nightly.sh", apart[0]).spawn().unwrap();
    let prompt = prompter.answer("deny").unwrap();
    let program = &prompt["program"];
    assert_eq!((&program["pid"], &program["sandbox"]["kind"]), (&json!(asking.id()), &json!("namespaces")), "{prompt}");
    assert_eq!(asking.wait_with_output().unwrap().status.code(), Some(13));
}

/// A command without a superuser's capabilities, with which nobody could hide from it.
fn ordinary(world: &World, program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return world.program(program);
    }
    let mut command = world.program("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(program);
    command
}

#[test]
fn a_program_that_hides_is_asked_about_as_one_that_nobody_knows() {
    let (world, _practice) = signed_in();
    world.ok(&["agent", "stop"]).unwrap();
    let started = ordinary(&world, world.keybearer()).args(["agent", "start"]).status().unwrap();
    assert!(started.success());
    let program = |role: &str, name: &str, socket: &Path| {
        let path = world.session.folder().join(name);
        if !path.exists() {
            copy(&executable("keybearer-stand-in"), &path).unwrap();
        }
        let mut command = ordinary(&world, &path);
        command.arg(role).arg(socket);
        StandIn::of(command).unwrap()
    };
    let ask = |program: &mut StandIn| program.call("token.get", &json!({ "profile": "practice" })).unwrap();
    let (mut hidden, mut plain) =
        (program("hide", "hidden", &world.programs_socket()), program("relay", "plain", &world.programs_socket()));
    // As long as nobody is asked, only those get a token that can be seen to be this user's own.
    assert_eq!(ask(&mut hidden)["error"]["code"], 1005);
    assert!(ask(&mut plain)["result"]["access_token"].is_string());
    let mut prompter = Prompter(program("relay", "bin/keybearer-desktop", &world.admin_socket()));
    prompter.0.ok("prompt.register", &json!({})).unwrap();
    let (prompt, answer) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&mut hidden));
        (prompter.answer("once").unwrap(), asking.join().unwrap())
    });
    let known = &prompt["program"];
    assert_eq!((&known["name"], &known["exe"], &known["confidence"]), (&Value::Null, &Value::Null, &json!("unknown")));
    assert_eq!(prompt["always_off"], "unidentified", "{prompt}");
    assert!(answer["result"]["access_token"].is_string(), "{answer}");
    drop((hidden, plain, prompter));
    assert!(ordinary(&world, world.keybearer()).args(["agent", "stop"]).status().unwrap().success());
}

#[test]
fn the_agent_tells_a_caller_how_it_sees_it() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let mut wire = Wire::connect(&world.programs_socket()).unwrap();
    let params = json!({ "protocol": { "min": 1, "max": 1 }, "client": { "name": "liar", "version": "0" } });
    wire.send(&json!({ "jsonrpc": "2.0", "id": 0, "method": "session.open", "params": params }).to_string()).unwrap();
    let hello: Value = wire.receive().unwrap().unwrap();
    let caller = &hello["result"]["caller"];
    let own = std::env::current_exe().unwrap();
    assert_eq!(caller["program"]["exe"], own.to_str().unwrap(), "{caller}");
    assert_eq!(caller["program"]["name"], own.file_name().unwrap().to_str().unwrap());
    assert_eq!(caller["program"]["pid"].as_u64(), Some(std::process::id().into()));
}
