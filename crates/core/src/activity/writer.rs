//! The thread that has the file open: it writes rows in the order in which they came, and reads for whoever asks. Nobody who
//! wants a token waits for it.

use super::chain::{Link, hexadecimal};
use super::record::{Break, Limits, Record, Side, Verified, Wanted, move_aside};
use super::{Order, Problem, Shared};
use crate::clock::now;
use crate::database::DatabaseError;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind, ActivityRow};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many rows wait for a file that can't be written to; the oldest make room.
const BACKLOG: usize = 1024;
/// How long a file that couldn't be written to is left alone, unless there is news.
const REST: Duration = Duration::from_secs(60);

/// Writes the record of one agent.
pub(super) struct Writer {
    shared: Arc<Shared>,
    path: PathBuf,
    record: Option<Record>,
    /// The end of the chain as this agent knows it, for a file that is taken away.
    last: Link,
    /// Where the chain was found broken. The file stays as it is until somebody puts it aside.
    broken: Option<Break>,
    /// What wasn't written yet.
    backlog: VecDeque<ActivityEntry>,
    /// How many rows found no place.
    missed: u32,
    again: Option<Instant>,
    ended: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, path: PathBuf) -> Writer {
        let (record, broken, again, ended) = (None, None, None, false);
        Writer { shared, path, record, last: Link::START, broken, backlog: VecDeque::new(), missed: 0, again, ended }
    }

    /// Writes until it is told to end.
    pub(super) fn run(mut self) {
        self.open_and_look();
        loop {
            let work = self.shared.work(self.again);
            self.missed = self.missed.saturating_add(work.missed);
            work.due.into_iter().for_each(|row| self.take(row));
            for order in work.orders {
                match order {
                    Order::Write(entry) => self.take(*entry),
                    Order::Ask(ask) => {
                        self.write();
                        ask(&mut self);
                    }
                }
            }
            if self.ended {
                return;
            }
            self.write();
        }
    }

    /// Closes the file: nothing is written any more.
    pub(super) fn end(&mut self) {
        self.sign_off();
        self.record = None;
        self.ended = true;
    }

    fn take(&mut self, entry: ActivityEntry) {
        if self.backlog.len() >= BACKLOG {
            self.backlog.pop_front();
            self.missed = self.missed.saturating_add(1);
        }
        self.backlog.push_back(entry);
    }

    /// Opens the file, and looks at all that is in it.
    fn open_and_look(&mut self) {
        let opened = self.open().and_then(|()| self.verify().map(drop));
        self.tell(opened.err());
        self.sign_off();
    }

    fn open(&mut self) -> Result<(), DatabaseError> {
        let (record, made) = Record::open(&self.path, self.last, Limits::USUAL)?;
        if made {
            let cause = (self.last != Link::START).then(|| "taken_away".to_owned());
            self.backlog.push_front(ActivityEntry { cause, ..ActivityEntry::new(ActivityKind::RecordBegun, now()) });
        }
        self.follow(record.last());
        self.record = Some(record);
        Ok(())
    }

    fn follow(&mut self, last: Link) {
        self.last = last;
        self.shared.newest.send_if_modified(|newest| std::mem::replace(newest, last.number) != last.number);
    }

    /// Writes what waits. What can't be written now waits on.
    fn write(&mut self) {
        if self.backlog.is_empty() && self.missed == 0 {
            return;
        }
        let written = self.try_to_write();
        self.again = written.is_err().then(|| Instant::now() + REST);
        self.tell(written.err());
    }

    fn try_to_write(&mut self) -> Result<(), DatabaseError> {
        // Where files can be taken away from under whoever has them open, rows would go nowhere.
        if self.record.as_ref().is_some_and(|record| !record.is_there()) {
            tracing::warn!(path = %self.path.display(), "the record of activity was taken away");
            self.record = None;
        }
        if self.record.is_none() {
            self.open()?;
        }
        let Some(record) = &mut self.record else { return Ok(()) };
        let missed = ActivityEntry { calls: self.missed, ..ActivityEntry::new(ActivityKind::RowsMissed, now()) };
        record.add(self.backlog.iter().chain((self.missed > 0).then_some(&missed)))?;
        let last = record.last();
        self.backlog.clear();
        self.missed = 0;
        self.follow(last);
        Ok(())
    }

    /// Tells all who want to know what is wrong, if it is news.
    fn tell(&self, error: Option<DatabaseError>) {
        let broken = || self.broken.map(Problem::Broken);
        self.shared.set_problem(error.map(Problem::File).or_else(broken));
    }

    /// The number of the last row.
    pub(super) fn last(&self) -> u32 {
        self.last.number
    }

    /// The rows that are wanted.
    pub(super) fn rows(
        &mut self,
        wanted: &Wanted,
        side: Side,
        limit: u32,
        room: usize,
    ) -> Result<(Vec<ActivityRow>, bool), Problem> {
        Ok(self.opened()?.rows(wanted, side, limit, room)?)
    }

    /// Looks at the whole chain.
    pub(super) fn verify(&mut self) -> Result<Verified, DatabaseError> {
        let verified = self.opened()?.verify()?;
        self.broken = verified.found;
        Ok(verified)
    }

    /// The same, and tells what was found.
    pub(super) fn look(&mut self) -> Result<Verified, Problem> {
        let verified = self.verify();
        self.tell(verified.as_ref().err().cloned());
        Ok(verified?)
    }

    /// Keeps the file under another name and begins a new one, which goes on from where the old one ended, if that is known.
    pub(super) fn set_aside(&mut self, entry: ActivityEntry) -> Result<Option<PathBuf>, Problem> {
        self.sign_off();
        self.record = None;
        let aside = move_aside(&self.path);
        self.broken = None;
        let (record, _) = Record::open(&self.path, self.last, Limits::USUAL)?;
        self.record = Some(record);
        self.backlog.push_front(entry);
        self.write();
        Ok(aside?)
    }

    fn opened(&mut self) -> Result<&Record, DatabaseError> {
        if self.record.is_none() {
            self.open()?;
        }
        self.record.as_ref().ok_or(DatabaseError::Unusable("the file isn't open".to_owned()))
    }

    /// Says in the log where the chain ends: where the system keeps that, such as in its journal, nobody cuts the record off
    /// unseen.
    fn sign_off(&self) {
        let Link { number, hash } = self.last;
        tracing::info!(row = number, hash = hexadecimal(&hash), "the record of activity ends here");
    }
}
