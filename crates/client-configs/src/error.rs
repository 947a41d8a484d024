//! What can go wrong, with a stable code for each. No error holds anything that stood in a file.

use crate::client::{Client, Way};
use std::io;
use std::path::{Path, PathBuf};

/// Why a client's file wasn't read or written. The file is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file isn't what the client's format is.
    #[error("{file} can't be read: line {line}, column {column}: {problem}. Correct it there; nothing was changed.")]
    Broken {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong, without a word of the file.
        problem: String,
    },
    /// The file is written in a way that can't be edited with everything else kept.
    #[error("{file} can't be edited without changing more than one entry: {why}. Write the entry by hand.")]
    NotEditable {
        /// The file.
        file: PathBuf,
        /// What stands in the way.
        why: &'static str,
    },
    /// The file isn't the user's own, or no ordinary file.
    #[error("{file} is left alone: {why}.")]
    NotOwn {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        why: &'static str,
    },
    /// The file is larger than any that a client would write.
    #[error("{file} is left alone: it is larger than {limit} MiB.")]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The most that is read, in MiB.
        limit: u64,
    },
    /// The client isn't there, so it gets no file.
    #[error("{client} isn't installed here, so nothing was written for it.")]
    NotInstalled {
        /// The client.
        client: Client,
    },
    /// The client can't take this way.
    #[error("{client} can't be connected as a {way}.")]
    WrongWay {
        /// The client.
        client: Client,
        /// The way.
        way: Way,
    },
    /// Something to be written would mean something else to the client.
    #[error("{client} would read {what} as something else. Give the account a plainer name or address.")]
    Misread {
        /// The client.
        client: Client,
        /// What it is.
        what: &'static str,
    },
    /// Somebody changed the file since it was looked at.
    #[error("{file} has changed since the preview. Look at the preview again; nothing was written.")]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// The system refuses.
    #[error("{file} can't be written: {cause}.")]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        cause: String,
        /// Whether there is no room left.
        full: bool,
    },
    /// The file can't be opened.
    #[error("{file} can't be read: {cause}.")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// There is no record of such a change.
    #[error("there is no record of this change, so it can't be taken back.")]
    NoReceipt,
}

impl Error {
    /// A word for programs, which stays as it is.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Broken { .. } => "broken",
            Error::NotEditable { .. } => "not_editable",
            Error::NotOwn { .. } => "not_own",
            Error::TooLarge { .. } => "too_large",
            Error::NotInstalled { .. } => "not_installed",
            Error::WrongWay { .. } => "wrong_way",
            Error::Misread { .. } => "misread",
            Error::Changed { .. } => "changed",
            Error::Unwritable { .. } => "unwritable",
            Error::Unreadable { .. } => "unreadable",
            Error::NoReceipt => "no_receipt",
        }
    }

    /// The file that it is about, if it is about one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Error::Broken { file, .. }
            | Error::NotEditable { file, .. }
            | Error::NotOwn { file, .. }
            | Error::TooLarge { file, .. }
            | Error::Changed { file }
            | Error::Unwritable { file, .. }
            | Error::Unreadable { file, .. } => Some(file),
            Error::NotInstalled { .. } | Error::WrongWay { .. } | Error::Misread { .. } | Error::NoReceipt => None,
        }
    }

    pub(crate) fn unwritable(file: &Path, error: &io::Error) -> Self {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        Error::Unwritable { file: file.to_owned(), cause: error.to_string(), full }
    }

    pub(crate) fn unreadable(file: &Path, error: &io::Error) -> Self {
        Error::Unreadable { file: file.to_owned(), cause: error.to_string() }
    }
}
