//! Files of the user: read if they are the user's own, replaced whole.
//!
//! A path may be a link, such as into a folder of dotfiles; what it leads to must be an ordinary file of this user, of a
//! size that a client would write. Nothing else is opened in a way that could wait or have an effect.

use crate::error::Error;
use crate::places::Places;
use blake2::Blake2b;
use blake2::digest::Digest;
use blake2::digest::consts::U16;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The most that a file may hold, in MiB. Claude Code keeps its history beside its servers.
const LIMIT: u64 = 32;
/// Who may read a file that is made here.
#[cfg(unix)]
const PRIVATE: u32 = 0o600;

/// A file as it was read. It prints nothing of itself: tokens may stand in it.
pub(crate) struct OwnFile {
    /// What the path leads to.
    pub(crate) real: PathBuf,
    /// What stands in it.
    pub(crate) text: Zeroizing<String>,
    /// Who may do what with it.
    mode: Option<u32>,
}

/// Tells one content from another, and nothing else of it.
pub(crate) fn fingerprint(content: &[u8]) -> String {
    Blake2b::<U16>::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file at this path; none if there is none.
pub(crate) fn read(path: &Path, places: &Places) -> Result<Option<OwnFile>, Error> {
    if matches!(path.symlink_metadata(), Err(error) if is_absent(&error)) {
        return Ok(None);
    }
    let not_own = |why| Error::NotOwn { file: path.to_owned(), why };
    let real = fs::canonicalize(path).map_err(|error| {
        let is_refused = error.kind() == io::ErrorKind::PermissionDenied;
        if is_refused { Error::unreadable(path, &error) } else { not_own("it is a link that leads nowhere") }
    })?;
    // Looked at before it is opened: opening a device may do something.
    if !fs::metadata(&real).is_ok_and(|metadata| metadata.is_file()) {
        return Err(not_own("it is no ordinary file"));
    }
    let file = open(&real).map_err(|error| Error::unreadable(path, &error))?;
    let metadata = file.metadata().map_err(|error| Error::unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(not_own("it is no ordinary file"));
    }
    if !is_of_this_user(&real, &metadata, places) {
        return Err(not_own("it isn't yours"));
    }
    let too_large = || Error::TooLarge { file: path.to_owned(), limit: LIMIT };
    if metadata.len() > LIMIT << 20 {
        return Err(too_large());
    }
    // Room for all of it at once, so that no copy is left behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.take((LIMIT << 20) + 1).read_to_end(&mut bytes).map_err(|error| Error::unreadable(path, &error))?;
    if bytes.len() as u64 > LIMIT << 20 {
        return Err(too_large());
    }
    let text = match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            return Err(not_own("it is no text in UTF-8"));
        }
    };
    Ok(Some(OwnFile { real, text, mode: mode(&metadata) }))
}

impl OwnFile {
    /// Whether its owner may write to it.
    pub(crate) fn is_writable(&self) -> bool {
        self.mode.is_none_or(|mode| mode & 0o200 != 0)
            && fs::metadata(&self.real).is_ok_and(|metadata| cfg!(unix) || !metadata.permissions().readonly())
    }

    /// Replaces it with this content, at once or not at all; who may read it stays.
    pub(crate) fn replace(&self, content: &[u8]) -> io::Result<()> {
        put(&self.real, content, self.mode, |new, real| fs::rename(new, real))
    }

    /// Lays a copy of it there, where no file may be yet, for its owner alone.
    pub(crate) fn copy_to(&self, path: &Path) -> io::Result<()> {
        create(path, self.text.as_bytes())
    }
}

/// Makes a file where none is yet, for this user alone, and the folders that lead to it.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    // A link takes a name only if nothing has it; systems without links rename.
    put(path, content, None, |new, path| match fs::hard_link(new, path) {
        Ok(()) => fs::remove_file(new),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if path.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(new, path),
    })
}

fn put(
    path: &Path,
    content: &[u8],
    mode: Option<u32>,
    place: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut new = tempfile::Builder::new().prefix(".keybearer-").tempfile_in(folder)?;
    new.write_all(content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        new.as_file().set_permissions(fs::Permissions::from_mode(mode.unwrap_or(PRIVATE)))?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    new.as_file().sync_all()?;
    // Windows replaces no file by one that is open.
    let new = new.into_temp_path();
    place(&new, path)?;
    // It has its place now, so there is nothing to clear away.
    let _ = new.keep();
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    // A pipe would wait for somebody at its other end.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> Option<u32> {
    Some(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777)
}

#[cfg(not(unix))]
fn mode(_metadata: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
fn is_of_this_user(_real: &Path, metadata: &fs::Metadata, _places: &Places) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) == rustix::process::geteuid().as_raw()
}

/// Who owns a file says little on Windows; what lies in the user's folders is the user's.
#[cfg(not(unix))]
fn is_of_this_user(real: &Path, _metadata: &fs::Metadata, places: &Places) -> bool {
    let folders = [&places.home, &places.config, &places.data].into_iter().chain(places.moved.values());
    folders.filter_map(|folder| fs::canonicalize(folder).ok()).any(|folder| real.starts_with(folder))
}
