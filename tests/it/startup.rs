//! An agent that a service manager starts: the sockets are open before it runs, and the first connection wakes it.

use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::{World, share_ports};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};

/// A service manager that listens for one agent and becomes it: `systemd-socket-activate`.
struct Activation {
    child: Child,
    /// Hears how the agent is.
    _manager: UnixDatagram,
    log: PathBuf,
}

impl Activation {
    /// Listens at these places with the agent of this world.
    fn at(world: &World, places: &[&str]) -> Activation {
        for folder in [world.programs_socket(), world.admin_socket(), gateway_socket(world)] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder.parent().unwrap()).unwrap();
        }
        let log = world.session.folder().join("activation.log");
        let notify = world.session.folder().join("notify");
        // The one of an activation before.
        let _ = fs::remove_file(&notify);
        let manager = UnixDatagram::bind(&notify).unwrap();
        let mut command = world.program("systemd-socket-activate");
        command.env("NOTIFY_SOCKET", &notify).arg("--fdname=keybearer-agent.socket");
        command.args(places.iter().flat_map(|place| ["--listen", place]));
        // It hands on what it is told to, and nothing else.
        let variables: Vec<String> =
            command.get_envs().filter_map(|(name, _)| Some(name.to_str()?.to_owned())).collect();
        command.args(variables.iter().flat_map(|name| ["--setenv", name]));
        let file = File::create(&log).unwrap();
        let child = command.arg(executable("keybearer-agent")).stdout(Stdio::null()).stderr(file).spawn();
        let child = child.expect("systemd-socket-activate comes with the package systemd");
        let activation = Activation { child, _manager: manager, log };
        until("open sockets", || Ok((activation.said().matches("Listening on").count() == places.len()).then_some(())))
            .unwrap();
        activation
    }

    /// Listens at all doors that the unit names.
    fn new(world: &World) -> Activation {
        let doors = [world.programs_socket(), world.admin_socket(), gateway_socket(world)];
        let doors = doors.map(|path| path.to_str().unwrap().to_owned());
        Activation::at(world, &doors.each_ref().map(String::as_str))
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn wait(&mut self) -> ExitStatus {
        until("the agent's end", || Ok(self.child.try_wait()?)).unwrap()
    }
}

impl Drop for Activation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gateway_socket(world: &World) -> PathBuf {
    world.home.join("run/gateway/gateway-http.v1.sock")
}

/// What the gateway's socket answers to a client that asks for nothing it has. Here the kernel names nobody to the agent who
/// came before it ran, so that one is hung up on and comes again.
fn ask_gateway(world: &World) -> String {
    until("an answer of the gateway", || {
        let mut client = UnixStream::connect(gateway_socket(world))?;
        let mut answer = String::new();
        let asked = client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let _ = asked.and_then(|()| client.read_to_string(&mut answer));
        Ok((!answer.is_empty()).then_some(answer))
    })
    .unwrap()
}

fn started_by(world: &World) -> String {
    world.json(&["status"]).unwrap()["started_by"].as_str().unwrap().to_owned()
}

#[test]
fn the_first_connection_wakes_the_agent_and_the_next_one_after_a_stop_wakes_another() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let mut first = Activation::new(&world);
    assert!(world.agent_pid().is_none(), "an agent runs before anybody has asked for it");
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    assert_eq!(started_by(&world), "socket_unit");
    assert_eq!(world.agent_pid(), Some(first.child.id()), "another agent than the one that was woken answers");
    world.ok(&["agent", "stop"]).unwrap();
    assert!(first.wait().success(), "{}", first.said());
    // Whoever opened the sockets keeps them.
    assert!(world.programs_socket().exists() && world.admin_socket().exists());

    let second = Activation::new(&world);
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    assert_eq!(world.agent_pid(), Some(second.child.id()));
}

#[test]
fn a_client_of_the_gateway_wakes_the_agent_and_one_of_an_older_unit_opens_that_socket_itself() {
    let world = World::new().unwrap();
    let mut woken = Activation::new(&world);
    assert!(ask_gateway(&world).starts_with("HTTP/1.1 "), "{}", woken.said());
    assert_eq!(world.agent_pid(), Some(woken.child.id()));
    assert_eq!(started_by(&world), "socket_unit");
    world.ok(&["agent", "stop"]).unwrap();
    assert!(woken.wait().success() && gateway_socket(&world).exists(), "{}", woken.said());

    fs::remove_file(gateway_socket(&world)).unwrap();
    let (programs, admin) = (world.programs_socket(), world.admin_socket());
    let older = Activation::at(&world, &[programs.to_str().unwrap(), admin.to_str().unwrap()]);
    assert_eq!(started_by(&world), "socket_unit");
    until("the gateway's socket", || Ok(gateway_socket(&world).exists().then_some(()))).unwrap();
    assert!(ask_gateway(&world).starts_with("HTTP/1.1 "), "{}", older.said());
}

#[test]
fn the_doctor_wakes_nobody() {
    let world = World::new().unwrap();
    let activation = Activation::new(&world);
    world.ok(&["doctor"]).unwrap();
    assert!(
        world.agent_pid().is_none() && !activation.said().contains("Communication attempt"),
        "{}",
        activation.said()
    );
    assert_eq!(started_by(&world), "socket_unit");
    assert!(world.ok(&["doctor"]).unwrap().contains("started by the first connection"));
}

#[test]
fn the_doctor_wakes_nobody_where_the_agent_of_this_home_is_reached_elsewhere() {
    let world = World::new().unwrap();
    let elsewhere = world.session.folder().join("else where");
    let there = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        assert!(command.env("KEYBEARER_SOCKET", &elsewhere).output().unwrap().status.success(), "{arguments:?}");
    };
    there(&["status"]);
    there(&["doctor"]);
    let activation = Activation::new(&world);
    let said = world.run(&["doctor"]).unwrap();
    let found = format!("✗ agent     an agent of this home runs with its sockets at {}\n", elsewhere.display());
    assert!(said.code == 36 && said.out.contains(&found), "{said:?}");
    assert!(!activation.said().contains("Communication attempt"), "{}", activation.said());
    there(&["agent", "stop"]);
}

#[test]
fn without_a_service_manager_the_command_starts_the_agent_and_its_sockets_go_with_it() {
    let world = World::new().unwrap();
    assert_eq!(started_by(&world), "command");
    world.ok(&["agent", "stop"]).unwrap();
    assert!(!world.programs_socket().exists() && !world.admin_socket().exists());
}

#[test]
fn an_agent_whose_sockets_are_taken_ends_for_the_one_that_is_reached() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let before = world.agent_pid().unwrap();
    // As systemd does when its socket unit is started while an agent of the command runs.
    let activation = Activation::new(&world);
    assert_eq!(started_by(&world), "socket_unit");
    assert_eq!(world.agent_pid(), Some(activation.child.id()));
    // It has let go of the lock as the last thing that it did.
    let has_ended = || !Path::new(&format!("/proc/{before}")).exists() || is_zombie(before);
    until("the end of the one before", || Ok(has_ended().then_some(()))).unwrap();
    let are_there = world.admin_socket().exists() && gateway_socket(&world).exists();
    assert!(are_there, "the agent that ended took the sockets of the next one away");
}

#[test]
fn who_asks_an_agent_that_was_woken_waits_as_long_as_that_waits_for_the_one_before() {
    let world = World::new().unwrap();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(world.home.join("state")).unwrap();
    // As one does that ends with a refresh under way.
    let before = File::create(world.home.join("state/agent.lock")).unwrap();
    before.lock().unwrap();
    let activation = Activation::new(&world);
    let asking = world.spawn(&["status", "--json"]).unwrap();
    // Each connection has the path of the listening socket: the second one is a second try.
    let door = world.admin_socket().display().to_string();
    until("a second try", || {
        let sockets = fs::read_to_string("/proc/net/unix")?;
        Ok((sockets.lines().filter(|line| line.ends_with(&door)).count() > 2).then_some(()))
    })
    .unwrap();
    drop(before);
    let asked = asking.wait_with_output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    assert_eq!(world.agent_pid(), Some(activation.child.id()));
}

#[test]
fn an_agent_whose_runtime_folder_is_emptied_makes_place_for_the_next() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let before = world.agent_pid().unwrap();
    // As at logout.
    fs::remove_dir_all(world.home.join("run")).unwrap();
    world.ok(&["status"]).unwrap();
    assert_ne!(world.agent_pid(), Some(before));
}

#[test]
fn what_a_service_manager_hands_over_must_be_both_doors_and_nothing_else() {
    let world = World::new().unwrap();
    let (programs, admin) = (world.programs_socket(), world.admin_socket());
    let (programs, admin) = (programs.to_str().unwrap(), admin.to_str().unwrap());
    let other = world.home.join("run/programs/other.sock");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (places, expected) in [
        (&[programs, admin, &port][..], "fd 5 is not a valid unix stream socket"),
        (&[programs, admin, other.to_str().unwrap()], "other.sock was handed over, and is none of this agent's doors"),
        (&[programs], "sockets were handed over, but not"),
    ] {
        assert_refused(&world, places, expected);
    }
    fs::set_permissions(world.home.join("run/admin"), fs::Permissions::from_mode(0o770)).unwrap();
    assert_refused(&world, &[programs, admin], "run/admin isn't a private folder or socket of this user");
}

/// An agent that is woken with these sockets says why it doesn't use them, and ends.
#[track_caller]
fn assert_refused(world: &World, places: &[&str], expected: &str) {
    let mut activation = Activation::at(world, places);
    let _caller = UnixStream::connect(world.programs_socket()).unwrap();
    assert_eq!(activation.wait().code(), Some(23), "{}", activation.said());
    assert!(activation.said().contains(expected), "{}", activation.said());
}

#[test]
fn what_the_service_manager_says_to_the_agent_reaches_no_program_that_it_starts() {
    let (mut world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let environment = world.session.folder().join("environment");
    let text = format!(
        "#!/bin/sh\nenv >'{0}.part'\nls -l /proc/self/fd >>'{0}.part'\nmv '{0}.part' '{0}'\n",
        environment.display()
    );
    let browser = world.session.write("browser", &text).unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o700)).unwrap();
    world.browser = browser.to_str().unwrap().to_owned();
    let activation = Activation::new(&world);
    world.add("practice", practice.mcp_url()).unwrap();
    let (waiting, told) = {
        let _shared = share_ports();
        let waiting = world.spawn(&["sign-in", "practice"]).unwrap();
        (waiting, until("the browser", || Ok(fs::read_to_string(&environment).ok())).unwrap())
    };
    world.ok(&["sign-in", "practice", "--cancel"]).unwrap();
    waiting.wait_with_output().unwrap();
    assert!(told.contains("KEYBEARER_HOME="), "the browser's environment isn't the agent's: {told}");
    assert_eq!(world.agent_pid(), Some(activation.child.id()));
    for name in ["LISTEN_", "NOTIFY_SOCKET", "socket:"] {
        assert!(!told.contains(name), "{name} reached the browser: {told}");
    }
}

#[test]
fn the_units_are_sound_and_listen_where_callers_look() {
    let world = World::new().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src-tauri/linux/systemd");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let socket = read("keybearer-agent.socket");
    for place in ["programs/agent.v1.sock", "admin/admin.v1.sock", "gateway/gateway-http.v1.sock"] {
        assert!(socket.contains(&format!("ListenStream=%t/keybearer/{place}\n")), "{socket}");
    }
    // Without it the kernel doesn't name whoever woke the agent.
    assert!(socket.contains("PassCredentials=yes\n"), "{socket}");
    let agent = executable("keybearer-agent");
    let service = read("keybearer-agent.service").replace("/usr/bin/keybearer-agent", agent.to_str().unwrap());
    let units = [("units/keybearer-agent.socket", socket), ("units/keybearer-agent.service", service)];
    let units = units.map(|(name, text)| world.session.write(name, &text).unwrap());
    let verified = world.program("systemd-analyze").args(["--user", "verify", "--man=no"]).args(units).output();
    let verified = verified.expect("systemd-analyze comes with the package systemd");
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_service_manager_hears_when_the_agent_is_ready_and_when_it_stops() {
    let world = World::new().unwrap();
    let path = world.session.folder().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let heard = move || {
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let mut agent = world.program(executable("keybearer-agent"));
    agent.env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).stderr(Stdio::null());
    let mut agent = agent.spawn().unwrap();
    assert_eq!(heard(), "READY=1");
    assert_eq!(started_by(&world), "other");
    world.ok(&["agent", "stop"]).unwrap();
    assert_eq!(heard(), "STOPPING=1");
    assert!(agent.wait().unwrap().success());
}

#[test]
fn a_service_manager_that_is_deaf_or_somebody_elses_holds_up_no_agent_and_hears_none() {
    let world = World::new().unwrap();
    let path = world.session.folder().join("notify");
    let agent = |arguments: &[&str]| {
        let mut agent = world.program(executable("keybearer-agent"));
        agent.args(arguments).env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).stderr(Stdio::null());
        agent.spawn().unwrap()
    };
    let serves_and_ends = |mut agent: Child| {
        until("the agent", || Ok((world.run(&["agent", "status"])?.code == 0).then_some(()))).unwrap();
        assert_eq!(world.agent_pid(), Some(agent.id()));
        world.ok(&["agent", "stop"]).unwrap();
        assert!(agent.wait().unwrap().success());
    };
    // Nobody is there any more.
    serves_and_ends(agent(&[]));
    serves_and_ends(agent(&["--detach"]));
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    serves_and_ends(agent(&["--detach"]));
    assert!(manager.recv(&mut [0; 64]).is_err(), "somebody else's service manager was told of a detached agent");
    // It is behind with listening.
    let others = UnixDatagram::unbound().unwrap();
    others.set_nonblocking(true).unwrap();
    while others.send_to(b"other news", &path).is_ok() {}
    serves_and_ends(agent(&[]));
}

fn is_zombie(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default().contains(") Z ")
}
