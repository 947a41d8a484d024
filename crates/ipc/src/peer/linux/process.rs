//! One process as `/proc` tells of it. All of it is of one moment of its life: its folder is opened once, and leads
//! nowhere after the process's end, whoever gets its number then (REQ-I2).

use super::life::{Life, lives};
use super::sandbox::recognise;
use crate::peer::roles;
use keybearer_protocol::sandbox::{Sandbox, SandboxKind};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::process::{Pid, PidfdFlags, geteuid, pidfd_open};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

/// The most that is read of a command line or a status, in bytes.
const LIMIT: usize = 16 * 1024;

/// A process, as it was when it was looked at.
#[derive(Debug)]
pub(super) struct Process {
    /// Its number.
    pub(super) pid: u32,
    /// Who started it.
    pub(super) parent: u32,
    /// When it began, in ticks since the system did.
    pub(super) started: u64,
    /// What it calls itself; any process can change that.
    pub(super) name: String,
    /// Whether it runs as this user.
    pub(super) is_this_users: bool,
    /// The file that it runs, where it can be seen.
    pub(super) exe: Option<File>,
    /// Its arguments, the first of them its own name, where it runs what somebody else wrote. A process can change
    /// them: good for asking, not for proof.
    pub(super) arguments: Vec<String>,
    /// The script among them, if it is one of this system's files.
    pub(super) script: Option<PathBuf>,
    /// The namespaces that it lives in, where they can be seen.
    namespaces: Option<Namespaces>,
    /// What keeps it apart, if anything does.
    pub(super) sandbox: Option<Sandbox>,
    /// Its parent, once it was found. A process gets another one only when that ends.
    pub(super) found_parent: OnceLock<Arc<Process>>,
    life: Life,
}

/// The namespaces that decide what a process's words and files mean here. In a user namespace of its own, a process may
/// change even which file the kernel says that it runs (`PR_SET_MM_EXE_FILE`).
#[derive(Debug, PartialEq, Eq)]
struct Namespaces([CString; 3]);

/// A file, known by what can't be faked: device and inode.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Its path, as the kernel has it.
    pub(super) path: String,
    /// What the system knows of it.
    pub(super) stat: Stat,
}

impl File {
    /// Whether both are the same file.
    pub(super) fn is(&self, other: &Stat) -> bool {
        (self.stat.st_dev, self.stat.st_ino) == (other.st_dev, other.st_ino)
    }

    /// Its name, without its folder.
    pub(super) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it belongs to the system: to its administrator, and nobody else can write to it.
    pub(super) fn is_the_systems(&self) -> bool {
        self.stat.st_uid == 0 && !others_can_change(&self.stat)
    }
}

/// Whether users other than this one and the administrator can change the file.
pub(super) fn others_can_change(stat: &Stat) -> bool {
    let owner_is_trusted = stat.st_uid == 0 || stat.st_uid == geteuid().as_raw();
    !owner_is_trusted || stat.st_mode & 0o022 != 0
}

impl Process {
    /// Looks at the process of this number.
    pub(super) fn open(pid: u32) -> io::Result<Process> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        Process::of(pidfd_open(number, PidfdFlags::empty())?, pid)
    }

    /// Looks at the process of this pidfd, which has this number.
    pub(super) fn of(pidfd: OwnedFd, pid: u32) -> io::Result<Process> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::PATH;
        let folder = openat(CWD, format!("/proc/{pid}"), flags, Mode::empty())?;
        // A number stays its process's as long as that lives, so this folder is no other's.
        if !lives(&pidfd) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let life = Life::of(pidfd, &folder)?;
        let (name, parent, started) = parse(&read(&folder, "stat")?).ok_or(io::ErrorKind::InvalidData)?;
        let is_this_users = fstat(&folder)?.st_uid == geteuid().as_raw();
        let exe = exe(&folder);
        let namespaces = namespaces(&folder);
        let sandbox = sandbox(&folder, namespaces.as_ref());
        let arguments = match &exe {
            Some(exe) if roles::runs_others_words(exe.file_name()) => arguments(&folder),
            _ => Vec::new(),
        };
        // The words of a sandboxed process name files that we don't see.
        let script = match &exe {
            Some(exe) if sandbox.is_none() => script(&folder, exe, &arguments),
            _ => None,
        };
        let process = Process {
            pid,
            parent,
            started,
            name,
            is_this_users,
            exe,
            arguments,
            script,
            namespaces,
            sandbox,
            found_parent: OnceLock::new(),
            life,
        };
        // One that became another program meanwhile would be half of each.
        if process.goes_on() { Ok(process) } else { Err(io::ErrorKind::Interrupted.into()) }
    }

    /// Whether it lives, and runs the program that was looked at.
    pub(super) fn goes_on(&self) -> bool {
        self.life.goes_on()
    }

    /// Whether it lives, whatever it runs now.
    pub(super) fn lives(&self) -> bool {
        self.life.lives()
    }

    /// A descriptor that tells of its end.
    pub(super) fn pidfd(&self) -> io::Result<OwnedFd> {
        self.life.pidfd()
    }

    /// Whether its parent is still the one that it had.
    pub(super) fn has_parent(&self, parent: u32) -> bool {
        let text = read(CWD, &format!("/proc/{}/stat", self.pid));
        let now = text.ok().and_then(|text| parse(&text)).map(|(_, parent, _)| parent);
        now == Some(parent) && self.lives()
    }

    /// Whether something keeps it apart, or it hides: nobody can tell then where it lives.
    pub(super) fn is_foreign(&self) -> bool {
        self.sandbox.is_some() || self.life.is_hidden()
    }

    /// Whether both live in the same namespaces.
    pub(super) fn lives_with(&self, other: &Process) -> bool {
        self.namespaces.is_some() && self.namespaces == other.namespaces
    }

    /// The folder that it works in now.
    pub(super) fn working_folder(&self) -> Option<String> {
        let path = readlinkat(CWD, format!("/proc/{}/cwd", self.pid), Vec::new()).ok()?;
        self.lives().then(|| path.to_string_lossy().into_owned())
    }
}

/// Those of this agent, which never leaves them.
static OURS: LazyLock<Option<Namespaces>> = LazyLock::new(|| {
    let own = openat(CWD, "/proc/self", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    namespaces(&own)
});

fn namespaces(folder: &OwnedFd) -> Option<Namespaces> {
    let namespace = |name: &str| readlinkat(folder, name, Vec::new()).ok();
    Some(Namespaces([namespace("ns/mnt")?, namespace("ns/pid")?, namespace("ns/user")?]))
}

/// What keeps a process apart: one in our own namespaces is an ordinary one, whatever group it is in.
fn sandbox(folder: &OwnedFd, namespaces: Option<&Namespaces>) -> Option<Sandbox> {
    if namespaces.is_some() && namespaces == OURS.as_ref() {
        return None;
    }
    let text = |name| read(folder, name).unwrap_or_default();
    let label = read(folder, "attr/apparmor/current").unwrap_or_else(|_| text("attr/current"));
    let unnamed = || namespaces.map(|_| Sandbox::unnamed(SandboxKind::Namespaces));
    recognise(&text("cgroup"), &label).or_else(unnamed)
}

fn arguments(folder: &OwnedFd) -> Vec<String> {
    let text = read(folder, "cmdline").unwrap_or_default();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// The script that an interpreter runs. A descriptor of the process's own (`/dev/fd/3`) would be another file here.
fn script(folder: &OwnedFd, exe: &File, arguments: &[String]) -> Option<PathBuf> {
    let word = roles::script_word(exe.file_name(), arguments)?;
    if word.starts_with("/dev/") || word.starts_with("/proc/") {
        return None;
    }
    let works_in = readlinkat(folder, "cwd", Vec::new()).ok()?.to_string_lossy().into_owned();
    std::fs::canonicalize(Path::new(&works_in).join(word)).ok().filter(|path| path.is_file())
}

fn exe(folder: &OwnedFd) -> Option<File> {
    let stat = statat(folder, "exe", AtFlags::empty()).ok()?;
    let path = readlinkat(folder, "exe", Vec::new()).ok()?.to_string_lossy().into_owned();
    Some(File { path, stat })
}

fn read(folder: impl AsFd, name: &str) -> io::Result<String> {
    let file = openat(folder, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let (mut text, mut piece) = (Vec::new(), [0_u8; 4096]);
    // The kernel gives as much as fits, so less than that is the end.
    loop {
        let length = rustix::io::read(&file, &mut piece)?;
        text.extend_from_slice(&piece[..length]);
        if length < piece.len() || text.len() >= LIMIT {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
    }
}

/// Name, parent and beginning, out of `/proc/PID/stat`. The name stands in brackets and may hold any, so the last one
/// ends it.
fn parse(stat: &str) -> Option<(String, u32, u64)> {
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    // Behind the name: state, parent, … the twentieth is the beginning.
    let mut fields = after.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let started = fields.nth(17)?.parse().ok()?;
    Some((name.to_owned(), parent, started))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_blanks() {
        let stat = "42 (a) b (c)) S 7 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 2";
        assert_eq!(parse(stat), Some(("a) b (c)".to_owned(), 7, 98765)));
        assert_eq!(parse("42 nothing"), None);
    }
}
