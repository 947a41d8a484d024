//! Who calls: the process that connected, and no other that gets hold of its connection (REQ-I1).

use keybearer_tests::practice::Practice;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::process::{Command, Output};

/// What a shell says that took over an open session, with the request ready in `$REQUEST`.
fn after_becoming(world: &World, command: &str) -> Output {
    let socket = world.programs_socket();
    let mut attacker = Command::new(keybearer_tests::executables::executable("keybearer-stand-in"));
    attacker.arg("become").arg(socket).args(["token.get", r#"{"profile":"practice"}"#, command]);
    attacker.output().unwrap()
}

#[test]
fn a_session_ends_when_its_process_becomes_another_program_or_hands_it_to_a_child() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    // The same process as another program; a child of it; the child alone, its parent being a trusted program by then.
    for command in [
        r#"printf '%s\n' "$REQUEST" >&0; read -r answer; echo "$answer""#,
        r#"(printf '%s\n' "$REQUEST" >&0); read -r answer; echo "$answer""#,
        r#"(sleep 0; printf '%s\n' "$REQUEST" >&0; read -r answer; echo "$answer") <&0 & exec sleep 1"#,
    ] {
        let output = after_becoming(&world, command);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said.trim(), "", "{command}");
    }
    // The honest caller is served.
    let mut wire = world.programs().unwrap();
    let reply = wire.call("token.get", &json!({ "profile": "practice" })).unwrap();
    assert!(reply["result"]["access_token"].is_string(), "{}", reply["error"]);
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
