//! How every source file begins, is named, and what it leaves out.

use crate::tree::{RUST, expect_none, file, files, is_word, words};
use crate::workspace::members;

/// Names that say nothing about what lies behind them.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc"];

#[test]
fn every_file_says_what_it_is_for() {
    let silent = files(RUST, &["rs"]).into_iter().filter(|file| !file.text.starts_with("//! "));
    let offences: Vec<String> = silent.map(|file| file.path).collect();
    expect_none(&offences, "Begin the file with `//!` and one sentence that says what it is for.");
}

#[test]
fn unsafe_code_is_forbidden_in_every_crate() {
    // The window is left to the `deny` of the workspace's lints: its framework's macros are not ours to bind. And two
    // crates make the calls to Windows and macOS for which there is no safe library.
    let free = ["keybearer-desktop", "keybearer-windows", "keybearer-macos"];
    let ours = members().into_iter().filter(|member| !free.contains(&member.name.as_str()));
    let roots = ours.flat_map(|member| member.roots).map(|path| file(&path));
    let open = roots.filter(|file| !file.text.lines().any(|line| line == "#![forbid(unsafe_code)]"));
    let offences: Vec<String> = open.map(|file| file.path).collect();
    expect_none(&offences, "Write `#![forbid(unsafe_code)]` below the file's `//!` lines.");
}

#[test]
fn libraries_do_not_print() {
    let mut offences = Vec::new();
    for file in files(&["crates"], &["rs"]).into_iter().filter(|file| file.path.contains("/src/")) {
        let code = file.code();
        for print in ["println!", "eprintln!", "print!", "eprint!"] {
            if calls(&code, print) {
                offences.push(format!("{}: {print}", file.path));
            }
        }
    }
    expect_none(
        &offences,
        "Standard output belongs to the command's answer: use `output` in crates/cli, `tracing` everywhere else.",
    );
}

#[test]
fn nothing_is_left_for_later_in_the_code() {
    // Put together, so that this file does not find itself.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do", "!")];
    let mut offences = Vec::new();
    let folders = [RUST, &["ui/src"]].concat();
    for file in files(&folders, &["rs", "ts", "svelte", "css", "mjs", "py"]) {
        for (number, line) in file.text.lines().enumerate() {
            if words(line).any(|word| marks.contains(&word)) || calls(line, marks[2]) {
                offences.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    expect_none(&offences, "Do it, or file an issue and take the line out.");
}

#[test]
fn every_name_says_something() {
    let folders = [RUST, &["ui/src"]].concat();
    let is_empty = |part: &str| EMPTY_NAMES.contains(&part.split('.').next().unwrap_or_default());
    let named = files(&folders, &["rs", "ts", "svelte", "css", "mjs", "py"]).into_iter().map(|file| file.path);
    let offences: Vec<String> = named.filter(|path| path.split('/').any(is_empty)).collect();
    expect_none(&offences, "Name the file after what it holds; if it holds many things, give each to whoever uses it.");
}

/// Whether a macro, such as `dbg!`, is called.
fn calls(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| !code[..at].ends_with(is_word))
}
