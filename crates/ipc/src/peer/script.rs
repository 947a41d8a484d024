//! A script, known by what is in it.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;

/// A script over this size, in bytes, is not known by its content.
const LIMIT: u64 = 4 * 1024 * 1024;

/// The SHA-256 of a script, in hexadecimal digits. It is read once for each connection, when its caller is looked at.
#[cfg(any(target_os = "macos", windows))]
pub(super) fn digest(path: &std::path::Path) -> Option<String> {
    digest_of(File::open(path).ok()?)
}

/// The same of a file that is open.
pub(super) fn digest_of(file: File) -> Option<String> {
    let mut content = Vec::new();
    let length = file.take(LIMIT + 1).read_to_end(&mut content).ok()?;
    let is_known = u64::try_from(length).unwrap_or(u64::MAX) <= LIMIT;
    is_known.then(|| Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect())
}
