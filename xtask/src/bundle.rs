//! The packages that people install: the window with the agent, the command and the practice server beside it.

use crate::notices;
use crate::released::{self, BESIDE, target_folder};
use crate::setup;
use crate::step::{cargo, detail, packages, root, step};
use crate::test::build_window;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::env;
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The packages of Linux as a person meets them.
#[cfg(target_os = "linux")]
mod check;

/// What cargo is told to build the window.
pub(crate) const WINDOW: [&str; 4] =
    ["--package", "keybearer-desktop", "--features", "keybearer-desktop/custom-protocol"];

/// What the bundler reads for this system, beside what it reads for all.
const SYSTEM: &str = if cfg!(windows) {
    "windows"
} else if cfg!(target_os = "macos") {
    "macos"
} else {
    "linux"
};

/// How the files end that people download: packages, and what a self-update takes with its signature.
const MADE: &[&str] = &["deb", "rpm", "AppImage", "exe", "dmg", "gz", "sig"];

/// The public key that self-updates are checked with, and the address that is asked for them. The window takes both in
/// as it is built.
const UPDATES: [&str; 2] = ["KEYBEARER_UPDATE_KEY", "KEYBEARER_UPDATE_ENDPOINT"];

/// What is wanted.
#[derive(clap::Args, Debug)]
pub(crate) struct Wanted {
    /// Install it, use it, upgrade it and remove it again
    #[cfg(target_os = "linux")]
    #[arg(long, conflicts_with = "self_updating")]
    check: bool,
    /// Build without optimizations, to try the package itself
    #[arg(long)]
    debug: bool,
    /// Make what looks for newer versions by itself, such as an AppImage: with `KEYBEARER_UPDATE_KEY` and
    /// `KEYBEARER_UPDATE_ENDPOINT`
    #[arg(long)]
    self_updating: bool,
}

/// Makes the packages, and tries them if that is wanted.
pub(crate) fn run(wanted: &Wanted) -> anyhow::Result<()> {
    for variable in UPDATES {
        // Packages are updated by whoever installed them.
        ensure!(env::var_os(variable).is_some() == wanted.self_updating, "{variable} belongs to --self-updating");
    }
    setup::bundle()?;
    build_window()?;
    let built = if wanted.debug {
        step("build", cargo(&["build", "--locked"]).args(WINDOW).args(packages(BESIDE)))?;
        target_folder()?.join("debug")
    } else {
        released::build(&WINDOW)?
    };
    gather(&built)?;
    let kinds = (wanted.self_updating && cfg!(target_os = "linux")).then_some("appimage");
    let settings = if wanted.self_updating { updates()? } else { json!({}) };
    let made = bundle(&built, wanted.debug, kinds, &settings)?;
    for package in &made {
        detail(&format!("package: {} ({} KB)", package.display(), fs::metadata(package)?.len() / 1000));
    }
    #[cfg(target_os = "linux")]
    if wanted.check {
        check::run(&made, &|version| {
            let settings = json!({ "version": version });
            bundle(&built, wanted.debug, Some("deb"), &settings)?.pop().context("the bundler has left no package")
        })?;
    }
    Ok(())
}

/// The package of Debian with what was built.
#[cfg(target_os = "linux")]
pub(crate) fn pack(built: &Path) -> anyhow::Result<PathBuf> {
    gather(built)?;
    bundle(built, false, Some("deb"), &json!({}))?.pop().context("the bundler has left no package")
}

/// Lays the executables where the bundler looks for them, under the names that it expects.
fn gather(built: &Path) -> anyhow::Result<()> {
    let target = host()?;
    let folder = root().join("src-tauri/bundled");
    fs::create_dir_all(&folder)?;
    for name in BESIDE {
        let from = built.join(format!("{name}{EXE_SUFFIX}"));
        let to = folder.join(format!("{name}-{target}{EXE_SUFFIX}"));
        fs::copy(&from, to).with_context(|| from.display().to_string())?;
    }
    describe(&built.join(format!("keybearer{EXE_SUFFIX}")), &folder)?;
    notices::write(&folder.join("third-party.txt"))
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
    if !cfg!(windows) {
        step("manual", Command::new(command).args(["man", "--into"]).arg(&pages))?;
        let pages = fs::read_dir(&pages)?.map(|page| Ok(page?.path())).collect::<anyhow::Result<Vec<PathBuf>>>()?;
        // As Debian's policy (12.1) wants pages: with nothing in them of when this was.
        step("compressed manual", Command::new("gzip").args(["--best", "--no-name"]).args(&pages))?;
    }
    for shell in ["bash", "fish", "powershell", "zsh"] {
        let made = Command::new(command).args(["completions", shell]).output()?;
        ensure!(made.status.success(), "keybearer completions {shell}: {}", String::from_utf8_lossy(&made.stderr));
        #[expect(clippy::disallowed_methods, reason = "made anew by each bundle")]
        fs::write(completions.join(format!("keybearer.{shell}")), made.stdout)?;
    }
    Ok(())
}

/// Packs what was built: as these kinds, or as all that are usual here, and with these settings over the others.
fn bundle(built: &Path, debug: bool, kinds: Option<&str>, settings: &Value) -> anyhow::Result<Vec<PathBuf>> {
    let folder = built.join("bundle");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    // The bundler looks for the window's folder below the one that it is started in, so `npm exec` in `ui` won't do.
    let mut tauri = Command::new("node");
    tauri.arg("ui/node_modules/@tauri-apps/cli/tauri.js").arg("bundle").current_dir(root());
    for system in ["all", SYSTEM] {
        tauri.args(["--config", &format!("src-tauri/bundle/{system}.json")]);
    }
    tauri.args(["--config", &settings.to_string()]);
    tauri.args(kinds.map(|kinds| ["--bundles", kinds]).into_iter().flatten());
    tauri.args(debug.then_some("--debug"));
    step("tauri bundle", &mut tauri)?;
    let mut made = Vec::new();
    for kind in fs::read_dir(&folder)? {
        made.extend(fs::read_dir(kind?.path())?.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| {
            path.is_file() && path.extension().is_some_and(|found| MADE.iter().any(|known| found == *known))
        }));
    }
    made.sort();
    ensure!(!made.is_empty(), "the bundler has left no package");
    Ok(made)
}

/// What the bundler wants to know to sign self-updates. It takes the private key from `TAURI_SIGNING_PRIVATE_KEY`.
fn updates() -> anyhow::Result<Value> {
    let [key, endpoint] = UPDATES;
    Ok(json!({
        "bundle": { "createUpdaterArtifacts": true },
        "plugins": { "updater": { "pubkey": env::var(key)?, "endpoints": [env::var(endpoint)?] } },
    }))
}

/// The system that executables are built for: this one.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc can't be started")?;
    let told = String::from_utf8(output.stdout)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names its host")?;
    Ok(host.to_owned())
}
