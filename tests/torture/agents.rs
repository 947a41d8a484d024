//! Several agents at one instant, a second user before the first one's doors, and `servers.json` edited in the middle of
//! refreshes.

use crate::fleet::{Asked, Fleet};
use crate::measure::{say, so_much};
use crate::processes::agents_of;
use crate::superuser::as_superuser;
use keybearer_tests::executables::{copy, executable};
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

const ROW: &str = "agents";

/// Nobody's number on Debian and elsewhere.
const NOBODY: &str = "65534";

#[test]
fn commands_and_agents_started_at_one_instant_end_with_one_agent_that_serves_them_all() {
    let fleet = Fleet::new(2, &[]).unwrap();
    let rounds = so_much(3, 50);
    for _ in 0..rounds {
        fleet.world.kill_agent().unwrap();
        let agents: Vec<(Child, PathBuf)> = (0..5).map(|number| start_agent(&fleet.world, number)).collect();
        let asking = |number: usize| fleet.world.spawn(&["token", &fleet.names[number % 2], "--json"]).unwrap();
        let commands: Vec<Child> = (0..20).map(asking).collect();
        for command in commands {
            let run = Run::from(command.wait_with_output().unwrap());
            assert_eq!(run.code, 0, "{run:?}");
        }
        let left = agents_of(&fleet.world);
        assert_eq!(left, fleet.world.agent_pid().into_iter().collect::<Vec<_>>(), "not exactly one agent");
        for (mut agent, said) in agents.into_iter().filter(|(agent, _)| !left.contains(&agent.id())) {
            let status = agent.wait().unwrap();
            let said = fs::read_to_string(said).unwrap();
            assert!(status.code() == Some(26) && said.contains("another agent runs for this home"), "{status}: {said}");
        }
    }
    say(ROW, "times 20 commands and 5 agents at once, one agent each time", rounds);
    fleet.check(&[]).unwrap();
}

/// Starts an agent as a command does; what it says goes into the file.
fn start_agent(world: &World, number: usize) -> (Child, PathBuf) {
    let said = world.session.folder().join(format!("agent-{number}"));
    let file = fs::File::create(&said).unwrap();
    let mut command = world.program(executable("keybearer-agent"));
    command.arg("--home").arg(&world.home).arg("--detach").stdout(Stdio::null()).stderr(file);
    (command.spawn().unwrap(), said)
}

#[test]
fn a_second_user_is_refused_at_the_first_ones_doors_and_has_an_agent_of_their_own() {
    let world = World::with_desktop().unwrap();
    let fleet = Fleet::on(world, 1, &[]).unwrap();
    let world = &fleet.world;
    // As careless as can be: everybody may pass, and even write to the socket.
    let folder = world.session.folder();
    let run = world.home.join("run");
    for open in [&folder, &folder.join("bin"), &world.home, &run, &run.join("programs"), &run.join("admin")] {
        fs::set_permissions(open, Permissions::from_mode(0o755)).unwrap();
    }
    for socket in [world.programs_socket(), world.admin_socket()] {
        fs::set_permissions(socket, Permissions::from_mode(0o666)).unwrap();
    }
    let bin = folder.join("bin");
    copy(&executable("keybearer-stand-in"), &bin.join("stand-in")).unwrap();

    let command = as_nobody(&bin.join("keybearer"), &["token", &fleet.names[0]], &world.home);
    assert_ne!(command.code, 0, "{command:?}");
    assert!(command.out.is_empty() && is_clear(&command.err), "{command:?}");
    say(ROW, "another user's command", format!("exit {}, {}", command.code, command.err.trim()));
    let agent = as_nobody(&bin.join("keybearer-agent"), &[], &world.home);
    assert!(agent.code != 0 && is_clear(&agent.err), "{agent:?}");
    say(ROW, "another user's agent", format!("exit {}, {}", agent.code, agent.err.trim()));
    for socket in [world.programs_socket(), world.admin_socket()] {
        // One that asks nobody's leave.
        let raw = as_nobody(&bin.join("stand-in"), &["relay", socket.to_str().unwrap()], &world.home);
        assert!(raw.code != 0 && raw.out.is_empty(), "{raw:?}");
    }

    for socket in [world.programs_socket(), world.admin_socket()] {
        fs::set_permissions(socket, Permissions::from_mode(0o600)).unwrap();
    }

    let own = folder.join("nobody");
    let made =
        as_superuser("install").args(["-d", "-m", "700", "-o", NOBODY, "-g", NOBODY]).arg(&own).status().unwrap();
    assert!(made.success());
    let first = world.json(&["status"]).unwrap();
    let second = as_nobody(&bin.join("keybearer"), &["status", "--json"], &own);
    assert_eq!(second.code, 0, "{second:?}");
    let second: Value = serde_json::from_str(&second.out).unwrap();
    assert_ne!(first["pid"], second["pid"]);
    assert_eq!(as_nobody(&bin.join("keybearer"), &["agent", "stop"], &own).code, 0);
    let removed = as_superuser("rm").arg("-r").arg(&own).status().unwrap();
    assert!(removed.success());
    fleet.check(&[]).unwrap();
}

/// Whether it is told in words for people what is wrong.
fn is_clear(words: &str) -> bool {
    let tells = ["another user", "this user", "Permission denied", "can't be"].iter().any(|part| words.contains(part));
    tells && !words.contains("panicked")
}

/// Runs a program as another user, whose home this is.
fn as_nobody(program: &Path, arguments: &[&str], home: &Path) -> Run {
    let mut command = as_superuser("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "env", "--ignore-environment"]);
    command.arg(format!("KEYBEARER_HOME={}", home.display())).arg("PATH=/usr/bin:/bin").arg(program).args(arguments);
    command.stdin(Stdio::null()).output().unwrap().into()
}

/// What an editor, a script or another program makes of `servers.json`.
fn edits(text: &str) -> [(&'static str, String); 7] {
    let document: Value = serde_json::from_str(text).unwrap();
    let with = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut document = document.clone();
        change(document["mcpServers"].as_object_mut().unwrap());
        document.to_string()
    };
    [
        ("half of it", text[..text.len() / 2].to_owned()),
        ("nothing", String::new()),
        ("no list any more", "{}".to_owned()),
        ("the same in other words", document.to_string()),
        (
            "another name",
            with(&|servers| drop(servers.remove("account-0").map(|it| servers.insert("renamed".into(), it)))),
        ),
        (
            "an id twice",
            with(&|servers| drop(servers.get("account-0").cloned().map(|it| servers.insert("copy".into(), it)))),
        ),
        ("one less", with(&|servers| drop(servers.remove("account-0")))),
    ]
}

#[test]
fn edits_of_servers_json_in_the_middle_of_refreshes_cost_nobody_a_token() {
    let fleet = Fleet::new(3, &["--distance-ms", "100"]).unwrap();
    let file = fleet.world.servers_file();
    let text = fs::read_to_string(&file).unwrap();
    for (what, edited) in edits(&text) {
        let asked: Vec<anyhow::Result<Asked>> = std::thread::scope(|scope| {
            let ask = |account: usize| fleet.ask(&mut fleet.connect()?, account, true);
            let asking: Vec<_> = (0..3).map(|account| scope.spawn(move || ask(account))).collect();
            until("three refreshes under way", || Ok((fleet.practice.count("answers_under_way")? > 0).then_some(())))
                .unwrap();
            replace(&file, &edited);
            // Somebody looks, so that the agent sees the edit at once.
            let listed = fleet.world.run(&["list", "--json"]).unwrap();
            let is_broken = serde_json::from_str::<Value>(&edited).is_err();
            assert_eq!(listed.code, if is_broken { 29 } else { 0 }, "{what}: {listed:?}");
            if what == "another name" {
                assert_eq!(fleet.world.run(&["token", "account-0"]).unwrap().code, 11);
                fleet.world.ok(&["token", "renamed"]).unwrap();
            }
            if what == "an id twice" {
                assert_eq!(fleet.world.run(&["token", "copy"]).unwrap().code, 15);
            }
            asking.into_iter().map(|one| one.join().unwrap()).collect()
        });
        for (account, asked) in asked.iter().enumerate() {
            // The one that was edited may be told so; the others notice nothing, nor does anybody while it is broken.
            let is_edited = matches!(what, "no list any more") || (what == "one less" && account == 0);
            let is_good = matches!(asked, Ok(Asked::Good(_)));
            let is_told = matches!(asked, Ok(Asked::Failed(..)));
            assert!(is_good || (is_edited && is_told), "{what}, account {account}: {asked:?}");
        }
        replace(&file, &text);
        if let Err(error) = fleet.check(&[]) {
            panic!("after {what}: {error:#}");
        }
    }
    say(ROW, "edits of servers.json in the middle of refreshes, nobody lost", edits(&text).len());
}

/// Puts another text in the place of a file at once, as careful editors do.
fn replace(file: &Path, text: &str) {
    let beside: PathBuf = file.with_extension("edited");
    #[expect(clippy::disallowed_methods, reason = "an editor writes like this")]
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, file).unwrap();
}
