//! The package that people install: the window with the agent, the command and the practice server beside it.

use crate::released::{self, BESIDE, target_folder};
use crate::setup;
use crate::step::{cargo, detail, packages, root, step};
use crate::test::build_window;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package as a person meets it: installed, used, upgraded, removed.
mod check;

/// Makes the package, without optimizations if `debug`, and tries it if `check`.
pub(crate) fn run(check: bool, debug: bool) -> anyhow::Result<()> {
    setup::window()?;
    build_window()?;
    let window = ["--package", "keybearer-desktop", "--features", "keybearer-desktop/custom-protocol"];
    let built = if debug {
        step("build", cargo(&["build", "--locked"]).args(window).args(packages(BESIDE)))?;
        target_folder()?.join("debug")
    } else {
        released::build(&window)?
    };
    gather(&built)?;
    let package = bundle(&built, debug, None)?;
    detail(&format!("package: {}", package.display()));
    if check {
        check::run(&package, &|version| bundle(&built, debug, Some(version)))?;
    }
    Ok(())
}

/// Lays the executables where the bundler looks for them, under the names that it expects.
fn gather(built: &Path) -> anyhow::Result<()> {
    let target = host()?;
    let folder = root().join("src-tauri/bundled");
    fs::create_dir_all(&folder)?;
    for name in BESIDE {
        let from = built.join(name);
        fs::copy(&from, folder.join(format!("{name}-{target}"))).with_context(|| from.display().to_string())?;
    }
    Ok(())
}

/// Packs what was built, under another version where one is named.
fn bundle(built: &Path, debug: bool, version: Option<&str>) -> anyhow::Result<PathBuf> {
    let folder = built.join("bundle/deb");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    // The bundler looks for the window's folder below the one that it is started in, so `npm exec` in `ui` won't do.
    let mut tauri = Command::new("node");
    tauri.arg("ui/node_modules/@tauri-apps/cli/tauri.js").current_dir(root());
    tauri.args(["bundle", "--bundles", "deb", "--config", "src-tauri/tauri.bundle.conf.json"]);
    tauri.args(debug.then_some("--debug"));
    if let Some(version) = version {
        tauri.args(["--config", &serde_json::json!({ "version": version }).to_string()]);
    }
    step("tauri bundle", &mut tauri)?;
    let packages = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut packages = packages.filter(|path| path.extension().is_some_and(|found| found == "deb"));
    packages.next().context("the bundler has left no package")
}

/// The system that executables are built for: this one.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc can't be started")?;
    let told = String::from_utf8(output.stdout)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names its host")?;
    Ok(host.to_owned())
}
