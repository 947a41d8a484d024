//! Programs that open addresses of the web: those whose entries name `x-scheme-handler/https` (Shared MIME-info and Desktop
//! Entry Specification).

use crate::{Entry, folders};
use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

/// What an entry of a browser says that it opens.
const TYPE: &str = "x-scheme-handler/https";

/// A browser of this computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    /// The name of its entry, such as `firefox.desktop`.
    pub entry: String,
    /// What people call it.
    pub name: String,
}

/// Every one, by what people call it. Of entries with one name, the user's own counts.
pub fn all() -> Vec<Browser> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for folder in folders::data() {
        for file in fs::read_dir(folder.join("applications")).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.ends_with(".desktop")
                && !entries.contains_key(&name)
                && let Some(entry) = Entry::read(&file.path())
            {
                entries.insert(name, entry);
            }
        }
    }
    let shown = entries.into_iter().filter(|(_, entry)| is_browser(entry) && !entry.is("NoDisplay"));
    let mut all: Vec<Browser> = shown.map(|(entry, read)| Browser { name: name_of(&entry, &read), entry }).collect();
    all.sort_by_key(|browser| browser.name.to_lowercase());
    all
}

/// What people call the one that the system opens addresses with, if it tells.
pub fn of_system() -> Option<Browser> {
    let asked =
        Command::new("xdg-mime").args(["query", "default", TYPE]).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let entry = String::from_utf8(asked.ok()?.stdout).ok()?.lines().next()?.trim().to_owned();
    let read = found(&entry)?;
    Some(Browser { name: name_of(&entry, &read), entry })
}

/// The words that open an address with the browser of this entry, with `%s` for the address; none where it isn't one.
pub fn command(entry: &str) -> Option<Vec<String>> {
    let read = found(entry).filter(is_browser)?;
    let takes_address = |word: &str| word == "%u" || word == "%U";
    let words = read.command()?.into_iter().filter_map(|word| match word.as_str() {
        word if takes_address(word) => Some("%s".to_owned()),
        // What stands for files, an icon or a name stands for nothing here.
        word if word.len() == 2 && word.starts_with('%') => None,
        _ => Some(word),
    });
    Some(words.collect())
}

/// The entry of this name, which leads to no other folder.
fn found(entry: &str) -> Option<Entry> {
    let is_name = entry.ends_with(".desktop") && !entry.contains('/');
    is_name.then(|| Entry::find(entry)).flatten()
}

fn is_browser(entry: &Entry) -> bool {
    let opens = entry.value("MimeType").is_some_and(|types| types.split(';').any(|one| one.trim() == TYPE));
    opens && !entry.is("Hidden") && entry.value("Type") == Some("Application") && entry.takes_address()
}

fn name_of(entry: &str, read: &Entry) -> String {
    read.value("Name").unwrap_or_else(|| entry.trim_end_matches(".desktop")).to_owned()
}
