//! The package that people install: the window with the agent, the command and the practice server beside it.

use crate::released::{self, BESIDE, target_folder};
use crate::setup;
use crate::step::{cargo, detail, packages, root, step};
use crate::test::build_window;
use anyhow::{Context, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package as a person meets it: installed, used, upgraded, removed.
mod check;

/// What cargo is told to build the window.
pub(crate) const WINDOW: [&str; 4] =
    ["--package", "keybearer-desktop", "--features", "keybearer-desktop/custom-protocol"];

/// Makes the package, without optimizations if `debug`, and tries it if `check`.
pub(crate) fn run(check: bool, debug: bool) -> anyhow::Result<()> {
    setup::window()?;
    build_window()?;
    let built = if debug {
        step("build", cargo(&["build", "--locked"]).args(WINDOW).args(packages(BESIDE)))?;
        target_folder()?.join("debug")
    } else {
        released::build(&WINDOW)?
    };
    let package = pack(&built, debug)?;
    detail(&format!("package: {}", package.display()));
    if check {
        check::run(&package, &|version| bundle(&built, debug, Some(version)))?;
    }
    Ok(())
}

/// Packs what was built.
pub(crate) fn pack(built: &Path, debug: bool) -> anyhow::Result<PathBuf> {
    gather(built)?;
    bundle(built, debug, None)
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
    describe(&built.join("keybearer"), &folder)
}

/// Has the command write its manual and what shells complete: as it was built, and so never older than it.
fn describe(command: &Path, folder: &Path) -> anyhow::Result<()> {
    let (pages, completions) = (folder.join("man1"), folder.join("completions"));
    for made in [&pages, &completions] {
        if made.exists() {
            fs::remove_dir_all(made)?;
        }
        fs::create_dir_all(made)?;
    }
    step("manual", Command::new(command).args(["man", "--into"]).arg(&pages))?;
    let pages = fs::read_dir(&pages)?.map(|page| Ok(page?.path())).collect::<anyhow::Result<Vec<PathBuf>>>()?;
    // As Debian's policy (12.1) wants pages: with nothing in them of when this was.
    step("compressed manual", Command::new("gzip").args(["--best", "--no-name"]).args(&pages))?;
    for shell in ["bash", "fish", "zsh"] {
        let made = Command::new(command).args(["completions", shell]).output()?;
        ensure!(made.status.success(), "keybearer completions {shell}: {}", String::from_utf8_lossy(&made.stderr));
        #[expect(clippy::disallowed_methods, reason = "made anew by each bundle")]
        fs::write(completions.join(format!("keybearer.{shell}")), made.stdout)?;
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
