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
    ("systemd", "opens sockets for the agent as a service manager does, and checks its units"),
];

/// To compile the window.
const WINDOW: &[Package] = &[
    ("libwebkit2gtk-4.1-dev", "the window's web view"),
    ("libayatana-appindicator3-dev", "the tray icon, which the bundler looks for as well"),
    ("pkg-config", "finds the headers of both"),
];

/// To drive the window where nobody sits.
const E2E: &[Package] = &[
    ("xvfb", "a screen without a person in front of it"),
    ("webkit2gtk-driver", "a hand in the window's web view"),
    ("libglib2.0-bin", "`gio open`: follows a link as a desktop does"),
    ("xdg-utils", "opens browsers, and makes the window the handler of its links"),
    ("desktop-file-utils", "keeps the list of handlers, and checks the package's own entry"),
    ("fonts-wqy-zenhei", "Chinese in the pictures of the screens"),
];

/// The oldest Node.js that builds the window.
const NODE: (u32, u32) = (20, 19);

/// What the command and the agent need.
pub(crate) fn base() -> anyhow::Result<()> {
    install(BASE)
}

/// What the whole workspace needs, its tests included.
pub(crate) fn everything() -> anyhow::Result<()> {
    install(&[BASE, WINDOW, E2E].concat())?;
    node()?;
    packages_of("ui")?;
    packages_of("tests/interop")
}

/// What the tests of the window need, and its bundle.
pub(crate) fn window() -> anyhow::Result<()> {
    install(&[BASE, WINDOW, E2E].concat())?;
    node()?;
    packages_of("ui")
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
    let mut command = as_root("apt-get");
    command.args(arguments);
    command
}

/// A program that changes the system: through `sudo`, unless we are root. It asks nothing.
pub(crate) fn as_root(program: &str) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let mut command = Command::new(if is_root { program } else { "sudo" });
    if !is_root {
        command.arg(program);
    }
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
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
