//! The clients of docs/protocol.md, as they stand there, and `keybearer rpc`.

use keybearer_tests::practice::Practice;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The first block of the document in this language.
fn example(language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
    let text = fs::read_to_string(path).unwrap().replace("\r\n", "\n");
    let (_, block) = text.split_once(&format!("```{language}\n")).unwrap_or_else(|| panic!("no example in {language}"));
    block.split_once("```").unwrap().0.to_owned()
}

/// Runs a program as somebody who has read the document does: with the socket's folder, and no home.
fn run(world: &World, program: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command: Command = world.program(program);
    command.args(arguments).env_remove("KEYBEARER_HOME").env("KEYBEARER_SOCKET", world.home.join("run"));
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn signed_in() -> (World, Practice, String) {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice"]).unwrap();
    (world, practice, token)
}

#[test]
fn the_python_client_prints_the_token_or_what_is_wrong() {
    let (world, _practice, token) = signed_in();
    let client = world.session.write("client.py", &example("python")).unwrap();
    let client = client.to_str().unwrap();
    assert_eq!(run(&world, "python3", &[client, "practice"]), (Some(0), token, String::new()));
    let (code, out, err) = run(&world, "python3", &[client, "nobody"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("there is no account \"nobody\""), "{err}");
}

#[test]
fn the_lines_for_socat_bring_the_nonce_back_and_get_the_token() {
    let (world, _practice, token) = signed_in();
    let (code, out, err) = run(&world, "bash", &["-c", &example("bash")]);
    let answer: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code:?} {out} {err}"));
    assert_eq!(answer["result"]["access_token"], token.as_str(), "{answer}");
}

#[test]
fn rpc_answers_many_requests_of_one_connection_line_by_line() {
    let (world, _practice, token) = signed_in();
    let requests = [
        r#"{"id": "a", "method": "token.get", "params": {"profile": "practice"}}"#,
        "",
        r#"{"method": "token.get", "params": {"profile": "nobody"}}"#,
        "nonsense with a secret7f",
        r#"{"method": "agent.ping"}"#,
    ];
    let done = world.run_with(&["rpc", "-"], &requests.join("\n")).unwrap();
    assert_eq!(done.code, 11, "the first failure counts: {}", done.err);
    assert!(done.err.starts_with("keybearer: profile_not_found: ") && done.err.lines().count() == 1, "{}", done.err);
    let answers: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 4, "{}", done.out);
    assert_eq!((&answers[0]["id"], &answers[0]["result"]["access_token"]), (&json!("a"), &json!(token)));
    assert_eq!(answers[1]["error"]["data"]["name"], "profile_not_found");
    assert_eq!(answers[2]["error"]["data"]["name"], "usage");
    assert_eq!(answers[3], json!({ "result": {} }));
    assert!(!done.out.contains("secret7f") && !done.err.contains("secret7f"));
    assert_eq!(world.run_with(&["rpc", "-"], r#"{"method": "agent.ping"}"#).unwrap().code, 0);
    // The other door, and no more of a line than an agent would read.
    let admin = world.run_with(&["rpc", "--admin", "-"], r#"{"method": "token.get"}"#).unwrap();
    assert_eq!(admin.code, 70, "{}", admin.err);
    assert_eq!(world.run_with(&["rpc", "-"], &"x".repeat(70_000)).unwrap().code, 64);
}
