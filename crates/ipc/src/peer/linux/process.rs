//! One process as `/proc` tells of it, pinned: its folder is opened once, and leads nowhere after the process's end,
//! whoever gets its number then (REQ-I2).

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io::{self, Read};
use std::os::fd::OwnedFd;

/// The most that is read of a command line or a status, in bytes.
const LIMIT: u64 = 16 * 1024;

/// A process.
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
    /// The file that it runs, where it can be seen.
    pub(super) exe: Option<File>,
    folder: OwnedFd,
}

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

    /// Whether it belongs to the system: to its administrator, and nobody else can write to it.
    pub(super) fn is_the_systems(&self) -> bool {
        self.stat.st_uid == 0 && !others_can_change(&self.stat)
    }
}

/// Whether users other than this one and the administrator can change the file.
pub(super) fn others_can_change(stat: &Stat) -> bool {
    let owner_is_trusted = stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw();
    !owner_is_trusted || stat.st_mode & 0o022 != 0
}

impl Process {
    /// Pins the process of this number and looks at it.
    pub(super) fn open(pid: u32) -> io::Result<Process> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let folder = openat(CWD, format!("/proc/{pid}"), flags, Mode::empty())?;
        let (name, parent, started) = parse(&read(&folder, "stat")?).ok_or(io::ErrorKind::InvalidData)?;
        let exe = exe(&folder);
        Ok(Process { pid, parent, started, name, exe, folder })
    }

    /// Whether it lives.
    pub(super) fn is_alive(&self) -> bool {
        statat(&self.folder, "stat", AtFlags::empty()).is_ok()
    }

    /// A descriptor that tells of its end.
    pub(super) fn pidfd(&self) -> Option<OwnedFd> {
        let pid = Pid::from_raw(i32::try_from(self.pid).ok()?)?;
        let pidfd = pidfd_open(pid, PidfdFlags::NONBLOCK).ok()?;
        // Looked at afterwards, its number can't have come to mean another one before.
        self.is_alive().then_some(pidfd)
    }

    /// Whether it lives, and runs the same file.
    pub(super) fn is_unchanged(&self) -> bool {
        if !self.is_alive() {
            return false;
        }
        match (&self.exe, statat(&self.folder, "exe", AtFlags::empty())) {
            (Some(exe), Ok(now)) => exe.is(&now),
            (None, Err(_)) => true,
            (Some(_), Err(_)) | (None, Ok(_)) => false,
        }
    }

    /// Whether its parent is still the one that it had.
    pub(super) fn has_parent(&self, parent: u32) -> bool {
        read(&self.folder, "stat").ok().and_then(|text| parse(&text)).is_some_and(|(_, now, _)| now == parent)
    }

    /// Whether it lives in the namespaces of this agent, as far as it lets itself be seen.
    pub(super) fn lives_here(&self) -> bool {
        ["ns/mnt", "ns/pid"].iter().all(|name| {
            let theirs = readlinkat(&self.folder, *name, Vec::new()).ok();
            theirs.is_some() && theirs == readlinkat(CWD, format!("/proc/self/{name}"), Vec::new()).ok()
        })
    }

    /// Whether it runs as this user.
    pub(super) fn is_this_users(&self) -> bool {
        fstat(&self.folder).is_ok_and(|stat| stat.st_uid == rustix::process::geteuid().as_raw())
    }

    /// Its arguments, the first of them its own name. A process can change them: good for asking, not for proof.
    pub(super) fn arguments(&self) -> Vec<String> {
        let text = read(&self.folder, "cmdline").unwrap_or_default();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    /// The folder that it works in.
    pub(super) fn working_folder(&self) -> Option<String> {
        let path = readlinkat(&self.folder, "cwd", Vec::new()).ok()?;
        Some(path.to_string_lossy().into_owned())
    }
}

fn exe(folder: &OwnedFd) -> Option<File> {
    let stat = statat(folder, "exe", AtFlags::empty()).ok()?;
    let path = readlinkat(folder, "exe", Vec::new()).ok()?.to_string_lossy().into_owned();
    Some(File { path, stat })
}

fn read(folder: &OwnedFd, name: &str) -> io::Result<String> {
    let file = openat(folder, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = Vec::new();
    std::fs::File::from(file).take(LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
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
