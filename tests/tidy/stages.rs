//! The order of the modules within a crate. `lib.rs` lists them along the road of the data, and each file names only
//! modules that stand above its own there, so that no two files need each other.

use crate::tree::{File, expect_none, file, files, is_word, words};

/// Crates whose `lib.rs` is a road, with modules that are no stages: leaves that every stage may use.
const ROADS: &[(&str, &[&str])] = &[
    ("crates/core/src", &[]),
    // How a secret is written out; it knows no other module.
    ("crates/oauth/src", &["secret"]),
    ("crates/client-configs/src", &[]),
];

#[test]
fn modules_know_only_those_above_them() {
    let mut offences = Vec::new();
    for (folder, leaves) in ROADS {
        let stages = declared(&file(&format!("{folder}/lib.rs")).text);
        let place = |name: &str| {
            // A leaf stands before the first stage, so it may name none.
            let is_leaf = leaves.contains(&name);
            if is_leaf { Some(0) } else { stages.iter().position(|stage| stage == name).map(|at| at + 1) }
        };
        for file in files(&[folder], &["rs"]) {
            let below = file.path.trim_start_matches(folder).trim_start_matches('/');
            let own = below.split('/').next().unwrap_or_default().trim_end_matches(".rs");
            if own == "lib" {
                continue;
            }
            let own_place = place(own);
            for name in named(&file) {
                match place(&name) {
                    None => offences.push(format!("{}: `crate::{name}` hides which module is meant", file.path)),
                    found if name != own && found >= own_place => {
                        offences
                            .push(format!("{}: `{name}` doesn't stand above `{own}` in {folder}/lib.rs", file.path));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    expect_none(
        &offences,
        "If the named module makes what this one takes, move its line up in lib.rs. If each needs the other, move what \
         both use up into a module of its own, or let `accounts` carry it from one to the next.",
    );
}

#[test]
fn stages_are_named_from_the_root_of_the_crate() {
    let mut offences = Vec::new();
    for (folder, _) in ROADS {
        for file in files(&[folder], &["rs"]) {
            let is_stage = file.path.trim_start_matches(folder).matches('/').count() == 1;
            let code = file.code();
            let leaves = |line: &&str| line.contains("super::super") || (is_stage && line.starts_with("use super::"));
            offences.extend(code.lines().filter(leaves).map(|line| format!("{}: {}", file.path, line.trim())));
        }
    }
    expect_none(&offences, "Write `crate::…` instead, so that the order of the modules can be seen and checked.");
}

#[test]
fn the_words_of_the_protocol_end_at_the_api() {
    let is_border = |word: &&str| ["Params", "Reply"].iter().any(|end| word.len() > end.len() && word.ends_with(end));
    let mut offences = Vec::new();
    for file in files(&["crates/core/src"], &["rs"]) {
        if file.path != "crates/core/src/api.rs" && !file.path.starts_with("crates/core/src/api/") {
            let code = file.code();
            offences.extend(words(&code).filter(is_border).map(|word| format!("{}: {word}", file.path)));
        }
    }
    expect_none(
        &offences,
        "Parameters and replies are taken apart and put together in crates/core/src/api.rs and api/ alone: give this module a \
         type of its own, and make the reply from it there.",
    );
}

/// The modules that a `lib.rs` declares, in order.
fn declared(text: &str) -> Vec<String> {
    let module = |line: &str| {
        let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned)
    };
    text.lines().filter_map(module).collect()
}

/// What a file names right after `crate::`, in imports and anywhere else.
fn named(file: &File) -> Vec<String> {
    let code = file.code();
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(is_word) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(members_of(group)),
            None => names.push(first_word(rest)),
        }
    }
    names
}

/// The first word of each member of a `{…}` group, whose opening brace is gone already.
fn members_of(group: &str) -> Vec<String> {
    let (mut depth, mut members) = (0, vec![String::new()]);
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => members.push(String::new()),
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth == 0 => members.last_mut().expect("there is always one").push(c),
            _ => {}
        }
    }
    members.iter().map(|member| first_word(member.trim())).filter(|word| !word.is_empty()).collect()
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| is_word(*c)).collect()
}

#[test]
fn modules_are_seen_in_every_spelling() {
    let text = "use crate::a::{B, C};\nuse crate::{d, e::{F, g}, h as i};\n\
        // crate::j\nfn f() -> crate::k::L { my_crate::m() }";
    let file = File { path: String::new(), text: text.to_owned() };
    assert_eq!(named(&file), ["a", "d", "e", "h", "k"]);
    assert_eq!(declared("/// x\npub mod a;\nmod b;\npub(crate) mod c;\npub use a::A;\nmod tests {\n"), ["a", "b", "c"]);
}
