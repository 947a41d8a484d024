//! Prompts: shows the window that asks as long as a program waits for an answer.

use crate::agent::{Agent, Connection};
use crate::{keeper, news, windows};
use keybearer_ipc::client::ClientError;
use keybearer_protocol::prompt::{Decision, PromptAnswer, PromptAnswerParams, PromptNext, PromptNextParams};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tauri::{AppHandle, Manager};

/// The pause before an agent is asked again that wouldn't tell this desktop about prompts.
const REFUSED: Duration = Duration::from_secs(5);

/// Starts the thread that does it.
pub fn start(app: &AppHandle) -> std::io::Result<()> {
    let app = app.clone();
    thread::Builder::new().name("prompts".to_owned()).spawn(move || follow_all(&app)).map(drop)
}

/// Says no to the question that is shown: its window was closed.
pub fn deny_shown(app: &AppHandle) {
    let agent = Arc::clone(&app.state::<Arc<Agent>>());
    let app = app.clone();
    tauri::async_runtime::spawn_blocking(move || {
        let denied = agent.with_now(|connection| {
            let queue = connection.ask::<PromptNext>(&PromptNextParams::default())?;
            let Some(shown) = queue.prompts.into_iter().next() else { return Ok(()) };
            let answer = PromptAnswerParams { prompt: shown.prompt, decision: Decision::Deny };
            connection.ask::<PromptAnswer>(&answer).map(drop)
        });
        // A question that nobody can answer any more lapses, and that means no.
        if denied.is_err() {
            windows::close_approval(&app);
        }
    });
}

fn follow_all(app: &AppHandle) {
    let agent = app.state::<Arc<Agent>>();
    let mut last = None;
    while let Some(connection) = agent.next(last.as_ref()) {
        follow(app, &connection);
        windows::close_approval(app);
        last = Some(connection);
    }
}

/// Follows the prompts of one agent until it ends.
fn follow(app: &AppHandle, connection: &Connection) {
    let mut seen = None;
    loop {
        match connection
            .client()
            .call::<PromptNext>(&PromptNextParams { seen, wait_ms: keeper::WAIT }, keeper::PATIENCE)
        {
            Ok(queue) => {
                if queue.prompts.is_empty() {
                    windows::close_approval(app);
                } else {
                    windows::show_approval(app);
                }
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
