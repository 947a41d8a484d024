//! Desktop entries: the files by which Linux desktops know programs (Desktop Entry Specification 1.5). Only what
//! Keybearer needs of them: which program an entry starts, whether it counts, and how a command is written into one.

#![forbid(unsafe_code)]

/// Programs that open addresses of the web.
pub mod browsers;
/// The line that starts a program.
pub mod exec;
/// Where entries lie.
pub mod folders;

use std::fs;
use std::path::{Path, PathBuf};

/// The group that says what a program is; others are actions.
const GROUP: &str = "[Desktop Entry]";

/// An entry as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    text: String,
}

impl Entry {
    /// The entry in this file; none where it can't be read.
    pub fn read(file: &Path) -> Option<Entry> {
        Some(Entry { text: fs::read_to_string(file).ok()? })
    }

    /// The program entry of this name, such as `Keybearer.desktop`: the user's own before the system's.
    pub fn find(name: &str) -> Option<Entry> {
        folders::data().into_iter().find_map(|folder| Entry::read(&folder.join("applications").join(name)))
    }

    /// The value of a key; none where it isn't there.
    pub fn value(&self, key: &str) -> Option<&str> {
        let lines = self.text.lines().map(str::trim).skip_while(|line| *line != GROUP).skip(1);
        let mut values = lines.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once('='));
        values.find_map(|(found, value)| (found.trim_end() == key).then(|| value.trim_start()))
    }

    /// Whether a key is set to `true`.
    pub fn is(&self, key: &str) -> bool {
        self.value(key) == Some("true")
    }

    /// The words of its command, if that can be understood.
    pub fn command(&self) -> Option<Vec<String>> {
        exec::words(self.value("Exec")?).filter(|words| !words.is_empty())
    }

    /// The file that its command runs, if it is there.
    pub fn program(&self) -> Option<PathBuf> {
        exec::find(&self.command()?.into_iter().next()?)
    }

    /// Whether its command takes an address.
    pub fn takes_address(&self) -> bool {
        self.command().is_some_and(|words| words.iter().any(|word| word == "%u" || word == "%U"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_group_of_the_program_counts() {
        let text = "# a comment\n[Desktop Entry]\nName = A\nHidden=true\nExec=\"/opt/key bearer/app\" %u\n\n\
            [Desktop Action new]\nExec=other\nNoDisplay=true\n";
        let entry = Entry { text: text.to_owned() };
        assert_eq!(entry.value("Name"), Some("A"));
        assert_eq!((entry.is("Hidden"), entry.is("NoDisplay")), (true, false));
        assert_eq!(entry.command().unwrap_or_default(), ["/opt/key bearer/app", "%u"]);
        assert!(entry.takes_address());
        assert_eq!(Entry { text: "Exec=x".to_owned() }.command(), None);
    }
}
