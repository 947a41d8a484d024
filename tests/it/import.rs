//! Servers that MCP clients have already become accounts. Nothing in a client's file is changed, and no secret is taken over.

use crate::client_home::{ClientHome, PLANTED};
use keybearer_tests::canary::files_holding;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn by_url<'a>(found: &'a Value, url: &str) -> &'a Value {
    let servers = found["servers"].as_array().unwrap();
    servers.iter().find(|server| server["server_url"] == url).unwrap_or_else(|| panic!("{url}: {found}"))
}

#[test]
fn what_clients_have_becomes_accounts_and_their_files_and_secrets_stay_with_them() {
    let home = ClientHome::new();
    home.sample("claude-code", ".claude.json");
    home.sample("cursor", ".cursor/mcp.json");
    home.sample("vscode", ".config/Code/User/mcp.json");
    home.sample("codex", ".codex/config.toml");
    home.sample("goose", ".config/goose/config.yaml");
    home.write(".mcp-auth/mcp-remote-1/x_tokens.json", r#"{"refresh_token": "PLANTED"}"#);
    let before = home.files();

    let shown = home.ok(&["import", "--dry-run"]);
    assert!(shown.out.contains("https://mcp.linear.app/mcp") && shown.out.contains("Claude Code, "), "{shown:?}");
    assert!(shown.err.contains("Authorization stands in the file of Cursor as plain text"), "{shown:?}");
    assert!(shown.err.contains("mcp-remote keeps sign-ins of its own in "), "{shown:?}");
    assert_eq!(home.ok(&["list", "--json"]).out, "[]\n");

    // Nobody is there to be asked, and nothing is guessed.
    let unasked = home.run(&["import"]);
    assert_eq!((unasked.code, home.ok(&["list", "--json"]).out.as_str()), (64, "[]\n"), "{unasked:?}");

    let imported = home.json(&["import", "--yes"]);
    let found = by_url(&imported, "https://mcp.linear.app/mcp/");
    let clients: BTreeSet<&str> =
        found["found"].as_array().unwrap().iter().map(|place| text(place, "client")).collect();
    assert!(clients.is_superset(&["claude-code", "codex", "cursor", "goose", "vscode"].into()), "{found}");
    let servers = imported["servers"].as_array().unwrap();
    let names: BTreeSet<String> = servers.iter().map(|server| text(server, "name").to_lowercase()).collect();
    assert_eq!(names.len(), servers.len(), "each has a name of its own: {servers:?}");
    let added = imported["added"].as_array().unwrap();
    assert_eq!(added.len(), servers.len());
    assert!(added.iter().all(|account| account["auth"] == "auto"), "{added:?}");
    let has_key = |account: &Value| text(account, "server_url").to_lowercase().contains("key");
    assert!(!added.iter().any(has_key), "an address is taken without its secrets: {added:?}");

    let again = home.ok(&["import", "--yes"]);
    assert!(again.err.contains("already here") && again.out.contains("nothing new"), "{again:?}");
    assert_eq!(home.ok(&["list", "--json"]).out.matches("\"profile\"").count(), added.len());

    assert_eq!(home.files(), before, "no file of a client was touched");
    // What they hold is nowhere else: neither in what Keybearer keeps nor in its log.
    assert_eq!(files_holding(&home.world.home, &[PLANTED]), Vec::<String>::new());
}

#[test]
fn one_client_alone_is_looked_at_where_that_is_wished() {
    let home = ClientHome::new();
    home.sample("cursor", ".cursor/mcp.json");
    home.sample("codex", ".codex/config.toml");
    let found = home.json(&["import", "--from", "codex", "--dry-run"]);
    let places = found["servers"].as_array().unwrap().iter().flat_map(|server| server["found"].as_array().unwrap());
    let clients: BTreeSet<&str> = places.map(|place| text(place, "client")).collect();
    assert_eq!(clients, ["codex"].into());
    let unknown = home.run(&["import", "--from", "emacs"]);
    assert!(unknown.code == 64 && unknown.err.contains("claude-code"), "{unknown:?}");
}

#[test]
fn a_file_that_is_broken_is_named_with_its_line_and_the_others_are_read() {
    let home = ClientHome::new();
    home.write(".cursor/mcp.json", "{\n  \"mcpServers\": {\n    \"a\": PLANTED\n  }\n}\n");
    home.sample("codex", ".codex/config.toml");
    let shown = home.ok(&["import", "--dry-run"]);
    assert!(shown.err.contains("mcp.json can't be read: line 3, column "), "{shown:?}");
    assert!(shown.out.contains("https://mcp.linear.app/mcp"), "{shown:?}");
    let listed = home.ok(&["install"]);
    assert!(listed.err.contains("line 3, column "), "{listed:?}");
    home.world.add("linear", "https://mcp.linear.app/mcp").unwrap();
    let before = home.files();
    assert_eq!(home.run(&["install", "cursor", "linear", "--yes"]).code, 29);
    assert_eq!(home.files(), before);
}

#[test]
fn more_servers_than_fit_a_frame_come_in_pages() {
    let home = ClientHome::new();
    let servers: serde_json::Map<String, Value> = (0..700)
        .map(|number| (format!("server {number}"), json!({ "url": format!("https://s{number}.example/mcp") })))
        .collect();
    home.write(".cursor/mcp.json", &json!({ "mcpServers": servers }).to_string());
    let found = home.json(&["import", "--dry-run"]);
    assert_eq!(found["servers"].as_array().unwrap().len(), 700);
    // The list of clients is for people: entries that don't fit are counted.
    let clients = home.json(&["install"]);
    let cursor = clients.as_array().unwrap().iter().find(|client| client["client"] == "cursor").unwrap();
    let entries = u64::try_from(cursor["entries"].as_array().unwrap().len()).unwrap();
    assert_eq!(entries + cursor["omitted"].as_u64().unwrap(), 700);
}
