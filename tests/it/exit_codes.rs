//! Every code that the command can end with, brought about through the real command: nothing on standard output, one line
//! on standard error, and with `--json` an object that programs read.

use keybearer_protocol::ErrorCode;
use keybearer_tests::executables::copy;
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::session::Session;
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};

/// The codes that have come about.
#[derive(Default)]
struct Table(Vec<&'static str>);

impl Table {
    /// What `run` runs with these arguments ends with this code, and says so to people and to programs.
    #[track_caller]
    fn row(&mut self, code: ErrorCode, arguments: &[&str], run: impl Fn(&[&str]) -> Run) {
        let name = code.name();
        let plain = run(arguments);
        assert_eq!(plain.code, i32::from(code.exit()), "{name}: {plain:?}");
        let lines: Vec<&str> = plain.err.lines().collect();
        let begins = format!("keybearer: {name}: ");
        assert!(
            lines.len() == 1 && lines[0].starts_with(&begins) && lines[0].len() > begins.len(),
            "{name}: {plain:?}"
        );
        let read = run(&[arguments, &["--json"]].concat());
        assert_eq!(read.code, i32::from(code.exit()), "{name}: {read:?}");
        let error: Value = serde_json::from_str(&read.err).unwrap_or_else(|_| panic!("{name}: {read:?}"));
        let (number, called, retryable) = (&error["code"], &error["data"]["name"], &error["data"]["retryable"]);
        assert_eq!((number, called, retryable), (&json!(code.code()), &json!(name), &json!(code.retryable())));
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{name}: {error}");
        // The doctor tells what it has found all the same.
        let tells = code == ErrorCode::Broken;
        assert_eq!((plain.out.is_empty(), read.out.is_empty()), (!tells, !tells), "{name}: {plain:?} {read:?}");
        self.0.push(name);
    }
}

#[test]
fn every_code_comes_about_and_says_so_to_people_and_programs() {
    let mut table = Table::default();
    what_is_named(&mut table);
    what_the_server_says(&mut table);
    what_the_person_says(&mut table);
    what_the_machine_lacks(&mut table);
    what_the_agent_is(&mut table);
    what_the_protocol_says(&mut table);
    let missing: Vec<&str> =
        ErrorCode::ALL.iter().map(|code| code.name()).filter(|name| !table.0.contains(name)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "a code without a row: bring it about");
}

fn what_is_named(table: &mut Table) {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let run = |arguments: &[&str]| world.run(arguments).unwrap();
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.sign_in("open", practice.open_mcp_url()).unwrap();
    world.add("new", practice.mcp_url()).unwrap();
    table.row(ErrorCode::ProfileNotFound, &["token", "nobody"], run);
    table.row(ErrorCode::ProfileAmbiguous, &["token", practice.mcp_url()], run);
    let again = ["add", "https://mcp.example/", "--name", "practice", "--no-sign-in"];
    table.row(ErrorCode::ProfileExists, &again, run);
    table.row(ErrorCode::NoTokenNeeded, &["token", "open"], run);
    table.row(ErrorCode::AuthRequired, &["token", "new"], run);
    table.row(ErrorCode::ScopeUnavailable, &["token", "practice", "--scope", "admin"], run);
    let elsewhere = r#"{"method":"header.get","params":{"profile":"practice","url":"http://127.0.0.1:1/"}}"#;
    table.row(ErrorCode::ResourceMismatch, &["rpc", elsewhere], run);
    table.row(ErrorCode::NotThere, &["grants", "revoke", "nonsense"], run);
    table.row(ErrorCode::Usage, &["add", "not an address", "--no-sign-in"], run);
    table.row(ErrorCode::ClientNotInstalled, &["install", "devin", "open", "--yes"], run);
    let file = "home/.cursor/mcp.json";
    world.session.write(file, "{}").unwrap();
    let home = world.session.folder().join("home");
    let preview = json!({ "client": "cursor", "profile": "open", "environment": { "HOME": home } });
    let preview = json!({ "method": "clients.preview", "params": preview }).to_string();
    let preview: Value = serde_json::from_str(&world.ok(&["rpc", "--admin", &preview]).unwrap()).unwrap();
    world.session.write(file, "{ }").unwrap();
    let stale = json!({ "method": "clients.apply", "params": { "preview": preview["preview"] } }).to_string();
    table.row(ErrorCode::ClientFileChanged, &["rpc", "--admin", &stale], run);
    world.begin_sign_in("new").unwrap();
    table.row(ErrorCode::AuthInProgress, &["token", "new"], run);
    world.ok(&["sign-in", "new", "--cancel"]).unwrap();
    // What stands behind the command is the command's.
    let before = |arguments: &[&str]| {
        let (json, words): (Vec<&str>, Vec<&str>) = arguments.iter().partition(|word| **word == "--json");
        run(&[json, words].concat())
    };
    let unfit = world.session.write("unfit", "no program").unwrap();
    let started = |command| ["run", "practice", "--env", "PRACTICE_TOKEN", "--", command];
    table.row(ErrorCode::CommandNotFound, &started("/nowhere/at/all"), before);
    table.row(ErrorCode::CommandNotRunnable, &started(unfit.to_str().unwrap()), before);
    practice.control(&json!({ "faults": ["slow-token"] })).unwrap();
    table.row(ErrorCode::Timeout, &["token", "practice", "--force", "--timeout", "200ms"], run);
}

fn what_the_server_says(table: &mut Table) {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let run = |arguments: &[&str]| world.run(arguments).unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // Whoever answers a TLS greeting with something else can't be trusted.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let no_tls = format!("https://localhost:{}/mcp", plain.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in plain.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(b"this is no TLS\n");
        }
    });
    for (name, url) in [
        ("closed", format!("http://{closed}/mcp")),
        ("page", format!("{}/plain", practice.issuer())),
        ("tls", no_tls),
        ("practice", practice.mcp_url().to_owned()),
    ] {
        world.add(name, &url).unwrap();
    }
    table.row(ErrorCode::ProviderUnreachable, &["sign-in", "closed"], run);
    table.row(ErrorCode::NotMcpServer, &["sign-in", "page"], run);
    table.row(ErrorCode::TlsFailure, &["sign-in", "tls"], run);
    practice.control(&json!({ "faults": ["no-pkce-metadata"] })).unwrap();
    table.row(ErrorCode::ProviderError, &["sign-in", "practice"], run);
}

fn what_the_person_says(table: &mut Table) {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    let run = |arguments: &[&str]| world.run(arguments).unwrap();
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    table.row(ErrorCode::DesktopOnly, &["rpc", "--admin", r#"{"method":"prompt.register"}"#], run);
    table.row(ErrorCode::ConsentRequired, &["token", "practice", "--no-prompt"], run);
    // A script asks three times over, as a program of its own each time, and then once more.
    let template = world.command(&[]);
    let script = world.session.write("asks.sh", "\"$KEYBEARER\" \"$@\"\nexit $?\n").unwrap();
    let asks = |arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.arg(&script).args(arguments).env_clear().stdin(Stdio::null());
        command.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("KEYBEARER", world.keybearer()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut waiting: Vec<Child> = (0..3).map(|_| asks(&["token", "practice"]).spawn().unwrap()).collect();
    until("three prompts", || Ok((prompter.prompts()?.len() == 3).then_some(()))).unwrap();
    table.row(ErrorCode::Busy, &["token", "practice"], |arguments| asks(arguments).output().unwrap().into());
    for mut child in waiting.drain(..) {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // The shell ends before the command that it has started: whoever only lives on has no prompt to hold.
    until("no prompt", || {
        let open = prompter.prompts()?;
        for prompt in &open {
            prompter.0.call("prompt.answer", &json!({ "prompt": prompt["prompt"], "decision": "deny" }))?;
        }
        Ok(open.is_empty().then_some(()))
    })
    .unwrap();
    let asking = world.spawn(&["token", "practice"]).unwrap();
    prompter.answer("deny").unwrap();
    asking.wait_with_output().unwrap();
    table.row(ErrorCode::ConsentDenied, &["token", "practice"], run);
    world.ok(&["pause"]).unwrap();
    table.row(ErrorCode::Paused, &["token", "practice"], run);
    world.ok(&["lock"]).unwrap();
    table.row(ErrorCode::AgentLocked, &["token", "practice"], run);
}

fn what_the_machine_lacks(table: &mut Table) {
    let world = World::on(Session::absent().unwrap());
    let run = |arguments: &[&str]| world.run(arguments).unwrap();
    world.add("practice", "https://mcp.example/").unwrap();
    table.row(ErrorCode::StorageUnavailable, &["token", "practice"], run);
    table.row(ErrorCode::Broken, &["doctor"], run);
    let good = fs::read_to_string(world.servers_file()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "an editor writes like this")]
    let write = |text: &str| fs::write(world.servers_file(), text).unwrap();
    write(&good[1..]);
    table.row(ErrorCode::ConfigurationBroken, &["list"], run);
    write(&good);
    // A file of `servers.json` that may not grow is to its writer what a full disk is: mounted where that is nobody's harm.
    let full = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        let inner = world.command(arguments);
        command.args(["--user", "--map-current-user", "--keep-caps", "--mount", "--", "sh", "-c"]);
        command.arg(
            "mount -t tmpfs -o size=64k,mode=700 tmpfs \"$KEYBEARER_HOME/config\" && \
             cp \"$KEPT\" \"$KEYBEARER_HOME/config/servers.json\" && \
             { dd if=/dev/zero of=\"$KEYBEARER_HOME/config/filler\" bs=1k 2>/dev/null || true; } && \"$0\" \"$@\"; code=$?; \
             \"$0\" agent stop >/dev/null 2>&1; exit $code",
        );
        command.arg(inner.get_program()).args(arguments).env_clear().env("KEPT", world.home.join("kept.json"));
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.output().unwrap().into()
    };
    fs::copy(world.servers_file(), world.home.join("kept.json")).unwrap();
    world.ok(&["agent", "stop"]).unwrap();
    table.row(ErrorCode::StorageFull, &["rename", "practice", "other"], full);
}

fn what_the_agent_is(table: &mut Table) {
    let world = World::new().unwrap();
    let run = |arguments: &[&str]| world.run(arguments).unwrap();
    world.ok(&["agent", "start"]).unwrap();
    table.row(ErrorCode::AlreadyRunning, &["agent", "start"], run);
    let elsewhere = |arguments: &[&str]| {
        let inner = world.command(arguments);
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]).arg(inner.get_program()).args(arguments).env_clear();
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.output().unwrap().into()
    };
    table.row(ErrorCode::CallerUnidentified, &["list"], elsewhere);
    // An answer that nobody can take is a fault of its own.
    let into_nothing = |arguments: &[&str]| {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = world.command(arguments).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        output.wait_with_output().unwrap().into()
    };
    table.row(ErrorCode::Internal, &["agent", "status"], into_nothing);
    world.ok(&["agent", "stop"]).unwrap();
    // A command without its agent beside it.
    let folder = world.session.folder().join("alone");
    fs::create_dir(&folder).unwrap();
    copy(world.keybearer(), &folder.join("keybearer")).unwrap();
    let alone = |arguments: &[&str]| world.program(folder.join("keybearer")).args(arguments).output().unwrap().into();
    table.row(ErrorCode::AgentUnreachable, &["list"], alone);
}

fn what_the_protocol_says(table: &mut Table) {
    let world = World::new().unwrap();
    let run = |arguments: &[&str]| world.run(arguments).unwrap();
    let deep = format!(r#"{{"method":"agent.ping","params":{{"a":{}{}}}}}"#, "[".repeat(20), "]".repeat(20));
    table.row(ErrorCode::ParseError, &["rpc", &deep], run);
    table.row(ErrorCode::MethodNotFound, &["rpc", r#"{"method":"nonsense"}"#], run);
    table.row(ErrorCode::InvalidParams, &["rpc", r#"{"method":"token.get","params":{"profile":7}}"#], run);
    world.ok(&["agent", "stop"]).unwrap();
    // An agent of another time: the command makes of its words what they say.
    for (code, said) in
        [(ErrorCode::ProtocolMismatch, "this agent speaks protocol 7"), (ErrorCode::InvalidRequest, "no")]
    {
        let folder = world.session.folder().join(code.name());
        fs::DirBuilder::new().mode(0o700).recursive(true).create(folder.join("programs")).unwrap();
        let socket = folder.join("programs/agent.v1.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o600)).unwrap();
        let error =
            json!({ "code": code.code(), "message": said, "data": { "name": code.name(), "retryable": false } });
        let answer = json!({ "jsonrpc": "2.0", "id": 1, "error": error }).to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut line = String::new();
                let _ = BufReader::new(&stream).read_line(&mut line);
                let _ = writeln!(&stream, "{answer}");
            }
        });
        let at_that = |arguments: &[&str]| {
            let mut command = world.command(arguments);
            command.env_remove("KEYBEARER_HOME").env("KEYBEARER_SOCKET", &folder).output().unwrap().into()
        };
        table.row(code, &["token", "practice", "--force"], at_that);
    }
}
