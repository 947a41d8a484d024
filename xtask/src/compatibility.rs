//! `docs/compatibility.md`, made from what the interop tests saw, and from nothing else.

use crate::step::{detail, root};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The document, from the project's root.
const DOCUMENT: &str = "docs/compatibility.md";

/// The server of our own, which comes first.
const OWN: &str = "practice";

/// Above the table.
const INTRODUCTION: &str = "\
# Compatibility

What Keybearer was seen to do with servers that nobody here wrote, and with its own practice server, to compare with. Each was run as a program
of its own by a test of `tests/interop`, which signs in with a stand-in for browser and person, waits until a token is renewed, and signs out;
the desktop opens Keybearer's links, so the deep link is tried first. `cargo xtask interop` runs the tests and writes this page from what they
saw; `cargo xtask test` fails when they see something else.

| Server | Sign-in | `tools/list` | Silent refresh | Revocation at sign-out | Way back | How it was run |
| --- | --- | --- | --- | --- | --- | --- |
";

/// The columns after the server itself, by their names in what the tests wrote.
const COLUMNS: [&str; 6] = ["sign_in", "tools", "renewal", "revocation", "way_back", "set_up"];

/// An empty folder for what the tests will see.
pub(crate) struct Seen {
    folder: PathBuf,
}

impl Seen {
    /// Nothing seen yet.
    pub(crate) fn nothing() -> anyhow::Result<Seen> {
        let folder = root().join("target/interop");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("{} can't be emptied", folder.display()))?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Seen { folder })
    }

    /// Has these tests write down what they see.
    pub(crate) fn by(&self, tests: &mut Command) {
        tests.env("KEYBEARER_SEEN", &self.folder);
    }

    /// Writes the document.
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        #[expect(clippy::disallowed_methods, reason = "git keeps what was there before")]
        fs::write(root().join(DOCUMENT), self.document()?)?;
        detail(&format!("what was seen: {DOCUMENT}"));
        Ok(())
    }

    /// Goes on only if the document says what was seen.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let written = fs::read_to_string(root().join(DOCUMENT)).unwrap_or_default();
        let as_seen = written.replace("\r\n", "\n") == self.document()?;
        ensure!(
            as_seen,
            "{DOCUMENT} isn't what the tests saw: run `cargo xtask interop`, and look at what has changed"
        );
        Ok(())
    }

    fn document(&self) -> anyhow::Result<String> {
        let mut rows = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            rows.push(serde_json::from_slice(&fs::read(entry?.path())?)?);
        }
        Ok(document(rows))
    }
}

/// One row for each server: our own, then the others by name.
fn document(mut rows: Vec<Value>) -> String {
    rows.sort_by_key(|row| (text(row, "server") != OWN, text(row, "server").to_lowercase()));
    let lines: Vec<String> = rows.iter().map(line).collect();
    INTRODUCTION.to_owned() + &lines.concat()
}

fn line(row: &Value) -> String {
    let (server, packages) = (text(row, "server"), text(row, "packages"));
    let made_of = if packages.is_empty() { String::new() } else { format!(": {packages}") };
    let cells = COLUMNS.map(|column| text(row, column));
    format!("| **{server}**{made_of} | {} |\n", cells.join(" | "))
}

fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_document_is_the_same_in_whatever_order_the_tests_ended() {
        let row = |server: &str| json!({ "server": server, "packages": "p 1", "sign_in": "yes" });
        let (own, one, other) = (row("practice"), row("Alpha"), row("beta"));
        let written = document(vec![other.clone(), own.clone(), one.clone()]);
        assert_eq!(written, document(vec![one, other, own]));
        let names = written.lines().filter_map(|line| line.strip_prefix("| **")?.split("**").next());
        assert_eq!(names.collect::<Vec<_>>(), ["practice", "Alpha", "beta"]);
    }
}
