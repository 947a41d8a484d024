//! The window's own borders, and the lock files of languages other than Rust.

use crate::tree::{expect_none, file, files};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn one_file_of_the_window_talks_to_tauri() {
    let sources = files(&["ui/src"], &["ts", "js", "svelte"]).into_iter();
    let imports = ["from \"@tauri-apps", "import \"@tauri-apps", "import(\"@tauri-apps"];
    let takes = |text: &str| imports.iter().any(|import| text.contains(import));
    let talking = sources.filter(|file| file.path != "ui/src/backend.ts" && takes(&file.text));
    let offences: Vec<String> = talking.map(|file| file.path).collect();
    expect_none(
        &offences,
        "Add what is needed to the interface `Backend` in ui/src/backend.ts, and take it from there.",
    );
}

#[test]
fn no_text_becomes_markup() {
    let sources =
        files(&["ui/src"], &["ts", "js", "svelte"]).into_iter().filter(|file| !file.path.ends_with(".test.ts"));
    let makes = ["{@html", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"];
    let markup = sources.filter(|file| makes.iter().any(|make| file.text.contains(make)));
    let offences: Vec<String> = markup.map(|file| file.path).collect();
    expect_none(&offences, "Servers and programs choose texts that are shown: let Svelte write them as text.");
}

/// How the name of a field ends that would hold a secret.
const SECRET: &[&str] = &[
    "token",
    "tokens",
    "secret",
    "password",
    "passphrase",
    "verifier",
    "assertion",
    "code",
    "key",
    "credential",
    "cookie",
];
/// Fields that are called so and are shown to everybody: a code that a person compares with that on another device.
const SHOWN: &[&str] = &["user_code"];

#[test]
fn no_type_that_comes_into_the_page_has_room_for_a_secret() {
    let offences = incoming_secrets(&file("ui/src/bindings.ts").text);
    expect_none(
        &offences,
        "Commands and events bring nothing secret into a web view. Do what has to be done with it in src-tauri, and answer \
         with what came of it.",
    );
}

#[test]
fn secrets_are_seen_however_deep_they_lie_and_only_on_their_way_in() {
    let text = "export interface Commands {\n  /** Gives a token: string. */\n  give(secret: string): Promise<Outer[]>;\n  \
        token(): Promise<string>;\n  url(): Promise<string>;\n}\nexport interface Events {\n  \
        news(heard: (payload: News) => void): Promise<() => void>;\n}\n\
        export type Outer = { inner: Inner | null, user_code: string, };\n\
        export type Inner = { access_token?: string | null, token_sha256: string, code: number, };\n\
        export type News = { key: string, };\nexport type Sent = { secret: string, };\n";
    assert_eq!(incoming_secrets(text), ["Commands.token", "Inner.access_token", "News.key"]);
}

/// The places in what commands answer and events bring where a secret could be.
fn incoming_secrets(bindings: &str) -> Vec<String> {
    let code = without_comments(bindings);
    let types: BTreeMap<&str, &str> = code.split("\nexport ").filter_map(declaration).collect();
    let door = |name: &str| types.get(name).copied().unwrap_or_else(|| panic!("the bindings have no {name}"));
    let (mut found, mut reached) = (Vec::new(), Vec::new());
    for command in door("Commands").lines() {
        let Some((name, reply)) = command.split_once("): Promise<") else { continue };
        let name = name.split('(').next().unwrap_or_default().trim();
        // Without a type of its own, the command's name is all that says what a text is.
        if reply.starts_with("string") && is_secret(&name.to_lowercase()) {
            found.push(format!("Commands.{name}"));
        }
        reached.extend(words(reply));
    }
    for (_, payload) in door("Events").lines().filter_map(|event| event.split_once("payload: ")) {
        reached.extend(words(payload));
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = reached.pop() {
        let Some((&name, body)) = types.get_key_value(name) else { continue };
        if !seen.insert(name) {
            continue;
        }
        reached.extend(words(body));
        for (field, kind) in body.split([',', '{']).filter_map(|field| field.split_once(':')) {
            let field = field.trim().trim_end_matches('?');
            if words(kind).any(|word| word == "string") && is_secret(field) && !SHOWN.contains(&field) {
                found.push(format!("{name}.{field}"));
            }
        }
    }
    found.sort();
    found
}

/// A declaration's name and the rest of it.
fn declaration(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start().trim_start_matches("export ");
    let rest = text.strip_prefix("interface ").or_else(|| text.strip_prefix("type "))?;
    rest.split_once([' ', '<'])
}

fn is_secret(name: &str) -> bool {
    name.rsplit('_').next().is_some_and(|last| SECRET.contains(&last))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn without_comments(text: &str) -> String {
    let mut pieces = text.split("/*");
    let mut code = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        code.push_str(piece.split_once("*/").map_or("", |(_, after)| after));
    }
    code
}

#[test]
fn lock_files_name_no_host() {
    let locks = [
        "ui/package-lock.json",
        "clients/typescript/package-lock.json",
        "tests/bench/package-lock.json",
        "tests/interop/package-lock.json",
        "tests/interop/requirements.txt",
        "tests/conformance/package-lock.json",
    ]
    .map(file);
    let bound = locks.into_iter().filter(|lock| lock.text.contains("\"resolved\"") || lock.text.contains("index-url"));
    let offences: Vec<String> = bound.map(|lock| lock.path).collect();
    expect_none(
        &offences,
        "Each person's npm and pip know where packages come from; the lock file's hashes say which. Run `npm install` in the \
         folder, whose .npmrc leaves addresses out; requirements.txt says how it is written.",
    );
}
