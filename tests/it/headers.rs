//! `keybearer headers`, as Claude Code runs it.

use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::{Run, World};
use serde_json::Value;

const NAME: &str = "CLAUDE_CODE_MCP_SERVER_NAME";
const URL: &str = "CLAUDE_CODE_MCP_SERVER_URL";

fn signed_in(arguments: &[&str]) -> (World, Practice) {
    let (world, practice) = (World::new().unwrap(), Practice::start(arguments).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

fn headers(world: &World, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let arguments = [&["headers"], arguments].concat();
    world.command(&arguments).envs(variables.iter().copied()).output().unwrap().into()
}

#[test]
fn headers_are_found_by_what_the_client_says_and_go_to_no_other_address() {
    let (world, practice) = signed_in(&[]);
    let url = practice.mcp_url();
    let hidden = url.replace("mcp", "REDACTED");
    let evil = "https://evil.example/mcp";
    let evil_hidden = "https://evil.example/mcp?key=REDACTED";
    for (arguments, variables, code) in [
        (&["practice"][..], &[][..], 0),
        (&[], &[(NAME, "practice")], 0),
        (&[], &[(NAME, "another name"), (URL, url)], 0),
        (&["practice"], &[(NAME, "another name"), (URL, url)], 0),
        (&[], &[(NAME, "another name"), (URL, hidden.as_str())], 0),
        (&["practice"], &[(URL, evil)], 18),
        (&["practice"], &[(URL, evil_hidden)], 18),
        (&[], &[(NAME, "practice"), (URL, evil)], 11),
        (&[], &[(NAME, "practice"), (URL, evil_hidden)], 18),
        (&[], &[(URL, "https://REDACTED/mcp")], 18),
        (&[], &[], 64),
    ] {
        let run = headers(&world, arguments, variables);
        assert_eq!(run.code, code, "{arguments:?} {variables:?}: {run:?}");
        if code == 0 {
            let said: Value = serde_json::from_str(&run.out).unwrap();
            let pairs = said.as_object().unwrap();
            assert!(
                pairs.values().all(Value::is_string) && pairs["Authorization"].as_str().unwrap().starts_with("Bearer ")
            );
        } else {
            assert_eq!(run.out, "");
        }
    }
    // Variables with KEY in their name may be missing.
    let home = world.home.display().to_string();
    let mut bare = world.command(&["--home", &home, "headers", "practice"]);
    assert!(bare.env_remove("KEYBEARER_HOME").output().unwrap().status.success());
    assert!(world.home.join("run").is_dir());
}

#[test]
fn of_two_accounts_at_one_server_the_clients_name_chooses() {
    let (world, practice) = signed_in(&[]);
    world.sign_in("other", practice.mcp_url()).unwrap();
    let of = |name: &str| headers(&world, &[], &[(NAME, name), (URL, practice.mcp_url())]);
    assert_eq!((of("practice").code, of("other").code, of("nobody").code), (0, 0, 12));
    assert_ne!(of("practice").out, of("other").out);
}

#[test]
fn nothing_is_renewed_in_vain_where_a_token_never_has_ten_minutes_left() {
    let (world, practice) = signed_in(&["--token-lifetime", "500"]);
    for _ in 0..3 {
        assert_eq!(headers(&world, &["practice"], &[]).code, 0);
    }
    assert_eq!(practice.count("refreshes").unwrap(), 0);
}

#[test]
fn the_same_program_that_asks_again_soon_gets_another_token() {
    let (world, practice) = signed_in(&[]);
    let ask = || headers(&world, &["practice"], &[]).out;
    let first = ask();
    // The connections of one beginning are no complaint.
    assert_eq!([ask(), ask()], [first.clone(), first.clone()]);
    assert_eq!(practice.count("refreshes").unwrap(), 0);
    let second = until("another token", || Ok(Some(ask()).filter(|second| *second != first))).unwrap();
    assert!(second.contains("Bearer ") && practice.count("refreshes").unwrap() == 1);
}
