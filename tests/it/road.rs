//! The main road: from a server's address to a program with a fresh token.

use keybearer_tests::practice::Practice;
use keybearer_tests::world::World;

#[test]
fn an_address_becomes_a_token_that_the_server_takes() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    let added = world.ok(&["add", practice.mcp_url(), "--name", "practice"]).unwrap();
    assert_eq!(added, "practice is signed in (4 tools)");
    let token = world.ok(&["token", "practice"]).unwrap();
    assert_eq!(world.ok(&["token", practice.mcp_url()]).unwrap(), token);
    let headers = world.json(&["headers", "practice"]).unwrap();
    assert_eq!(headers["Authorization"], format!("Bearer {token}"));
    let test = world.json(&["test", "practice"]).unwrap();
    assert_eq!((&test["ok"], &test["tools"]), (&true.into(), &4.into()));
    assert!(world.session.keyring_items().unwrap().contains("attribute.home = "));
}
