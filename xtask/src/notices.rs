//! The notices of all works by others that a package holds, in one text: those in Rust as `cargo about` gathers them,
//! and those of the page.

use crate::setup;
use crate::step::{cargo, detail, npm, say};
use anyhow::ensure;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// How the files are called in which a package says who may use it.
const NAMES: &[&str] =
    &["LICENSE", "LICENCE", "LICENSE.md", "LICENSE.txt", "license", "LICENSE_MIT", "LICENSE_APACHE-2.0"];

/// Writes them into this file.
pub(crate) fn write(file: &Path) -> anyhow::Result<()> {
    say("notices of others");
    let gathered =
        cargo(&["about", "generate", "--offline", "--locked", "--workspace", "--all-features", "--fail", "about.hbs"])
            .env("PATH", setup::with_about()?)
            .output()?;
    ensure!(gathered.status.success(), "cargo about: {}", String::from_utf8_lossy(&gathered.stderr));
    let mut text = String::from_utf8(gathered.stdout)?;
    let works = text.lines().filter(|line| line.starts_with("====")).count();
    ensure!(works > 10, "cargo about has found next to nothing");
    for package in of_the_page()? {
        write!(text, "\n{}\n{}\n\n{}\n", "=".repeat(80), package.title, package.licence.trim_end())?;
    }
    #[expect(clippy::disallowed_methods, reason = "made anew by each bundle")]
    fs::write(file, text)?;
    detail(&format!("notices of others: {}", file.display()));
    Ok(())
}

/// A package that the page is built with.
struct Package {
    title: String,
    licence: String,
}

/// All that the page is built with, but not what only builds and tests it.
fn of_the_page() -> anyhow::Result<Vec<Package>> {
    let listed = npm("ui", &["ls", "--all", "--omit=dev", "--parseable"]).output()?;
    ensure!(listed.status.success(), "npm ls: {}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout)?;
    // The page itself comes first.
    let mut folders: Vec<&str> = listed.lines().skip(1).collect();
    folders.sort_unstable();
    folders.iter().map(|folder| package(Path::new(folder))).collect()
}

fn package(folder: &Path) -> anyhow::Result<Package> {
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("package.json"))?)?;
    let named = |field: &str| manifest[field].as_str().unwrap_or_default().to_owned();
    let texts = NAMES.iter().map(|name| folder.join(name)).filter(|path| path.is_file());
    // On systems where `license` and `LICENSE` are one file, once.
    let mut texts: Vec<PathBuf> = texts.filter_map(|path| path.canonicalize().ok()).collect();
    texts.dedup();
    let texts: Vec<String> = texts.iter().map(fs::read_to_string).collect::<Result<_, _>>()?;
    let licence = if texts.is_empty() { named("license") } else { texts.join("\n") };
    ensure!(!licence.is_empty(), "{} says nothing of its licence", folder.display());
    Ok(Package { title: format!("{} {} ({})", named("name"), named("version"), named("license")), licence })
}
