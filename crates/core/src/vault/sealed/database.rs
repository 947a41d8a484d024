//! The file of a sealed vault: SQLite, which leaves the old state or the new whenever it is cut off. What stands in it
//! is sealed before it comes here.
//!
//! The file is one agent's alone as long as it is open. Everything that is asked of it is a short statement.

use crate::database::{DatabaseError, Format, explain, unusable};
use crate::vault::VaultError;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use std::io;
use std::path::{Path, PathBuf};

/// "KBvt".
const FORMAT: Format = Format { application: 0x4b42_7674, version: 1 };
/// The tables. The header is written once, when the file is made.
const TABLES: &str = "
    CREATE TABLE header (content TEXT NOT NULL) STRICT;
    CREATE TABLE items (id TEXT PRIMARY KEY, generation INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;
    CREATE TABLE tally (generation INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;
";

/// An open file.
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
}

/// A row as it lies there.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) generation: u64,
    pub(super) sealed: Vec<u8>,
}

/// What a change leaves behind, all of it or nothing.
pub(super) struct Step<'a> {
    /// The rows to write.
    pub(super) rows: &'a [Row],
    /// The id of the row to delete.
    pub(super) gone: Option<&'a str>,
    /// The tally after it.
    pub(super) generation: u64,
    pub(super) tally: &'a [u8],
}

impl Database {
    /// Makes the file, for this user alone.
    pub(super) fn create(path: &Path, header: &str, tally: &[u8]) -> Result<Database, VaultError> {
        let mut database = Database { connection: FORMAT.create(path)?, path: path.to_owned() };
        database.make(header, tally).map_err(|error| explain(path, &error))?;
        Ok(database)
    }

    fn make(&mut self, header: &str, tally: &[u8]) -> rusqlite::Result<()> {
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        change.execute_batch(TABLES)?;
        change.execute("INSERT INTO header VALUES (?1)", [header])?;
        change.execute("INSERT INTO tally VALUES (0, ?1)", [tally])?;
        FORMAT.mark(&change)?;
        change.commit()?;
        // What the header says can then be read from the file alone, whoever has it open.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// Opens one that is there. A newer one, or something else, is left as it is.
    pub(super) fn open(path: &Path) -> Result<Database, VaultError> {
        Ok(Database { connection: FORMAT.open(path)?, path: path.to_owned() })
    }

    /// What the header says, of a file that somebody else may have open: it is written once, when the file is made.
    pub(super) fn header(path: &Path) -> Result<String, VaultError> {
        match Database::header_of_file(path) {
            // Whoever was cut off while changes were brought home left the file itself half changed. With what lies beside it,
            // SQLite puts it right.
            Err(VaultError::Damaged(_)) => Database::open(path)?.try_to(header),
            read => read,
        }
    }

    fn header_of_file(path: &Path) -> Result<String, VaultError> {
        FORMAT.check(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let address =
            url::Url::from_file_path(path).map_err(|()| unusable(path, &io::ErrorKind::InvalidFilename.into()))?;
        let read = Connection::open_with_flags(format!("{address}?immutable=1"), flags)
            .and_then(|connection| header(&connection));
        Ok(read.map_err(|error| explain(path, &error))?)
    }

    /// The ids of all items, with the generation of each.
    pub(super) fn generations(&self) -> Result<Vec<(String, u64)>, VaultError> {
        self.try_to(|connection| {
            let mut all = connection.prepare("SELECT id, generation FROM items")?;
            let all = all.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
            all.collect()
        })
    }

    /// The row of this id.
    pub(super) fn row(&self, id: &str) -> Result<Option<Row>, VaultError> {
        self.try_to(|connection| {
            let mut one = connection.prepare("SELECT generation, sealed FROM items WHERE id = ?1")?;
            let row = |row: &rusqlite::Row<'_>| {
                let (generation, sealed) = (row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?);
                Ok(Row { id: id.to_owned(), generation, sealed })
            };
            one.query_row([id], row).optional()
        })
    }

    /// The tally, with its generation.
    pub(super) fn tally(&self) -> Result<(u64, Vec<u8>), VaultError> {
        self.try_to(|connection| {
            let tally = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?));
            connection.query_row("SELECT generation, sealed FROM tally", [], tally)
        })
    }

    /// Changes it. What this returns for is on the disk.
    pub(super) fn change(&mut self, step: &Step<'_>) -> Result<(), VaultError> {
        let changed = (|| {
            let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut write = change.prepare("INSERT OR REPLACE INTO items VALUES (?1, ?2, ?3)")?;
            for row in step.rows {
                write.execute(params![row.id, row.generation.cast_signed(), row.sealed])?;
            }
            drop(write);
            if let Some(id) = step.gone {
                change.execute("DELETE FROM items WHERE id = ?1", [id])?;
            }
            let tally = params![step.generation.cast_signed(), step.tally];
            change.execute("UPDATE tally SET generation = ?1, sealed = ?2", tally)?;
            change.commit()
        })();
        Ok(changed.map_err(|error| explain(&self.path, &error))?)
    }

    fn try_to<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, VaultError> {
        Ok(read(&self.connection).map_err(|error| explain(&self.path, &error))?)
    }
}

fn header(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT content FROM header", [], |row| row.get(0))
}

/// Removes the file of a vault that isn't used; none is as good.
pub(super) fn remove(path: &Path) -> Result<(), VaultError> {
    Ok(crate::database::remove(path)?)
}

impl From<DatabaseError> for VaultError {
    fn from(error: DatabaseError) -> VaultError {
        match error {
            DatabaseError::Full => VaultError::Full,
            DatabaseError::Damaged(how) => VaultError::Damaged(how),
            DatabaseError::Newer => VaultError::Newer,
            DatabaseError::Unusable(why) => VaultError::Unusable(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(database: &mut Database, generation: u64, sealed: Vec<u8>) -> Result<(), VaultError> {
        let rows = [Row { id: "one".to_owned(), generation, sealed }];
        database.change(&Step { rows: &rows, gone: None, generation, tally: b"tally" })
    }

    #[test]
    fn a_file_that_was_left_half_changed_is_put_right() {
        let [folder, other] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let [path, copy] = [&folder, &other].map(|folder| folder.path().join("vault.db"));
        let beside = |path: &Path| path.with_extension("db-wal");
        let mut database = Database::create(&path, "{}", b"").expect("made");
        write(&mut database, 1, vec![7; 100_000]).expect("written");
        let before = fs::read(&path).expect("read");
        fs::copy(beside(&path), beside(&copy)).expect("copied");
        database.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).expect("brought home");
        let after = fs::read(&path).expect("read");
        // The first page came home, and no other.
        crate::home::replace(&copy, &[&after[..4096], &before[4096..]].concat()).expect("written");
        assert!(matches!(Database::header_of_file(&copy), Err(VaultError::Damaged(_))));
        assert_eq!(Database::header(&copy).expect("read"), "{}");
        let row = Database::open(&copy).expect("opened").row("one").expect("read").expect("a row");
        assert_eq!(row.sealed, vec![7; 100_000]);
    }

    #[test]
    fn a_disk_that_is_full_or_only_to_be_read_changes_nothing_and_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vault.db");
        let mut database = Database::create(&path, "{}", b"").expect("made");
        write(&mut database, 1, b"old".to_vec()).expect("written");
        let is_old = |database: &Database| {
            let (row, tally) = (database.row("one").expect("read").expect("a row"), database.tally().expect("read"));
            (row.generation, row.sealed.as_slice(), tally.0) == (1, b"old".as_slice(), 1)
        };

        let set = |database: &Database, name: &str, value: i64| {
            database.connection.pragma_update(None, name, value).expect("set");
        };
        set(&database, "max_page_count", 8);
        assert_eq!(write(&mut database, 2, vec![0; 100_000]), Err(VaultError::Full));
        assert!(is_old(&database));
        set(&database, "query_only", 1);
        assert!(matches!(write(&mut database, 2, b"new".to_vec()), Err(VaultError::Unusable(_))));
        assert!(is_old(&database));
        set(&database, "query_only", 0);
        write(&mut database, 2, b"new".to_vec()).expect("written");
    }
}
