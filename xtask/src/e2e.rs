//! The window, driven as a person would: on a screen, a keyring and a session bus of its own.

use crate::setup;
use crate::step::{cargo, detail, root, step};
use crate::test::{WORKSPACE, build_window};
use anyhow::{Context, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Where the pictures of the documents lie, from the project's root.
const PICTURES: &str = "docs/images/screens";

/// Runs the tests of the window, or those whose names hold `filter`, and keeps pictures of the screens where asked to;
/// with `write`, in the documents as well.
pub(crate) fn run(screenshots: Option<&Path>, write: bool, filter: Option<&str>) -> anyhow::Result<()> {
    setup::window()?;
    build_window()?;
    step("build", &mut cargo(&[&["build", "--locked", "--all-targets"], WORKSPACE].concat()))?;
    let mut test = cargo(&[&["test", "--locked", "--test", "e2e"], WORKSPACE].concat());
    // One desktop at a time, as the tests want it.
    test.args(["--", "--test-threads", "1"]).args(filter);
    let folder = screenshots.map(|folder| root().join(folder));
    if let Some(folder) = &folder {
        test.env("KEYBEARER_SCREENSHOTS", folder);
    }
    step("end-to-end tests", &mut test)?;
    let Some(folder) = folder else { return Ok(()) };
    detail(&format!("pictures of the screens: {}", folder.display()));
    if write { illustrate(&folder) } else { Ok(()) }
}

/// Lays the pictures that the documents show where they look for them, and takes away those that none shows any more.
fn illustrate(taken: &Path) -> anyhow::Result<()> {
    setup::pictures()?;
    let wanted = shown()?;
    let folder = root().join(PICTURES);
    fs::create_dir_all(&folder)?;
    for name in &wanted {
        let (from, to) = (taken.join(name).with_extension("png"), folder.join(name));
        ensure!(from.exists(), "a document shows {name}, and no test looks at that screen so");
        let mut convert = Command::new("cwebp");
        // Without loss but for the last bits of a colour: letters stay sharp.
        convert.args(["-quiet", "-mt", "-m", "6", "-near_lossless", "40"]).arg(from).arg("-o").arg(to);
        ensure!(convert.status().context("cwebp can't be started")?.success(), "{name} can't be made");
    }
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        if !wanted.contains(&*entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    detail(&format!("written: {} pictures in {PICTURES}", wanted.len()));
    Ok(())
}

/// The pictures that the documents show.
fn shown() -> anyhow::Result<BTreeSet<String>> {
    let mut documents = Vec::new();
    for folder in [root(), root().join("docs")] {
        for entry in fs::read_dir(folder)? {
            documents.push(entry?.path());
        }
    }
    let mut shown = BTreeSet::new();
    for document in documents.iter().filter(|path| path.extension().is_some_and(|found| found == "md")) {
        let text = fs::read_to_string(document).with_context(|| document.display().to_string())?;
        let links = text.split("images/screens/").skip(1);
        shown.extend(links.filter_map(|link| Some(link.split_once(')')?.0.to_owned())));
    }
    Ok(shown)
}
