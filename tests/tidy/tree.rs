//! The files of the repository, and how an offence is told.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where Rust is.
pub(crate) const RUST: &[&str] = &["crates", "src-tauri", "tests", "xtask"];

/// Built, fetched or generated, so nobody's to keep tidy.
const NOT_OURS: &[&str] = &["target", "node_modules", "dist", "gen"];

/// A text file of the repository.
pub(crate) struct File {
    /// Its path from the root, with `/` on every system.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl File {
    /// The text without `//` comments. An address in a string loses its end as well, which no rule minds.
    pub(crate) fn code(&self) -> String {
        let uncommented = self.text.lines().map(|line| line.split("//").next().unwrap_or_default());
        uncommented.collect::<Vec<_>>().join("\n")
    }
}

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("the tests lie in a folder of the repository")
}

/// One file, by its path from the root.
pub(crate) fn file(path: &str) -> File {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path} can't be read: {error}"));
    File { path: path.to_owned(), text: text.replace("\r\n", "\n") }
}

/// All files below these folders with one of these extensions, sorted.
///
/// # Panics
/// If there is none: a rule that looks at nothing holds nothing.
pub(crate) fn files(folders: &[&str], extensions: &[&str]) -> Vec<File> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut paths);
    }
    let fits = |path: &&PathBuf| path.extension().is_some_and(|found| extensions.iter().any(|known| found == *known));
    let mut found: Vec<File> = paths.iter().filter(fits).map(|path| file(&from_root(path))).collect();
    assert!(!found.is_empty(), "no {extensions:?} in {folders:?}: the rule looks at the wrong place");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// A path from the root, with `/` on every system.
fn from_root(path: &Path) -> String {
    let below = path.strip_prefix(root()).expect("only the repository is searched");
    below.to_string_lossy().replace('\\', "/")
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{} can't be read: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder can be read to its end").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || NOT_OURS.contains(&&*name) {
            continue;
        }
        if path.is_dir() { collect(&path, paths) } else { paths.push(path) }
    }
}

/// The identifiers in a text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

/// Whether a character belongs to an identifier.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Goes red with every offence, once each, and with what to do.
#[track_caller]
pub(crate) fn expect_none(offences: &[String], what_to_do: &str) {
    let offences: Vec<&str> = offences.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    assert!(offences.is_empty(), "\n  {}\n{what_to_do}\n", offences.join("\n  "));
}
