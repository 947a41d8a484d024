//! The tables that say which rule stands where, and which test goes red without it.

use crate::tree::{RUST, expect_none, file, files, words};
use std::collections::BTreeSet;

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
