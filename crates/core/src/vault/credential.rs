//! A passphrase that the service manager gives: `LoadCredentialEncrypted=keybearer` (systemd.exec(5), CREDENTIALS).

use secrecy::SecretString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The name of the credential.
const NAME: &str = "keybearer";
/// The most that is read of it, in bytes.
const LIMIT: u64 = 4096;

/// Whether there is one.
pub(super) fn is_there() -> bool {
    path().is_some_and(|path| path.is_file())
}

/// The passphrase, without the end of its line.
pub(super) fn read() -> Option<SecretString> {
    read_at(&path()?)
}

fn read_at(path: &Path) -> Option<SecretString> {
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(LIMIT).unwrap_or_default()));
    let read = File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text));
    if let Err(error) = read {
        tracing::warn!(%error, "the service manager's credential can't be read");
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    (!line.is_empty()).then(|| SecretString::from(line))
}

fn path() -> Option<PathBuf> {
    Some(Path::new(&std::env::var_os("CREDENTIALS_DIRECTORY")?).join(NAME))
}
