//! The main road: from a server's address to a program with a fresh token, and back to nothing.

use keybearer_tests::practice::Practice;
use keybearer_tests::world::World;

#[test]
fn an_address_becomes_a_token_that_the_server_takes() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let added = world.ok(&["add", practice.mcp_url(), "--name", "practice"]).unwrap();
    assert_eq!(added, "practice is signed in (4 tools)");
    let token = world.ok(&["token", "practice"]).unwrap();
    assert_eq!(world.ok(&["token", practice.mcp_url()]).unwrap(), token);
    assert_eq!(world.ok(&["token", &format!("{}/", practice.mcp_url())]).unwrap(), token);
    let headers = world.json(&["headers", "practice"]).unwrap();
    assert_eq!(headers["Authorization"], format!("Bearer {token}"));
    let test = world.json(&["test", "practice"]).unwrap();
    assert_eq!((&test["ok"], &test["tools"]), (&true.into(), &4.into()));
    let items = world.session.keyring_items().unwrap();
    assert!(items.contains("attribute.service = keybearer") && items.contains("attribute.home = "), "{items}");
    assert_eq!(practice.count("registrations").unwrap(), 1);
}

#[test]
fn headers_follow_what_the_calling_client_names_in_its_environment() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    for (variable, value) in
        [("CLAUDE_CODE_MCP_SERVER_URL", practice.mcp_url()), ("CLAUDE_CODE_MCP_SERVER_NAME", "practice")]
    {
        let output = world.command(&["headers"]).env(variable, value).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("{\"Authorization\":\"Bearer "), "{variable}");
    }
    // A client may blot out parts of the address, but never the server.
    for (url, code) in [(practice.mcp_url().replace("mcp", "REDACTED"), 0), ("https://REDACTED/mcp".to_owned(), 18)] {
        let mut blotted = world.command(&["headers"]);
        blotted.env("CLAUDE_CODE_MCP_SERVER_URL", url).env("CLAUDE_CODE_MCP_SERVER_NAME", "practice");
        assert_eq!(blotted.output().unwrap().status.code(), Some(code));
    }
    assert_eq!(world.run(&["headers"]).unwrap().code, 64);
}

#[test]
fn signing_out_revokes_and_the_next_sign_in_needs_no_new_registration() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    assert_eq!(world.ok(&["sign-out", "practice"]).unwrap(), "practice is signed out; its tokens were revoked");
    assert!(practice.count("revocations").unwrap() >= 1);
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 15);
    assert_eq!(world.ok(&["sign-in", "practice"]).unwrap(), "practice is signed in (4 tools)");
    assert_eq!(practice.count("registrations").unwrap(), 1);
}

#[test]
fn a_server_that_needs_no_sign_in_is_found_to_need_none() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let added = world.ok(&["add", practice.open_mcp_url(), "--name", "open"]).unwrap();
    assert_eq!(added, "open needs no sign-in (4 tools)");
    assert_eq!(world.run(&["sign-out", "open"]).unwrap().code, 64);
    assert_eq!(world.json(&["list"]).unwrap()[0]["status"], "no_sign_in");
    assert_eq!(world.json(&["headers", "open"]).unwrap(), serde_json::json!({}));
    assert_eq!(world.json(&["test", "open"]).unwrap()["tools"], 4);
    assert_eq!(world.run(&["token", "open"]).unwrap().code, 32);
}

#[test]
fn signing_in_again_takes_the_client_that_worked_before() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let first = world.ok(&["token", "practice"]).unwrap();
    world.ok(&["sign-in", "practice"]).unwrap();
    assert_ne!(world.ok(&["token", "practice"]).unwrap(), first);
    assert_eq!(practice.count("registrations").unwrap(), 1);
}
