//! Scripts as files: their content, and whether other users can change it (REQ-I7).

use super::process::others_can_change;
use crate::peer::script::digest_of;
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, stat};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

/// How many scripts' digests are remembered.
const REMEMBERED: usize = 1024;

/// Whether other users can change the script, or put another file in its place.
pub(super) fn is_open(script: &Path) -> bool {
    let folder = script.parent().and_then(|folder| stat(folder).ok());
    // In a sticky folder only its owner replaces a file.
    let replaceable = folder.is_some_and(|folder| others_can_change(&folder) && folder.st_mode & 0o1000 == 0);
    replaceable || stat(script).is_ok_and(|stat| others_can_change(&stat))
}

/// The SHA-256 of a script. Remembered as long as the file stays as it is, for it stands on the way of every caller.
pub(super) fn digest(path: &Path) -> Option<String> {
    static KNOWN: LazyLock<Mutex<HashMap<Version, String>>> = LazyLock::new(Mutex::default);
    // What turned into a pipe since it was looked at must hold up nobody.
    let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty()).ok()?;
    let stat = fstat(&file).ok().filter(|stat| FileType::from_raw_mode(stat.st_mode).is_file())?;
    let version = version(&stat);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(digest) = known().get(&version) {
        return Some(digest.clone());
    }
    let digest = digest_of(file.into())?;
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
