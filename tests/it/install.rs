//! Accounts are written into the files of MCP clients and taken back, and what was written works.

use crate::client_home::{ClientHome, PLANTED};
use keybearer_tests::canary::files_holding;
use keybearer_tests::loopback::request_with;
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

const LINEAR: &str = "https://mcp.linear.app/mcp";
const CURSOR: &str = ".cursor/mcp.json";
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

/// With an account of this name that needs no sign-in.
fn with_linear() -> ClientHome {
    let home = ClientHome::new();
    home.ok(&["add", LINEAR, "--name", "linear", "--auth", "none", "--no-sign-in"]);
    home
}

/// A Keybearer whose gateway has a port of its own: the common ones are for everybody on this machine.
fn at_port(world: World) -> World {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    world.session.write("kb/config/settings.json", &json!({ "gateway_port": port }).to_string()).unwrap();
    world
}

fn signed_in() -> (ClientHome, Practice) {
    let (home, practice) = (ClientHome::of(at_port(World::new().unwrap())), Practice::start(&[]).unwrap());
    home.world.sign_in("practice", practice.mcp_url()).unwrap();
    (home, practice)
}

/// The entry of this name in a client's file.
fn entry(home: &ClientHome, below: &str, name: &str) -> Value {
    let file: Value = serde_json::from_str(&fs::read_to_string(home.path(below)).unwrap()).unwrap();
    let container = ["mcpServers", "servers"].into_iter().find(|key| file[key].is_object()).unwrap();
    file[container][name].clone()
}

fn client<'a>(clients: &'a Value, id: &str) -> &'a Value {
    clients.as_array().unwrap().iter().find(|client| client["client"] == id).unwrap()
}

/// A request behind the admin door, as a window makes it.
fn rpc(home: &ClientHome, method: &str, params: &Value) -> Result<Value, Value> {
    let request = json!({ "method": method, "params": params }).to_string();
    let run = home.run(&["rpc", "--admin", "--json", &request]);
    let (ok, said) = (run.code == 0, if run.code == 0 { &run.out } else { &run.err });
    let said = serde_json::from_str(said).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    if ok { Ok(said) } else { Err(said) }
}

fn environment(home: &ClientHome) -> Value {
    json!({ "HOME": home.path(""), "XDG_CONFIG_HOME": home.path(".config") })
}

fn preview(home: &ClientHome, client: &str, mode: &str) -> Value {
    let params = json!({ "client": client, "profile": "linear", "mode": mode, "environment": environment(home) });
    rpc(home, "clients.preview", &params).unwrap()["preview"].clone()
}

#[test]
fn each_client_is_written_the_best_way_and_taken_back_byte_for_byte() {
    let home = with_linear();
    let clients = [
        ("claude-code", ".claude.json", "helper"),
        ("claude-desktop", ".config/Claude/claude_desktop_config.json", "bridge"),
        ("vscode", ".config/Code/User/mcp.json", "socket"),
        ("cursor", CURSOR, "bridge"),
        ("codex", ".codex/config.toml", "bridge"),
        ("zed", ".config/zed/settings.json", "bridge"),
        ("goose", ".config/goose/config.yaml", "bridge"),
    ];
    for (id, below, _) in clients {
        home.sample(id, below);
    }
    for (id, below, mode) in clients {
        let before = home.files();
        let file = home.path(below);
        let shown = home.ok(&["install", id, "linear", "--dry-run"]);
        assert!(shown.out.contains("\n+") && shown.out.ends_with("Nothing was written.\n"), "{id}: {shown:?}");
        assert_eq!(home.files(), before, "{id}: a dry run writes nothing");
        // What the client is going to run is seen whole, and is Keybearer's own.
        let command = home.world.keybearer().to_str().unwrap();
        assert!(mode == "socket" || shown.out.contains(command) && shown.out.contains("linear"), "{id}: {shown:?}");
        let unasked = home.run(&["install", id, "linear"]);
        assert_eq!((unasked.code, home.files() == before), (64, true), "{id}: nobody could be asked: {unasked:?}");

        let installed = home.ok(&["install", id, "linear", "--yes"]);
        let backup = format!("{}.keybearer-backup", file.display());
        assert!(installed.err.contains(&backup) && installed.err.contains("--undo"), "{id}: {installed:?}");
        assert_ne!(fs::read(&file).unwrap(), before.iter().find(|(path, _)| *path == file).unwrap().1, "{id}");
        let listed = home.json(&["install"]);
        let ours = &client(&listed, id)["entries"][0]["keybearer"];
        assert_eq!((&ours["mode"], &ours["profile"], &ours["known"]), (&json!(mode), &json!("linear"), &json!(true)));
        assert!(ours["receipt"].is_string(), "{id}: {ours}");
        let again = home.ok(&["install", id, "linear", "--yes"]);
        assert!(again.out.contains("uses linear already"), "{id}: once is enough: {again:?}");

        let undone = home.ok(&["install", id, "linear", "--undo"]);
        assert!(undone.out.contains("byte for byte as it was"), "{id}: {undone:?}");
        assert!(home.files() == before, "{id}: every file is as it was");
        assert_eq!(home.run(&["install", id, "linear", "--undo"]).code, 35, "{id}: nothing is left to take back");
    }
    assert_eq!(files_holding(&home.world.home, &[PLANTED]), Vec::<String>::new());
    let rows = home.ok(&["activity", "--json", "--account", "linear"]).out;
    let kinds = |kind: &str| rows.lines().filter(|row| row.contains(kind)).count();
    assert_eq!((kinds("client_installed"), kinds("client_undone")), (clients.len(), clients.len()), "{rows}");
    assert!(rows.contains(r#""cause":"cursor""#) && !rows.contains("mcpServers"), "{rows}");
}

#[test]
fn what_others_have_written_since_stays_when_the_entry_is_taken_back() {
    let home = with_linear();
    let file = home.write(CURSOR, "{\n  \"mcpServers\": {}\n}\n");
    home.ok(&["install", "cursor", "linear", "--yes"]);
    let text = fs::read_to_string(&file).unwrap();
    home.write(CURSOR, &text.replacen("{\n", "{\n  \"theirs\": 1,\n", 1));
    let undone = home.ok(&["install", "cursor", "--undo"]);
    assert!(undone.out.contains("what others have changed since stays"), "{undone:?}");
    let file: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(file, json!({ "theirs": 1, "mcpServers": {} }));
}

#[test]
fn a_client_that_is_not_here_is_never_given_a_file() {
    let home = with_linear();
    let before = home.files();
    for client in ["devin", "lm-studio", "claude-code", "junie"] {
        let run = home.run(&["install", client, "linear", "--yes"]);
        assert!(run.code == 37 && run.err.contains("isn't installed here"), "{client}: {run:?}");
    }
    assert_eq!(home.files(), before);
    // And neither is one whose folder goes between the look and the writing.
    fs::create_dir_all(home.path(".cursor")).unwrap();
    let preview = preview(&home, "cursor", "bridge");
    fs::remove_dir(home.path(".cursor")).unwrap();
    let refused = rpc(&home, "clients.apply", &json!({ "preview": preview })).unwrap_err();
    assert_eq!(refused["data"]["name"], "client_not_installed");
    assert_eq!(home.files(), before);
}

#[test]
fn a_preview_is_good_once_and_only_as_long_as_the_file_is_what_it_was() {
    let home = with_linear();
    let file = home.write(CURSOR, "{}");
    let stale = preview(&home, "cursor", "bridge");
    home.write(CURSOR, "{ }");
    let refused = rpc(&home, "clients.apply", &json!({ "preview": stale })).unwrap_err();
    assert_eq!(refused["data"]["name"], "client_file_changed", "{refused}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "{ }");

    let renamed = preview(&home, "cursor", "bridge");
    home.ok(&["rename", "linear", "other"]);
    let refused = rpc(&home, "clients.apply", &json!({ "preview": renamed })).unwrap_err();
    assert_eq!(refused["data"]["name"], "client_file_changed", "{refused}");
    home.ok(&["rename", "other", "linear"]);

    let good = json!({ "preview": preview(&home, "cursor", "bridge") });
    rpc(&home, "clients.apply", &good).unwrap();
    assert_eq!(rpc(&home, "clients.apply", &good).unwrap_err()["data"]["name"], "not_there");
    // Only what nobody holds any more is forgotten for another preview.
    let forgotten = json!({ "preview": preview(&home, "cursor", "bridge") });
    (0..64).for_each(|_| drop(preview(&home, "cursor", "gateway")));
    assert_eq!(rpc(&home, "clients.apply", &forgotten).unwrap_err()["data"]["name"], "not_there");
}

#[test]
fn a_way_that_a_client_can_not_take_is_refused() {
    let home = with_linear();
    home.write(CURSOR, "{}");
    let run = home.run(&["install", "cursor", "linear", "--mode", "helper", "--yes"]);
    assert!(run.code == 64 && run.err.contains("can't be connected as a helper"), "{run:?}");
    assert_eq!(home.run(&["install", "cursor", "nobody", "--yes"]).code, 11);
    assert_eq!(home.run(&["install", "cursor"]).code, 64);
    assert_eq!(home.run(&["install", "emacs", "linear"]).code, 64);
    assert_eq!(fs::read_to_string(home.path(CURSOR)).unwrap(), "{}");
}

#[test]
fn the_helper_that_was_written_prints_headers() {
    let (home, practice) = signed_in();
    home.write(".claude.json", r#"{"numStartups": 3}"#);
    home.ok(&["install", "claude-code", "practice", "--yes"]);
    let entry = entry(&home, ".claude.json", "practice");
    assert_eq!(entry["url"], practice.mcp_url());
    // As Claude Code does it, for which the home of this Keybearer isn't in the environment.
    let mut shell = home.world.program("/bin/sh");
    shell.args(["-c", entry["headersHelper"].as_str().unwrap()]).env_remove("KEYBEARER_HOME");
    let printed = shell.env("CLAUDE_CODE_MCP_SERVER_URL", practice.mcp_url()).output().unwrap();
    let headers: Value = serde_json::from_slice(&printed.stdout).unwrap_or_else(|error| panic!("{error}: {printed:?}"));
    let authorization = headers["Authorization"].as_str().unwrap();
    let authorization = format!("Authorization: {authorization}\r\nAccept: application/json, text/event-stream");
    let answer = request_with("POST", practice.mcp_url(), &authorization, Some(INITIALIZE)).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn the_bridge_that_was_written_answers() {
    let (home, _practice) = signed_in();
    home.write(CURSOR, "{}");
    home.ok(&["install", "cursor", "practice", "--yes"]);
    let entry = entry(&home, CURSOR, "practice");
    let words = entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let mut bridge = home.world.program(entry["command"].as_str().unwrap());
    bridge.args(words).env_remove("KEYBEARER_HOME").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut bridge = bridge.spawn().unwrap();
    let mut input = bridge.stdin.take().unwrap();
    writeln!(input, "{INITIALIZE}").unwrap();
    let mut line = String::new();
    BufReader::new(bridge.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let answer: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(answer["result"]["serverInfo"]["name"], "keybearer-practice", "{answer}");
    drop(input);
    assert!(bridge.wait().unwrap().success());
}

#[test]
fn the_socket_that_was_written_leads_to_the_server() {
    let (home, _practice) = signed_in();
    home.write(".config/Code/User/mcp.json", "{}");
    home.ok(&["install", "vscode", "practice", "--yes"]);
    let entry = entry(&home, ".config/Code/User/mcp.json", "practice");
    let (socket, path) = entry["url"].as_str().unwrap().strip_prefix("unix://").unwrap().split_once('#').unwrap();
    let mut stream = UnixStream::connect(socket).unwrap();
    let length = INITIALIZE.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{INITIALIZE}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("keybearer-practice"), "{answer}");
}

#[test]
fn a_key_of_the_gateway_stands_in_the_file_alone_and_ends_with_it() {
    let (home, _practice) = signed_in();
    home.write(CURSOR, "{}");
    let install = ["install", "cursor", "practice", "--mode", "gateway"];
    home.ok(&[&install[..], &["--dry-run"]].concat());
    assert!(!home.ok(&["grants"]).out.contains("Cursor"), "a look makes no key");
    let use_of = |entry: &Value| {
        let key = entry["headers"]["Keybearer-Key"].as_str().unwrap().to_owned();
        let lines = format!("Keybearer-Key: {key}\r\nAccept: application/json, text/event-stream");
        let status = request_with("POST", entry["url"].as_str().unwrap(), &lines, Some(INITIALIZE)).map(|a| a.status);
        (key, status)
    };
    let installed = home.ok(&[&install[..], &["--yes"]].concat());
    let first = entry(&home, CURSOR, "practice");
    let (first_key, status) = use_of(&first);
    assert_eq!(status.unwrap(), 200);
    assert!(home.ok(&["grants"]).out.contains("Cursor"));

    let again = home.ok(&[&install[..], &["--yes"]].concat());
    let (second_key, status) = use_of(&entry(&home, CURSOR, "practice"));
    assert_eq!(status.unwrap(), 200);
    assert_ne!(first_key, second_key);
    assert_eq!(use_of(&first).1.unwrap(), 403, "the key that stands nowhere any more is none");
    let grants = home.ok(&["grants"]).out;
    assert_eq!(grants.matches("Cursor").count(), 1, "{grants}");

    let said = format!("{installed:?}{again:?}{}", home.ok(&["activity", "--json"]).out);
    let kept = files_holding(&home.world.home, &[&first_key, &second_key]);
    for key in [&first_key, &second_key] {
        assert!(!said.contains(key.as_str()), "it is shown to nobody");
    }
    assert_eq!(kept, Vec::<String>::new(), "it is kept as a hash alone");

    home.ok(&["install", "cursor", "practice", "--undo"]);
    assert_eq!(fs::read_to_string(home.path(CURSOR)).unwrap(), "{}", "as before the first");
    assert!(!home.ok(&["grants"]).out.contains("Cursor"));
    assert!(use_of(&first).1.is_err(), "without a key the gateway is shut");
}

#[test]
fn a_key_is_not_written_for_another_address_than_was_seen() {
    let home = ClientHome::of(at_port(World::new().unwrap()));
    home.ok(&["add", LINEAR, "--name", "linear", "--auth", "none", "--no-sign-in"]);
    home.write(CURSOR, "{}");
    let preview = preview(&home, "cursor", "gateway");
    let home = ClientHome::of(at_port(home.world));
    let refused = rpc(&home, "clients.apply", &json!({ "preview": preview })).unwrap_err();
    assert_eq!(refused["data"]["name"], "client_file_changed", "{refused}");
    assert_eq!(fs::read_to_string(home.path(CURSOR)).unwrap(), "{}");
    assert!(!home.ok(&["grants"]).out.contains("Cursor"), "and the key that was made for it has ended");
}

#[test]
fn once_the_window_asks_only_the_window_writes_a_key_and_one_that_is_written_nowhere_ends() {
    let world = at_port(World::with_desktop().unwrap());
    let mut prompter = Prompter::register(&world).unwrap();
    let home = ClientHome::of(world);
    home.ok(&["add", LINEAR, "--name", "linear", "--auth", "none", "--no-sign-in"]);
    home.write(CURSOR, "{}");
    let refused = home.run(&["install", "cursor", "linear", "--mode", "gateway", "--yes"]);
    assert_eq!(refused.code, 34, "{refused:?}");
    assert_eq!(fs::read_to_string(home.path(CURSOR)).unwrap(), "{}");
    home.ok(&["install", "cursor", "linear", "--yes"]);
    home.ok(&["install", "cursor", "linear", "--undo"]);

    let wish = json!({ "client": "cursor", "profile": "linear", "mode": "gateway", "environment": environment(&home) });
    let preview = prompter.0.ok("clients.preview", &wish).unwrap();
    assert!(preview["snippet"].is_null(), "a key isn't for the clipboard");
    home.write(CURSOR, "{ }");
    let stale = prompter.0.call("clients.apply", &json!({ "preview": preview["preview"] })).unwrap();
    assert_eq!(stale["error"]["data"]["name"], "client_file_changed", "{stale}");
    assert!(!home.ok(&["grants"]).out.contains("Cursor"), "its key has ended");
    let preview = prompter.0.ok("clients.preview", &wish).unwrap();
    prompter.0.ok("clients.apply", &json!({ "preview": preview["preview"] })).unwrap();
    assert!(home.ok(&["grants"]).out.contains("Cursor"));
}

#[test]
fn clients_that_name_an_account_which_is_not_there_are_told_of() {
    let home = with_linear();
    home.write(CURSOR, "{}");
    home.write(".codex/config.toml", "");
    home.ok(&["install", "cursor", "linear", "--yes"]);
    home.ok(&["install", "codex", "linear", "--yes"]);
    let renamed = home.ok(&["rename", "linear", "work"]);
    assert!(
        renamed.err.contains("Cursor still names it as before: keybearer install cursor work --undo"),
        "{renamed:?}"
    );
    let doctor = home.run(&["doctor", "--json"]);
    let found: Value = serde_json::from_str(&doctor.out).unwrap();
    let row = found.as_array().unwrap().iter().find(|row| row["check"] == "clients").unwrap();
    assert_eq!(row["state"], "warn");
    assert!(row["found"].as_str().unwrap().contains("Cursor names linear"), "{row}");

    home.ok(&["install", "cursor", "work", "--undo"]);
    home.ok(&["install", "cursor", "work", "--yes"]);
    let removed = home.ok(&["remove", "work"]);
    assert!(removed.err.contains("Cursor still has it: keybearer install cursor work --undo"), "{removed:?}");
    home.ok(&["install", "cursor", "work", "--undo"]);
    home.ok(&["install", "codex", "linear", "--undo"]);
    assert_eq!(fs::read_to_string(home.path(CURSOR)).unwrap(), "{}");
    assert_eq!(fs::read_to_string(home.path(".codex/config.toml")).unwrap(), "");
    let doctor = home.run(&["doctor", "--json"]);
    assert!(!doctor.out.contains(r#""check":"clients""#), "{doctor:?}");
}

/// docs/clients.md
fn document() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/clients.md")).unwrap()
}

#[test]
fn the_commands_of_the_document_do_what_it_says() {
    let home = ClientHome::new();
    let servers = json!({ "linear": { "url": LINEAR, "headers": { "Authorization": "Bearer PLANTED" } } });
    home.write(CURSOR, &json!({ "mcpServers": servers }).to_string());
    let before = home.files();
    let document = document();
    let commands = document.lines().filter_map(|line| line.strip_prefix("keybearer "));
    let commands: Vec<Vec<&str>> = commands.map(|line| line.split(' ').collect()).collect();
    assert!(commands.len() >= 6 && commands.last().unwrap().ends_with(&["--undo"]), "{commands:?}");
    for command in &commands {
        home.ok(command);
    }
    assert_eq!(home.files(), before);
}

#[test]
fn the_document_has_every_client_with_its_file_and_ways() {
    let home = ClientHome::new();
    let document = document();
    let row_of = |id: &str| document.lines().find(|line| line.contains(&format!("| `{id}` |"))).unwrap_or_default();
    let clients = home.json(&["install"]);
    for client in clients.as_array().unwrap() {
        let text = |name: &str| client[name].as_str().unwrap();
        let file = text("file").replace(home.path("").to_str().unwrap(), "~/");
        let modes = client["modes"].as_array().unwrap().iter().map(|mode| mode["mode"].as_str().unwrap());
        let modes = modes.collect::<Vec<_>>().join(", ");
        let row = row_of(text("client"));
        assert!(row.starts_with(&format!("| {} |", text("name"))), "{client}");
        assert!(row.contains(&format!("| `{file}`")) && row.ends_with(&format!("| {modes} |")), "{row}\n{client}");
    }
}
