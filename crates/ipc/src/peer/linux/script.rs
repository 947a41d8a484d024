//! Scripts as files: their content, and whether other users can change it (REQ-I7).

use super::process::others_can_change;
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, stat};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

/// A script over this size, in bytes, is not known by its content.
const SCRIPT_LIMIT: u64 = 4 * 1024 * 1024;
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
