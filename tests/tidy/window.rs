//! The window's own borders, and the lock files of languages other than Rust.

use crate::tree::{expect_none, file, files};

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

#[test]
fn lock_files_name_no_host() {
    let locks = [
        "ui/package-lock.json",
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
