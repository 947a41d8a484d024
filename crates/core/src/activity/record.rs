//! The file of the record: rows that are only added, each chained to the one before, pruned from the oldest on.

use super::chain::{Link, hexadecimal};
use crate::clock::now;
use crate::database::{DatabaseError, Format, explain, files, unusable};
use jiff::{SignedDuration, Timestamp};
use keybearer_protocol::activity::{ActivityEntry, ActivityRow};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, TransactionBehavior, params};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// "KBac".
const FORMAT: Format = Format { application: 0x4b42_6163, version: 1 };
/// A row, as it was hashed; and where the chain begins and ends, which changes along with the rows.
const TABLES: &str = "
    CREATE TABLE rows (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, content TEXT NOT NULL) STRICT;
    CREATE TABLE ends (before INTEGER NOT NULL, before_hash BLOB NOT NULL, last INTEGER NOT NULL, last_hash BLOB NOT NULL)
        STRICT;
";

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) rows: u32,
    /// Of all rows together.
    pub(super) bytes: u64,
    pub(super) age: SignedDuration,
}

impl Limits {
    /// 90 days, or as much as some days of a busy machine.
    pub(super) const USUAL: Limits =
        Limits { rows: 20_000, bytes: 16 * 1024 * 1024, age: SignedDuration::from_hours(24 * 90) };
}

/// Where the chain isn't what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// The row isn't the one that was written, or stands in another's place.
    #[error("row {0} was changed since it was written")]
    Changed(u32),
    /// There is no such row.
    #[error("row {0} is missing")]
    Missing(u32),
    /// There is a row that nobody wrote.
    #[error("row {0} was added by somebody else")]
    Added(u32),
}

/// What a look at the whole chain has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verified {
    pub(super) rows: u32,
    pub(super) first: u32,
    pub(super) last: Link,
    pub(super) found: Option<Break>,
}

/// Which rows are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of the account with this id.
    pub account: Option<String>,
    /// Of the profile with this name, whatever account it was.
    pub profile: Option<String>,
    /// Of the program with this name, executable or script.
    pub program: Option<String>,
    /// Of these kinds, by their names; none means all.
    pub kinds: Vec<String>,
}

/// From where rows are read, and in which direction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    /// Those before this number, the newest first.
    Before(u32),
    /// Those after it, the oldest first.
    After(u32),
}

/// The open file.
pub(super) struct Record {
    connection: Connection,
    path: PathBuf,
    limits: Limits,
    /// What stands before the first row.
    before: Link,
    last: Link,
    bytes: u64,
    /// When the oldest row was written.
    oldest: Option<Timestamp>,
}

impl Record {
    /// Opens the file, or makes one behind this link; whether it was made.
    pub(super) fn open(path: &Path, after: Link, limits: Limits) -> Result<(Record, bool), DatabaseError> {
        match fs::metadata(path) {
            // Whoever was to make it was cut off before anything was in it.
            Ok(file) if file.is_file() && file.len() == 0 => {
                fs::remove_file(path).map_err(|error| unusable(path, &error))?;
            }
            Ok(_) => return Ok((Record::with(FORMAT.open(path)?, path, limits)?, false)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(path, &error)),
        }
        let mut connection = FORMAT.create(path)?;
        make(&mut connection, after).map_err(|error| explain(path, &error))?;
        Ok((Record::with(connection, path, limits)?, true))
    }

    fn with(connection: Connection, path: &Path, limits: Limits) -> Result<Record, DatabaseError> {
        let read = (|| {
            // A few pages are enough for rows that are added at the end.
            connection.pragma_update(None, "cache_size", -256)?;
            let ends = connection.query_row("SELECT before, before_hash, last, last_hash FROM ends", [], |row| {
                Ok((link(row, 0)?, link(row, 2)?))
            })?;
            Ok((ends, length(&connection)?, oldest(&connection)?))
        })();
        let ((before, last), bytes, oldest) = read.map_err(|error| explain(path, &error))?;
        Ok(Record { connection, path: path.to_owned(), limits, before, last, bytes, oldest })
    }

    /// The last row's link.
    pub(super) fn last(&self) -> Link {
        self.last
    }

    /// Whether the file still lies where it is looked for.
    pub(super) fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Adds these rows, all of them or none, and prunes what has become too much or too old.
    pub(super) fn add<'a>(&mut self, entries: impl Iterator<Item = &'a ActivityEntry>) -> Result<(), DatabaseError> {
        let path = self.path.clone();
        self.try_to_add(entries).map_err(|error| explain(&path, &error))
    }

    fn try_to_add<'a>(&mut self, entries: impl Iterator<Item = &'a ActivityEntry>) -> rusqlite::Result<()> {
        let (mut last, mut bytes, mut oldest) = (self.last, self.bytes, self.oldest);
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut add = change.prepare("INSERT INTO rows VALUES (?1, ?2, ?3)")?;
        for entry in entries {
            let content =
                serde_json::to_string(entry).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            last = last.next(&content);
            add.execute(params![last.number, last.hash, content])?;
            bytes += content.len() as u64;
            oldest = oldest.or(Some(entry.at));
        }
        drop(add);
        let mut before = self.before;
        if let Some(end) = prunable(&change, self.limits, (before, last), bytes, oldest)? {
            before = end;
            change.execute("DELETE FROM rows WHERE number <= ?1", [before.number])?;
            bytes = length(&change)?;
            oldest = self::oldest(&change)?;
        }
        change.execute(
            "UPDATE ends SET before = ?1, before_hash = ?2, last = ?3, last_hash = ?4",
            params![before.number, before.hash, last.number, last.hash],
        )?;
        change.commit()?;
        (self.before, self.last, self.bytes, self.oldest) = (before, last, bytes, oldest);
        Ok(())
    }

    /// The rows that are wanted, as many as fit into so many bytes; and whether there are more.
    pub(super) fn rows(
        &self,
        wanted: &Wanted,
        side: Side,
        limit: u32,
        room: usize,
    ) -> Result<(Vec<ActivityRow>, bool), DatabaseError> {
        self.try_to_read(wanted, side, limit, room).map_err(|error| explain(&self.path, &error))
    }

    fn try_to_read(
        &self,
        wanted: &Wanted,
        side: Side,
        limit: u32,
        room: usize,
    ) -> rusqlite::Result<(Vec<ActivityRow>, bool)> {
        let (place, order, number) = match side {
            Side::Before(number) => ("number < ?1", "DESC", number),
            Side::After(number) => ("number > ?1", "ASC", number),
        };
        let kinds: Option<String> = (!wanted.kinds.is_empty()).then(|| format!(" {} ", wanted.kinds.join(" ")));
        let mut select = self.connection.prepare(&format!(
            "SELECT number, hash, content FROM rows WHERE {place}
                AND (?2 IS NULL OR content ->> '$.account' = ?2)
                AND (?3 IS NULL OR content ->> '$.profile' = ?3)
                AND (?4 IS NULL OR ?4 IN (content ->> '$.caller.program.name', content ->> '$.caller.program.exe',
                    content ->> '$.caller.program.script'))
                AND (?5 IS NULL OR INSTR(?5, ' ' || (content ->> '$.kind') || ' '))
            ORDER BY number {order}"
        ))?;
        let of: [&dyn ToSql; 5] = [&number, &wanted.account, &wanted.profile, &wanted.program, &kinds];
        let mut found = select.query(of)?;
        let (mut rows, mut size) = (Vec::new(), 0);
        while let Some(row) = found.next()? {
            let (link, content): (Link, String) = (link(row, 0)?, row.get(2)?);
            size += content.len() + 160;
            // At least one, or a listing would end before its end.
            if rows.len() >= limit as usize || (size > room && !rows.is_empty()) {
                return Ok((rows, true));
            }
            let entry = serde_json::from_str(&content).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, error.into())
            })?;
            rows.push(ActivityRow { number: link.number, hash: hexadecimal(&link.hash), entry });
        }
        Ok((rows, false))
    }

    /// Looks at every row.
    pub(super) fn verify(&self) -> Result<Verified, DatabaseError> {
        self.try_to_verify().map_err(|error| explain(&self.path, &error))
    }

    fn try_to_verify(&self) -> rusqlite::Result<Verified> {
        // What the file says of its ends may have been changed under us as well.
        let (before, last) =
            self.connection.query_row("SELECT before, before_hash, last, last_hash FROM ends", [], |row| {
                Ok((link(row, 0)?, link(row, 2)?))
            })?;
        let (mut at, mut found, mut rows) = (before, None, 0);
        let mut select = self.connection.prepare("SELECT number, hash, content FROM rows ORDER BY number")?;
        let mut all = select.query([])?;
        while let Some(row) = all.next()? {
            let (written, content): (Link, String) = (link(row, 0)?, row.get(2)?);
            let expected = at.next(&content);
            found = found.or(match written.number {
                number if number > last.number => Some(Break::Added(number)),
                number if number < expected.number => Some(Break::Added(number)),
                number if number > expected.number => Some(Break::Missing(expected.number)),
                number => (written != expected).then_some(Break::Changed(number)),
            });
            (at, rows) = (written, rows + 1);
        }
        found = found.or(match at {
            at if at.number < last.number => Some(Break::Missing(at.number + 1)),
            at => (at != last || last != self.last || before != self.before).then_some(Break::Changed(at.number)),
        });
        Ok(Verified { rows, first: before.number.saturating_add(1), last: self.last, found })
    }
}

/// Gives the file another name, with what SQLite has beside it. Nobody has it open.
pub(super) fn move_aside(path: &Path) -> Result<Option<PathBuf>, DatabaseError> {
    let mut aside = None;
    for number in 1.. {
        let name = format!("activity-{}-{number}.db", now().strftime("%Y-%m-%d"));
        let other = path.with_file_name(name);
        if !other.exists() {
            aside = Some(other);
            break;
        }
    }
    let Some(aside) = aside else { return Ok(None) };
    let is_there = path.symlink_metadata().is_ok();
    for (from, to) in files(path).iter().zip(files(&aside)) {
        match fs::rename(from, to) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unusable(path, &error)),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(is_there.then_some(aside))
}

fn make(connection: &mut Connection, after: Link) -> rusqlite::Result<()> {
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    change.execute_batch(TABLES)?;
    change.execute("INSERT INTO ends VALUES (?1, ?2, ?1, ?2)", params![after.number, after.hash])?;
    FORMAT.mark(&change)?;
    change.commit()?;
    // What it is can then be told from the file alone.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// The last row that is to go, if one is. Where there is too much, a tenth goes at once.
fn prunable(
    change: &Transaction<'_>,
    limits: Limits,
    (before, last): (Link, Link),
    bytes: u64,
    oldest: Option<Timestamp>,
) -> rusqlite::Result<Option<Link>> {
    let rows = last.number.saturating_sub(before.number);
    let too_many = if rows > limits.rows { rows - limits.rows / 10 * 9 } else { 0 };
    let too_long = if bytes > limits.bytes { rows / 10 + 1 } else { 0 };
    let mut end = before.number + too_many.max(too_long);
    let too_old = now().checked_sub(limits.age).ok().filter(|limit| oldest.is_some_and(|oldest| oldest < *limit));
    if let Some(limit) = too_old {
        let stays = "SELECT MIN(number) FROM rows WHERE content ->> '$.at' >= ?1";
        let stays: Option<u32> = change.query_row(stays, [limit.to_string()], |row| row.get(0))?;
        end = end.max(stays.map_or(last.number, |number| number - 1));
    }
    if end == before.number {
        return Ok(None);
    }
    let select = "SELECT number, hash FROM rows WHERE number <= ?1 ORDER BY number DESC LIMIT 1";
    change.query_row(select, [end], |row| link(row, 0)).optional()
}

/// How long all rows are together, in bytes.
fn length(connection: &Connection) -> rusqlite::Result<u64> {
    let select = "SELECT COALESCE(SUM(LENGTH(CAST(content AS BLOB))), 0) FROM rows";
    Ok(connection.query_row(select, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

fn oldest(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let select = "SELECT content ->> '$.at' FROM rows ORDER BY number LIMIT 1";
    let at: Option<Option<String>> = connection.query_row(select, [], |row| row.get(0)).optional()?;
    Ok(at.flatten().and_then(|at| at.parse().ok()))
}

fn link(row: &Row<'_>, column: usize) -> rusqlite::Result<Link> {
    let hash: Vec<u8> = row.get(column + 1)?;
    Link::read(row.get(column)?, &hash).ok_or(rusqlite::Error::InvalidQuery)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_protocol::activity::ActivityKind;

    fn entry(word: &str, at: Timestamp) -> ActivityEntry {
        ActivityEntry { cause: Some(word.to_owned()), ..ActivityEntry::new(ActivityKind::TokenGiven, at) }
    }

    fn with_rows(path: &Path, limits: Limits, rows: u32) -> Record {
        let (mut record, made) = Record::open(path, Link::START, limits).expect("opened");
        assert!(made);
        for number in 1..=rows {
            record.add([entry(&number.to_string(), now())].iter()).expect("added");
        }
        record
    }

    #[test]
    fn every_way_to_meddle_with_a_row_is_found_and_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("activity.db");
        let record = with_rows(&path, Limits::USUAL, 5);
        let whole = record.verify().expect("read");
        assert_eq!((whole.rows, whole.first, whole.last.number, whole.found), (5, 1, 5, None));
        for (meddling, found) in [
            ("UPDATE rows SET content = REPLACE(content, '3', '4') WHERE number = 3", Break::Changed(3)),
            ("UPDATE rows SET hash = zeroblob(32) WHERE number = 2", Break::Changed(2)),
            ("DELETE FROM rows WHERE number = 4", Break::Missing(4)),
            ("DELETE FROM rows WHERE number = 5", Break::Missing(5)),
            ("DELETE FROM rows WHERE number < 3", Break::Missing(1)),
            ("UPDATE rows SET number = -number; UPDATE rows SET number = 6 + number", Break::Changed(1)),
            ("INSERT INTO rows VALUES (6, zeroblob(32), '{}')", Break::Added(6)),
            ("UPDATE ends SET last = 4; DELETE FROM rows WHERE number = 5", Break::Changed(4)),
            // The end of the file cut off along with what the file says of it: the agent that has it open knows.
            (
                "DELETE FROM rows WHERE number = 5;
                 UPDATE ends SET last = 4, last_hash = (SELECT hash FROM rows WHERE number = 4)",
                Break::Changed(4),
            ),
        ] {
            record.connection.execute_batch(&format!("BEGIN; {meddling}")).expect(meddling);
            assert_eq!(record.verify().expect("read").found, Some(found), "{meddling}");
            record.connection.execute_batch("ROLLBACK").expect("undone");
        }
        assert_eq!(record.verify().expect("read").found, None);
    }

    #[test]
    fn what_is_pruned_by_number_size_or_age_leaves_a_chain_that_can_be_verified() {
        let folder = tempfile::tempdir().expect("a folder");
        let limits = Limits { rows: 10, ..Limits::USUAL };
        let record = with_rows(&folder.path().join("number.db"), limits, 35);
        let verified = record.verify().expect("read");
        assert_eq!((verified.found, verified.last.number), (None, 35));
        assert!(verified.rows <= 10 && verified.first > 25, "{verified:?}");

        let limits = Limits { bytes: 1000, ..Limits::USUAL };
        let record = with_rows(&folder.path().join("size.db"), limits, 50);
        let verified = record.verify().expect("read");
        assert!(record.bytes <= 1000 && verified.found.is_none() && verified.rows > 5, "{verified:?}");

        let path = folder.path().join("age.db");
        let mut record = with_rows(&path, Limits { rows: 100, ..Limits::USUAL }, 0);
        let old = now() - SignedDuration::from_hours(24 * 91);
        record.limits.age = SignedDuration::from_hours(24 * 1000);
        for word in ["a", "b", "c"] {
            record.add([entry(word, old)].iter()).expect("added");
        }
        record.limits = Limits::USUAL;
        record.add([entry("d", now())].iter()).expect("added");
        drop(record);
        // As the next agent finds it.
        let (record, made) = Record::open(&path, Link::START, Limits::USUAL).expect("opened");
        let verified = record.verify().expect("read");
        assert_eq!((made, verified.found, verified.rows, verified.first), (false, None, 1, 4));
    }

    #[test]
    fn a_full_disk_and_one_that_is_only_to_be_read_are_named_and_nothing_is_half_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut record = with_rows(&folder.path().join("activity.db"), Limits::USUAL, 1);
        let set = |record: &Record, name: &str, value: i64| {
            record.connection.pragma_update(None, name, value).expect("set");
        };
        set(&record, "max_page_count", 6);
        let long = entry(&"x".repeat(100_000), now());
        assert_eq!(record.add([entry("2", now()), long.clone()].iter()), Err(DatabaseError::Full));
        set(&record, "query_only", 1);
        assert!(matches!(record.add([long].iter()), Err(DatabaseError::Unusable(_))));
        set(&record, "query_only", 0);
        assert_eq!((record.last().number, record.verify().expect("read").found), (1, None));
        set(&record, "max_page_count", 1000);
        record.add([entry("2", now())].iter()).expect("added");
        assert_eq!((record.last().number, record.verify().expect("read").found), (2, None));
    }

    #[test]
    fn a_record_that_begins_anew_goes_on_from_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("activity.db");
        let record = with_rows(&path, Limits::USUAL, 3);
        let last = record.last();
        drop(record);
        let aside = move_aside(&path).expect("moved").expect("there was one");
        let (mut record, made) = Record::open(&path, last, Limits::USUAL).expect("opened");
        record.add([entry("4", now())].iter()).expect("added");
        let verified = record.verify().expect("read");
        assert_eq!((made, verified.found, verified.first, verified.last.number), (true, None, 4, 4));
        let (old, made) = Record::open(&aside, Link::START, Limits::USUAL).expect("opened");
        assert_eq!((made, old.last()), (false, last));
    }
}
