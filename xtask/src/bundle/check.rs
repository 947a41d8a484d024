//! The packages of Linux as a person meets them: what is in them, and that of Debian installed, used, upgraded, removed.
//! It is installed on this system for as long as this takes.

use crate::setup::as_root;
use crate::step::{detail, say, step};
use anyhow::{Context, ensure};
use keybearer_tests::display::Display;
use keybearer_tests::practice::Practice;
use keybearer_tests::session::Session;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the system calls it.
const PACKAGE: &str = "keybearer";
/// Where its executables come to lie.
const FOLDER: &str = "/usr/bin";
/// The units of its agent.
const UNITS: [&str; 2] =
    ["/usr/lib/systemd/user/keybearer-agent.socket", "/usr/lib/systemd/user/keybearer-agent.service"];
/// What has the socket open for each user who logs in.
const ENABLED: &str = "/etc/systemd/user/sockets.target.wants/keybearer-agent.socket";
/// What shells read of the command, that of bash first.
const COMPLETIONS: [&str; 3] = [
    "/usr/share/bash-completion/completions/keybearer",
    "/usr/share/fish/vendor_completions.d/keybearer.fish",
    "/usr/share/zsh/vendor-completions/_keybearer",
];
/// The manual of the command, and one of its commands'.
const MANUAL: [&str; 2] = ["/usr/share/man/man1/keybearer.1.gz", "/usr/share/man/man1/keybearer-token.1.gz"];
/// What software centres show of it.
const METAINFO: &str = "/usr/share/metainfo/app.keybearer.keybearer.metainfo.xml";
/// The folders whose names Debian and Fedora don't share, each as Debian has it and then as Fedora does.
const RENAMED: &[(&str, &str)] = &[("/usr/share/zsh/vendor-completions/", "/usr/share/zsh/site-functions/")];
/// Its entry in the menu of programs.
const ENTRY: &str = "/usr/share/applications/Keybearer.desktop";

/// Looks into the packages, and goes through the life of Debian's; `bundle_as` makes that one under another version.
pub(super) fn run(made: &[PathBuf], bundle_as: &dyn Fn(&str) -> anyhow::Result<PathBuf>) -> anyhow::Result<()> {
    let ending = |kind: &str| {
        let found = made.iter().find(|path| path.extension().is_some_and(|found| found == kind));
        found.with_context(|| format!("there is no .{kind}"))
    };
    let package = ending("deb")?;
    hold_the_same(package, ending("rpm")?)?;
    ensure!(!Path::new(ENTRY).exists(), "Keybearer is installed on this machine: its place is not free for a trial");
    let life = live(package, bundle_as);
    // Whatever became of it, nothing of it stays.
    let removed = step("remove", as_root("dpkg").args(["--purge", PACKAGE]));
    life.and(removed)?;
    for name in ["keybearer-desktop", "keybearer", "keybearer-agent", "keybearer-practice"] {
        ensure!(!Path::new(FOLDER).join(name).exists(), "{name} is left behind");
    }
    ensure!(!Path::new(ENTRY).exists(), "the entry in the menu is left behind");
    let mut find = Command::new("find");
    find.args(["/usr", "/etc/systemd", "/var/lib/systemd", "-iname", "*keybearer*", "-not", "-path", "*/src/*"]);
    let leftover = find.output()?;
    let leftover = String::from_utf8(leftover.stdout)?;
    ensure!(leftover.trim().is_empty(), "left behind: {leftover}");
    say("the package came, worked and went");
    Ok(())
}

/// Both packages lay the same files, at the places that each system has for them.
fn hold_the_same(deb: &Path, rpm: &Path) -> anyhow::Result<()> {
    let listed = Command::new("dpkg-deb").arg("--contents").arg(deb).output()?;
    ensure!(listed.status.success(), "dpkg-deb: {}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout)?;
    // Folders have no file of their own in the other's list.
    let files = listed.lines().filter(|line| line.starts_with('-'));
    let paths = files.filter_map(|line| Some(line.rsplit_once(' ')?.1.trim_start_matches('.')));
    let ours: BTreeSet<String> = paths.map(|path| format!("/{}", path.trim_start_matches('/'))).collect();
    let listed = Command::new("rpm").args(["--query", "--package", "--list"]).arg(rpm).output()?;
    ensure!(listed.status.success(), "rpm: {}", String::from_utf8_lossy(&listed.stderr));
    let theirs: BTreeSet<String> = String::from_utf8(listed.stdout)?.lines().map(as_debian_has_it).collect();
    let apart: Vec<&String> = ours.symmetric_difference(&theirs).collect();
    ensure!(ours.len() > 10 && apart.is_empty(), "only one of the two packages has {apart:?}");
    for path in UNITS.iter().chain(&COMPLETIONS).chain(&MANUAL).chain([&METAINFO, &ENTRY]) {
        ensure!(ours.contains(*path), "the packages lack {path}");
    }
    detail(&format!("{} files, the same in both packages", ours.len()));
    Ok(())
}

fn as_debian_has_it(path: &str) -> String {
    let renamed = RENAMED.iter().find_map(|(debian, fedora)| Some(format!("{debian}{}", path.strip_prefix(fedora)?)));
    renamed.unwrap_or_else(|| path.to_owned())
}

fn live(package: &Path, bundle_as: &dyn Fn(&str) -> anyhow::Result<PathBuf>) -> anyhow::Result<()> {
    step("install", as_root("dpkg").arg("--install").arg(package))?;
    step("desktop-file-validate", Command::new("desktop-file-validate").arg(ENTRY))?;
    step("appstreamcli validate", Command::new("appstreamcli").args(["validate", "--no-net", METAINFO]))?;
    units_are_sound()?;
    command_is_described()?;
    let desk = Desk::new()?;
    desk.knows_the_scheme()?;
    desk.signs_in_through_the_link()?;
    let newer = bundle_as(&next_version())?;
    step("upgrade", as_root("dpkg").arg("--install").arg(&newer))?;
    desk.knows_the_scheme()?;
    desk.still_works()?;
    // An administrator's no outlives an upgrade.
    step("disable", as_root("systemctl").args(["--global", "disable", "keybearer-agent.socket"]))?;
    step("install again", as_root("dpkg").arg("--install").arg(&newer))?;
    ensure!(!Path::new(ENABLED).exists(), "the package enabled a socket that was disabled");
    Ok(())
}

/// The agent's units are where user managers look, without a fault, and the socket is enabled.
fn units_are_sound() -> anyhow::Result<()> {
    let runtime = tempfile::tempdir()?;
    let mut verify = Command::new("systemd-analyze");
    verify.args(["--user", "verify", "--man=no"]).args(UNITS).env("XDG_RUNTIME_DIR", runtime.path());
    let verified = verify.output().context("systemd-analyze can't be started")?;
    let said = String::from_utf8(verified.stderr)?;
    ensure!(verified.status.success() && said.is_empty(), "the units have faults: {said}");
    ensure!(Path::new(ENABLED).exists(), "{ENABLED} is missing: nobody's socket would be open");
    detail("the units are sound, and the socket is open from login on");
    Ok(())
}

/// Shells complete the command, and its manual is in the package; systems may choose to install no manuals at all.
fn command_is_described() -> anyhow::Result<()> {
    let listed = Command::new("dpkg").args(["--listfiles", PACKAGE]).output()?;
    let listed = String::from_utf8(listed.stdout)?;
    for path in MANUAL {
        ensure!(listed.lines().any(|line| line == path), "{path} isn't in the package");
    }
    for path in COMPLETIONS {
        ensure!(fs::read_to_string(path)?.contains("sign-in"), "{path} knows no commands");
    }
    let complete =
        Command::new("bash").args(["-c", "source \"$0\" && complete -p keybearer", COMPLETIONS[0]]).output()?;
    ensure!(complete.status.success(), "bash: {}", String::from_utf8_lossy(&complete.stderr));
    detail("shells complete the command, and it has its manual");
    Ok(())
}

/// A session in which the installed Keybearer is used.
struct Desk {
    world: World,
    practice: Practice,
    display: Option<Display>,
}

impl Desk {
    fn new() -> anyhow::Result<Desk> {
        let folder = Path::new(FOLDER);
        let world = World::installed(Session::unlocked()?, folder);
        Ok(Desk {
            world,
            practice: Practice::start_at(&folder.join("keybearer-practice"), &[])?,
            display: Some(Display::new()?),
        })
    }

    fn program(&self, name: &str) -> Command {
        let mut command = self.world.program(name);
        command.envs(self.display.iter().flat_map(Display::environment));
        command
    }

    fn knows_the_scheme(&self) -> anyhow::Result<()> {
        let handler = self.program("xdg-mime").args(["query", "default", "x-scheme-handler/app.keybearer"]).output()?;
        let handler = String::from_utf8(handler.stdout)?;
        ensure!(handler.trim() == "Keybearer.desktop", "the links of Keybearer lead to {handler:?}");
        detail("app.keybearer: leads to Keybearer.desktop");
        Ok(())
    }

    /// Nothing of Keybearer's window runs; the answer of the browser starts it.
    fn signs_in_through_the_link(&self) -> anyhow::Result<()> {
        self.world.add("practice", self.practice.mcp_url())?;
        let view = self.world.begin_sign_in("practice")?;
        ensure!(view["callback"] == "deep_link", "the browser is to come back otherwise: {view}");
        let address = view["authorization_url"].as_str().context("an address")?;
        let browse = self.program("keybearer-practice").args(["browse", "--print", address]).output()?;
        let callback = String::from_utf8(browse.stdout)?;
        // The window that it starts lives on, so nobody waits for its output.
        let followed = self.program("gio").args(["open", callback.trim()]).stdout(Stdio::null()).status()?;
        ensure!(followed.success(), "gio can't follow the link");
        until("the sign-in that the link completes", || {
            Ok((self.world.sign_in_view("practice")?["phase"] == "signed_in").then_some(()))
        })?;
        detail("the link started the window, which completed the sign-in");
        self.still_works()
    }

    fn still_works(&self) -> anyhow::Result<()> {
        let test = self.world.json(&["test", "practice"])?;
        ensure!(test["ok"] == json!(true), "the server says: {test}");
        detail(&format!("tools/list: {} tools", test["tools"]));
        Ok(())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The window that the link has started is nobody's child; it ends with its screen. Until then it would start
        // an agent whenever there is none.
        self.display = None;
        let window = Path::new(FOLDER).join("keybearer-desktop");
        let _ = until("the window's end", || Ok((!runs(&window)?).then_some(())));
    }
}

/// Whether a process runs this executable.
fn runs(executable: &Path) -> anyhow::Result<bool> {
    let processes = fs::read_dir("/proc")?.flatten();
    Ok(processes.filter_map(|process| fs::read_link(process.path().join("exe")).ok()).any(|found| {
        // One that was replaced by an upgrade is named so.
        found == executable || found.as_os_str() == format!("{} (deleted)", executable.display()).as_str()
    }))
}

fn next_version() -> String {
    let patch: u32 = env!("CARGO_PKG_VERSION_PATCH").parse().unwrap_or_default();
    format!("{}.{}.{}", env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), patch + 1)
}
