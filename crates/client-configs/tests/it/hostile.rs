//! Files that nobody's client wrote.

use crate::home::{Home, LINEAR, connection, text};
use keybearer_client_configs::{Client, Undone, Way, scan};
use std::fs;

fn refused(home: &Home, client: Client) -> &'static str {
    let problems = scan(&home.places).problems;
    assert_eq!(problems.len(), 1, "{client}: {problems:?}");
    let code = problems[0].code();
    assert_eq!(home.preview(client, Way::Bridge).err().map(|error| error.code()), Some(code), "{client}");
    code
}

#[test]
fn what_is_nested_too_deeply_is_refused() {
    for depth in [100, 100_000] {
        let nest = |open: &str, close: &str| format!("{}{}", open.repeat(depth), close.repeat(depth));
        for (client, text) in [
            (Client::Cursor, format!("{{\"mcpServers\": {}}}", nest("[", "]"))),
            (Client::Cursor, format!("{{\"mcpServers\": {}1{}}}", "{\"a\":".repeat(depth), "}".repeat(depth))),
            (Client::Codex, format!("a = {}\n", nest("[", "]"))),
            (Client::Codex, format!("[{}a]\n", "a.".repeat(depth))),
            (Client::Goose, format!("a: {}\n", nest("[", "]"))),
            (Client::Goose, format!("a: {}\n", "{a: ".repeat(depth) + &"}".repeat(depth))),
        ] {
            let home = Home::new();
            home.file(client, text);
            assert_eq!(refused(&home, client), "broken", "{client} {depth}");
        }
    }
}

#[test]
fn what_is_too_large_is_not_read() {
    let home = Home::new();
    let file = home.file(Client::Cursor, "{}");
    let sparse = fs::OpenOptions::new().write(true).open(&file).expect("the file");
    sparse.set_len(33 << 20).expect("a large one");
    assert_eq!(refused(&home, Client::Cursor), "too_large");
}

#[test]
fn what_is_no_text_is_left_alone() {
    let home = Home::new();
    home.file(Client::Cursor, b"{\"mcpServers\": \"\xff\"}");
    assert_eq!(refused(&home, Client::Cursor), "not_own");
}

#[cfg(unix)]
#[test]
fn only_ordinary_files_of_this_user_are_opened() {
    use crate::home::write;
    use keybearer_client_configs::Error;
    use std::os::unix::fs::symlink;
    let file = |home: &Home| {
        let file = Client::Cursor.files(&home.places).remove(0);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        file
    };
    type Case<'c> = (&'static str, &'c dyn Fn(&Home));
    let cases: [Case<'_>; 6] = [
        ("a pipe, which would wait", &|home| {
            assert!(std::process::Command::new("mkfifo").arg(file(home)).status().expect("mkfifo").success());
        }),
        ("a device", &|home| symlink("/dev/zero", file(home)).expect("a link")),
        ("a circle", &|home| symlink(file(home), file(home)).expect("a link")),
        ("nothing", &|home| symlink(home.path("nowhere"), file(home)).expect("a link")),
        ("a folder", &|home| fs::create_dir_all(file(home)).expect("a folder")),
        ("somebody else's", &|home| {
            let theirs = home.path("theirs");
            write(&theirs, "{}");
            // Only root can give a file away; whoever else this runs as finds one of root's.
            let given = std::os::unix::fs::chown(&theirs, Some(65_534), None);
            symlink(given.map_or("/etc/passwd".into(), |()| theirs), file(home)).expect("a link");
        }),
    ];
    for (what, make) in cases {
        let home = Home::new();
        make(&home);
        let problems = scan(&home.places).problems;
        assert_eq!(problems.iter().map(Error::code).collect::<Vec<_>>(), ["not_own"], "{what}: {problems:?}");
        let preview = home.preview(Client::Cursor, Way::Bridge);
        assert_eq!(preview.err().map(|error| error.code()), Some("not_own"), "{what}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_its_owner_has_locked_stays_so() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let file = home.file(Client::Cursor, "{}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).expect("changed");
    let preview = home.preview(Client::Cursor, Way::Bridge).expect("a preview");
    assert_eq!(home.apply(&preview).err().map(|error| error.code()), Some("not_own"));
    assert_eq!(text(&file), "{}");
}

#[test]
fn what_cannot_be_edited_alone_is_left_to_a_person() {
    for (client, text) in [
        (Client::Goose, "extensions: {a: {type: builtin}}\n"),
        (
            Client::Goose,
            "extensions: &all\n  linear: &one\n    type: streamable_http\n    uri: https://mcp.linear.app/mcp\nother: *all\n",
        ),
        // The empty lines belong to the text; an entry put in behind it would take them.
        (Client::Goose, "extensions:\n  a:\n    type: builtin\n    description: |+\n      kept\n\n\nGOOSE_MODEL: x\n"),
        (Client::Goose, "extensions:\n  - a\n"),
        (Client::Cursor, "{\"mcpServers\": []}"),
        (Client::Codex, "mcp_servers = 7\n"),
    ] {
        let home = Home::new();
        let file = home.file(client, text);
        let error = home.preview(client, Way::Bridge).expect_err("not edited");
        assert_eq!(error.code(), "not_editable", "{text}: {error}");
        assert_eq!(crate::home::text(&file), text);
    }
}

/// Odd but sound files: each is edited, keeps every other byte, and is the same again afterwards.
#[test]
fn odd_files_are_edited_and_come_back_byte_for_byte() {
    for (client, before) in [
        (Client::Cursor, ""),
        (Client::Cursor, "\n"),
        (Client::Cursor, "\u{feff}{}"),
        (Client::Cursor, "{\r\n\t\"a\": 1\n}\r\n"),
        (Client::Cursor, "{\"mcpServers\":{}}"),
        (Client::Cursor, "// nothing but this\n"),
        (Client::Cursor, "{\n  \"mcpServers\": {\n    \"a\": { \"command\": \"a\" }, // last\n    /* end */\n  },\n}"),
        (Client::Codex, ""),
        (Client::Codex, "model = \"x\""),
        (Client::Codex, "# only this\r\n"),
        (Client::Codex, "mcp_servers = { a = { command = \"a\" } } # inline\n"),
        (Client::Codex, "mcp_servers.a.command = \"a\"\n"),
        (Client::Codex, "[mcp_servers]\na = { command = \"a\" }\n\n[tui]\ntheme = \"x\"\n"),
        (Client::Goose, ""),
        (Client::Goose, "# only this\n"),
        (Client::Goose, "---\nGOOSE_MODEL: x"),
        (Client::Goose, "extensions: {}\r\nGOOSE_MODEL: x\r\n"),
        (Client::Goose, "extensions:\nGOOSE_MODEL: ü # ünd\n"),
        (
            Client::Goose,
            "extensions:\n    a:\n        type: builtin\n        description: |\n            two\n            lines\n\n# end\n",
        ),
    ] {
        let home = Home::new();
        let file = home.file(client, before);
        let preview = home.preview(client, Way::Bridge).unwrap_or_else(|error| panic!("{before:?}: {error}"));
        let receipt = home.apply(&preview).expect("written");
        let after = text(&file);
        let mut kept = after.lines();
        for line in before.lines().filter(|line| !line.contains("mcpServers") && !line.contains("mcp_servers = {")) {
            let line = line.trim_end_matches(['}', '\u{feff}', '{', ',']).trim_start_matches("extensions:");
            assert!(line.trim().is_empty() || kept.any(|kept| kept.contains(line)), "{before:?} became {after:?}");
        }
        let ours = scan(&home.places).found.into_iter().filter(|found| found.ours.is_some()).count();
        assert_eq!(ours, 1, "{before:?} became {after:?}");
        assert_eq!(home.undo(&receipt).expect("taken back"), Undone::Restored);
        assert_eq!(text(&file), before);
    }
}

#[test]
fn a_client_s_whole_history_is_no_burden() {
    let home = Home::new();
    let history: String = (0..100_000).map(|number| format!("    {{ \"display\": \"line {number}\" }},\n")).collect();
    home.file(Client::ClaudeCode, format!("{{\n  \"history\": [\n{history}    null\n  ]\n}}\n"));
    let preview = home.preview_for(Client::ClaudeCode, LINEAR, &connection(Way::Helper, LINEAR)).expect("a preview");
    assert!(preview.diff.len() < 1_000, "{}", preview.diff);
}
