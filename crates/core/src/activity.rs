//! Activity: what happened, who got which token, who was refused, and what was changed (REQ-A1). Rows name and explain; no
//! token comes here, but eight digits that tell one from another.
//!
//! Whoever tells of something leaves it here and goes on: a thread writes it down. A record that can't be written is told of
//! wherever people look, and holds up nobody.

/// The chain of hashes.
mod chain;
/// Equal calls, counted.
mod counted;
/// The file.
mod record;
/// The thread that has it open.
mod writer;

pub use counted::Call;
pub use record::{Break, Wanted};

use crate::caller::Caller;
use crate::changes::Changes;
use crate::clock::now;
use crate::database::DatabaseError;
use crate::grants::Asked;
use crate::home::Home;
use crate::shown;
use counted::Counted;
use keybearer_protocol::activity::{ActivityCaller, ActivityEntry, ActivityKind, ActivityRow};
use keybearer_protocol::session::CallerView;
use record::Side;
use secrecy::{ExposeSecret, SecretString};
use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use writer::Writer;

/// How much may wait for the thread.
const QUEUE: usize = 1024;
/// How long rows are gathered before they are written, unless somebody asks.
const GATHERING: Duration = Duration::from_millis(50);
/// The most that an agent that ends waits for the disk.
const LAST_ROWS: Duration = Duration::from_secs(2);

/// The record of one agent. Clones are the same one.
#[derive(Clone)]
pub struct Activity(Arc<Shared>);

/// What is wrong with the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file can't be used.
    #[error("what happens isn't written down: {0}")]
    File(#[from] DatabaseError),
    /// Somebody has meddled with it.
    #[error("the record of activity isn't what was written: {0}")]
    Broken(Break),
    /// More was asked at once than the thread can answer.
    #[error("too much is asked of the record of activity at once")]
    Busy,
}

impl Problem {
    /// What a person can do about it.
    pub fn way_out(&self) -> &'static str {
        match self {
            Problem::File(DatabaseError::Full) => "make some room on that disk; what waits is written then",
            Problem::File(DatabaseError::Newer) => "use the newer Keybearer, or keybearer activity --set-aside",
            Problem::File(DatabaseError::Damaged(_)) | Problem::Broken(_) => {
                "keybearer activity --set-aside keeps the file under another name and begins a new record"
            }
            Problem::File(DatabaseError::Unusable(_)) => {
                "see who may write to that folder; what waits is written then, or after keybearer activity --set-aside"
            }
            Problem::Busy => "try again in a moment",
        }
    }
}

/// A page of rows.
#[derive(Clone, Debug)]
pub struct Page {
    /// The rows.
    pub rows: Vec<ActivityRow>,
    /// Whether there are more.
    pub more: bool,
    /// Up to which number all was looked at: nothing of interest lies below.
    pub seen: u32,
}

/// What a look at the whole record has found.
#[derive(Clone, Debug)]
pub struct Look {
    /// How many rows there are.
    pub rows: u32,
    /// The number of the first.
    pub first: u32,
    /// The number of the last.
    pub last: u32,
    /// The hash of the last, in hexadecimal digits.
    pub hash: String,
    /// What is wrong, if something is.
    pub problem: Option<Problem>,
}

/// What the agent and the thread share.
struct Shared {
    /// Held for moments: whoever gives out a token comes by here.
    state: Mutex<State>,
    work: Condvar,
    /// The number of the last row.
    newest: watch::Sender<u32>,
    problem: Mutex<Option<Problem>>,
    /// Tells windows of a problem.
    changes: Changes,
}

#[derive(Default)]
struct State {
    counted: Counted,
    orders: VecDeque<Order>,
    /// Until when rows are gathered that nobody waits for.
    gathers_until: Option<Instant>,
    /// How many rows found no place in the queue.
    missed: u32,
}

/// What the thread is told.
enum Order {
    Write(Box<ActivityEntry>),
    Ask(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// What the thread has to do now.
struct Work {
    /// Rows of calls whose minute is over.
    due: Vec<ActivityEntry>,
    orders: VecDeque<Order>,
    missed: u32,
}

impl Activity {
    /// Opens the record of a home, on a thread of its own.
    pub fn start(home: &Home, changes: Changes) -> Activity {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            newest: watch::Sender::new(0),
            problem: Mutex::default(),
            changes,
        });
        let writer = Writer::new(shared.clone(), home.activity_file());
        let started = std::thread::Builder::new().name("activity".to_owned()).spawn(move || writer.run());
        if let Err(error) = started {
            let problem = DatabaseError::Unusable(format!("there is no thread for it: {error}"));
            shared.set_problem(Some(problem.into()));
        }
        Activity(shared)
    }

    /// Writes this down. It is on its way when this returns, and nobody was waited for.
    pub fn add(&self, entry: ActivityEntry) {
        // Without room it is counted as missed, which is all that can be said of it.
        let _ = self.0.push(Order::Write(Box::new(entry)));
    }

    /// Writes a call down, or counts it if one like it was written within the last minute: then no row is made.
    pub fn call(&self, call: &Call<'_>, entry: impl FnOnce() -> ActivityEntry) {
        let is_counted = |shared: &Shared| shared.state().counted.count(call, now());
        if is_counted(&self.0) {
            return;
        }
        let entry = entry();
        let mut state = self.0.state();
        // Another like it may have come meanwhile.
        if !state.counted.count(call, entry.at) {
            state.counted.begin(call, &entry, Instant::now());
            drop(state);
            self.add(entry);
        }
    }

    /// Writes down all that is counted so far.
    pub fn settle(&self) {
        let rows = self.0.state().counted.take_all();
        rows.into_iter().for_each(|row| self.add(row));
    }

    /// Writes down what there is, and ends the record. A disk that doesn't answer is not waited for.
    pub async fn close(&self) {
        self.settle();
        let written = self.ask(Writer::end);
        if tokio::time::timeout(LAST_ROWS, written).await.is_err() {
            tracing::warn!("the last rows of activity may not be written down");
        }
    }

    /// What is wrong, if something is.
    pub fn problem(&self) -> Option<Problem> {
        self.0.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest rows before a number, also those of calls that are still counted.
    pub async fn list(&self, wanted: Wanted, before: Option<u32>, limit: u32, room: usize) -> Result<Page, Problem> {
        self.settle();
        let before = before.unwrap_or(u32::MAX);
        self.ask(move |writer| {
            let (rows, more) = writer.rows(&wanted, Side::Before(before), limit, room)?;
            Ok(Page { rows, more, seen: writer.last() })
        })
        .await?
    }

    /// The rows after a number, as soon as there are some. Without a number, how far the record goes.
    pub async fn follow(
        &self,
        wanted: Wanted,
        seen: Option<u32>,
        wait: Duration,
        room: usize,
    ) -> Result<Page, Problem> {
        let deadline = tokio::time::Instant::now() + wait;
        let mut newest = self.0.newest.subscribe();
        let Some(mut seen) = seen else {
            let seen = self.ask(|writer| writer.last()).await?;
            return Ok(Page { rows: Vec::new(), more: false, seen });
        };
        loop {
            newest.borrow_and_update();
            let of = wanted.clone();
            let page = self.ask(move |writer| {
                let last = writer.last();
                // One that was put aside unread has another one behind it, which begins at its first row.
                let seen = if seen > last { 0 } else { seen };
                let (rows, more) = writer.rows(&of, Side::After(seen), u32::MAX, room)?;
                let seen = rows.last().filter(|_| more).map_or(last, |row| row.number);
                Ok::<Page, Problem>(Page { rows, more, seen })
            });
            let page = page.await??;
            seen = page.seen;
            if !page.rows.is_empty() || tokio::time::timeout_at(deadline, newest.changed()).await.is_err() {
                return Ok(page);
            }
        }
    }

    /// Looks at the whole record: whether every row is as it was written.
    pub async fn verify(&self) -> Result<Look, Problem> {
        let verified = self.ask(|writer| writer.look()).await??;
        Ok(Look {
            rows: verified.rows,
            first: verified.first,
            last: verified.last.number,
            hash: chain::hexadecimal(&verified.last.hash),
            problem: verified.found.map(Problem::Broken),
        })
    }

    /// Keeps the record under another name and begins a new one, whose first row says who did that.
    pub async fn set_aside(&self, caller: &Caller) -> Result<Option<PathBuf>, Problem> {
        self.settle();
        let mut entry = ActivityEntry::new(ActivityKind::RecordBegun, now());
        (entry.caller, entry.cause) = (Some(self::caller(caller)), Some("set_aside".to_owned()));
        self.ask(|writer| writer.set_aside(entry)).await?
    }

    async fn ask<T: Send + 'static>(&self, job: impl FnOnce(&mut Writer) -> T + Send + 'static) -> Result<T, Problem> {
        let (tell, told) = oneshot::channel();
        let asked = self.0.push(Order::Ask(Box::new(move |writer| {
            // Whoever asked may have left.
            let _ = tell.send(job(writer));
        })));
        if !asked {
            return Err(Problem::Busy);
        }
        told.await.map_err(|_| Problem::Busy)
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activity").field("problem", &self.problem()).finish_non_exhaustive()
    }
}

impl Shared {
    /// Tells the thread, if there is room.
    fn push(&self, order: Order) -> bool {
        let mut state = self.state();
        let (has_room, is_row) = (state.orders.len() < QUEUE, matches!(order, Order::Write(_)));
        // The thread knows of rows that are gathered already.
        let is_news = !is_row || state.gathers_until.is_none();
        state.gathers_until = match is_row {
            true if state.orders.is_empty() => Some(Instant::now() + GATHERING),
            true => state.gathers_until,
            false => None,
        };
        if has_room {
            state.orders.push_back(order);
        } else if is_row {
            state.missed = state.missed.saturating_add(1);
        }
        drop(state);
        if is_news {
            self.work.notify_one();
        }
        has_room
    }

    /// Waits until there is something to do: for the thread alone. It wakes up by itself only while calls are counted, or
    /// something has to be tried `again`. Rows are gathered for a moment, so that a burst of calls is one write to the disk.
    fn work(&self, again: Option<Instant>) -> Work {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let due = state.counted.take_due(now);
            let is_time = again.is_some_and(|again| again <= now);
            let is_gathered = state.gathers_until.is_none_or(|until| until <= now);
            let has_orders = is_gathered && (!state.orders.is_empty() || state.missed > 0);
            if is_time || !due.is_empty() || has_orders {
                state.gathers_until = None;
                let (orders, missed) = (std::mem::take(&mut state.orders), std::mem::take(&mut state.missed));
                return Work { due, orders, missed };
            }
            state = match state.counted.next().into_iter().chain(again).chain(state.gathers_until).min() {
                Some(next) => {
                    let woken = self.work.wait_timeout(state, next.saturating_duration_since(now));
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn set_problem(&self, problem: Option<Problem>) {
        let mut known = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == problem {
            return;
        }
        if let Some(problem) = &problem {
            tracing::warn!(%problem, "the record of activity");
        }
        *known = problem;
        drop(known);
        self.changes.announce();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves whole values behind: every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller, as a row keeps it.
pub fn caller(caller: &Caller) -> ActivityCaller {
    ActivityCaller { claimed_name: shown::claim(&caller.claimed_name), ..stranger(&caller.view) }
}

/// The same for one that got no further than to connect.
pub fn stranger(view: &CallerView) -> ActivityCaller {
    let (program, claimed_name) = (shown::program(&view.program), String::new());
    ActivityCaller { pid: view.pid, program, claimed_name, foreign: view.foreign }
}

/// The same for one that a person is asked about.
pub fn asker(asked: &Asked) -> ActivityCaller {
    ActivityCaller {
        pid: asked.program.chain.last().map(|process| process.pid),
        program: shown::program(&asked.program),
        claimed_name: shown::claim(&asked.claimed_name),
        foreign: asked.foreign,
    }
}

/// What tells a token from others without telling anything of it.
pub fn mark(token: &SecretString) -> String {
    chain::mark(token.expose_secret())
}
