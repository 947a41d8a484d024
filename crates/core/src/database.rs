//! A database in a file of ours: SQLite, which leaves the old state or the new whenever it is cut off. The file is one
//! agent's alone as long as it is open.

use crate::home::is_full;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// There is no room.
    #[error("the disk is full")]
    Full,
    /// It isn't whole, or something else.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// A newer Keybearer wrote it.
    #[error("a newer Keybearer wrote the file")]
    Newer,
    /// The system doesn't let us.
    #[error("{0}")]
    Unusable(String),
}

/// Which database a file has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Tells it from other databases.
    pub(crate) application: u32,
    /// The newest version of its tables that can be read.
    pub(crate) version: u32,
}

impl Format {
    /// Makes an empty file, for this user alone, and opens it. [`Format::mark`] follows.
    pub(crate) fn create(self, path: &Path) -> Result<Connection, DatabaseError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        drop(options.open(path).map_err(|error| unusable(path, &error))?);
        connect(path)
    }

    /// Says in the file what it is.
    pub(crate) fn mark(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.pragma_update(None, "application_id", self.application)?;
        connection.pragma_update(None, "user_version", self.version)
    }

    /// Opens one that is there. A newer one, or something else, is left as it is.
    pub(crate) fn open(self, path: &Path) -> Result<Connection, DatabaseError> {
        self.check(path)?;
        connect(path)
    }

    /// Whether the file is one that may be opened, by its first bytes alone (the database header, sqlite.org/fileformat
    /// §1.3): opening one changes it.
    pub(crate) fn check(self, path: &Path) -> Result<(), DatabaseError> {
        let mut head = [0; 100];
        File::open(path).and_then(|mut file| file.read_exact(&mut head)).map_err(|error| {
            let is_cut_off = error.kind() == io::ErrorKind::UnexpectedEof;
            if is_cut_off { DatabaseError::Damaged("it is cut off".to_owned()) } else { unusable(path, &error) }
        })?;
        let number = |at: usize| head[at..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        if !head.starts_with(b"SQLite format 3\0") || number(68) != self.application {
            return Err(DatabaseError::Damaged("something else lies in its place".to_owned()));
        }
        if number(60) > self.version { Err(DatabaseError::Newer) } else { Ok(()) }
    }
}

fn connect(path: &Path) -> Result<Connection, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connected = Connection::open_with_flags(path, flags).and_then(|connection| {
        // Alone with the file, SQLite needs no memory that processes share, and nobody sees half a change.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(connection)
    });
    connected.map_err(|error| explain(path, &error))
}

/// The files of one database, the file itself last: a name without it is nothing that anybody would find again.
pub(crate) fn files(path: &Path) -> [PathBuf; 4] {
    ["-wal", "-shm", "-journal", ""].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// Removes a database that isn't used; none is as good.
pub(crate) fn remove(path: &Path) -> Result<(), DatabaseError> {
    for file in files(path) {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(path, &error)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// What the system says of a file.
pub(crate) fn unusable(path: &Path, error: &io::Error) -> DatabaseError {
    if is_full(error) {
        return DatabaseError::Full;
    }
    DatabaseError::Unusable(format!("{}: {error}", path.display()))
}

/// What SQLite says of it.
pub(crate) fn explain(path: &Path, error: &rusqlite::Error) -> DatabaseError {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => DatabaseError::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => DatabaseError::Damaged(error.to_string()),
        Some(_) => DatabaseError::Unusable(format!("{}: {error}", path.display())),
        // A table, column or type that isn't as it was made.
        None => DatabaseError::Damaged(error.to_string()),
    }
}
