//! What the system must have, installed where it is missing. Debian and Ubuntu are served; others are told.

use crate::step::{detail, npm, root, say, step};
use anyhow::{Context, bail, ensure};
use std::path::Path;
use std::process::{Command, Stdio};

/// A system package with what it is for.
type Package = (&'static str, &'static str);

/// To compile anything, and for a private session with a real keyring.
const BASE: &[Package] = &[
    ("build-essential", "a C compiler, for the TLS library"),
    ("dbus", "a private session bus"),
    ("gnome-keyring", "a real Secret Service on that bus"),
    ("openssl", "a TLS server with a bad certificate"),
    ("libsecret-tools", "looks at the keyring from outside"),
];

/// To compile the window.
const WINDOW: &[Package] = &[("libwebkit2gtk-4.1-dev", "the window's web view"), ("pkg-config", "finds its headers")];

/// The oldest Node.js that builds the window.
const NODE: (u32, u32) = (20, 19);

/// What the command and the agent need.
pub(crate) fn base() -> anyhow::Result<()> {
    install(BASE)
}

/// What the whole workspace needs, the window's packages included.
pub(crate) fn everything() -> anyhow::Result<()> {
    install(&[BASE, WINDOW].concat())?;
    node()?;
    packages_of("ui")?;
    packages_of("tests/interop")
}

/// What the foreign servers of the interop tests need.
pub(crate) fn interop() -> anyhow::Result<()> {
    install(BASE)?;
    node()?;
    packages_of("tests/interop")
}

fn install(packages: &[Package]) -> anyhow::Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let missing: Vec<&Package> = packages.iter().filter(|(name, _)| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say("system packages");
    for (name, purpose) in &missing {
        detail(&format!("{name}: {purpose}"));
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("this isn't Debian or Ubuntu: install what corresponds to these packages, then try again");
    }
    step("apt-get update", &mut apt(&["update", "-q"]))?;
    let names = missing.iter().map(|(name, _)| *name);
    step("apt-get install", apt(&["install", "-qy", "--no-install-recommends"]).args(names))
}

fn is_installed(package: &str) -> bool {
    if !Path::new("/usr/bin/dpkg-query").exists() {
        // Another system: what is missing shows when it is used.
        return true;
    }
    let query = Command::new("dpkg-query").args(["-W", "-f=${Status}", package]).stderr(Stdio::null()).output();
    query.is_ok_and(|output| output.stdout.ends_with(b" installed"))
}

fn apt(arguments: &[&str]) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let mut command = if is_root { Command::new("apt-get") } else { Command::new("sudo") };
    if !is_root {
        command.arg("apt-get");
    }
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command
}

fn node() -> anyhow::Result<()> {
    let (major, minor) = NODE;
    let wanted = || format!("Node.js {major}.{minor} or later is needed");
    let output = Command::new("node").arg("--version").output().with_context(wanted)?;
    let version = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
    let found = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    ensure!(found >= NODE, "{}, and this is {version}", wanted());
    Ok(())
}

/// `npm ci`, unless what is installed is as new as the lock file.
fn packages_of(folder: &str) -> anyhow::Result<()> {
    let modified = |path: &str| std::fs::metadata(root().join(folder).join(path)).and_then(|file| file.modified()).ok();
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_some() && installed >= modified("package-lock.json") {
        return Ok(());
    }
    step(&format!("npm packages of {folder}"), &mut npm(folder, &["ci", "--no-audit", "--no-fund"]))
}
