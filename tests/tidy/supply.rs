//! What comes into the build from others, and goes out in packages: each with a reason, and each file where it is named.

use crate::tree::{expect_none, file, root};
use crate::workspace::members;
use serde_json::Value;
use std::collections::BTreeSet;

/// Where the reasons stand.
const REASONS: &str = "docs/dependencies.md";

#[test]
fn every_dependency_has_its_reason() {
    let members = members();
    let is_ours = |name: &str| members.iter().any(|member| member.name == name);
    let asked = members.iter().flat_map(|member| &member.dependencies).map(|dependency| dependency.name.clone());
    let mut named: BTreeSet<String> = asked.filter(|name| !is_ours(name)).collect();
    let page = json("ui/package.json");
    for kind in ["dependencies", "devDependencies"] {
        named.extend(page[kind].as_object().expect("the page names its packages").keys().cloned());
    }
    let text = file(REASONS).text;
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let told: BTreeSet<String> = rows.filter(|(_, reason)| reason.len() > 5).map(|(name, _)| name.to_owned()).collect();
    let offences: Vec<String> = named.symmetric_difference(&told).cloned().collect();
    expect_none(
        &offences,
        "Say in docs/dependencies.md what it is for; take out the row of what is not there any more.",
    );
}

#[test]
fn notices_are_gathered_for_every_licence_that_may_come_in() {
    let (notices, rules) = (file("about.toml").text, file("deny.toml").text);
    let (accepted, allowed) = (licences(&notices), licences(&rules));
    let offences: Vec<String> = accepted.symmetric_difference(&allowed).map(|name| (*name).to_owned()).collect();
    expect_none(&offences, "Let about.toml accept what deny.toml allows, exceptions included, and nothing else.");
}

/// The licences in the lists called `allow` and `accepted`.
fn licences(text: &str) -> BTreeSet<&str> {
    let begins = |line: &str| line.contains("allow = [") || line.starts_with("accepted = [");
    let mut found = BTreeSet::new();
    let mut within = false;
    for line in text.lines() {
        within |= begins(line);
        if within {
            let list = line.split_once("allow = ").map_or(line, |(_, list)| list);
            found.extend(list.split('"').skip(1).step_by(2));
        }
        within &= !line.contains(']');
    }
    found
}

#[test]
fn what_packages_are_made_of_is_there() {
    let mut offences = Vec::new();
    for system in ["all", "linux", "macos", "windows"] {
        let path = format!("src-tauri/bundle/{system}.json");
        let mut paths = Vec::new();
        sources(&json(&path)["bundle"], &mut paths);
        // What `cargo xtask bundle` lays there as it is built.
        paths.retain(|source| !source.starts_with("bundled/"));
        let gone = paths.into_iter().filter(|source| !root().join("src-tauri").join(source).exists());
        offences.extend(gone.map(|source| format!("{path}: {source}")));
    }
    let icons = json("src-tauri/tauri.conf.json")["bundle"]["icon"].clone();
    let icons = icons.as_array().expect("a list of icons").iter().filter_map(Value::as_str);
    let gone = icons.filter(|icon| !root().join("src-tauri").join(icon).exists());
    offences.extend(gone.map(|icon| format!("src-tauri/tauri.conf.json: {icon}")));
    expect_none(&offences, "Name a file that is there, from src-tauri.");
}

/// The files of ours that a bundle's configuration names: what is laid somewhere, scripts, templates and icons.
fn sources(value: &Value, found: &mut Vec<String>) {
    let Some(fields) = value.as_object() else { return };
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("files", Value::Object(laid)) => found.extend(laid.values().filter_map(Value::as_str).map(str::to_owned)),
            ("resources", Value::Object(laid)) => found.extend(laid.keys().cloned()),
            ("externalBin", Value::Array(programs)) => {
                found.extend(programs.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            (key, Value::String(path)) if ["Script", "Template", "Icon"].iter().any(|end| key.ends_with(end)) => {
                found.push(path.clone());
            }
            _ => sources(value, found),
        }
    }
}

#[test]
fn workflows_take_actions_by_commit_alone() {
    let mut offences = Vec::new();
    for workflow in [".github/workflows/ci.yml", ".github/workflows/release.yml"] {
        let text = file(workflow).text;
        let used = text.lines().filter_map(|line| line.split_once("uses: "));
        let loose = used.filter(|(_, action)| {
            let commit = action.split_once('@').and_then(|(_, rest)| rest.split_once(" # v")).map(|(commit, _)| commit);
            !commit.is_some_and(|commit| commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()))
        });
        offences.extend(loose.map(|(_, action)| format!("{workflow}: {action}")));
    }
    expect_none(&offences, "Write the commit, and the version behind it: `uses: owner/action@COMMIT # v1.2.3`.");
}

fn json(path: &str) -> Value {
    serde_json::from_str(&file(path).text).unwrap_or_else(|error| panic!("{path}: {error}"))
}
