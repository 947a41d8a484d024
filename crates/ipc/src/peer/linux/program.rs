//! The program that a person would name: the nearest ancestor that is neither our helper nor a shell or launcher
//! between (REQ-I6), with the script that an interpreter runs (REQ-I7).

use super::process::{File, Process, others_can_change};
use keybearer_protocol::program::{Confidence, ProcessView, ProgramView};
use rustix::fs::{Mode, OFlags, Stat, fstat, open, stat};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

/// How far back a chain is followed.
const DEPTH: usize = 16;
/// A script over this size, in bytes, is not known by its content.
const SCRIPT_LIMIT: u64 = 4 * 1024 * 1024;
/// How many scripts' digests are remembered.
const REMEMBERED: usize = 1024;

/// Run what somebody else wants run, and are themselves nobody that a person would name.
const LAUNCHERS: &[&str] = &[
    "env", "sudo", "doas", "su", "nohup", "setsid", "nice", "ionice", "chrt", "taskset", "timeout", "time", "xargs",
    "stdbuf", "script", "watch", "unshare", "tmux", "screen", "zellij",
];
/// Stand for the whole session: what they start has no better name, and an answer for them would hold for everything.
const SESSIONS: &[&str] = &[
    "systemd",
    "init",
    "dbus-daemon",
    "dbus-broker",
    "sshd",
    "login",
    "cron",
    "crond",
    "containerd-shim",
    "docker-init",
    "tini",
    "dumb-init",
    "runsvdir",
    "s6-svscan",
];
/// Shells: with a script they are interpreters.
const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "busybox", "tcsh", "csh", "nu"];
/// Interpreters: the executable says nothing, the script all. Versions may follow the name.
const INTERPRETERS: &[&str] =
    &["python", "pypy", "node", "nodejs", "bun", "deno", "ruby", "perl", "php", "lua", "java", "pwsh", "Rscript"];
/// What stands before code on the command line: then there is no script.
const CODE: &[&str] = &["-c", "-e", "-m", "-p", "-", "--eval", "--print"];

/// The executables that belong to this agent.
#[derive(Debug)]
pub(super) struct Family {
    helper: Option<Stat>,
    desktop: Option<Stat>,
}

impl Family {
    /// Those beside the agent's own executable, as they lie there now: a package may just have replaced them.
    pub(super) fn of_this_agent() -> Family {
        let folder = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned()));
        let beside = |name: &str| stat(folder.as_ref()?.join(name)).ok();
        Family { helper: beside("keybearer"), desktop: beside("keybearer-desktop") }
    }

    /// Whether the process is our desktop.
    pub(super) fn is_desktop(&self, process: &Process) -> bool {
        is(process, self.desktop.as_ref())
    }

    fn is_helper(&self, process: &Process) -> bool {
        is(process, self.helper.as_ref())
    }
}

fn is(process: &Process, file: Option<&Stat>) -> bool {
    process.exe.as_ref().zip(file).is_some_and(|(exe, file)| exe.is(file))
}

/// What a process is in the chain.
#[derive(Debug, PartialEq, Eq)]
enum Role {
    /// Our own command, a shell at its prompt, or something that only starts others.
    Between,
    /// The system or the session.
    Session,
    /// A program of its own; with the script that it runs.
    Program(Option<PathBuf>),
}

/// The program behind a process.
pub(super) fn behind(caller: &Process, family: &Family) -> ProgramView {
    let ancestors = ancestors(caller);
    let chain: Vec<&Process> = std::iter::once(caller).chain(&ancestors).collect();
    let mut outermost = (0, None);
    let mut named = None;
    for (place, process) in chain.iter().enumerate() {
        match role(process, family) {
            Role::Between => outermost = (place, None),
            Role::Session => break,
            Role::Program(script) => {
                named = Some((place, script));
                break;
            }
        }
    }
    let is_named = named.is_some();
    let (place, script) = named.unwrap_or(outermost);
    let Some(process) = chain.get(place) else { return ProgramView::default() };
    let mut view = describe(process, script.as_deref());
    if !is_named && view.confidence != Confidence::Unknown {
        // A bare shell or helper: known as this running process, and no more.
        view.confidence = Confidence::PidOnly;
    }
    let link = |(at, process): (usize, &&Process)| ProcessView {
        pid: process.pid,
        name: name(process),
        remembered: at == place,
    };
    view.chain = chain.iter().enumerate().map(link).rev().collect();
    view
}

/// The ancestors, the nearest first. Each is pinned before its child is asked again whether it is still the parent; a
/// chain that can't be followed surely ends there.
fn ancestors(caller: &Process) -> Vec<Process> {
    let mut ancestors: Vec<Process> = Vec::new();
    while ancestors.len() < DEPTH {
        let child = ancestors.last().unwrap_or(caller);
        let Some(parent) = Some(child.parent).filter(|pid| *pid > 1).and_then(|pid| Process::open(pid).ok()) else {
            break;
        };
        let sure = parent.started <= child.started && child.has_parent(parent.pid) && parent.is_this_users();
        if !sure {
            break;
        }
        ancestors.push(parent);
    }
    ancestors
}

fn role(process: &Process, family: &Family) -> Role {
    if family.is_helper(process) {
        return Role::Between;
    }
    let Some(exe) = &process.exe else { return Role::Program(None) };
    let file = file_name(&exe.path);
    // Anybody can give a file such a name: only the system's own are looked past.
    let is_the_systems = exe.is_the_systems();
    if is_the_systems && SESSIONS.contains(&file) {
        return Role::Session;
    }
    if is_the_systems && LAUNCHERS.contains(&file) {
        return Role::Between;
    }
    if !interprets(file) {
        return Role::Program(None);
    }
    match script(process) {
        None if is_the_systems && SHELLS.contains(&file) => Role::Between,
        script => Role::Program(script),
    }
}

/// Whether the executable of this name runs scripts: its version may follow the name.
fn interprets(file: &str) -> bool {
    let versionless = file.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    SHELLS.contains(&file) || INTERPRETERS.contains(&versionless)
}

/// The script that an interpreter runs: the first of its arguments that is a file, unless code stands there instead.
fn script(process: &Process) -> Option<PathBuf> {
    let folder = PathBuf::from(process.working_folder()?);
    for argument in process.arguments().iter().skip(1) {
        if CODE.contains(&argument.as_str()) {
            return None;
        }
        if argument.starts_with('-') {
            continue;
        }
        let path = std::fs::canonicalize(folder.join(argument)).ok().filter(|path| path.is_file());
        if path.is_some() {
            return path;
        }
    }
    None
}

fn describe(process: &Process, script: Option<&Path>) -> ProgramView {
    let exe = process.exe.as_ref();
    let sha256 = script.and_then(digest);
    ProgramView {
        name: exe.map(|_| script.map_or_else(|| name(process), |path| file_name(&path.to_string_lossy()).to_owned())),
        pid: Some(process.pid),
        started: Some(process.started.to_string()),
        exe: exe.map(|exe| exe.path.clone()),
        script: script.map(|path| path.to_string_lossy().into_owned()),
        confidence: exe.map_or(Confidence::Unknown, |exe| confidence(exe, sha256.is_some())),
        script_sha256: sha256,
        folder: process.working_folder(),
        others_can_change: script.is_some_and(is_open) || exe.is_some_and(|exe| others_can_change(&exe.stat)),
        chain: Vec::new(),
    }
}

fn confidence(exe: &File, has_script: bool) -> Confidence {
    if exe.path.ends_with(DELETED) {
        Confidence::PidOnly
    } else if has_script {
        Confidence::Script
    } else if interprets(file_name(&exe.path)) {
        Confidence::PidOnly
    } else if exe.is_the_systems() && !rustix::process::geteuid().is_root() {
        Confidence::System
    } else {
        Confidence::Hash
    }
}

/// Whether other users can change the script, or put another file in its place.
fn is_open(script: &Path) -> bool {
    let folder = script.parent().and_then(|folder| stat(folder).ok());
    // In a sticky folder only its owner replaces a file.
    let replaceable = folder.is_some_and(|folder| others_can_change(&folder) && folder.st_mode & 0o1000 == 0);
    replaceable || stat(script).is_ok_and(|stat| others_can_change(&stat))
}

/// What the kernel writes behind the path of a file that was removed or replaced.
const DELETED: &str = " (deleted)";

fn name(process: &Process) -> String {
    match &process.exe {
        Some(exe) => file_name(exe.path.trim_end_matches(DELETED)).to_owned(),
        None => process.name.clone(),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The SHA-256 of a script. Remembered as long as the file stays as it is, for it stands on the way of every caller.
fn digest(path: &Path) -> Option<String> {
    static KNOWN: LazyLock<Mutex<HashMap<Version, String>>> = LazyLock::new(Mutex::default);
    let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let version = version(&fstat(&file).ok()?);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(digest) = known().get(&version) {
        return Some(digest.clone());
    }
    let mut content = Vec::new();
    let length = std::fs::File::from(file).take(SCRIPT_LIMIT + 1).read_to_end(&mut content).ok()?;
    if u64::try_from(length).unwrap_or(u64::MAX) > SCRIPT_LIMIT {
        return None;
    }
    let digest: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut known = known();
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(version, digest.clone());
    Some(digest)
}

/// A file's device, inode, size and times: as long as these stay, so does its content.
type Version = [i128; 7];

fn version(stat: &Stat) -> Version {
    [
        stat.st_dev.into(),
        stat.st_ino.into(),
        stat.st_size.into(),
        stat.st_mtime.into(),
        stat.st_mtime_nsec.into(),
        stat.st_ctime.into(),
        stat.st_ctime_nsec.into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_behind_an_interpreters_name_dont_hide_it() {
        for name in ["python3", "python3.11", "node", "ruby3.1", "pypy3", "lua5.4", "bash"] {
            assert!(interprets(name), "{name}");
        }
        for name in ["pythonista", "claude", "3", ""] {
            assert!(!interprets(name), "{name}");
        }
    }

    #[test]
    fn the_program_behind_this_test_is_named_with_its_chain() {
        let own = Process::open(std::process::id()).expect("this process");
        let view = behind(&own, &Family::of_this_agent());
        assert_eq!(view.pid, Some(std::process::id()));
        assert_eq!(view.chain.last().map(|process| (process.pid, process.remembered)), Some((own.pid, true)));
        assert!(own.is_unchanged());
    }
}
