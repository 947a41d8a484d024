//! The program that a person would name, on Windows: past helpers, shells and launchers (REQ-I6), with the script that
//! an interpreter runs (REQ-I7), and who signed it (REQ-I4).

use super::{Owner, began};
use crate::peer::chain::{self, Ancestor};
use crate::peer::roles::{self, Role};
use crate::peer::script::digest;
use keybearer_protocol::program::{Confidence, ProgramView};
use keybearer_windows::process::{Process, parents};
use keybearer_windows::user::{self, HIGH, Sid};
use keybearer_windows::{file, signature};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf, Prefix};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

/// How far back a chain is followed.
const DEPTH: usize = 16;
/// How many files' signers are remembered.
const REMEMBERED: usize = 256;

/// The program behind a process.
pub(super) fn behind(caller: &Process, us: &Owner) -> ProgramView {
    let ancestors = ancestors(caller, us);
    let link = |process| Link { process, exe: Process::exe(process).ok(), us };
    chain::program(&std::iter::once(caller).chain(&ancestors).map(link).collect::<Vec<_>>())
}

/// A process of the chain.
struct Link<'a> {
    process: &'a Process,
    exe: Option<PathBuf>,
    us: &'a Owner,
}

impl Ancestor for Link<'_> {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn name(&self) -> String {
        self.exe.as_deref().map(file_name).unwrap_or_default()
    }

    fn role(&self) -> Role {
        role(self.process, self.exe.as_deref())
    }

    fn describe(&self, script: Option<&Path>) -> ProgramView {
        describe(self.process, self.exe.as_deref(), script, &self.us.user)
    }
}

/// The ancestors, the nearest first. A number that now means a younger process, or another user's, ends the chain.
fn ancestors(caller: &Process, us: &Owner) -> Vec<Process> {
    let parents = parents().unwrap_or_default();
    let mut ancestors: Vec<Process> = Vec::new();
    while ancestors.len() < DEPTH {
        let child = ancestors.last().unwrap_or(caller);
        let Some(parent) = parents.get(&child.pid()).and_then(|pid| Process::open(*pid).ok()) else { break };
        let is_older = parent.started().ok().zip(child.started().ok()).is_some_and(|(older, younger)| older <= younger);
        if !is_older || !Owner::of(&parent).is_ok_and(|owner| owner == *us) {
            break;
        }
        ancestors.push(parent);
    }
    ancestors
}

fn role(process: &Process, exe: Option<&Path>) -> Role {
    let Some(exe) = exe else { return Role::Program(None) };
    if is_beside_us(exe, "keybearer.exe") {
        return Role::Between;
    }
    let name = name(exe);
    // Anybody can give a file such a name: only the system's own are looked past.
    roles::role(&name, is_the_systems(exe), || script(process, &name))
}

/// The script that an interpreter runs: its first argument, behind nothing but harmless options.
fn script(process: &Process, interpreter: &str) -> Option<PathBuf> {
    let start = process.start().ok()?;
    let word = roles::script_word(interpreter, &start.arguments)?;
    let path = start.folder.join(word);
    // A pipe, a device or another machine's file is nothing that could be looked at here.
    let is_here =
        matches!(path.components().next(), Some(Component::Prefix(at)) if matches!(at.kind(), Prefix::Disk(_)));
    is_here.then(|| std::fs::canonicalize(path).ok()).flatten().filter(|path| path.is_file()).map(plain)
}

/// A path as people write it.
fn plain(path: PathBuf) -> PathBuf {
    path.to_str().and_then(|text| text.strip_prefix(r"\?\")).map(PathBuf::from).unwrap_or(path)
}

fn describe(process: &Process, exe: Option<&Path>, script: Option<&Path>, us: &Sid) -> ProgramView {
    let sha256 = script.and_then(digest);
    let (confidence, signer) = exe.map_or((Confidence::Unknown, None), |exe| confidence(exe, sha256.is_some()));
    ProgramView {
        name: exe.map(|exe| file_name(script.unwrap_or(exe))),
        pid: Some(process.pid()),
        started: began(process),
        exe: exe.map(text),
        signer,
        script: script.map(text),
        script_sha256: sha256,
        folder: process.start().ok().map(|start| text(start.folder.components().as_path())),
        confidence,
        others_can_change: [exe, script].into_iter().flatten().any(|file| others_can_change(file, us)),
        ..ProgramView::default()
    }
}

/// How surely the file is known, and who signed it where that is the reason.
fn confidence(exe: &Path, has_script: bool) -> (Confidence, Option<String>) {
    let (name, is_the_systems) = (name(exe), is_the_systems(exe));
    // As administrator, this user can change whatever the system's are.
    let is_administrator = user::current_integrity_level().map_or(true, |level| level >= HIGH);
    if roles::is_host(&name) {
        (Confidence::PidOnly, None)
    } else if has_script && is_the_systems {
        (Confidence::Script, None)
    } else if roles::runs_others_words(&name) && !has_script {
        (Confidence::PidOnly, None)
    } else if is_the_systems && !has_script && !is_administrator {
        signer(exe).map_or((Confidence::System, None), |signer| (Confidence::Signed, Some(signer)))
    } else {
        (Confidence::Hash, None)
    }
}

/// Whether the system alone can change the file, or put another in its place.
fn is_the_systems(exe: &Path) -> bool {
    file::writers(exe).is_ok_and(|writers| writers.iter().all(file::is_system))
}

/// Whether users other than this one and the administrator can change the file. Nobody knows of one that can't be asked.
fn others_can_change(path: &Path, us: &Sid) -> bool {
    file::writers(path).map_or(true, |writers| writers.iter().any(|writer| writer != us && !file::is_system(writer)))
}

/// Publisher and product of a file that only the system can change. Remembered as long as it stays as it is: all of it
/// has to be read to check a signature.
fn signer(exe: &Path) -> Option<String> {
    type Version = (PathBuf, u64, SystemTime);
    static KNOWN: LazyLock<Mutex<HashMap<Version, Option<String>>>> = LazyLock::new(Mutex::default);
    let metadata = std::fs::metadata(exe).ok()?;
    let version = (exe.to_owned(), metadata.len(), metadata.modified().ok()?);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(signer) = known().get(&version) {
        return signer.clone();
    }
    let product = || signature::product(exe).unwrap_or_else(|_| name(exe));
    let signer = signature::publisher(exe).map(|publisher| format!("{publisher}: {}", product()));
    let mut known = known();
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(version, signer.clone());
    signer
}

/// Whether the file is the one of this name beside the agent's own.
pub(super) fn is_beside_us(exe: &Path, name: &str) -> bool {
    let Ok(own) = std::env::current_exe() else { return false };
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(&own.with_file_name(name)).is_some_and(|ours| real(exe) == Some(ours))
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name that a file is listed under: capitals mean nothing to the system.
fn name(exe: &Path) -> String {
    let name = file_name(exe).to_lowercase();
    name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
}
