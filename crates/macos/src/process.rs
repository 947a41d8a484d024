//! Processes, as the kernel tells of them. macOS holds none open, so each is told from a later one of its number by when it
//! began.

use std::ffi::{OsString, c_int, c_void};
use std::io;
use std::mem;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::ptr;

/// The most that is read of what a process was started with, in bytes.
const LIMIT: usize = 16 * 1024;

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Who started it.
    pub parent: u32,
    /// The user as whom it runs.
    pub user: u32,
    /// When it began, in microseconds since 1970.
    pub started: u64,
}

impl Process {
    /// The process of this number.
    pub fn open(pid: u32) -> io::Result<Process> {
        // SAFETY: it is made of numbers and texts, for which zeros will do.
        let mut info: libc::proc_bsdinfo = unsafe { mem::zeroed() };
        // SAFETY: the place is as large as the kind of information says.
        unsafe { ask(pid, libc::PROC_PIDTBSDINFO, &raw mut info) }?;
        Ok(Process {
            pid,
            parent: info.pbi_ppid,
            user: info.pbi_uid,
            started: info.pbi_start_tvsec.saturating_mul(1_000_000).saturating_add(info.pbi_start_tvusec),
        })
    }

    /// Whether it still runs, with the parent that it had.
    pub fn is_unchanged(&self) -> bool {
        Process::open(self.pid).is_ok_and(|now| now == *self)
    }

    /// The file that it runs.
    pub fn exe(&self) -> io::Result<PathBuf> {
        let mut path = vec![0_u8; libc::PROC_PIDPATHINFO_MAXSIZE as usize];
        let room = u32::try_from(path.len()).unwrap_or_default();
        // SAFETY: there is as much room as is said.
        let length = unsafe { libc::proc_pidpath(number(self.pid), path.as_mut_ptr().cast(), room) };
        let length = usize::try_from(length).ok().filter(|length| *length > 0);
        path.truncate(length.ok_or_else(io::Error::last_os_error)?);
        Ok(OsString::from_vec(path).into())
    }

    /// The folder that it works in.
    pub fn folder(&self) -> io::Result<PathBuf> {
        // SAFETY: it is made of numbers and texts, for which zeros will do.
        let mut info: libc::proc_vnodepathinfo = unsafe { mem::zeroed() };
        // SAFETY: the place is as large as the kind of information says.
        unsafe { ask(self.pid, libc::PROC_PIDVNODEPATHINFO, &raw mut info) }?;
        let path = info.pvi_cdir.vip_path.as_flattened().iter().map(|byte| byte.cast_unsigned());
        Ok(OsString::from_vec(path.take_while(|byte| *byte != 0).collect()).into())
    }

    /// Its arguments, the first of them its own name. A process can change them: good for asking, not for proof.
    pub fn arguments(&self) -> io::Result<Vec<String>> {
        let mut name = [libc::CTL_KERN, libc::KERN_PROCARGS2, number(self.pid)];
        let mut bytes = vec![0_u8; LIMIT];
        let mut length = bytes.len();
        // SAFETY: the name has three parts, and there is as much room as is said; nothing is set.
        let answer = unsafe {
            libc::sysctl(name.as_mut_ptr(), 3, bytes.as_mut_ptr().cast(), &raw mut length, ptr::null_mut(), 0)
        };
        if answer != 0 {
            return Err(io::Error::last_os_error());
        }
        bytes.truncate(length);
        parse(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// Fills a place with one kind of information.
///
/// # Safety
/// `T` must be what this kind of information is written as.
unsafe fn ask<T>(pid: u32, kind: c_int, place: *mut T) -> io::Result<()> {
    let size = c_int::try_from(mem::size_of::<T>()).unwrap_or_default();
    // SAFETY: the caller says that the place fits.
    let length = unsafe { libc::proc_pidinfo(number(pid), kind, 0, place.cast::<c_void>(), size) };
    if length == size { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn number(pid: u32) -> libc::pid_t {
    // A number that no process can have is nobody's.
    libc::pid_t::try_from(pid).unwrap_or(-1)
}

/// The arguments out of what `KERN_PROCARGS2` gives: their count, the file and zeros behind it, then each with a zero at
/// its end.
fn parse(bytes: &[u8]) -> Option<Vec<String>> {
    let (count, rest) = bytes.split_first_chunk()?;
    let count = usize::try_from(i32::from_ne_bytes(*count)).ok()?;
    let file = rest.iter().position(|byte| *byte == 0)?;
    let rest = rest.get(file..)?;
    let first = rest.iter().position(|byte| *byte != 0)?;
    let words = rest.get(first..)?.split(|byte| *byte == 0).take(count);
    Some(words.map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_stand_behind_their_count_and_the_file() {
        let bytes = [&2_i32.to_ne_bytes()[..], b"/usr/bin/node\0\0\0node\0bot.js\0HOME=/Users/ada\0"].concat();
        assert_eq!(parse(&bytes), Some(vec!["node".to_owned(), "bot.js".to_owned()]));
        assert_eq!(parse(b"\0"), None);
    }

    #[test]
    fn this_process_is_seen_as_it_is() {
        let own = Process::open(std::process::id()).expect("this process");
        assert!(own.is_unchanged());
        assert_eq!(own.arguments().expect("arguments"), std::env::args().collect::<Vec<_>>());
        let real = |path: PathBuf| std::fs::canonicalize(path).expect("a path");
        assert_eq!(real(own.exe().expect("a file")), real(std::env::current_exe().expect("a file")));
        assert_eq!(real(own.folder().expect("a folder")), real(std::env::current_dir().expect("a folder")));
    }
}
