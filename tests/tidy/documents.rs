//! What documents say of the code: which rule stands where, which test goes red without it, figures, keys and pictures.

use crate::tree::{RUST, expect_none, file, files, root, words};
use std::collections::BTreeSet;
use std::fs;

/// The documents with such tables.
const TABLES: [&str; 2] = ["SECURITY.md", "docs/authorization.md"];

/// What stands between backticks in the tables, with the document.
fn named() -> Vec<(&'static str, String)> {
    let mut named = Vec::new();
    for document in TABLES {
        let text = file(document).text;
        for row in text.lines().filter(|line| line.starts_with("| ")) {
            let code = row.split('`').skip(1).step_by(2);
            named.extend(code.map(|code| (document, code.to_owned())));
        }
    }
    assert!(named.len() > 200, "the tables are somewhere else now");
    named
}

/// The folder of the pictures, from the project's root.
const PICTURES: &str = "docs/images/screens";

#[test]
fn pictures_that_a_document_shows_are_there_and_others_are_not() {
    let mut shown = BTreeSet::new();
    for document in files(&["docs"], &["md"]).into_iter().chain(["README.md", "README.zh-CN.md"].map(file)) {
        let links = document.text.split("images/screens/").skip(1);
        shown.extend(links.filter_map(|link| Some(link.split_once(')')?.0.to_owned())));
    }
    let folder = root().join(PICTURES);
    let there = fs::read_dir(&folder).expect("there are pictures").map(|entry| entry.expect("a picture").path());
    let there: BTreeSet<String> = there.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
    let odd: Vec<String> = shown.symmetric_difference(&there).cloned().collect();
    expect_none(&odd, "`cargo xtask e2e --screenshots --write` takes the pictures that the documents show.");
    let large = there.into_iter().filter(|name| {
        let length = fs::metadata(folder.join(name)).map_or(u64::MAX, |picture| picture.len());
        length > 60_000
    });
    expect_none(&large.collect::<Vec<_>>(), "A picture of a screen is 60 kB at most.");
}

#[test]
fn files_that_a_table_names_are_there() {
    let sources: Vec<String> = files(&[RUST, &["ui/src", "docs"]].concat(), &["rs", "ts", "svelte", "md"])
        .into_iter()
        .map(|f| f.path)
        .collect();
    let is_file = |code: &str| {
        let is_path = code.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
        is_path && [".rs", ".ts", ".svelte"].iter().any(|end| code.ends_with(end))
    };
    // The first of several in one folder is named whole.
    let is_there = |code: &str| sources.iter().any(|path| *path == code || path.ends_with(&format!("/{code}")));
    let gone = named().into_iter().filter(|(_, code)| is_file(code) && !is_there(code));
    let offences: Vec<String> = gone.map(|(document, code)| format!("{document}: {code}")).collect();
    expect_none(&offences, "Say where the rule stands now.");
}

#[test]
fn tests_that_a_table_names_are_there() {
    let sources: String = files(RUST, &["rs"]).into_iter().map(|file| file.text).collect();
    let functions: BTreeSet<&str> = sources.split("fn ").skip(1).filter_map(|after| words(after).next()).collect();
    let test = |code: &str| {
        let name = code.rsplit("::").next()?;
        // Shorter names are of something else.
        (name.matches('_').count() > 3 && words(name).eq([name])).then(|| name.to_owned())
    };
    let gone = named().into_iter().filter_map(|(document, code)| Some((document, test(&code)?)));
    let gone = gone.filter(|(_, name)| !functions.contains(name.as_str()));
    let offences: Vec<String> = gone.map(|(document, name)| format!("{document}: {name}")).collect();
    expect_none(&offences, "Name the test that goes red without the rule.");
}

/// Numbers with a unit, as tables of measurements have them.
fn figures(text: &str) -> BTreeSet<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let pairs =
        words.windows(2).filter(|pair| ["µs", "ms", "KiB", "MiB"].contains(&pair[1].trim_end_matches(['.', ','])));
    pairs.map(|pair| format!("{} {}", pair[0], pair[1].trim_end_matches(['.', ',']))).collect()
}

#[test]
fn every_figure_of_the_comparison_was_measured() {
    let measured = figures(&file("docs/performance.md").text);
    let compared = figures(&file("docs/comparison.md").text);
    assert!(compared.len() > 7, "{compared:?}");
    let offences: Vec<String> = compared.difference(&measured).cloned().collect();
    expect_none(&offences, "Take the figures of docs/comparison.md from docs/performance.md.");
}

#[test]
fn every_key_of_the_window_is_in_the_manual() {
    let keyboard = file("ui/src/keyboard.ts").text;
    let (_, keys) = keyboard.split_once("keysOf").expect("the keys");
    let (keys, _) = keys.split_once("};").expect("their end");
    let manual = file("docs/manual.md").text;
    let keys: Vec<&str> = keys.split('"').skip(1).step_by(2).collect();
    assert!(keys.len() > 12, "{keys:?}");
    let untold = keys.into_iter().filter(|key| !manual.contains(&format!("`{key}`")));
    let offences: Vec<String> = untold.map(str::to_owned).collect();
    expect_none(&offences, "Say in docs/manual.md what the key does.");
}
