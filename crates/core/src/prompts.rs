//! Prompts: the questions that wait for a person, and the one desktop that may bring the answers (REQ-C3, REQ-C4).

use crate::caller::{Caller, Connection, Instance};
use crate::changes::Changes;
use crate::clock::now;
use crate::error::{Error, Unasked};
use crate::grants::Asked;
use crate::home::random_id;
use crate::shown;
use jiff::{SignedDuration, Timestamp};
use keybearer_protocol::prompt::{AlwaysOff, Decision, PromptKind, PromptQueue, PromptView};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How many prompts may wait.
const QUEUE: usize = 8;
/// How many of them may be about one file.
const OF_ONE_FILE: usize = 3;
/// The most that the prompts of one answer hold, in bytes: it fits a frame of 64 KiB.
const FRAME: usize = 56 * 1024;
/// So many prompts of one program lapse before it isn't asked about for a while.
const UNANSWERED: u32 = 2;
/// That while.
const REST: Duration = Duration::from_secs(300);

/// The prompts of one agent.
#[derive(Debug)]
pub struct Prompts {
    state: Mutex<State>,
    /// Counts the changes of the queue, for whoever shows it.
    news: Changes,
    /// Tells windows.
    changes: Changes,
}

#[derive(Debug, Default)]
struct State {
    prompter: Option<Connection>,
    waiting: Vec<Waiting>,
    unanswered: HashMap<Who, Unanswered>,
}

/// Whom a prompt is about: a running program or, where the system can't tell, a connection. All who come through the
/// restricted door are one: nobody can tell them apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Program(Instance),
    Connection(u64),
    Restricted,
}

#[derive(Debug)]
struct Unanswered {
    count: u32,
    since: Instant,
}

/// What a person is to be asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Which program, which account.
    pub asked: Asked,
    /// Why "always" isn't offered, if it isn't.
    pub always_off: Option<AlwaysOff>,
    /// When the same file was allowed for good with another content.
    pub allowed_before: Option<Timestamp>,
    /// A prompt without an answer lapses after this time, and that means no.
    pub patience: Duration,
}

/// A question that waits, with all calls that it is asked for.
#[derive(Debug)]
struct Waiting {
    id: String,
    question: Question,
    calls: u32,
    expires_at: Timestamp,
    deadline: Instant,
    verdict: watch::Sender<Option<Verdict>>,
}

impl State {
    fn of_file(&self, asked: &Asked) -> usize {
        let is_restricted = |asked: &Asked| asked.kind == PromptKind::Restricted;
        let same = |other: &Asked| match (is_restricted(other), is_restricted(asked)) {
            (true, true) => true,
            (false, false) => {
                (&other.program.exe, &other.program.script) == (&asked.program.exe, &asked.program.script)
            }
            (true, false) | (false, true) => false,
        };
        self.waiting.iter().filter(|waiting| same(&waiting.question.asked)).count()
    }

    /// Counts a question that came to nothing.
    fn count(&mut self, asked: &Asked) {
        let unanswered = self.unanswered.entry(who(asked)).or_insert(Unanswered { count: 0, since: Instant::now() });
        (unanswered.count, unanswered.since) = (unanswered.count + 1, Instant::now());
    }
}

/// A prompt whose answer is known and wasn't told yet.
#[derive(Debug)]
pub struct Answered {
    waiting: Waiting,
    decision: Decision,
}

impl Answered {
    /// What was asked.
    pub fn asked(&self) -> &Asked {
        &self.waiting.question.asked
    }

    /// Takes the answer to all who wait for it.
    pub fn tell(self) {
        self.waiting.verdict.send_replace(Some(Verdict::Answered(self.decision)));
    }
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Answered(Decision),
    Lapsed,
    Locked,
}

impl Prompts {
    /// No prompts yet, and nobody to show them.
    pub fn new(changes: Changes) -> Prompts {
        Prompts { state: Mutex::default(), news: Changes::default(), changes }
    }

    /// Makes this connection the prompter. For the desktop beside the agent alone, one at a time.
    pub fn register(&self, caller: &Caller) -> Result<(), Error> {
        if !caller.is_desktop {
            return Err(Error::DesktopOnly);
        }
        let mut state = self.state();
        let other = |known: &Connection| known.is_open() && known.number != caller.connection.number;
        if state.prompter.as_ref().is_some_and(other) {
            return Err(Error::PrompterTaken);
        }
        state.prompter = Some(caller.connection.clone());
        drop(state);
        self.changes.announce();
        Ok(())
    }

    /// Whether this caller's connection is the prompter's.
    pub fn is_prompter(&self, caller: &Caller) -> bool {
        self.state().prompter.as_ref().is_some_and(|prompter| prompter.number == caller.connection.number)
    }

    /// Whether a prompter is there.
    pub fn has_prompter(&self) -> bool {
        self.state().prompter.as_ref().is_some_and(Connection::is_open)
    }

    /// How many prompts wait.
    pub fn count(&self) -> usize {
        self.state().waiting.len()
    }

    /// Those that wait, with the account that each is about.
    pub fn waiting(&self) -> Vec<(String, String)> {
        let state = self.state();
        state.waiting.iter().map(|waiting| (waiting.id.clone(), waiting.question.asked.profile.clone())).collect()
    }

    /// The queue, when it is another than `seen`, or after `wait`.
    pub async fn next(&self, seen: Option<u32>, wait: Duration) -> PromptQueue {
        if let Some(seen) = seen {
            self.news.after(seen, wait).await;
        }
        let revision = self.news.revision();
        let mut size = 0;
        // The first is always told of; what doesn't fit comes when those before it are answered.
        let fits = |view: &PromptView| {
            let first = size == 0;
            size += serde_json::to_string(view).map_or(FRAME, |text| text.len());
            first || size <= FRAME
        };
        PromptQueue { revision, prompts: self.state().waiting.iter().map(view).take_while(fits).collect() }
    }

    /// Takes a prompt that was answered out of the queue, if it may be answered so. [`Answered::tell`] follows.
    pub fn take(&self, id: &str, decision: Decision) -> Result<Answered, Error> {
        let mut state = self.state();
        let place = state.waiting.iter().position(|waiting| waiting.id == id).ok_or(Error::NoSuchPrompt)?;
        if decision == Decision::Always && state.waiting.get(place).is_some_and(|it| it.question.always_off.is_some()) {
            return Err(Error::Usage("this program can't be allowed for good".to_owned()));
        }
        let is_restricted = state.waiting[place].question.asked.kind == PromptKind::Restricted;
        if is_restricted && decision == Decision::WhileRunning {
            return Err(Error::Usage("a container or remote host is asked about each time".to_owned()));
        }
        let waiting = state.waiting.remove(place);
        if is_restricted && decision == Decision::Deny {
            // No answer is remembered of whoever can't be told apart; but nobody has to say no again and again.
            state.count(&waiting.question.asked);
        } else {
            // A person is there after all.
            state.unanswered.remove(&who(&waiting.question.asked));
        }
        drop(state);
        self.announce();
        Ok(Answered { waiting, decision })
    }

    /// Ends all prompts: nothing is given out any more.
    pub fn abort(&self) {
        for waiting in std::mem::take(&mut self.state().waiting) {
            waiting.verdict.send_replace(Some(Verdict::Locked));
        }
        self.announce();
    }

    /// Asks a person, and waits. Calls that ask the same at one time share a prompt; one that nobody waits for any more
    /// is taken back.
    pub async fn ask(&self, question: Question) -> Result<Decision, Error> {
        let profile = question.asked.profile.clone();
        let mut call = self.enter(question)?;
        let decided = tokio::select! {
            verdict = call.verdict.wait_for(Option::is_some) => verdict.ok().and_then(|verdict| *verdict),
            () = call.prompter.closed() => None,
            () = tokio::time::sleep_until(call.deadline) => {
                self.lapse(&call.id);
                Some(Verdict::Lapsed)
            }
        };
        match decided {
            Some(Verdict::Answered(decision)) => Ok(decision),
            Some(Verdict::Lapsed) => Err(Error::ConsentDenied { profile, unanswered: true }),
            Some(Verdict::Locked) => Err(Error::Locked),
            None => Err(Error::ConsentRequired(Unasked::NoDesktop)),
        }
    }

    fn enter(&self, question: Question) -> Result<Call<'_>, Error> {
        let asked = &question.asked;
        let mut state = self.state();
        let nobody = || Error::ConsentRequired(Unasked::NoDesktop);
        let prompter = state.prompter.clone().filter(Connection::is_open).ok_or_else(nobody)?;
        let who = who(asked);
        if let Some(rest) = state.unanswered.get(&who).filter(|unanswered| unanswered.count >= UNANSWERED) {
            let left = REST.saturating_sub(rest.since.elapsed());
            if !left.is_zero() {
                return Err(Error::ConsentRequired(Unasked::Resting(left)));
            }
            state.unanswered.remove(&who);
        }
        let same = |waiting: &&mut Waiting| {
            let other = &waiting.question.asked;
            // Behind the restricted door, one connection is all that two calls can be told to have in common.
            let is_joinable = asked.kind == other.kind
                && (asked.kind != PromptKind::Restricted || asked.connection == other.connection);
            let same_account = (&other.account, &other.server_url) == (&asked.account, &asked.server_url);
            is_joinable && same_account && other.scopes == asked.scopes && self::who(other) == who
        };
        let joined = state.waiting.iter_mut().find(same).map(|waiting| {
            waiting.calls = waiting.calls.saturating_add(1);
            (waiting.id.clone(), waiting.verdict.subscribe(), waiting.deadline)
        });
        let (id, verdict, deadline) = match joined {
            Some(joined) => joined,
            // One program that starts itself again and again leaves room for the others.
            None if state.waiting.len() >= QUEUE || state.of_file(asked) >= OF_ONE_FILE => {
                return Err(Error::TooManyPrompts);
            }
            None => {
                let patience = SignedDuration::try_from(question.patience).unwrap_or(SignedDuration::MAX);
                let waiting = Waiting {
                    id: random_id(),
                    calls: 1,
                    expires_at: now().checked_add(patience).unwrap_or(Timestamp::MAX),
                    deadline: Instant::now() + question.patience,
                    question,
                    verdict: watch::Sender::new(None),
                };
                let entered = (waiting.id.clone(), waiting.verdict.subscribe(), waiting.deadline);
                state.waiting.push(waiting);
                entered
            }
        };
        drop(state);
        self.announce();
        Ok(Call { prompts: self, id, verdict, prompter, deadline })
    }

    fn lapse(&self, id: &str) {
        let mut state = self.state();
        let Some(place) = state.waiting.iter().position(|waiting| waiting.id == id) else { return };
        let waiting = state.waiting.remove(place);
        state.count(&waiting.question.asked);
        state.unanswered.retain(|_, unanswered| unanswered.since.elapsed() < REST);
        drop(state);
        waiting.verdict.send_replace(Some(Verdict::Lapsed));
        self.announce();
    }

    fn leave(&self, id: &str) {
        let mut state = self.state();
        let Some(waiting) = state.waiting.iter_mut().find(|waiting| waiting.id == id) else { return };
        waiting.calls -= 1;
        if waiting.calls == 0 {
            state.waiting.retain(|waiting| waiting.id != id);
        }
        drop(state);
        self.announce();
    }

    fn announce(&self) {
        self.news.announce();
        self.changes.announce();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves whole values behind: every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call that waits for an answer, as long as it lives.
struct Call<'a> {
    prompts: &'a Prompts,
    id: String,
    verdict: watch::Receiver<Option<Verdict>>,
    /// Without the prompter nobody answers.
    prompter: Connection,
    deadline: Instant,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.prompts.leave(&self.id);
    }
}

fn who(asked: &Asked) -> Who {
    match (asked.kind, &asked.instance) {
        (PromptKind::Restricted, _) => Who::Restricted,
        (PromptKind::Program | PromptKind::Run, Some(instance)) => Who::Program(instance.clone()),
        (PromptKind::Program | PromptKind::Run, None) => Who::Connection(asked.connection),
    }
}

fn view(waiting: &Waiting) -> PromptView {
    let Question { asked, always_off, allowed_before, .. } = &waiting.question;
    PromptView {
        prompt: waiting.id.clone(),
        profile: asked.profile.clone(),
        server_url: shown::text(&asked.server_url),
        scopes: shown::scopes(&asked.scopes),
        token_expires_at: asked.token_expires_at,
        kind: asked.kind,
        program: shown::program(&asked.program),
        claimed_name: shown::claim(&asked.claimed_name),
        always_off: *always_off,
        allowed_before: *allowed_before,
        calls: waiting.calls,
        expires_at: waiting.expires_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Outlet, Standing};
    use keybearer_protocol::program::ProgramView;
    use keybearer_protocol::session::CallerView;
    use std::sync::Arc;
    use tokio::sync::mpsc;

    fn desktop(open: &watch::Sender<()>) -> Caller {
        Caller {
            view: CallerView { pid: None, exe: None, foreign: false, program: ProgramView::default() }.into(),
            claimed_name: "".into(),
            is_desktop: true,
            is_helper: false,
            standing: Standing::Program,
            connection: Connection {
                number: 1,
                open: open.subscribe(),
                outlet: Outlet { queue: mpsc::channel(1).0, in_use: Arc::default() },
            },
        }
    }

    fn question(pid: u32, patience: Duration) -> Question {
        let asked = Asked {
            kind: PromptKind::Program,
            account: "a".into(),
            profile: "linear".into(),
            server_url: "https://mcp.example/".into(),
            scopes: Vec::new(),
            token_expires_at: None,
            program: ProgramView::default(),
            instance: Some(Instance { pid, started: "99".into() }),
            connection: 2,
            claimed_name: String::new(),
            foreign: false,
        };
        Question { asked, always_off: None, allowed_before: None, patience }
    }

    #[tokio::test]
    async fn no_answer_means_no_and_a_program_that_nobody_answers_has_to_wait() {
        let (open, prompts) = (watch::Sender::new(()), Prompts::new(Changes::default()));
        let question = |pid| question(pid, Duration::from_millis(20));
        prompts.register(&desktop(&open)).expect("the desktop");
        for _ in 0..UNANSWERED {
            let lapsed = prompts.ask(question(7)).await;
            assert!(matches!(lapsed, Err(Error::ConsentDenied { unanswered: true, .. })), "{lapsed:?}");
        }
        let resting = prompts.ask(question(7)).await;
        assert!(matches!(resting, Err(Error::ConsentRequired(Unasked::Resting(_)))), "{resting:?}");
        assert_eq!(prompts.count(), 0);
        // Another program is asked about all the same.
        assert!(matches!(prompts.ask(question(8)).await, Err(Error::ConsentDenied { .. })));
    }

    #[tokio::test]
    async fn a_lock_ends_what_waits_and_without_a_desktop_nothing_does() {
        let (open, prompts) = (watch::Sender::new(()), Prompts::new(Changes::default()));
        let question = |pid| question(pid, Duration::from_secs(60));
        assert!(matches!(prompts.ask(question(7)).await, Err(Error::ConsentRequired(Unasked::NoDesktop))));
        prompts.register(&desktop(&open)).expect("the desktop");
        let (waiting, ()) = tokio::join!(prompts.ask(question(7)), async { prompts.abort() });
        assert!(matches!(waiting, Err(Error::Locked)));
    }
}
