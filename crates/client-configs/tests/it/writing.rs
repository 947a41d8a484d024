//! What is written, and what never is.

use crate::home::{Home, LINEAR, PLANTED, connection, text, write};
use keybearer_client_configs::{Client, Connection, Error, Server, System, Way, scan};
use std::fs;
use std::path::PathBuf;

const SERVERS: &str = r#"{"mcpServers": {"Work": {"url": "https://mcp.linear.app/mcp"}}}"#;

#[test]
fn a_client_that_is_not_there_gets_no_file() {
    for client in Client::ALL {
        let home = Home::new();
        for way in client.ways() {
            assert_eq!(home.preview(client, *way).err(), Some(Error::NotInstalled { client }));
        }
        assert_eq!(home.all_files(), Vec::<PathBuf>::new());
    }
    // Nor if it was removed after the preview.
    let home = Home::new();
    write(&home.path("bin/codex"), "");
    let mut places = home.places.clone();
    places.executables.push(home.path("bin"));
    let way = connection(Way::Bridge, LINEAR);
    let preview = keybearer_client_configs::preview(Client::Codex, &places, LINEAR, &way).expect("a preview");
    assert_eq!(home.apply(&preview).err(), Some(Error::NotInstalled { client: Client::Codex }));
    assert!(!home.path(".codex").exists());
}

#[test]
fn a_client_is_not_given_a_way_that_it_cannot_take() {
    let home = Home::new();
    for client in Client::ALL {
        home.file(client, "");
        for way in [Way::Helper, Way::Bridge, Way::Socket, Way::Gateway] {
            let expected = (!client.ways().contains(&way)).then_some(Error::WrongWay { client, way });
            assert_eq!(home.preview(client, way).err(), expected, "{client} {way}");
        }
    }
}

#[test]
fn what_has_changed_since_the_preview_is_not_written_over() {
    let home = Home::new();
    let file = home.file(Client::Cursor, SERVERS);
    let preview = home.preview(Client::Cursor, Way::Bridge).expect("a preview");
    write(&file, format!("{SERVERS}\n"));
    assert_eq!(home.apply(&preview).err(), Some(Error::Changed { file: file.clone() }));
    assert_eq!(text(&file), format!("{SERVERS}\n"));
    assert_eq!(home.all_files(), std::slice::from_ref(&file), "no copy, no record");
    assert_ne!(home.preview(Client::Cursor, Way::Bridge).expect("a preview").precondition(), preview.precondition());

    // A file that somebody has made meanwhile is theirs; one that is gone isn't made anew.
    fs::remove_file(&file).expect("removed");
    assert_eq!(home.apply(&preview).err(), Some(Error::Changed { file: file.clone() }));
    let preview = home.preview(Client::Cursor, Way::Bridge).expect("a preview");
    write(&file, "{}");
    assert_eq!(home.apply(&preview).err(), Some(Error::Changed { file: file.clone() }));
    assert_eq!(text(&file), "{}");
}

#[test]
fn an_entry_for_the_same_server_is_taken_over_under_its_own_name() {
    let home = Home::new();
    let file = home.file(Client::Cursor, SERVERS);
    let preview = home.preview(Client::Cursor, Way::Bridge).expect("a preview");
    assert_eq!((preview.entry.as_str(), preview.adopts), ("Work", true));
    home.apply(&preview).expect("written");
    // A second account at the same server gets an entry of its own, and the first keeps its.
    let second = Server { name: "linear home", url: LINEAR.url };
    let preview = home.preview_for(Client::Cursor, second, &connection(Way::Bridge, second)).expect("a preview");
    assert_eq!((preview.entry.as_str(), preview.adopts), ("linear-home", false));
    home.apply(&preview).expect("written");
    let ours: Vec<_> = scan(&home.places).found.into_iter().filter_map(|found| found.ours?.profile).collect();
    assert_eq!(ours, ["linear", "linear home"], "{}", text(&file));
    // Another way for the first changes that one.
    let preview = home.preview(Client::Cursor, Way::Gateway).expect("a preview");
    assert_eq!((preview.entry.as_str(), preview.adopts), ("Work", true));
}

#[test]
fn a_name_that_leads_elsewhere_is_left_alone() {
    let home = Home::new();
    home.file(Client::Cursor, r#"{"mcpServers": {"linear": {"url": "https://elsewhere.example/mcp"}}}"#);
    let preview = home.preview(Client::Cursor, Way::Bridge).expect("a preview");
    assert_eq!((preview.entry.as_str(), preview.adopts), ("linear-2", false));
}

#[test]
fn of_several_entries_one_is_taken_over_and_the_others_are_named() {
    let home = Home::new();
    home.file(
        Client::Cursor,
        r#"{"mcpServers": {"a": {"url": "https://mcp.linear.app/mcp", "disabled": true},
            "b": {"url": "https://mcp.linear.app/mcp", "headers": {"Authorization": "Bearer PLANTED"}}}}"#,
    );
    let preview = home.preview(Client::Cursor, Way::Bridge).expect("a preview");
    assert_eq!((preview.entry.as_str(), preview.same_server.as_slice()), ("b", ["a".to_owned()].as_slice()));
    assert!(!preview.disabled);
    let names: Vec<&str> = preview.removes.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!(names, ["Authorization"], "it stays good until it is revoked, which must be said");
}

#[test]
fn tokens_of_an_entry_go_and_come_into_no_diff() {
    let home = Home::new();
    let file = home.file(
        Client::ClaudeCode,
        "{\"mcpServers\": {\n\
         // Bearer PLANTED0\n\
         \"near\": {\"url\": \"https://n.example/PLANTED0aaaaaaaaaaaaaa22\", \"headers\": {\"X\": \"PLANTED0\"}, \"note\": \"PLANTED0\", \"args\": [\"PLANTED0\"]},\n\
         \"linear\": {\"type\": \"http\", \"url\": \"https://mcp.linear.app/mcp?api_key=PLANTED1\",\n\
           \"headers\": {\"Authorization\": \"Bearer PLANTED1\"},\n\
           \"oauth\": {\"clientSecret\": \"PLANTED1\"}, \"env\": {\"PIN\": 12345678},\n\
           \"headersHelper\": \"print-PLANTED1\"},\n\
         \"far\": {\"command\": \"f PLANTED0\", \"env\": {\"A\": \"PLANTED0\"}} /* PLANTED0 */\n}}\n",
    );
    for way in Client::ClaudeCode.ways() {
        let preview = home.preview(Client::ClaudeCode, *way).expect("a preview");
        assert!(preview.adopts);
        for secret in [PLANTED, "12345678"] {
            assert!(!preview.diff.contains(secret), "{way}:\n{}", preview.diff);
        }
        let receipt = home.apply(&preview).expect("written");
        assert!(!text(&file).contains("PLANTED1"), "{way}:\n{}", text(&file));
        assert!(text(&file).contains("PLANTED0"), "others' are theirs");
        // The record is kept for long, and elsewhere.
        let record = home.records().join(format!("{}.json", receipt.id));
        assert!(!text(&record).contains(PLANTED) && !format!("{receipt:?}").contains(PLANTED));
        home.undo(&receipt).expect("taken back");
    }
}

#[test]
fn nothing_is_written_that_a_client_would_fill_in() {
    let home = Home::new();
    home.file(Client::Cursor, "{}");
    home.file(Client::OpenCode, "{}");
    home.file(Client::ClaudeCode, "{}");
    let misread = |client, server: Server<'_>, connection: Connection| {
        let error = home.preview_for(client, server, &connection).expect_err("not written");
        assert_eq!(error.code(), "misread", "{error}");
    };
    let bridge =
        |word: &str| Connection::Bridge { command: "/usr/bin/keybearer".to_owned(), args: vec![word.to_owned()] };
    misread(Client::Cursor, LINEAR, bridge("${env:SECRET}"));
    misread(Client::OpenCode, LINEAR, bridge("{file:~/.ssh/id_ed25519}"));
    misread(Client::Cursor, LINEAR, bridge("a\nb"));
    let url = "https://evil.example/${ANTHROPIC_API_KEY}";
    let helper = Connection::Helper { url: url.to_owned(), command: vec!["keybearer".to_owned()] };
    misread(Client::ClaudeCode, Server { name: "evil", url }, helper);
}

#[test]
fn a_helper_s_command_is_one_that_a_shell_takes_as_these_words() {
    let command = |system, words: &[&str]| {
        let home = Home::on(system);
        home.file(Client::ClaudeCode, "{}");
        let command = words.iter().map(|word| (*word).to_owned()).collect();
        let server = Server { name: words[2], url: LINEAR.url };
        let helper = Connection::Helper { url: LINEAR.url.to_owned(), command };
        let preview = home.preview_for(Client::ClaudeCode, server, &helper)?;
        home.apply(&preview)?;
        let found = scan(&home.places).found.remove(0);
        assert_eq!(found.ours.and_then(|ours| ours.profile).as_deref(), Some(words[2]), "it is known again");
        let file: serde_json::Value = serde_json::from_str(&text(&preview.file)).expect("JSON");
        Ok::<_, Error>(file["mcpServers"][&preview.entry]["headersHelper"].as_str().expect("a line").to_owned())
    };
    let linux = command(System::Linux, &["/opt/key bearer/keybearer", "headers", "it's $HOME; `id`"]);
    assert_eq!(linux.expect("written"), r"'/opt/key bearer/keybearer' headers 'it'\''s $HOME; `id`'");
    let windows = command(System::Windows, &[r"C:\Program Files\Keybearer\keybearer.exe", "headers", "linear work"]);
    assert_eq!(windows.expect("written"), r#""C:\Program Files\Keybearer\keybearer.exe" headers "linear work""#);
    let windows = command(System::Windows, &["keybearer.exe", "headers", "%APPDATA%"]);
    assert_eq!(
        windows.map_err(|error| error.code()),
        Err("misread"),
        "percent signs mean something between quotes too"
    );
}

#[test]
fn words_with_spaces_are_not_given_to_clients_that_break_them_apart() {
    let server = Server { name: "linear work", url: LINEAR.url };
    for (system, expected) in [(System::Windows, Some("misread")), (System::Linux, None)] {
        let home = Home::on(system);
        home.file(Client::ClaudeDesktop, "{}");
        let preview = home.preview_for(Client::ClaudeDesktop, server, &connection(Way::Bridge, server));
        assert_eq!(preview.err().map(|error| error.code()), expected);
    }
}

#[test]
fn a_copy_is_kept_for_its_owner_alone_and_none_is_written_over() {
    let home = Home::new();
    let file = home.file(Client::Cursor, SERVERS);
    let first = home.install(Client::Cursor, Way::Bridge);
    let backup = first.backup.clone().expect("a copy");
    assert_eq!(backup, home.path(".cursor/mcp.json.keybearer-backup"));
    assert_eq!(text(&backup), SERVERS);
    let between = text(&file);
    let second = home.install(Client::Cursor, Way::Gateway);
    assert_eq!(text(&backup), SERVERS);
    assert_eq!(text(second.backup.as_ref().expect("another")), between);
    // The latest is taken back first.
    assert_eq!(keybearer_client_configs::Receipt::all(&home.records()), [first.clone(), second.clone()]);
    home.undo(&second).expect("taken back");
    assert_eq!(text(&file), between);
    home.undo(&first).expect("taken back");
    assert_eq!(home.all_files(), [file], "nothing is left behind");
}

#[cfg(unix)]
#[test]
fn who_may_read_a_file_stays_and_new_ones_are_private() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mode = |path: &std::path::Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    let home = Home::new();
    let file = home.file(Client::Cursor, SERVERS);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changed");
    let receipt = home.install(Client::Cursor, Way::Bridge);
    assert_eq!((mode(&file), mode(receipt.backup.as_ref().expect("a copy"))), (0o644, 0o600));
    assert_eq!(mode(&home.records().join(format!("{}.json", receipt.id))), 0o600);

    fs::create_dir_all(home.path(".junie")).expect("a folder");
    let receipt = home.install(Client::Junie, Way::Bridge);
    assert_eq!((mode(&receipt.file), mode(&home.path(".junie/mcp"))), (0o600, 0o700));

    // A link, such as into a folder of dotfiles, stays one; the copy lies beside the link.
    let dotfiles = home.path("dotfiles/windsurf.json");
    write(&dotfiles, r#"{"mcpServers": {}}"#);
    let link = home.path(".codeium/windsurf/mcp_config.json");
    fs::create_dir_all(link.parent().expect("a folder")).expect("a folder");
    symlink(&dotfiles, &link).expect("a link");
    let receipt = home.install(Client::Windsurf, Way::Bridge);
    assert!(link.is_symlink() && text(&dotfiles).contains("keybearer"));
    assert_eq!(fs::read_dir(home.path("dotfiles")).expect("a folder").count(), 1);
    home.undo(&receipt).expect("taken back");
    assert!(link.is_symlink());
    assert_eq!(text(&dotfiles), r#"{"mcpServers": {}}"#);
}
