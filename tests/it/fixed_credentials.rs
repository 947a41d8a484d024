//! Accounts with a credential that doesn't change: bearer token, header, user name and password.

use keybearer_tests::world::{Run, World};
use serde_json::json;

fn add(world: &World, arguments: &[&str], secret: &str) -> Run {
    let all = [&["add", "https://mcp.example.com/mcp", "--secret-stdin"], arguments].concat();
    world.run_with(&all, secret).unwrap()
}

#[test]
fn each_type_gives_its_header_and_only_a_bearer_gives_a_token() {
    let world = World::new().unwrap();
    for (name, arguments, header) in [
        ("bearer", &["--auth", "bearer"][..], json!({ "Authorization": "Bearer s3cret" })),
        ("header", &["--auth", "header", "--header", "X-API-Key"], json!({ "X-API-Key": "s3cret" })),
        ("basic", &["--auth", "basic", "--username", "ada"], json!({ "Authorization": "Basic YWRhOnMzY3JldA==" })),
    ] {
        let added = add(&world, &[&["--name", name], arguments].concat(), "s3cret");
        assert_eq!(added.code, 0, "{}", added.err);
        assert_eq!(world.json(&["headers", name]).unwrap(), header, "{name}");
    }
    assert_eq!(world.ok(&["token", "bearer"]).unwrap(), "s3cret");
    assert_eq!(["header", "basic"].map(|name| world.run(&["token", name]).unwrap().code), [32, 32]);
    assert_eq!(["sign-in", "sign-out"].map(|what| world.run(&[what, "bearer"]).unwrap().code), [64, 64]);
    assert!(!std::fs::read_to_string(world.servers_file()).unwrap().contains("s3cret"));
    world.kill_agent().unwrap();
    assert_eq!(world.ok(&["token", "bearer"]).unwrap(), "s3cret");
}

#[test]
fn options_that_do_not_fit_are_refused_and_nothing_is_added() {
    let world = World::new().unwrap();
    for arguments in [
        &["--auth", "header"][..],
        &["--auth", "basic"],
        &["--auth", "bearer", "--header", "X"],
        &["--auth", "header", "--header", "not a header"],
        &[],
    ] {
        assert_eq!(add(&world, arguments, "s3cret").code, 64, "{arguments:?}");
    }
    assert_eq!(add(&world, &["--auth", "bearer"], "").code, 64);
    let bare = ["add", "https://mcp.example.com/mcp", "--auth", "bearer", "--no-sign-in"];
    assert_eq!(world.run(&bare).unwrap().code, 64);
    assert_eq!(world.json(&["list"]).unwrap(), json!([]));
}
