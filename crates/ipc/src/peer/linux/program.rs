//! The program that a person would name: the nearest ancestor that is neither our helper nor a shell or launcher
//! between (REQ-I6), with the script that an interpreter runs (REQ-I7).

use super::process::{File, Process, others_can_change};
use keybearer_protocol::program::{Confidence, ProcessView, ProgramView};
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, stat};
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
/// Options that neither take a value nor change what is run. Behind any other, the next word may be anything.
const HARMLESS: &[&str] = &[
    "-u",
    "-B",
    "-E",
    "-I",
    "-O",
    "-OO",
    "-s",
    "-S",
    "-q",
    "--no-warnings",
    "--no-deprecation",
    "--enable-source-maps",
];
/// Words before the script that are the interpreter's own.
const SUBCOMMANDS: &[(&str, &str)] = &[("deno", "run"), ("bun", "run")];
/// The system's own programs that stand for whatever runs in them, or run what they are told: an answer for good would
/// be one for every program of this user.
const HOSTS: &[&str] = &[
    "gnome-terminal-server",
    "gnome-terminal-",
    "kgx",
    "ptyxis",
    "ptyxis-agent",
    "konsole",
    "xterm",
    "uxterm",
    "urxvt",
    "rxvt",
    "alacritty",
    "kitty",
    "foot",
    "wezterm-gui",
    "ghostty",
    "terminator",
    "tilix",
    "tilda",
    "guake",
    "yakuake",
    "terminology",
    "xfce4-terminal",
    "mate-terminal",
    "lxterminal",
    "qterminal",
    "gnome-shell",
    "plasmashell",
    "kwin_wayland",
    "xfce4-panel",
    "code",
    "codium",
    "cursor",
    "zed",
    "emacs",
    "vim",
    "nvim",
    "make",
    "git",
    "gdb",
    "strace",
    "awk",
    "gawk",
    "mawk",
    "find",
    "expect",
    "tclsh",
    "guile",
    "dotnet",
    "mono",
    "beam.smp",
    "luajit",
    "socat",
    "ssh",
];

/// The executables that belong to this agent.
#[derive(Debug)]
pub(super) struct Family {
    helper: Option<Stat>,
    desktop: Option<Stat>,
}

/// What a process is to this agent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kin {
    /// Its desktop.
    pub(super) is_desktop: bool,
    /// Its command.
    pub(super) is_helper: bool,
}

impl Family {
    /// Those beside the agent's own executable, as they lie there now: a package may just have replaced them.
    pub(super) fn of_this_agent() -> Family {
        let folder = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned()));
        let beside = |name: &str| stat(folder.as_ref()?.join(name)).ok();
        Family { helper: beside("keybearer"), desktop: beside("keybearer-desktop") }
    }

    /// What the process is to this agent.
    pub(super) fn kin(&self, process: &Process) -> Kin {
        Kin { is_desktop: is(process, self.desktop.as_ref()), is_helper: self.is_helper(process) }
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
    // A bare shell or helper, or a program far behind what asks: known as this running process, and no more.
    let is_far = place > 1 && view.confidence == Confidence::System;
    if (!is_named || is_far) && view.confidence != Confidence::Unknown {
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

/// The script that an interpreter runs: its first argument, behind nothing but harmless options. A descriptor of the
/// process's own (`/dev/fd/3`) would be another file here.
fn script(process: &Process) -> Option<PathBuf> {
    let name = file_name(&process.exe.as_ref()?.path);
    let word = script_word(name, &process.arguments())?;
    if word.starts_with("/dev/") || word.starts_with("/proc/") {
        return None;
    }
    let folder = PathBuf::from(process.working_folder()?);
    std::fs::canonicalize(folder.join(word)).ok().filter(|path| path.is_file())
}

fn script_word(interpreter: &str, arguments: &[String]) -> Option<String> {
    let mut words = arguments.iter().skip(1).skip_while(|word| HARMLESS.contains(&word.as_str())).peekable();
    words.next_if(|word| *word == "--");
    words.next_if(|word| SUBCOMMANDS.contains(&(interpreter, word.as_str())));
    words.next().filter(|word| !word.starts_with('-')).cloned()
}

fn describe(process: &Process, script: Option<&Path>) -> ProgramView {
    let exe = process.exe.as_ref();
    let sha256 = script.and_then(digest);
    ProgramView {
        name: exe.map(|_| script.map_or_else(|| name(process), |path| file_name(&path.to_string_lossy()).to_owned())),
        pid: Some(process.pid),
        started: Some(process.started.to_string()),
        exe: exe.map(|exe| exe.path.clone()),
        signer: None,
        script: script.map(|path| path.to_string_lossy().into_owned()),
        confidence: exe.map_or(Confidence::Unknown, |exe| confidence(exe, sha256.is_some())),
        script_sha256: sha256,
        folder: process.working_folder(),
        others_can_change: script.is_some_and(is_open) || exe.is_some_and(|exe| others_can_change(&exe.stat)),
        chain: Vec::new(),
    }
}

fn confidence(exe: &File, has_script: bool) -> Confidence {
    let name = file_name(&exe.path);
    if exe.path.ends_with(DELETED) || HOSTS.contains(&name) || name.starts_with("ld-linux") {
        Confidence::PidOnly
    } else if has_script && exe.is_the_systems() {
        Confidence::Script
    } else if interprets(name) && !has_script {
        Confidence::PidOnly
    } else if exe.is_the_systems() && !has_script && !rustix::process::geteuid().is_root() {
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
    // What turned into a pipe since it was looked at must hold up nobody.
    let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty()).ok()?;
    let stat = fstat(&file).ok().filter(|stat| FileType::from_raw_mode(stat.st_mode).is_file())?;
    let version = version(&stat);
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
    fn a_script_is_the_first_word_behind_harmless_options_or_there_is_none() {
        let word = |line: &str| {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            script_word(&arguments[0], &arguments)
        };
        for (line, expected) in [
            ("python3 bot.py", Some("bot.py")),
            ("python3 -u -B bot.py --flag", Some("bot.py")),
            ("node --no-warnings -- app.js", Some("app.js")),
            ("deno run app.ts", Some("app.ts")),
            ("bash script.sh -c x", Some("script.sh")),
            // Code, or an option whose value looks like a script.
            ("python3 -c print(1) bot.py", None),
            ("python3 -cprint(1) bot.py", None),
            ("python3 -m http.server", None),
            ("bash -lc evil good.sh", None),
            ("bash --init-file shellIntegration-bash.sh -c evil", None),
            ("node --require=./evil.js good.js", None),
            ("node -r ./instrument.js app.js", None),
            ("java -cp lib.jar Main", None),
            ("deno eval evil", Some("eval")),
            ("python3", None),
        ] {
            assert_eq!(word(line).as_deref(), expected, "{line}");
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
