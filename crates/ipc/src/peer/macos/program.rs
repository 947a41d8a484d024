//! The program that a person would name, on macOS: past helpers, shells and launchers (REQ-I6), with the script that an
//! interpreter runs (REQ-I7), and the team that signed it (REQ-I3).

use crate::peer::chain::{self, Ancestor};
use crate::peer::roles::{self, Role};
use crate::peer::script::digest;
use keybearer_macos::code::Code;
use keybearer_macos::process::Process;
use keybearer_protocol::program::{Confidence, ProgramView};
use rustix::process::geteuid;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How far back a chain is followed.
const DEPTH: usize = 16;

/// The program behind a process.
pub(super) fn behind(caller: Process) -> ProgramView {
    let mut chain = vec![Link::of(caller)];
    while let Some(child) = chain.last().filter(|_| chain.len() <= DEPTH) {
        let Some(parent) = parent(&child.process) else { break };
        chain.push(Link::of(parent));
    }
    chain::program(&chain)
}

/// The parent, if the child surely is still its child. The chain ends at `launchd`.
fn parent(child: &Process) -> Option<Process> {
    let parent = Some(child.parent).filter(|pid| *pid > 1).and_then(|pid| Process::open(pid).ok())?;
    let is_older = parent.started <= child.started && parent.user == geteuid().as_raw();
    (is_older && child.is_unchanged()).then_some(parent)
}

/// A process of the chain.
struct Link {
    process: Process,
    exe: Option<PathBuf>,
}

impl Link {
    fn of(process: Process) -> Link {
        Link { process, exe: process.exe().ok() }
    }

    /// The script that an interpreter runs: its first argument, behind nothing but harmless options. A descriptor of the
    /// process's own (`/dev/fd/3`) would be another file here.
    fn script(&self, interpreter: &str) -> Option<PathBuf> {
        let word = roles::script_word(interpreter, &self.process.arguments().ok()?)?;
        let path = self.process.folder().ok()?.join(word);
        let is_a_descriptor = path.starts_with("/dev");
        std::fs::canonicalize(path).ok().filter(|path| path.is_file() && !is_a_descriptor)
    }
}

impl Ancestor for Link {
    fn pid(&self) -> u32 {
        self.process.pid
    }

    fn name(&self) -> String {
        self.exe.as_deref().map(file_name).unwrap_or_default()
    }

    fn role(&self) -> Role {
        let Some(exe) = &self.exe else { return Role::Program(None) };
        if is_beside_us(exe, "keybearer") {
            return Role::Between;
        }
        let name = listed(exe);
        // Anybody can give a file such a name: only the system's own are looked past.
        roles::role(&name, is_the_systems(exe), || self.script(&name))
    }

    fn describe(&self, script: Option<&Path>) -> ProgramView {
        let exe = self.exe.as_deref();
        let sha256 = script.and_then(digest);
        let (confidence, signer) = match exe {
            Some(exe) => confidence(&self.process, exe, sha256.is_some()),
            None => (Confidence::Unknown, None),
        };
        ProgramView {
            name: exe.map(|exe| file_name(script.unwrap_or(exe))),
            pid: Some(self.process.pid),
            started: Some(self.process.started.to_string()),
            exe: exe.map(text),
            signer,
            script: script.map(text),
            script_sha256: sha256,
            folder: self.process.folder().ok().as_deref().map(text),
            confidence,
            others_can_change: [exe, script].into_iter().flatten().any(others_can_change),
            ..ProgramView::default()
        }
    }
}

/// How surely the program is known, and who signed it where that is the reason. A signature that lets other code in says
/// little; one that nobody in particular made is as good as the hash that it holds.
fn confidence(process: &Process, exe: &Path, has_script: bool) -> (Confidence, Option<String>) {
    let name = listed(exe);
    if roles::is_host(&name) {
        return (Confidence::PidOnly, None);
    }
    if has_script && is_the_systems(exe) {
        return (Confidence::Script, None);
    }
    if roles::runs_others_words(&name) {
        return (if has_script { Confidence::Hash } else { Confidence::PidOnly }, None);
    }
    let code = Code::of_process(process.pid).ok();
    let signature = code.as_ref().and_then(|code| code.signature().ok());
    // The number means the same process as before and after, so the signature is this one's.
    match (code, signature) {
        _ if !process.is_unchanged() => (Confidence::Unknown, None),
        (Some(code), _) if code.is_the_systems() && is_the_systems(exe) => (Confidence::System, None),
        (Some(code), Some(signature)) if signature.is_hardened && code.is_a_known_developers() => {
            let signer = signature.team.map(|team| format!("{team}: {}", signature.identifier));
            (if signer.is_some() { Confidence::Signed } else { Confidence::Hash }, signer)
        }
        (Some(_) | None, _) => (Confidence::Hash, None),
    }
}

/// Whether the file belongs to the system: to its administrator, and nobody else can write to it.
fn is_the_systems(exe: &Path) -> bool {
    std::fs::metadata(exe).is_ok_and(|file| file.uid() == 0 && file.mode() & 0o022 == 0) && !geteuid().is_root()
}

/// Whether users other than this one and the administrator can change the file, or put another in its place.
fn others_can_change(path: &Path) -> bool {
    let open = |path: &Path, is_sticky: u32| {
        std::fs::metadata(path).map_or(true, |file| {
            let is_trusted = file.uid() == 0 || file.uid() == geteuid().as_raw();
            !is_trusted || (file.mode() & 0o022 != 0 && file.mode() & is_sticky == 0)
        })
    };
    // In a sticky folder only its owner replaces a file.
    open(path, 0) || path.parent().is_some_and(|folder| open(folder, 0o1000))
}

/// Whether the file is the one of this name beside the agent's own.
pub(super) fn is_beside_us(exe: &Path, name: &str) -> bool {
    let Ok(own) = std::env::current_exe() else { return false };
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(&own.with_file_name(name)).is_some_and(|ours| real(exe) == Some(ours))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name that a file is listed under: capitals mean nothing to most of its disks.
fn listed(exe: &Path) -> String {
    file_name(exe).to_lowercase()
}
