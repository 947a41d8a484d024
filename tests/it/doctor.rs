//! What `keybearer doctor` finds, says, and leaves alone.

use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::session::Session;
use keybearer_tests::world::{Run, World};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// What one check found.
struct Finding {
    state: String,
    found: String,
    advice: String,
}

/// What the doctor says: its exit code, and what it says of each thing.
struct Said {
    code: i32,
    findings: Vec<Value>,
}

impl Said {
    fn of(mut command: Command) -> Said {
        let run = Run::from(command.output().unwrap());
        let findings = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
        let said = Said { code: run.code, findings };
        // The exit code is what a script reads.
        let broken = said.findings.iter().any(|finding| finding["state"] == "broken");
        assert_eq!((run.code, run.err.contains("\"broken\"")), if broken { (36, true) } else { (0, false) }, "{run:?}");
        said
    }

    fn about(&self, check: &str) -> Finding {
        let finding = self.findings.iter().find(|finding| finding["check"] == check);
        let finding = finding.unwrap_or_else(|| panic!("nothing is said of {check}: {:?}", self.findings));
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        Finding { state: text("state"), found: text("found"), advice: text("advice") }
    }

    #[track_caller]
    fn expect(&self, check: &str, state: &str, found: &str, advice: &str) {
        let finding = self.about(check);
        assert_eq!(finding.state, state, "{}", finding.found);
        assert!(finding.found.contains(found), "{}", finding.found);
        assert!(finding.advice.contains(advice), "{}", finding.advice);
    }
}

fn doctor(world: &World) -> Said {
    Said::of(world.command(&["doctor", "--json"]))
}

#[test]
fn where_all_is_well_it_says_so_and_changes_nothing() {
    let world = World::new().unwrap();
    let said = doctor(&world);
    assert_eq!(said.code, 0);
    said.expect("agent", "ok", "doesn't run; it starts when it is needed", "");
    said.expect("keyring", "ok", "a test item was written and read", "");
    assert!(!world.home.exists(), "the doctor made a home");
    assert_eq!(world.session.keyring_items().unwrap(), "");

    world.ok(&["status"]).unwrap();
    let said = doctor(&world);
    // Of the machine that the test runs on, it says what it must.
    let ours: Vec<&Value> = said.findings.iter().filter(|finding| finding["check"] != "memory").collect();
    assert!(ours.iter().all(|finding| finding["state"] == "ok"), "{:?}", said.findings);
    said.expect("agent", "ok", &format!("runs (process {}), started on demand", world.agent_pid().unwrap()), "");
    said.expect("sockets", "ok", "for you alone", "");
    said.expect("browser", "ok", "keybearer-practice opens pages", "");
    said.expect("clock", "ok", "--online compares it", "");

    let text = world.ok(&["doctor"]).unwrap();
    assert_eq!(
        text.lines().filter(|line| line.starts_with("✓ ") && !line.contains(" memory ")).count(),
        ours.len(),
        "{text}"
    );
}

#[test]
fn a_keyring_that_is_absent_locked_or_on_another_bus_has_each_its_own_way_out() {
    let world = World::on(Session::absent().unwrap());
    let said = doctor(&world);
    said.expect("keyring", "broken", "the system keyring can't be reached", "such as gnome-keyring");
    let text = world.run(&["doctor"]).unwrap();
    assert!(text.out.contains("✗ keyring") && text.out.contains("what to do: start a keyring"), "{text:?}");
    assert_eq!(text.err, "keybearer: broken: one thing doesn't work\n");

    let world = World::new().unwrap();
    world.session.lock_keyring().unwrap();
    doctor(&world).expect("keyring", "broken", "(gnome-keyring) is locked", "Passwords and Keys");
    let status = world.ok(&["status"]).unwrap();
    assert!(status.contains("is locked (what to do: unlock it in its dialog, or in Passwords and Keys)"), "{status}");
    // So say both of one that runs.
    doctor(&world).expect("keyring", "broken", "(gnome-keyring) is locked", "Passwords and Keys");
    world.session.signal_keyring("STOP").unwrap();
    doctor(&world).expect("keyring", "broken", "isn't answering", "answer its dialog");
    world.session.signal_keyring("CONT").unwrap();
    let empty = World::on({
        let mut session = Session::absent().unwrap();
        session.lock().unwrap();
        session
    });
    doctor(&empty).expect("keyring", "broken", "has no default collection", "set it as default");

    // An agent stays on the bus that it was started on.
    let (world, elsewhere) = (World::new().unwrap(), Session::absent().unwrap());
    let mut status = world.command(&["status"]);
    let bus = elsewhere.environment().into_iter().filter(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS");
    assert!(status.envs(bus).output().unwrap().status.success());
    doctor(&world).expect("keyring", "broken", "works here, but not for the agent that runs", "keybearer agent stop");
    world.ok(&["agent", "stop"]).unwrap();
    doctor(&world).expect("keyring", "ok", "works", "");
}

#[test]
fn folders_that_others_can_change_are_named_with_the_command_that_mends_them() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let set = |path: &str, mode: u32| {
        let path = world.home.join(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    let admin = set("run/admin", 0o770);
    let said = doctor(&world);
    said.expect("sockets", "broken", &format!("{admin} can be changed by other users (mode 0770)"), "chmod 700");
    said.expect("agent", "broken", "runs, but can't be asked", "mend what is said of the sockets");
    set("run/admin", 0o700);
    let state = set("state", 0o777);
    doctor(&world).expect("home", "broken", &format!("{state} can be changed by other users"), "chmod 700");
    set("state", 0o770);
    doctor(&world).expect("home", "broken", &format!("{state} can be changed by other users"), "chmod 700");
    set("state", 0o700);
    // As a umask of 002 leaves it to whoever made it by hand.
    let config = set("config", 0o775);
    doctor(&world).expect("home", "warn", &format!("{config} can be changed by its group (mode 0775)"), "chmod 700");
    set("config", 0o777);
    doctor(&world).expect("home", "broken", &format!("{config} can be changed by other users"), "chmod 700");
    set("config", 0o700);
    fs::File::create(world.servers_file()).unwrap().write_all(b"{ not json").unwrap();
    doctor(&world).expect("home", "broken", "servers.json", "Keybearer leaves it as it is");
    // An entry that a person wrote gets its id from an agent, not from a doctor.
    world.ok(&["agent", "stop"]).unwrap();
    let written = r#"{"mcpServers":{"mine":{"type":"http","url":"http://127.0.0.1:9/mcp"}}}"#;
    fs::File::create(world.servers_file()).unwrap().write_all(written.as_bytes()).unwrap();
    assert_eq!(doctor(&world).code, 0);
    assert_eq!(fs::read_to_string(world.servers_file()).unwrap(), written);

    let blocked = World::new().unwrap();
    blocked.session.write("kb/state", "a file, where a folder should be").unwrap();
    doctor(&blocked).expect("home", "broken", "kb/state can't be written to", "a folder of yours alone");

    let mut relative = world.command(&["doctor", "--json"]);
    relative.env("KEYBEARER_SOCKET", "here");
    Said::of(relative).expect("sockets", "broken", "must be a whole path", "KEYBEARER_SOCKET");
}

#[test]
fn without_a_browser_or_a_display_a_sign_in_has_another_way() {
    let mut world = World::new().unwrap();
    world.browser = "/nowhere/browser".to_owned();
    let said = doctor(&world);
    assert_eq!(said.code, 0, "a machine without a browser works");
    said.expect("browser", "warn", "BROWSER names /nowhere/browser, which isn't there", "--no-browser");
    let mut command = world.command(&["doctor", "--json"]);
    command.env_remove("BROWSER");
    Said::of(command).expect("browser", "warn", "there is no display", "--no-browser");
}

#[test]
fn links_that_lead_nowhere_or_elsewhere_are_told() {
    let world = World::new().unwrap();
    doctor(&world).expect("links", "ok", "no program opens app.keybearer: links", "");
    world
        .session
        .write("config/mimeapps.list", "[Default Applications]\nx-scheme-handler/app.keybearer=kb.desktop\n")
        .unwrap();
    let program = |exec: &str| {
        let entry = format!(
            "[Desktop Entry]\nType=Application\nName=x\nExec={exec}\nMimeType=x-scheme-handler/app.keybearer;\n"
        );
        world.session.write("data/applications/kb.desktop", &entry).unwrap();
        doctor(&world)
    };
    program("/nowhere/keybearer-desktop %u").expect(
        "links",
        "warn",
        "whose program isn't there",
        "start the window once",
    );
    program("/bin/true %u").expect("links", "warn", "another program, /bin/true", "start Keybearer's window");
    let ours = executable("keybearer-desktop");
    program(&format!("\"{}\"", ours.display())).expect("links", "warn", "doesn't hand them", "");
    program(&format!("\"{}\" %u", ours.display())).expect("links", "ok", "kb.desktop", "");
}

#[test]
fn an_agent_that_is_missing_is_told_and_so_is_what_could_not_be_looked_at() {
    let world = World::with_desktop().unwrap();
    fs::remove_file(world.keybearer().with_file_name("keybearer-agent")).unwrap();
    let said = doctor(&world);
    said.expect("agent", "broken", "keybearer-agent can't be run", "install Keybearer again");
    said.expect("keyring", "warn", "not looked at", "mend the agent first");
}

#[test]
fn servers_are_asked_for_the_time_only_when_that_is_wanted() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.add("practice", practice.mcp_url()).unwrap();
    let online = || {
        let mut command = world.command(&["doctor", "--json"]);
        command.arg("--online");
        Said::of(command)
    };
    online().expect("clock", "ok", "agrees with 127.0.0.1", "");
    world.ok(&["remove", "practice"]).unwrap();

    let late = TcpListener::bind("127.0.0.1:0").unwrap();
    world.add("late", &format!("http://{}/mcp?key=private", late.local_addr().unwrap())).unwrap();
    late.set_nonblocking(true).unwrap();
    doctor(&world);
    assert!(late.accept().is_err(), "a server was asked though nobody wanted it");
    late.set_nonblocking(false).unwrap();
    let asked = std::thread::spawn(move || {
        let mut answers = ["", "Age: 4294967295\r\n"].into_iter().map(|age| {
            let mut caller = late.accept().unwrap().0;
            let mut request = [0; 1024];
            let length = caller.read(&mut request).unwrap();
            let head =
                "HTTP/1.1 405 Method Not Allowed\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\nContent-Length: 0\r\n";
            caller.write_all(format!("{head}{age}\r\n").as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let asked = answers.next().unwrap();
        answers.for_each(drop);
        asked
    });
    online().expect("clock", "broken", "seconds ahead of 127.0.0.1", "set the clock");
    // A cache has kept the answer for 136 years.
    online().expect("clock", "broken", "seconds behind 127.0.0.1", "set the clock");
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("HEAD / HTTP/1.1\r\n") && !asked.to_lowercase().contains("authorization"), "{asked}");
    // Now nobody listens there.
    online().expect("clock", "warn", "can't be compared", "try again");
}

#[test]
fn a_socket_unit_that_failed_or_rests_is_told_for_the_usual_home() {
    let world = World::new().unwrap();
    let of_home = |properties: &str, usual: bool| {
        let systemctl = world.session.write("bin/systemctl", &format!("#!/bin/sh\nprintf '{properties}'\n")).unwrap();
        fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o700)).unwrap();
        let path = format!("{}:{}", systemctl.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let mut command = world.command(&["doctor", "--json"]);
        if usual {
            command.env_remove("KEYBEARER_HOME");
        }
        command.env("PATH", path);
        Said::of(command)
    };
    let with_unit = |properties: &str| of_home(properties, true);
    with_unit("").expect("systemd", "ok", "commands start the agent", "");
    let failed = "LoadState=loaded\\nActiveState=failed\\nSubState=failed\\nUnitFileState=enabled\\n";
    with_unit(failed).expect("systemd", "broken", "has failed", "systemctl --user start keybearer-agent.socket");
    let resting = "LoadState=loaded\\nActiveState=inactive\\nSubState=dead\\nUnitFileState=enabled\\n";
    with_unit(resting).expect("systemd", "warn", "doesn't listen", "systemctl --user start");
    let listening = "LoadState=loaded\\nActiveState=active\\nSubState=listening\\nUnitFileState=enabled\\n";
    with_unit(listening).expect("systemd", "ok", "keybearer-agent.socket is listening", "");
    // Nobody is advised a start that does nothing; one that hasn't been tried says no as well.
    let unmet = format!("{resting}ConditionResult=no\\nConditionTimestampMonotonic=4711\\n");
    with_unit(&unmet).expect("systemd", "ok", "is not for users of the system itself", "");
    let untried = format!("{resting}ConditionResult=no\\nConditionTimestampMonotonic=0\\n");
    with_unit(&untried).expect("systemd", "warn", "doesn't listen", "systemctl --user start");
    for unit in [listening, failed, resting] {
        of_home(unit, false).expect("systemd", "ok", "is for the usual home alone", "");
    }
    of_home("LoadState=not-found\\nActiveState=inactive\\n", false).expect("systemd", "ok", "knows no unit", "");
    of_home("", false).expect("systemd", "ok", "isn't there for this user", "");
}
