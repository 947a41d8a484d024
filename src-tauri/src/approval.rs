//! Prompts: shows the window that asks as long as a program waits for an answer.

use crate::agent::{Agent, Connection};
use crate::{keeper, news, windows};
use keybearer_ipc::client::ClientError;
use keybearer_protocol::prompt::{
    Decision, PromptAnswer, PromptAnswerParams, PromptNext, PromptNextParams, PromptQueue,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};
use tauri::{AppHandle, Manager};

/// The pause before an agent is asked again that wouldn't tell this desktop about prompts.
const REFUSED: Duration = Duration::from_secs(5);
/// As long as a question is this new, nobody has read it.
const UNREAD: Duration = Duration::from_millis(600);

/// Starts the thread that does it.
pub fn start(app: &AppHandle) -> std::io::Result<()> {
    let app = app.clone();
    thread::Builder::new().name("prompts".to_owned()).spawn(move || follow_all(&app)).map(drop)
}

/// The question that the window shows, as its page was told: closing the window answers this one and no other.
#[derive(Debug, Default)]
pub struct Shown(Mutex<Option<Question>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    prompt: String,
    since: Instant,
}

/// What closing the window means.
#[derive(Debug, PartialEq, Eq)]
enum Close {
    /// No, to this prompt.
    Deny(String),
    /// Nothing: it was meant for whatever was there before the question.
    Nothing,
    /// The window goes, and nothing is answered: it hasn't asked anything yet.
    Leave,
}

impl Shown {
    /// The page shows the first of these from now on.
    pub fn is_first_of(&self, queue: &PromptQueue) {
        let mut question = self.question();
        let first = queue.prompts.first().map(|first| &first.prompt);
        if question.as_ref().map(|question| &question.prompt) != first {
            *question = first.map(|prompt| Question { prompt: prompt.clone(), since: Instant::now() });
        }
    }

    /// The window is gone with what it showed.
    pub fn forget(&self) {
        *self.question() = None;
    }

    fn close(&self, now: Instant) -> Close {
        match &*self.question() {
            None => Close::Leave,
            Some(question) if now.duration_since(question.since) < UNREAD => Close::Nothing,
            Some(question) => Close::Deny(question.prompt.clone()),
        }
    }

    fn question(&self) -> MutexGuard<'_, Option<Question>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The user closes the window that asks: that says no to the question it shows.
pub fn closing(app: &AppHandle) {
    let prompt = match app.state::<Shown>().close(Instant::now()) {
        Close::Deny(prompt) => prompt,
        Close::Nothing => return,
        Close::Leave => return windows::close_approval(app),
    };
    let agent = Arc::clone(&app.state::<Arc<Agent>>());
    let app = app.clone();
    tauri::async_runtime::spawn_blocking(move || {
        let answer = PromptAnswerParams { prompt, decision: Decision::Deny };
        let denied = agent.with_now(|connection| match connection.ask::<PromptAnswer>(&answer) {
            // It was answered meanwhile, or has lapsed; the page is told what is next.
            Err(ClientError::Refused(_)) => Ok(()),
            denied => denied.map(drop),
        });
        // A question that nobody can answer any more lapses, and that means no.
        if denied.is_err() {
            windows::close_approval(&app);
        }
    });
}

fn follow_all(app: &AppHandle) {
    let agent = app.state::<Arc<Agent>>();
    // Not held on to: on Windows a pipe lives as long as anybody has an end of it, and the next agent wants its name.
    let mut last = Weak::new();
    while let Some(connection) = agent.next(&last) {
        follow(app, &connection);
        windows::close_approval(app);
        last = Arc::downgrade(&connection);
    }
}

/// Follows the prompts of one agent until it ends.
fn follow(app: &AppHandle, connection: &Connection) {
    let (mut seen, mut first) = (None, None);
    loop {
        match connection
            .client()
            .call::<PromptNext>(&PromptNextParams { seen, wait_ms: keeper::WAIT }, keeper::PATIENCE)
        {
            Ok(queue) => {
                let next = queue.prompts.into_iter().next().map(|next| next.prompt);
                match &next {
                    None => windows::close_approval(app),
                    Some(_) if next == first => windows::show_approval(app),
                    Some(_) => windows::raise_approval(app),
                }
                first = next;
                if seen.replace(queue.revision) != Some(queue.revision) {
                    news::tell(app);
                }
            }
            // Busy; or another desktop is the one that asks, perhaps not for long.
            Err(ClientError::Refused(_)) => {
                windows::close_approval(app);
                thread::sleep(REFUSED);
                // Refused again, the next question for prompts says so.
                let _ = connection.offer();
            }
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use keybearer_protocol::program::ProgramView;
    use keybearer_protocol::prompt::{PromptKind, PromptView};

    fn queue(prompts: &[&str]) -> PromptQueue {
        let view = |prompt: &&str| PromptView {
            prompt: (*prompt).to_owned(),
            profile: "linear".to_owned(),
            server_url: "https://mcp.example/".to_owned(),
            scopes: Vec::new(),
            token_expires_at: None,
            kind: PromptKind::Program,
            program: ProgramView::default(),
            claimed_name: "reader".to_owned(),
            always_off: None,
            allowed_before: None,
            calls: 1,
            expires_at: Timestamp::UNIX_EPOCH,
        };
        PromptQueue { revision: 1, prompts: prompts.iter().map(view).collect() }
    }

    #[test]
    fn closing_denies_what_was_shown_and_long_enough_to_be_read() {
        let shown = Shown::default();
        assert_eq!(shown.close(Instant::now()), Close::Leave);
        shown.is_first_of(&queue(&["a", "b"]));
        let read = Instant::now() + UNREAD;
        assert_eq!(shown.close(Instant::now()), Close::Nothing);
        assert_eq!(shown.close(read), Close::Deny("a".to_owned()));
        shown.is_first_of(&queue(&["a", "c"]));
        assert_eq!(shown.close(read), Close::Deny("a".to_owned()), "read again, it is as old as before");
        shown.is_first_of(&queue(&["c"]));
        assert_eq!(shown.close(Instant::now()), Close::Nothing, "another one came in its place");
        shown.is_first_of(&queue(&[]));
        assert_eq!(shown.close(read + UNREAD), Close::Leave);
    }
}
