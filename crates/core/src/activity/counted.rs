//! Equal calls are counted: the first of a running program is a row at once, those of the next minute are one more row when
//! it is over.

use jiff::Timestamp;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};
use keybearer_protocol::session::CallerView;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// How long calls are counted before they are a row.
pub(super) const SPAN: Duration = Duration::from_secs(60);
/// How many kinds of calls are counted at one time; what comes above that is a row each.
const LIMIT: usize = 512;

/// A call, as far as it tells one row from another.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Who asks.
    pub caller: &'a CallerView,
    /// On which connection.
    pub connection: u64,
    /// What came of it.
    pub kind: ActivityKind,
    /// The account's id; empty where none was found.
    pub account: &'a str,
    /// The generation that was given.
    pub generation: u32,
    /// Whether it was at hand, or the name of the error.
    pub outcome: &'a str,
}

/// The same, to be compared with later ones.
#[derive(Debug)]
struct Known {
    pid: Option<u32>,
    started: Option<String>,
    /// Where the system can't tell running programs apart, the connection does.
    connection: Option<u64>,
    kind: ActivityKind,
    account: String,
    generation: u32,
    outcome: String,
}

impl Call<'_> {
    fn connection(&self) -> Option<u64> {
        self.caller.program.started.is_none().then_some(self.connection)
    }

    fn is(&self, known: &Known) -> bool {
        let program = &self.caller.program;
        program.pid == known.pid
            && program.started == known.started
            && self.connection() == known.connection
            && (self.kind, self.generation) == (known.kind, known.generation)
            && (self.account, self.outcome) == (known.account.as_str(), known.outcome.as_str())
    }

    fn known(&self) -> Known {
        let program = &self.caller.program;
        Known {
            pid: program.pid,
            started: program.started.clone(),
            connection: self.connection(),
            kind: self.kind,
            account: self.account.to_owned(),
            generation: self.generation,
            outcome: self.outcome.to_owned(),
        }
    }

    fn digest(&self, chance: &RandomState) -> u64 {
        let program = &self.caller.program;
        let who = (program.pid, &program.started, self.connection());
        chance.hash_one((who, self.kind, self.account, self.generation, self.outcome))
    }
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    chance: RandomState,
    calls: HashMap<u64, Counter>,
}

#[derive(Debug)]
struct Counter {
    call: Known,
    /// The row of the first.
    entry: ActivityEntry,
    /// How many came after it.
    more: u32,
    /// When the first and the last of those came.
    since: Timestamp,
    until: Timestamp,
    ends: Instant,
}

impl Counter {
    /// The row of those that came after the first, if any did.
    fn into_row(self) -> Option<ActivityEntry> {
        let several = (self.more > 1).then_some(self.until);
        (self.more > 0).then_some(ActivityEntry { at: self.since, calls: self.more, until: several, ..self.entry })
    }
}

impl Counted {
    /// Counts this call, if one like it is counted already. Nothing is allocated for it.
    pub(super) fn count(&mut self, call: &Call<'_>, now: Timestamp) -> bool {
        let digest = call.digest(&self.chance);
        let Some(counter) = self.calls.get_mut(&digest).filter(|counter| call.is(&counter.call)) else { return false };
        if counter.more == 0 {
            counter.since = now;
        }
        counter.until = now;
        counter.more = counter.more.saturating_add(1);
        true
    }

    /// Counts calls like this from now on, whose row is this one.
    pub(super) fn begin(&mut self, call: &Call<'_>, entry: &ActivityEntry, now: Instant) {
        let digest = call.digest(&self.chance);
        if self.calls.len() >= LIMIT || self.calls.contains_key(&digest) {
            return;
        }
        let (call, entry, at) = (call.known(), entry.clone(), entry.at);
        self.calls.insert(digest, Counter { call, entry, more: 0, since: at, until: at, ends: now + SPAN });
    }

    /// When the next row is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.calls.values().map(|counter| counter.ends).min()
    }

    /// The rows whose minute is over.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<ActivityEntry> {
        self.take(|counter| counter.ends <= now)
    }

    /// All rows, minute or not.
    pub(super) fn take_all(&mut self) -> Vec<ActivityEntry> {
        self.take(|_| true)
    }

    fn take(&mut self, which: impl Fn(&Counter) -> bool) -> Vec<ActivityEntry> {
        let taken = self.calls.extract_if(|_, counter| which(counter));
        let mut rows: Vec<ActivityEntry> = taken.filter_map(|(_, counter)| counter.into_row()).collect();
        rows.sort_by_key(|row| row.at);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_protocol::program::ProgramView;

    fn caller(pid: u32, started: Option<&str>) -> CallerView {
        let program = ProgramView { pid: Some(pid), started: started.map(str::to_owned), ..ProgramView::default() };
        CallerView { pid: Some(pid), exe: None, foreign: false, program }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).expect("a time")
    }

    fn given(caller: &CallerView) -> Call<'_> {
        Call { caller, connection: 1, kind: ActivityKind::TokenGiven, account: "a", generation: 1, outcome: "" }
    }

    #[test]
    fn equal_calls_of_a_minute_are_one_row_more_and_no_other_call_is_taken_for_one() {
        let (one, start) = (caller(7, Some("99")), Instant::now());
        let mut counted = Counted::default();
        assert!(!counted.count(&given(&one), at(0)));
        counted.begin(&given(&one), &ActivityEntry::new(ActivityKind::TokenGiven, at(0)), start);
        assert_eq!(counted.next(), Some(start + SPAN));
        for second in 1..100_i64 {
            // Another connection of the same running program.
            assert!(counted.count(&Call { connection: second.unsigned_abs(), ..given(&one) }, at(second)));
        }
        let others = [caller(8, Some("99")), caller(7, Some("100")), caller(7, None)];
        assert!(others.iter().all(|other| !counted.count(&given(other), at(5))));
        for other in [
            Call { kind: ActivityKind::HeaderGiven, ..given(&one) },
            Call { account: "b", ..given(&one) },
            Call { generation: 2, ..given(&one) },
            Call { outcome: "consent_denied", ..given(&one) },
        ] {
            assert!(!counted.count(&other, at(5)), "{other:?}");
        }
        assert!(counted.take_due(start + SPAN / 2).is_empty());
        let rows = counted.take_due(start + SPAN);
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.calls, row.at, row.until), (99, at(1), Some(at(99))));
        // Nothing is left that would have to be looked at again.
        assert_eq!((counted.next(), counted.take_all().len()), (None, 0));
    }

    #[test]
    fn whoever_calls_once_gets_no_second_row_and_many_callers_take_no_more_room() {
        let mut counted = Counted::default();
        for pid in 0..2 * LIMIT as u32 {
            let one = caller(pid, Some("1"));
            counted.begin(&given(&one), &ActivityEntry::new(ActivityKind::TokenGiven, at(0)), Instant::now());
        }
        assert_eq!(counted.calls.len(), LIMIT);
        assert!(counted.take_all().is_empty());
    }
}
