//! Keeps an agent running and connected as long as the desktop runs, and passes its news on.

use crate::agent::{Agent, Connection, Link, unreachable};
use crate::clipboard::Clipboard;
use crate::{news, notification, sidecar};
use keybearer_ipc::client::ClientError;
use keybearer_ipc::socket::ConnectError;
use keybearer_protocol::agent::{AgentPing, AgentStop, AgentWatch, AgentWatchParams};
use keybearer_protocol::method::Empty;
use keybearer_protocol::{ErrorCode, ErrorObject};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tauri::{AppHandle, Manager};

/// Milliseconds that one question for news waits.
pub const WAIT: u32 = 30_000;
/// The most that its answer takes.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// The pause before news are asked for again of an agent that had none to give.
const REFUSED: Duration = Duration::from_secs(2);
/// An agent that ran this long is well; one that ended sooner may be crashing.
const WELL: Duration = Duration::from_secs(30);
/// The most that an agent takes to end: what is under way ends within two requests of half a minute each.
const RETIRING: Duration = Duration::from_secs(70);
/// The most that the end of the desktop waits for the agent's.
const STOPPING: Duration = Duration::from_secs(5);
/// The longest pause between two starts.
const LONGEST: Duration = Duration::from_secs(30);

/// The agent that this desktop started, by the name of its run. It is stopped when the desktop quits.
#[derive(Debug, Default)]
pub struct Started(Mutex<Option<String>>);

/// Starts the thread that does it.
pub fn start(app: &AppHandle) -> std::io::Result<()> {
    let app = app.clone();
    thread::Builder::new().name("agent keeper".to_owned()).spawn(move || keep(&app)).map(drop)
}

/// Quits the desktop. Stops the agent if this desktop started it; one that somebody else started lives on.
pub fn quit(app: &AppHandle) {
    if end(app) {
        app.exit(0);
    }
}

/// Brings to an end what this desktop has begun; false if somebody does so already.
pub fn end(app: &AppHandle) -> bool {
    let agent = app.state::<Arc<Agent>>();
    match agent.quit() {
        Some(Link::Up(connection)) => stop_own(app, &connection),
        // One that is being started now is stopped by who starts it.
        Some(Link::Starting) => agent.ended(STOPPING * 2),
        Some(Link::Down { .. } | Link::Quitting | Link::Ended) => {}
        None => return false,
    }
    notification::end(app);
    app.state::<Clipboard>().forget_secret();
    true
}

/// Stops the agent if it is the one that this desktop started.
fn stop_own(app: &AppHandle, connection: &Connection) {
    let instance = connection.instance();
    if instance.is_some() && instance == app.state::<Started>().instance().as_deref() {
        // One that is gone already needs no stopping, and one that hangs isn't waited for.
        let _ = connection.client().call::<AgentStop>(&Empty {}, STOPPING);
    }
}

fn keep(app: &AppHandle) {
    let agent = app.state::<Arc<Agent>>();
    let mut pause = Duration::ZERO;
    let (mut mentioned, mut replaces) = (false, true);
    loop {
        let began = Instant::now();
        let problem = match connect(app, &mut replaces) {
            Ok(connection) => {
                let connection = Arc::new(connection);
                if !agent.set(Link::Up(Arc::clone(&connection))) {
                    stop_own(app, &connection);
                    break;
                }
                if let Some(refusal) = connection.not_prompter.clone().filter(|_| !mentioned) {
                    news::mention(app, refusal);
                    mentioned = true;
                }
                watch(app, &connection);
                unreachable("the agent ended; another one is being started")
            }
            Err(problem) => problem,
        };
        pause = if began.elapsed() >= WELL { Duration::ZERO } else { pause };
        let next = if pause.is_zero() { Link::Starting } else { Link::Down { problem, since: Instant::now() } };
        if !agent.set(next) {
            break;
        }
        news::tell(app);
        agent.rest(pause);
        pause = (pause * 2).clamp(Duration::from_secs(1), LONGEST);
        if agent.now().quits() {
            break;
        }
    }
    agent.end();
}

/// A connection to the agent, which is started if nobody listens.
fn connect(app: &AppHandle, replaces: &mut bool) -> Result<Connection, ErrorObject> {
    let theirs = match Connection::open() {
        Ok(connection) if *replaces && is_older(connection.version()) => {
            // Once: an agent beside this desktop that is older itself would come back for ever.
            *replaces = false;
            retire(&connection);
            true
        }
        // One that hangs up before it has said hello is just ending.
        Err(ClientError::Connect(ConnectError::Nobody(_)) | ClientError::HungUp) => false,
        opened => return Ok(opened?),
    };
    match sidecar::run(app, "keybearer", &["agent", "start", "--json"]) {
        Ok(_) => {}
        // Somebody else was faster, and it is theirs.
        Err(error) if error.known_code() == ErrorCode::AlreadyRunning => return Ok(Connection::open()?),
        Err(error) => return Err(error),
    }
    let connection = Connection::open()?;
    // In place of somebody else's it outlives this desktop, as that one would have.
    *app.state::<Started>().instance() = connection.instance().filter(|_| !theirs).map(str::to_owned);
    Ok(connection)
}

/// Asks an agent to end, and waits until it has. Sign-ins that are open wait in the keyring for the next one.
fn retire(connection: &Connection) {
    let began = Instant::now();
    let mut ends = connection.ask::<AgentStop>(&Empty {});
    while !matches!(ends, Err(ClientError::HungUp)) && began.elapsed() < RETIRING {
        thread::sleep(Duration::from_millis(100));
        ends = connection.ask::<AgentPing>(&Empty {});
    }
}

/// Whether a version is older than this desktop's, as after an upgrade under a running agent.
fn is_older(version: Option<&str>) -> bool {
    let numbers = |version: &str| -> Vec<u32> { version.split('.').map_while(|number| number.parse().ok()).collect() };
    version.is_some_and(|version| numbers(version) < numbers(env!("CARGO_PKG_VERSION")))
}

impl Started {
    fn instance(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes news on until the connection ends.
fn watch(app: &AppHandle, connection: &Connection) {
    news::tell(app);
    let mut seen = None;
    loop {
        match connection.client().call::<AgentWatch>(&AgentWatchParams { seen, wait_ms: WAIT }, PATIENCE) {
            Ok(reply) if seen == Some(reply.revision) => continue,
            Ok(reply) => seen = Some(reply.revision),
            // Busy, or older than this desktop: then what there is to see is looked at now and then.
            Err(ClientError::Refused(_)) => thread::sleep(REFUSED),
            Err(_) => return,
        }
        news::tell(app);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_older_agent_is_replaced() {
        for (version, older) in [("0.0.9", true), (env!("CARGO_PKG_VERSION"), false), ("999.0.0", false)] {
            assert_eq!(is_older(Some(version)), older, "{version}");
        }
        assert!(!is_older(None));
    }
}
