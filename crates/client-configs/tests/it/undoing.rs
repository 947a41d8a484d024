//! Taking back.

use crate::home::{Home, text, write};
use keybearer_client_configs::{Client, Error, Receipt, Undone, Way};
use std::fs;

const BEFORE: &str = "{\n  // mine\n  \"mcpServers\": {\n    \"linear\": {\n      \"url\": \"https://mcp.linear.app/mcp\",\n      \
    \"headers\": { \"Authorization\": \"Bearer PLANTED\" }\n    }\n  }\n}\n";

#[test]
fn what_others_have_changed_since_stays() {
    let home = Home::new();
    let file = home.file(Client::Cursor, BEFORE);
    let receipt = home.install(Client::Cursor, Way::Bridge);
    let others =
        text(&file).replace("\"mcpServers\": {", "\"mcpServers\": {\n    \"new\": { \"command\": \"new\" }, // theirs");
    write(&file, &others);
    assert_eq!(home.undo(&receipt).expect("taken back"), Undone::TakenBack);
    let after = text(&file);
    assert!(after.contains("// mine") && after.contains("\"new\": { \"command\": \"new\" }, // theirs"), "{after}");
    assert!(!after.contains("keybearer") && after.contains("Bearer PLANTED"), "{after}");
    assert!(receipt.backup.expect("a copy").exists(), "it may be needed yet");
    assert_eq!(Receipt::all(&home.records()), [], "and it is over");
}

#[test]
fn what_others_have_made_of_the_entry_stays() {
    let home = Home::new();
    let file = home.file(Client::Cursor, BEFORE);
    let receipt = home.install(Client::Cursor, Way::Bridge);
    let theirs = "{ \"mcpServers\": { \"linear\": { \"command\": \"theirs\", \"args\": [] } } }";
    write(&file, theirs);
    home.undo(&receipt).expect("nothing left to do");
    assert!(text(&file).contains("theirs"), "{}", text(&file));
}

#[test]
fn an_entry_that_was_added_goes_with_all_that_was_made_for_it() {
    for (client, before, theirs) in [
        (Client::Codex, "model = \"x\" # mine\n", "\n[projects.\"/a\"]\ntrust_level = \"trusted\"\n"),
        (Client::Goose, "GOOSE_MODEL: x # mine\n", "slash_commands: []\n"),
        (Client::Zed, "{\n  \"theme\": \"One\" // mine\n}\n", "// behind\n"),
    ] {
        let home = Home::new();
        let file = home.file(client, before);
        let receipt = home.install(client, Way::Bridge);
        write(&file, text(&file) + theirs);
        assert_eq!(home.undo(&receipt).expect("taken back"), Undone::TakenBack, "{client}");
        let after = text(&file);
        assert!(after.contains("mine") && after.ends_with(theirs), "{client}: {after}");
        let container = ["mcp_servers", "extensions", "context_servers"].iter().any(|key| after.contains(key));
        assert!(!container && !after.contains("keybearer"), "{client}: {after}");
    }
}

#[test]
fn what_a_client_has_added_to_a_new_entry_goes_with_it() {
    let home = Home::new();
    let file = home.file(Client::Cursor, "{\n  \"mcpServers\": {}\n}\n");
    let receipt = home.install(Client::Cursor, Way::Bridge);
    write(&file, text(&file).replace("\"type\": \"stdio\"", "\"disabled\": true,\n      \"type\": \"stdio\""));
    assert_eq!(home.undo(&receipt).expect("taken back"), Undone::TakenBack);
    let after: serde_json::Value = serde_json::from_str(&text(&file)).expect("JSON");
    assert_eq!(after, serde_json::json!({ "mcpServers": {} }), "what was there before it stays");
}

#[test]
fn a_file_that_was_made_goes_only_if_nothing_else_is_in_it() {
    for (theirs, expected) in [(" ", Undone::Removed), ("\"other\": 1, ", Undone::TakenBack)] {
        let home = Home::new();
        fs::create_dir_all(home.path(".cursor")).expect("a folder");
        let receipt = home.install(Client::Cursor, Way::Bridge);
        let others = text(&receipt.file).replacen("{\n", &format!("{{{theirs}\n"), 1);
        write(&receipt.file, others);
        assert_eq!(home.undo(&receipt).expect("taken back"), expected);
        let left = receipt.file.exists().then(|| text(&receipt.file));
        assert_eq!(left.is_some_and(|left| left.contains("other")), expected == Undone::TakenBack);
    }
}

#[test]
fn tokens_come_back_from_the_copy_alone() {
    let home = Home::new();
    let file = home.file(Client::Cursor, BEFORE);
    let receipt = home.install(Client::Cursor, Way::Bridge);
    let after = text(&file);
    let backup = receipt.backup.clone().expect("a copy");
    for content in [None, Some("{}")] {
        match content {
            Some(content) => write(&backup, content),
            None => fs::remove_file(&backup).expect("removed"),
        }
        let error = home.undo(&receipt).expect_err("not without the copy");
        assert_eq!(error.code(), "not_editable");
        assert_eq!(text(&file), after, "half of an entry would be worse");
    }
    write(&backup, BEFORE);
    assert_eq!(home.undo(&receipt).expect("taken back"), Undone::Restored);
    assert_eq!(text(&file), BEFORE);
}

#[test]
fn a_change_is_taken_back_once_and_only_where_a_client_keeps_its_servers() {
    let home = Home::new();
    let file = home.file(Client::Cursor, BEFORE);
    let receipt = home.install(Client::Cursor, Way::Bridge);
    let record = home.records().join(format!("{}.json", receipt.id));
    let kept = text(&record);
    let elsewhere = home.path(".bashrc");
    write(&elsewhere, text(&file));
    write(&record, kept.replace(&*file.to_string_lossy(), &elsewhere.to_string_lossy()));
    assert_eq!(home.undo(&receipt).map_err(|error| error.code()), Err("not_own"));
    assert_eq!(text(&elsewhere), text(&file));
    // Nor is a record taken from anywhere else.
    write(&home.records().join("../planted.json"), kept.replace(&receipt.id, "../planted"));
    assert_eq!(Receipt::load(&home.records(), "../planted"), Err(Error::NoReceipt));
    write(&record, kept);
    home.undo(&receipt).expect("taken back");
    assert_eq!(home.undo(&receipt), Err(Error::NoReceipt));
}
