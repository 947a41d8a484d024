//! Each client: what is found in its file, what each way writes, and that it can be taken back.
//!
//! `samples/CLIENT` has a file of that client (`before`), what is found in it (`found.txt`), and for each way the file after
//! it (`bridge.json`) and what a person is shown of the change (`bridge.diff`). With `KEYBEARER_WRITE_SAMPLES` set, all but
//! the first is written anew: look at what has changed.

use crate::home::{Home, PLANTED, text, write};
use keybearer_client_configs::{Client, Undone, scan};
use std::fs;
use std::path::{Path, PathBuf};

fn folder(client: Client) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(client.id())
}

/// A client's file of this name, whatever it ends in.
fn kept(client: Client, name: &str) -> PathBuf {
    let mut files = fs::read_dir(folder(client)).expect("a folder").map(|entry| entry.expect("an entry").path());
    files.find(|file| file.file_stem().is_some_and(|stem| stem == name)).expect("a sample")
}

/// What stands in a client's file of this name.
pub(crate) fn sample(client: Client, name: &str) -> String {
    text(&kept(client, name))
}

fn before(client: Client) -> (Vec<u8>, String) {
    let file = kept(client, "before");
    let ending = file.extension().expect("an ending").to_str().expect("a text").to_owned();
    (fs::read(file).expect("a sample"), ending)
}

#[track_caller]
fn is_as_kept(client: Client, name: &str, content: &str) {
    let file = folder(client).join(name);
    if std::env::var_os("KEYBEARER_WRITE_SAMPLES").is_some() {
        write(&file, content);
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == content, "{} is not as it was:\n{content}", file.display());
}

#[test]
fn each_client_s_servers_are_found() {
    for client in Client::ALL {
        let home = Home::new();
        let file = home.file(client, before(client).0);
        let scan = scan(&home.places);
        assert_eq!(scan.problems, [], "{client}");
        assert!(scan.installed.contains(&client), "{client}");
        let mut lines = String::new();
        for found in scan.found.iter().filter(|found| found.client == client) {
            assert_eq!(found.file, file);
            let off = if found.disabled { " off" } else { "" };
            lines += &format!("{}{off} {:?}\n  {:?}\n", found.name, found.scope, found.target);
            lines
                .extend(found.plain_text.iter().map(|secret| format!("  secret {:?} {}\n", secret.place, secret.name)));
            lines.extend(found.ours.iter().map(|ours| format!("  ours {ours:?}\n")));
        }
        is_as_kept(client, "found.txt", &lines);
    }
}

#[test]
fn each_way_of_each_client_is_written_and_taken_back() {
    for client in Client::ALL {
        let (before, ending) = before(client);
        for way in client.ways() {
            let home = Home::new();
            let file = home.file(client, &before);
            let preview = home.preview(client, *way).expect("a preview");
            assert!(preview.adopts && !preview.creates, "{client} {way}: the entry is there already");
            is_as_kept(client, &format!("{way}.diff"), &preview.diff);
            assert!(!format!("{preview:?}").contains(PLANTED), "{client} {way}");
            assert!(!preview.diff.contains(PLANTED), "{client} {way}:\n{}", preview.diff);

            let receipt = home.apply(&preview).expect("written");
            is_as_kept(client, &format!("{way}.{ending}"), &text(&file));
            let found =
                scan(&home.places).found.into_iter().find(|found| found.name == preview.entry && found.ours.is_some());
            let ours = found.and_then(|found| found.ours).expect("it is known again");
            assert_eq!((ours.way, ours.profile.as_deref()), (*way, Some("linear")), "{client}");
            assert!(home.preview(client, *way).expect("a preview").is_done(), "{client} {way}: once is enough");

            assert_eq!(home.undo(&receipt).expect("taken back"), Undone::Restored, "{client} {way}");
            assert!(fs::read(&file).expect("the file") == before, "{client} {way}: byte for byte");
        }
    }
}

#[test]
fn each_client_gets_a_file_where_it_has_none() {
    for client in Client::ALL {
        for way in client.ways() {
            let home = Home::new();
            // Windows of VS Code make the folder of an extension, and so on.
            let file = client.file(&home.places);
            let folder = file.parent();
            let above =
                if [Client::Cline, Client::Junie].contains(&client) { folder.and_then(Path::parent) } else { folder };
            let above = above.filter(|_| client != Client::ClaudeCode);
            fs::create_dir_all(above.map_or(home.path(".claude"), PathBuf::from)).expect("the client's folder");
            let preview = home.preview(client, *way).expect("a preview");
            assert!(preview.creates && !preview.adopts, "{client} {way}");
            let receipt = home.apply(&preview).expect("written");
            let ending = file.extension().expect("an ending").to_str().expect("a text");
            is_as_kept(client, &format!("new-{way}.{ending}"), &text(&file));
            assert_eq!(home.undo(&receipt).expect("taken back"), Undone::Removed, "{client} {way}");
            assert_eq!(home.all_files(), Vec::<PathBuf>::new(), "{client} {way}");
        }
    }
}
