//! The sockets: whose they are, what each answers, and what they refuse.

use keybearer_protocol::methods;
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn sockets_lie_in_folders_of_their_own_for_their_owner_alone() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let mode = |path: &str| fs::metadata(world.home.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(["run", "run/programs", "run/admin", "run/gateway"].map(mode), [0o700; 4]);
    let sockets = ["run/programs/agent.v1.sock", "run/admin/admin.v1.sock", "run/gateway/gateway-http.v1.sock"];
    assert_eq!(sockets.map(mode), [0o600; 3]);
}

#[test]
fn a_folder_that_others_can_write_to_is_used_by_neither_side() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let folder = world.home.join("run/programs");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(world.run(&["token", "x"]).unwrap().code, 30);
    world.ok(&["agent", "stop"]).unwrap();
    let started = world.run(&["agent", "start"]).unwrap();
    assert_eq!(started.code, 23, "{}", started.err);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    world.ok(&["agent", "start"]).unwrap();
}

#[test]
fn the_admin_door_hands_out_no_token_and_the_programs_door_changes_nothing() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--plant-token", "canary"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let admin = |method: &str| {
        let params = json!({ "method": method, "params": { "profile": "practice", "name": "practice" } });
        world.run(&["rpc", "--admin", &params.to_string(), "--json"]).unwrap()
    };
    for method in ["token.get", "header.get", "token.invalidate"] {
        let refused = admin(method);
        assert_eq!((refused.code, refused.out.as_str()), (70, ""), "{method}: {}", refused.err);
    }
    // Whatever the admin door does answer, no token is in it.
    for method in [
        "profile.list",
        "profile.show",
        "auth.start",
        "auth.status",
        "auth.cancel",
        "account.test",
        "account.refresh",
        "agent.status",
    ] {
        let run = admin(method);
        assert!(!run.out.contains("canary") && !run.err.contains("canary"), "{method}: {run:?}");
    }
    let mut wire = world.programs().unwrap();
    for method in [
        "profile.add",
        "profile.remove",
        "profile.show",
        "auth.start",
        "auth.complete",
        "account.sign_out",
        "agent.stop",
        "nonsense",
    ] {
        let reply = wire.call(method, &json!({ "profile": "practice" })).unwrap();
        assert_eq!(reply["error"]["code"], -32601, "{method}");
    }
    assert!(world.ok(&["token", "practice"]).unwrap().starts_with("canary"));
}

#[test]
fn each_door_answers_what_it_says_it_can_and_nothing_else() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    for socket in ["run/programs/agent.v1.sock", "run/admin/admin.v1.sock"] {
        let path = world.home.join(socket);
        let mut wire = Wire::open(&path).unwrap();
        let mut unknown = 0;
        // What a door doesn't name it doesn't know; what it names, it answers, if only with a complaint. The last two
        // would end the test.
        let all = methods::ALL.iter().map(|listed| listed.name);
        for method in all.filter(|method| !["agent.lock", "agent.stop"].contains(method)) {
            let code = wire.call(method, &json!({})).unwrap()["error"]["code"].clone();
            assert_eq!(
                code != -32601,
                wire.capabilities.iter().any(|name| name == method),
                "{socket} {method}: {code}"
            );
            unknown += usize::from(code == -32601);
        }
        assert!(unknown > 0, "{socket} answers everything");
    }
}

#[test]
fn programs_in_other_namespaces_get_no_token_without_consent_and_never_the_admin_door() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let elsewhere = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]).arg(world.command(arguments).get_program()).args(arguments);
        let inner = world.command(arguments);
        command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, err) = elsewhere(&["token", "practice"]);
    assert_eq!(code, 14, "{err}");
    let (code, err) = elsewhere(&["list"]);
    assert_eq!(code, 25, "{err}");
}

#[test]
fn a_connection_begins_with_a_handshake_and_every_request_carries_its_nonce() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let socket = world.home.join("run/programs/agent.v1.sock");
    let first = |line: &str| {
        let mut wire = Wire::connect(&socket).unwrap();
        wire.send(line).unwrap();
        let code = wire.receive().unwrap().unwrap()["error"]["code"].clone();
        assert!(wire.receive().unwrap().is_none(), "the connection stays open after {line}");
        code
    };
    let open = |min: u32| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": "session.open",
            "params": { "protocol": { "min": min, "max": min }, "client": { "name": "t", "version": "0" } } })
        .to_string()
    };
    assert_eq!(first(r#"{"jsonrpc":"2.0","id":1,"method":"agent.ping","params":{}}"#), -32600);
    assert_eq!(first(&open(2)), 1020);
    assert_eq!(first("garbage"), -32700);
    assert_eq!(first("[]"), -32600);
    assert_eq!(first(&"x".repeat(70_000)), -32700);
    assert_eq!(first(&format!("{}{}", "[".repeat(20_000), "]".repeat(20_000))), -32700);
    // A line that never ends is not waited for.
    let mut endless = Wire::connect(&socket).unwrap();
    endless.send_part(&"x".repeat(65_536)).unwrap();
    assert_eq!(endless.receive().unwrap().unwrap()["error"]["code"], -32700);
    let mut wire = world.programs().unwrap();
    wire.session = "0".repeat(32);
    assert_eq!(wire.call("agent.ping", &json!({})).unwrap()["error"]["code"], -32600);
    assert!(wire.receive().unwrap().is_none());
}

#[test]
fn one_connection_may_have_64_requests_under_way_and_one_process_64_connections() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let wires: Vec<Wire> = (0..64).map(|_| world.programs().unwrap()).collect();
    let mut one_more = Wire::connect(&world.home.join("run/programs/agent.v1.sock")).unwrap();
    assert_eq!(one_more.receive().unwrap().unwrap()["error"]["code"], 1013);
    // Another process is served all the same.
    assert_eq!(world.run(&["token", "nobody"]).unwrap().code, 11);
    drop(wires);
    until("a free place", || Ok(world.programs().ok())).unwrap();
}

#[test]
fn a_request_that_is_taken_back_gets_no_answer_and_leaves_no_question() {
    let (world, practice) = (World::with_desktop().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let mut desktop = Prompter::register(&world).unwrap();
    let mut wire = Wire::open(&world.programs_socket()).unwrap();
    wire.ask(7, "token.get", &json!({ "profile": "practice" })).unwrap();
    desktop.prompt().unwrap();
    // A second one of the same id would be taken for the first.
    wire.ask(7, "agent.ping", &json!({})).unwrap();
    let twice = wire.receive().unwrap().unwrap();
    assert_eq!((&twice["id"], &twice["error"]["code"]), (&json!(7), &json!(-32600)));
    wire.ask(8, "request.cancel", &json!({ "id": 7 })).unwrap();
    let taken_back = wire.receive().unwrap().unwrap();
    assert_eq!((&taken_back["id"], &taken_back["result"]["cancelled"]), (&json!(8), &json!(true)));
    until("no question", || Ok(desktop.prompts()?.is_empty().then_some(()))).unwrap();
    assert_eq!(wire.call("request.cancel", &json!({ "id": 7 })).unwrap()["result"]["cancelled"], false);
    // Nothing but the next answer comes.
    wire.ask(9, "agent.ping", &json!({})).unwrap();
    assert_eq!(wire.receive().unwrap().unwrap()["id"], 9);
}

#[test]
fn a_stalled_caller_costs_the_others_nothing() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let socket = world.home.join("run/programs/agent.v1.sock");
    let mut stalled: Vec<Wire> = (0..32).map(|_| Wire::connect(&socket).unwrap()).collect();
    assert!(!world.ok(&["token", "practice"]).unwrap().is_empty());
    // Whoever doesn't say hello in time is let go.
    assert!(stalled.iter_mut().all(|wire| wire.receive().unwrap().is_none()));
}

#[test]
fn the_handshake_tells_the_caller_how_it_is_seen() {
    let world = World::new().unwrap();
    world.ok(&["status"]).unwrap();
    let mut wire = Wire::connect(&world.home.join("run/programs/agent.v1.sock")).unwrap();
    let params = json!({ "protocol": { "min": 1, "max": 9 }, "client": { "name": "\u{1b}[31mroot", "version": "0" } });
    wire.send(&json!({ "jsonrpc": "2.0", "id": "a", "method": "session.open", "params": params }).to_string()).unwrap();
    let reply: Value = wire.receive().unwrap().unwrap();
    assert_eq!(reply["id"], "a");
    let caller = &reply["result"]["caller"];
    assert_eq!(caller["pid"], std::process::id());
    assert_eq!(caller["exe"], std::env::current_exe().unwrap().to_str().unwrap());
    assert_eq!(caller["foreign"], false);
    let methods = reply["result"]["capabilities"].as_array().unwrap();
    assert!(methods.contains(&"token.get".into()) && !methods.contains(&"auth.start".into()));
}
