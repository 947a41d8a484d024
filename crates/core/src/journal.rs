//! The refresh journal: what was asked of an authorization server and not brought to its end yet. One file per account.
//!
//! An authorization server that rotates refresh tokens gives each new one once. So before anything is sent, an entry
//! says durably what is to be sent and holds room for the answer; the answer is sealed into that room, durably, before
//! anybody reads it; and the entry goes only when the keyring has what was in it. Whoever dies in between leaves an
//! entry, which the next agent takes up.
//!
//! The key of an answer is drawn for it alone, and lies in the account's keyring item before anything is sent.
//!
//! An entry is one line of JSON, which holds no secret, then the sealed answer with its length in front. A line that isn't whole
//! was never acted on, and an answer that isn't whole is none.

use crate::home::{Home, is_full, make_private};
use crate::seal::{Key, Unopened};
use crate::token_request::{Answer, SingleUse};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The format of an entry.
const VERSION: u32 = 1;
/// The most that the line in front may hold, in bytes.
const LINE_LIMIT: usize = 1024;
/// The room for an answer, in bytes: for the longest tokens that any server would take back. A longer answer finds room
/// behind it, or is refused by the disk.
const ROOM: usize = 64 * 1024;
/// The most that an entry is read to, in bytes: an answer of the largest size that HTTP lets through.
const LIMIT: u64 = 2 * 1024 * 1024;

/// Why the journal can't be used. Nothing was sent then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// There is no room for an answer.
    #[error("the disk is full, so there is no room to keep new tokens in {}, and none were asked for", .0.display())]
    Full(PathBuf),
    /// The folder can't be written to or read.
    #[error("{} can't be used, so new tokens couldn't be kept, and none were asked for: {cause}", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// There is an entry already, and it isn't to be touched by whoever asks.
    #[error("an earlier request for tokens still waits for its authorization server")]
    UnderWay,
}

/// The journal of one home.
#[derive(Clone, Debug)]
pub struct Journal {
    folder: PathBuf,
}

/// What is to be asked: the line in front of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    version: u32,
    /// The account's id.
    pub account: String,
    /// The token set that the account had.
    pub generation: u32,
    /// What is traded.
    pub traded: Traded,
    /// When.
    pub at: Timestamp,
}

/// What of a line is never another in a newer format.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// What is traded for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traded {
    /// A refresh token.
    RefreshToken,
    /// A code that a browser brought.
    Code,
    /// The code of a device.
    DeviceCode,
}

impl Intent {
    /// To trade this for the account that has this generation.
    pub fn new(account: &str, generation: u32, grant: &SingleUse, at: Timestamp) -> Intent {
        let traded = match grant {
            SingleUse::RefreshToken(_) => Traded::RefreshToken,
            SingleUse::Code(..) => Traded::Code,
            SingleUse::DeviceCode(_) => Traded::DeviceCode,
        };
        Intent { version: VERSION, account: account.to_owned(), generation, traded, at }
    }
}

/// An entry, open.
#[derive(Debug)]
pub struct Entry {
    /// What was to be asked.
    pub intent: Intent,
    file: File,
    /// The line as it stands in the file, which the answer is sealed for.
    line: Vec<u8>,
}

impl Journal {
    /// The journal of this home. Nothing is read yet.
    pub fn new(home: &Home) -> Journal {
        Journal { folder: home.journal_folder() }
    }

    /// Begins an entry: durable, with room for its answer, when this returns.
    pub fn begin(&self, intent: Intent) -> Result<Entry, JournalError> {
        let path = self.path(&intent.account);
        let file = self.make(&path).map_err(|error| self.unusable(&error))?;
        self.write_new(file, intent).map_err(|error| {
            // What is there of it was never acted on.
            let _ = fs::remove_file(&path);
            self.unusable(&error)
        })
    }

    fn make(&self, path: &Path) -> io::Result<File> {
        make_private(&self.folder)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    }

    fn write_new(&self, mut file: File, intent: Intent) -> io::Result<Entry> {
        let mut line = serde_json::to_vec(&intent)?;
        line.push(b'\n');
        // Room that was written can be written again, however full the disk.
        file.write_all(&[line.as_slice(), &[0; ROOM]].concat())?;
        file.sync_data()?;
        #[cfg(unix)]
        File::open(&self.folder)?.sync_all()?;
        Ok(Entry { intent, file, line })
    }

    /// Whether an entry of this account is there, and what was traded.
    pub fn holds(&self, account: &str) -> Option<Traded> {
        self.find(account).ok().flatten().map(|entry| entry.intent.traded)
    }

    /// The entry of this account, if one is there.
    pub fn find(&self, account: &str) -> Result<Option<Entry>, JournalError> {
        let path = self.path(account);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unusable(&error)),
        };
        match Entry::of(file).map_err(|error| self.unusable(&error))? {
            Some(entry) => Ok(Some(entry)),
            None => {
                // Its author died before anything was sent.
                fs::remove_file(&path).map_err(|error| self.unusable(&error))?;
                Ok(None)
            }
        }
    }

    /// The answer in an entry, if a whole one is there.
    pub fn read(&self, entry: &mut Entry, key: &Key) -> Result<Option<Answer>, JournalError> {
        entry.answer(key).map_err(|error| self.unusable(&error))
    }

    /// Ends the entry of this account: what was in it is kept elsewhere, or nothing was.
    pub fn close(&self, entry: Entry) -> Result<(), JournalError> {
        let path = self.path(&entry.intent.account);
        // Windows removes no file that is open.
        drop(entry);
        fs::remove_file(path).map_err(|error| self.unusable(&error))
    }

    /// Deletes the entry of this account, whatever it holds; none is as good.
    pub fn forget(&self, account: &str) -> Result<(), JournalError> {
        match fs::remove_file(self.path(account)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.unusable(&error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn path(&self, account: &str) -> PathBuf {
        self.folder.join(account)
    }

    fn unusable(&self, error: &io::Error) -> JournalError {
        if is_full(error) {
            JournalError::Full(self.folder.clone())
        } else if error.kind() == ErrorKind::AlreadyExists {
            JournalError::UnderWay
        } else {
            JournalError::Unusable { path: self.folder.clone(), cause: error.to_string() }
        }
    }
}

impl Entry {
    /// The entry in this file; `None` if its line isn't whole. One that a newer Keybearer wrote is an error.
    pub fn of(mut file: File) -> io::Result<Option<Entry>> {
        let mut start = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        (&file).take(LINE_LIMIT as u64).read_to_end(&mut start)?;
        let Some(end) = start.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        start.truncate(end + 1);
        let Ok(Version { version }) = serde_json::from_slice(&start) else { return Ok(None) };
        if version > VERSION {
            return Err(io::Error::new(ErrorKind::Unsupported, "a newer Keybearer wrote an entry of the journal"));
        }
        Ok(serde_json::from_slice(&start).ok().map(|intent| Entry { intent, file, line: start }))
    }

    /// Takes the lock that its worker holds as long as it lives. Whoever has it knows that nothing is sent any more, or
    /// sends itself.
    pub fn lock(&self) -> Result<(), JournalError> {
        match self.file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Err(JournalError::UnderWay),
        }
    }

    /// The file, for the worker that is to write the answer into it.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Seals the answer into its room; durable when this returns.
    pub fn keep(&mut self, key: &Key, answer: &Answer) -> io::Result<()> {
        let content = Zeroizing::new(serde_json::to_vec(answer)?);
        let sealed = key.seal(&content, &self.line);
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        self.file.seek(SeekFrom::Start(self.line.len() as u64))?;
        self.file.write_all(&[&length.to_le_bytes(), sealed.as_slice()].concat())?;
        self.file.sync_data()
    }

    fn answer(&mut self, key: &Key) -> io::Result<Option<Answer>> {
        let mut sealed = Vec::new();
        self.file.seek(SeekFrom::Start(self.line.len() as u64))?;
        (&self.file).take(LIMIT).read_to_end(&mut sealed)?;
        let Some((length, rest)) = sealed.split_first_chunk() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        let opened = rest.get(..length).filter(|_| length > 0).ok_or(Unopened).and_then(|it| key.open(it, &self.line));
        Ok(opened.ok().and_then(|content| serde_json::from_slice(&content).ok()))
    }
}
