//! What documents point at: other documents, their headings, and the commands of the workshop.

use crate::tree::{expect_none, file, files, root};
use std::path::{Component, Path, PathBuf};

/// A heading as what a link's `#` names it by.
fn anchor(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter);
    heading.to_lowercase().chars().filter(kept).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// A path without steps back.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

#[test]
fn every_link_leads_somewhere() {
    let mut offences = Vec::new();
    for document in files(&[""], &["md"]) {
        let prose: String = document.text.split("```").step_by(2).collect();
        let links = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("https://")) {
            let (target, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&document.path).parent().expect("a document lies in a folder");
            let target = if target.is_empty() { document.path.clone().into() } else { plain(&folder.join(target)) };
            let is_there = root().join(&target).exists();
            let has_heading = |text: &str| {
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                headings.any(|line| anchor(line.trim_start_matches('#').trim()) == heading)
            };
            if !is_there || !heading.is_empty() && !has_heading(&file(&target.to_string_lossy()).text) {
                offences.push(format!("{}: {link}", document.path));
            }
        }
    }
    expect_none(&offences, "Say where it is now.");
}

#[test]
fn every_command_of_the_workshop_is_there() {
    let mut offences = Vec::new();
    for document in files(&[""], &["md"]) {
        for after in document.text.split("cargo xtask ").skip(1) {
            let name: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
            if !root().join(format!("xtask/src/{name}.rs")).exists() {
                offences.push(format!("{}: cargo xtask {name}", document.path));
            }
        }
    }
    expect_none(&offences, "Each command is a file of its own in xtask/src.");
}
