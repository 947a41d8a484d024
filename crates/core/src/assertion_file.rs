//! A file in which a platform keeps a JWT fresh, such as a projected service account token: read anew each time, and only
//! if nobody else could have put something else into it.

use keybearer_oauth::assertion::LIMIT;
use secrecy::SecretString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why such a file gives nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AssertionFileError {
    /// It would depend on where the agent was started.
    #[error("{} is not a whole path: it has to begin at the root", .0.display())]
    NotAbsolute(PathBuf),
    /// It isn't there.
    #[error("{} isn't there, where the platform is to keep the token", .0.display())]
    Missing(PathBuf),
    /// The system refuses.
    #[error("{path} can't be read: {cause}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// It is no plain file.
    #[error("{} is no plain file", .0.display())]
    NotAFile(PathBuf),
    /// Others could put something else into it.
    #[error("{} belongs to somebody else, or others may write to it, so what stands in it can't be trusted", .0.display())]
    Unsafe(PathBuf),
    /// It is larger than any token.
    #[error("{} is larger than 16 KiB, which no token is", .0.display())]
    TooLarge(PathBuf),
    /// Nothing is in it, or nothing that is text.
    #[error("there is no token in {}", .0.display())]
    Empty(PathBuf),
}

/// Reads what the file holds now. It may lie on a slow disk, so this blocks.
pub fn read(path: &Path) -> Result<SecretString, AssertionFileError> {
    check(path)?;
    let unreadable = |error: io::Error| {
        let path = path.to_owned();
        if error.kind() == io::ErrorKind::NotFound {
            return AssertionFileError::Missing(path);
        }
        AssertionFileError::Unreadable { path, cause: error.to_string() }
    };
    let file = open(path).map_err(unreadable)?;
    // Asked of what was opened: the name may lead elsewhere the next moment.
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(AssertionFileError::NotAFile(path.to_owned()));
    }
    if !is_trusted(&metadata) {
        return Err(AssertionFileError::Unsafe(path.to_owned()));
    }
    let mut text = String::new();
    match file.take(LIMIT as u64 + 1).read_to_string(&mut text) {
        Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(unreadable(error)),
        Ok(read) if read > LIMIT => return Err(AssertionFileError::TooLarge(path.to_owned())),
        _ => {}
    }
    let token = text.trim();
    if token.is_empty() {
        return Err(AssertionFileError::Empty(path.to_owned()));
    }
    Ok(token.to_owned().into())
}

/// Whether such a path means one file, wherever the agent was started.
pub fn check(path: &Path) -> Result<(), AssertionFileError> {
    if path.is_absolute() { Ok(()) } else { Err(AssertionFileError::NotAbsolute(path.to_owned())) }
}

/// Opens a file; a pipe in its place holds nobody up.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

/// Whether it is ours or the system's, and nobody else may write to it.
#[cfg(unix)]
fn is_trusted(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    const OTHERS_MAY_WRITE: u32 = 0o022;
    let ours = [0, rustix::process::geteuid().as_raw()];
    ours.contains(&metadata.uid()) && metadata.mode() & OTHERS_MAY_WRITE == 0
}

/// Elsewhere the rights of its folder say that.
#[cfg(not(unix))]
fn is_trusted(_: &std::fs::Metadata) -> bool {
    true
}
