//! What is known of the agent. One thread looks whenever something changed, which may take seconds, and has the tray and
//! the notifications show it.

use crate::agent::{Agent, Link};
use crate::{language, notification, tray};
use jiff::Timestamp;
use keybearer_protocol::agent::{AgentStatus, AgentStatusReply};
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::AccountView;
use keybearer_protocol::settings::{Settings, SettingsGet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;
use tauri::{AppHandle, Manager};

/// The most that one page of the accounts may take.
const LISTING: Duration = Duration::from_secs(30);
/// After so long, minutes that are shown are no longer true.
const MINUTE: Duration = Duration::from_secs(60);

/// How the agent is.
#[derive(Debug)]
pub enum Known {
    /// It is being started.
    Starting,
    /// It can't be reached.
    Nothing,
    /// It is there.
    Agent {
        /// How it is.
        status: Box<AgentStatusReply>,
        /// The accounts, unless they can't be read.
        accounts: Option<Vec<AccountView>>,
    },
}

/// Whoever looks.
#[derive(Debug)]
pub struct Looker {
    /// That something has changed. It holds one word: several changes before the next look are one.
    changed: SyncSender<()>,
    /// Whether the desktop stays when its window is closed, as it was last told.
    keeps_running: AtomicBool,
}

/// Starts the thread that does it. Tray and notifications are there already.
pub fn start(app: &AppHandle) -> std::io::Result<()> {
    let (changed, changes) = mpsc::sync_channel(1);
    app.manage(Looker { changed, keeps_running: AtomicBool::new(true) });
    let app = app.clone();
    thread::Builder::new().name("looker".to_owned()).spawn(move || follow(&app, &changes)).map(drop)
}

/// Has tray and notifications show how things are, soon.
pub fn changed(app: &AppHandle) {
    if let Some(looker) = app.try_state::<Looker>() {
        // Where a change waits already, the look that it leads to sees this one as well.
        let _ = looker.changed.try_send(());
    }
}

/// Whether the desktop stays when its window is closed.
pub fn keeps_running(app: &AppHandle) -> bool {
    app.try_state::<Looker>().is_none_or(|looker| looker.keeps_running.load(Ordering::Relaxed))
}

fn follow(app: &AppHandle, changes: &Receiver<()>) {
    let agent = app.state::<Arc<Agent>>();
    // Without an agent, all is spoken in the language that was last asked for.
    let (mut known, mut language) = (Known::Starting, language::of(None));
    let mut wait = MINUTE;
    loop {
        match changes.recv_timeout(wait) {
            Ok(()) => {
                let settings;
                (known, settings) = look(&agent);
                if let Some(settings) = settings {
                    language = language::of(Some(&settings));
                    app.state::<Looker>().keeps_running.store(settings.keep_running, Ordering::Relaxed);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        #[expect(clippy::disallowed_methods, reason = "nothing is decided by it: it says how many minutes are left")]
        let now = Timestamp::now();
        tray::update(app, &known, language, now);
        wait = notification::update(app, &known, language).map_or(MINUTE, |next| next.min(MINUTE));
    }
}

fn look(agent: &Agent) -> (Known, Option<Settings>) {
    let connection = match agent.now() {
        Link::Up(connection) => connection,
        Link::Starting => return (Known::Starting, None),
        Link::Down { .. } | Link::Quitting | Link::Ended => return (Known::Nothing, None),
    };
    let Ok(status) = connection.ask::<AgentStatus>(&Empty {}) else { return (Known::Nothing, None) };
    let accounts = connection.client().accounts(LISTING).ok();
    (Known::Agent { status: Box::new(status), accounts }, connection.ask::<SettingsGet>(&Empty {}).ok())
}
