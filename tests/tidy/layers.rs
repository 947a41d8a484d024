//! Which crate may know which. The floors, from the ground: windows, macos, protocol, oauth, desktop-entry, client-configs · ipc,
//! core · gateway, cli, desktop · agent.

use crate::tree::{expect_none, file};
use crate::workspace::{Member, members};
use std::collections::BTreeMap;

/// Every crate with those of ours that it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("keybearer-windows", &[]),
    ("keybearer-macos", &[]),
    ("keybearer-protocol", &[]),
    ("keybearer-oauth", &[]),
    ("keybearer-desktop-entry", &[]),
    ("keybearer-client-configs", &[]),
    ("keybearer-practice", &[]),
    ("keybearer-ipc", &["keybearer-windows", "keybearer-macos", "keybearer-protocol"]),
    ("keybearer-core", &["keybearer-desktop-entry", "keybearer-protocol", "keybearer-oauth"]),
    ("keybearer-gateway", &["keybearer-protocol", "keybearer-oauth", "keybearer-core"]),
    (
        "keybearer-agent",
        &[
            "keybearer-windows",
            "keybearer-client-configs",
            "keybearer-protocol",
            "keybearer-oauth",
            "keybearer-ipc",
            "keybearer-core",
            "keybearer-gateway",
        ],
    ),
    ("keybearer", &["keybearer-windows", "keybearer-protocol", "keybearer-ipc", "keybearer-desktop-entry"]),
    ("keybearer-desktop", &["keybearer-protocol", "keybearer-ipc", "keybearer-desktop-entry"]),
    // Core is for `many` alone, which fills vaults: nobody can sign in ten thousand times.
    ("keybearer-tests", &["keybearer-protocol", "keybearer-ipc", "keybearer-core"]),
    ("xtask", &["keybearer-tests"]),
];

/// Packages of others (a `*` stands for the rest of the name), the only crates that may name them, and the reason.
const BORDERS: &[(&str, &[&str], &str)] = &[
    ("tauri", &["keybearer-desktop"], "everything but the window works without one: move the code to src-tauri"),
    ("tauri-*", &["keybearer-desktop"], "everything but the window works without one: move the code to src-tauri"),
    ("keyring*", &["keybearer-core"], "only the vault touches the keyring: ask crates/core/src/vault.rs"),
    ("*-keyring-store", &["keybearer-core"], "only the vault touches the keyring: ask crates/core/src/vault.rs"),
    ("secret-service", &["keybearer-core"], "only the vault touches the keyring: ask crates/core/src/vault.rs"),
    // The window opens none either: it names the package to give its updater that TLS.
    (
        "reqwest",
        &["keybearer-oauth", "keybearer-practice", "keybearer-desktop"],
        "connections are opened by keybearer_oauth::http alone",
    ),
    ("oauth2", &["keybearer-oauth"], "the words of OAuth end at keybearer-oauth: give its API what is missing"),
];

/// What would make the command slow to start, or let it do the agent's work.
const TOO_MUCH_FOR_THE_COMMAND: &[&str] = &["tokio", "reqwest", "keyring*", "secret-service"];

#[test]
fn arrows_lead_downwards_only() {
    let members = members();
    let is_ours = |name: &str| members.iter().any(|member| member.name == name);
    let mut offences = Vec::new();
    for Member { name, manifest, dependencies, .. } in &members {
        let Some((_, allowed)) = ARROWS.iter().find(|(crate_name, _)| crate_name == name) else {
            offences.push(format!("{manifest}: {name} stands on no floor; write into ARROWS what it may know"));
            continue;
        };
        for dependency in dependencies.iter().filter(|dependency| is_ours(&dependency.name)) {
            if !allowed.contains(&&*dependency.name) {
                offences.push(format!("{manifest}: {name} may not know {}", dependency.name));
            } else if name == "keybearer-tests" && !dependency.for_tests {
                // `cargo xtask` is built from this crate's library, and is to be small.
                offences.push(format!("{manifest}: {} belongs under [dev-dependencies]", dependency.name));
            }
        }
    }
    expect_none(
        &offences,
        "Move what is shared down to a crate that both may know, or let the upper crate hand it in through a trait \
         that the lower one declares.",
    );
}

#[test]
fn each_border_has_its_keeper() {
    let mut offences = Vec::new();
    for Member { name, manifest, dependencies, .. } in members() {
        for dependency in dependencies {
            for (pattern, keepers, reason) in BORDERS {
                if fits(pattern, &dependency.name) && !keepers.contains(&&*name) {
                    offences.push(format!("{manifest}: {} is not for {name}; {reason}", dependency.name));
                }
            }
        }
    }
    expect_none(&offences, "Take the dependency out and go through the crate that keeps the border.");
}

#[test]
fn the_command_is_small() {
    let members = members();
    let command = members.iter().find(|member| member.name == "keybearer").expect("the command is a crate");
    let too_much = |name: &str| TOO_MUCH_FOR_THE_COMMAND.iter().any(|pattern| fits(pattern, name));
    let found = command.dependencies.iter().map(|dependency| dependency.name.clone());
    let offences: Vec<String> = found.filter(|name| too_much(name)).collect();
    expect_none(
        &offences,
        "Take it out of crates/cli/Cargo.toml. The command asks through keybearer_ipc::client, which blocks; what needs \
         more is the agent's work.",
    );
}

#[test]
fn features_of_shared_dependencies_stand_in_one_place() {
    let mut offences = Vec::new();
    for Member { manifest, .. } in members() {
        for name in with_features_of_their_own(&file(&manifest).text) {
            offences.push(format!("{manifest}: {name} has `workspace = true` and features of its own"));
        }
    }
    expect_none(
        &offences,
        "Move the features to [workspace.dependencies] in the root Cargo.toml: otherwise every set of packages builds \
         the dependency anew.",
    );
}

fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}

/// The dependencies in a manifest that take the workspace's entry and add features to it, in any of TOML's spellings:
/// `a = { workspace = true, features = […] }`, `a.workspace = true` with `a.features = […]`, `[dependencies.a]`.
fn with_features_of_their_own(manifest: &str) -> Vec<String> {
    let mut keys: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut table = "";
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            table = line.trim_matches(['[', ']']);
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let path = format!("{table}.{}", key.trim());
        let Some((_, entry)) = path.rsplit_once("dependencies.") else { continue };
        let (name, property) = entry.split_once('.').unwrap_or((entry, ""));
        let found = keys.entry(name.to_owned()).or_default();
        // The key itself, and those of an inline table.
        let inline = value.split(['{', ',']).filter_map(|piece| piece.split_once('=')).map(|(key, _)| key.trim());
        for key in inline.chain([property]) {
            found.extend(["workspace", "features"].into_iter().find(|known| *known == key));
        }
    }
    let both = |found: &Vec<&str>| found.contains(&"workspace") && found.contains(&"features");
    keys.into_iter().filter(|(_, found)| both(found)).map(|(name, _)| name).collect()
}

#[test]
fn features_are_found_in_every_spelling() {
    let manifest = "[package]\nversion.workspace = true\n\
        [dependencies]\na = { workspace = true, features = [\"x\"] }\nb.workspace = true\nb.features = [\"x\"]\n\
        plain.workspace = true\nown = { version = \"1\", features = [\"workspace\"] }\n\
        [target.'cfg(unix)'.dependencies.c]\nworkspace = true\nfeatures = [\"x\"]\n\
        [features]\nf = [\"a/x\"]\n";
    assert_eq!(with_features_of_their_own(manifest), ["a", "b", "c"]);
}
