//! Accounts as the user writes them down.

use keybearer_tests::practice::Practice;
use keybearer_tests::world::World;
use serde_json::json;
use std::fs;

#[test]
fn accounts_are_added_listed_shown_renamed_and_removed() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    assert_eq!(world.ok(&["list"]).unwrap(), "No accounts yet. Add one: keybearer add https://…");
    world.sign_in("work", practice.mcp_url()).unwrap();
    world.add("home", practice.mcp_url()).unwrap();
    let list = world.ok(&["list"]).unwrap();
    let rows: Vec<&str> = list.lines().collect();
    assert!(
        rows[0].starts_with("home  Needs sign-in") && rows[1].starts_with("work  Connected · 59 min left"),
        "{list}"
    );
    let token = world.ok(&["token", "work"]).unwrap();
    world.ok(&["rename", "work", "office"]).unwrap();
    assert_eq!(world.ok(&["token", "office"]).unwrap(), token);
    let shown = world.json(&["show", "office"]).unwrap();
    assert_eq!(shown["issuer"], practice.issuer());
    assert_eq!((&shown["renewable"], &shown["resource"]), (&true.into(), &practice.mcp_url().into()));
    world.ok(&["remove", "office"]).unwrap();
    assert_eq!(world.run(&["token", "office"]).unwrap().code, 11);
    assert!(world.session.keyring_items().unwrap().is_empty());
    assert_eq!(world.json(&["list"]).unwrap().as_array().unwrap().len(), 1);
}

#[test]
fn two_accounts_of_one_server_keep_apart() {
    let (mut world, practice) = (World::new().unwrap(), Practice::start(&[]).unwrap());
    world.sign_in("ada", practice.mcp_url()).unwrap();
    world.browser = format!("env KEYBEARER_PRACTICE_ACCOUNT=grace {}", world.browser);
    world.sign_in("grace", practice.mcp_url()).unwrap();
    assert_ne!(world.ok(&["token", "ada"]).unwrap(), world.ok(&["token", "grace"]).unwrap());
    let ambiguous = world.run(&["token", practice.mcp_url()]).unwrap();
    assert_eq!(ambiguous.code, 12);
    assert!(ambiguous.err.contains("ada, grace"), "{}", ambiguous.err);
    world.ok(&["sign-out", "ada"]).unwrap();
    assert_eq!(world.json(&["test", "grace"]).unwrap()["ok"], true);
}

#[test]
fn a_long_list_comes_in_pages_and_whole() {
    let world = World::new().unwrap();
    let servers: serde_json::Map<_, _> = (0..150)
        .map(|number| (format!("account-{number:03}"), json!({ "url": format!("https://a{number}.example/mcp") })))
        .collect();
    fs::create_dir_all(world.home.join("config")).unwrap();
    #[expect(clippy::disallowed_methods, reason = "an editor writes like this")]
    fs::write(world.servers_file(), json!({ "mcpServers": servers }).to_string()).unwrap();
    let list = world.json(&["list"]).unwrap();
    let names: Vec<&str> = list.as_array().unwrap().iter().filter_map(|account| account["profile"].as_str()).collect();
    assert_eq!(names.len(), 150);
    assert!(names.is_sorted());
}
