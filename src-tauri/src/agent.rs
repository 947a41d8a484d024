//! The agent, as the desktop reaches it: one connection for everything. It is also the prompter's, and only what
//! comes over that one may answer prompts, unlock, and change who is asked about.

use keybearer_ipc::client::{Client, ClientError, SharedClient};
use keybearer_protocol::method::Empty;
use keybearer_protocol::prompt::PromptRegister;
use keybearer_protocol::{Door, ErrorCode, ErrorObject, Method};
use std::ptr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How the window introduces itself; the agent shows it in quotes and decides nothing by it.
const CLIENT_NAME: &str = "keybearer-desktop";
/// The most that an answer may take: sign-out and test speak to servers, and those have their own limits.
const PATIENCE: Duration = Duration::from_secs(120);
/// The most that a question waits for an agent that is being started.
const STARTING: Duration = Duration::from_secs(60);
/// As long as a failure is this new, it answers whoever asks: a page that reads again because of it must not cause the
/// next try, and so on without end.
const FRESH: Duration = Duration::from_secs(1);

/// The one place that knows how to reach the agent now.
#[derive(Debug)]
pub struct Agent {
    link: Mutex<Link>,
    changed: Condvar,
}

/// How the agent can be reached.
#[derive(Clone, Debug)]
pub enum Link {
    /// Somebody is starting it, or connecting to it.
    Starting,
    /// It answers.
    Up(Arc<Connection>),
    /// It can't be reached. Another try follows, at once for whoever needs the agent.
    Down {
        /// Why.
        problem: ErrorObject,
        /// When the last try ended.
        since: Instant,
    },
    /// The desktop is quitting, and starts no agent any more.
    Quitting,
    /// Nobody is left who might start one.
    Ended,
}

/// A connection to one agent.
#[derive(Debug)]
pub struct Connection {
    client: SharedClient,
    /// Why this desktop could not become the prompter at once, if it couldn't.
    pub not_prompter: Option<ErrorObject>,
}

impl Link {
    /// Whether the desktop is quitting.
    pub fn quits(&self) -> bool {
        matches!(self, Link::Quitting | Link::Ended)
    }
}

impl Default for Agent {
    fn default() -> Self {
        Agent { link: Mutex::new(Link::Starting), changed: Condvar::new() }
    }
}

impl Connection {
    /// Connects to the agent that listens, and offers to ask people for it.
    pub fn open() -> Result<Connection, ClientError> {
        let client = Client::connect(Door::Admin, CLIENT_NAME)?.share()?;
        let mut connection = Connection { client, not_prompter: None };
        match connection.offer() {
            Ok(()) => {}
            Err(ClientError::Refused(error)) => connection.not_prompter = Some(error),
            Err(error) => return Err(error),
        }
        Ok(connection)
    }

    /// Offers to ask people. One desktop at a time does.
    pub fn offer(&self) -> Result<(), ClientError> {
        self.ask::<PromptRegister>(&Empty {}).map(|Empty {}| ())
    }

    /// Asks, and waits for the reply.
    pub fn ask<M: Method>(&self, params: &M::Params) -> Result<M::Reply, ClientError> {
        self.client.call::<M>(params, PATIENCE)
    }

    /// The random name of the agent's run.
    pub fn instance(&self) -> Option<&str> {
        self.client.hello().map(|hello| hello.server.instance.as_str())
    }

    /// The agent's version.
    pub fn version(&self) -> Option<&str> {
        self.client.hello().map(|hello| hello.server.version.as_str())
    }

    /// The connection that many may ask over.
    pub fn client(&self) -> &SharedClient {
        &self.client
    }
}

impl Agent {
    /// Sends one request, on a thread that may block, and waits for its reply.
    pub async fn request<M>(self: &Arc<Self>, params: M::Params) -> Result<M::Reply, ErrorObject>
    where
        M: Method,
        M::Params: Send + 'static,
        M::Reply: Send + 'static,
    {
        self.with(move |connection| connection.ask::<M>(&params)).await
    }

    /// The same for a request that is answered with nothing but its success.
    pub async fn tell<M>(self: &Arc<Self>, params: M::Params) -> Result<(), ErrorObject>
    where
        M: Method<Reply = Empty>,
        M::Params: Send + 'static,
    {
        self.request::<M>(params).await.map(|Empty {}| ())
    }

    /// Lets `talk` ask, off the threads that keep the window alive.
    pub async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        talk: impl FnOnce(&Connection) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, ErrorObject> {
        let agent = Arc::clone(self);
        tauri::async_runtime::spawn_blocking(move || agent.with_now(talk))
            .await
            .map_err(|error| ErrorObject::new(ErrorCode::Internal, error.to_string()))?
    }

    /// Lets `talk` ask, on this thread. Waits for an agent that is being started, and has one that can't be reached
    /// tried again.
    pub fn with_now<T>(&self, talk: impl FnOnce(&Connection) -> Result<T, ClientError>) -> Result<T, ErrorObject> {
        Ok(talk(&*self.connection(|link| matches!(link, Link::Starting))?)?)
    }

    /// The same for what can't be asked again: waits for further tries, too, if this one fails.
    pub fn with_next<T>(&self, talk: impl FnOnce(&Connection) -> Result<T, ClientError>) -> Result<T, ErrorObject> {
        Ok(talk(&*self.connection(|link| matches!(link, Link::Starting | Link::Down { .. }))?)?)
    }

    /// The connection, after having waited as long as the link is one worth waiting for.
    fn connection(&self, waits: impl Fn(&Link) -> bool) -> Result<Arc<Connection>, ErrorObject> {
        let mut link = self.link();
        if matches!(&*link, Link::Down { since, .. } if since.elapsed() >= FRESH) {
            // Wakes whoever keeps the agent.
            *link = Link::Starting;
            self.changed.notify_all();
        }
        let waited = self.changed.wait_timeout_while(link, STARTING, |link| waits(link));
        match &*waited.unwrap_or_else(PoisonError::into_inner).0 {
            Link::Up(connection) => Ok(Arc::clone(connection)),
            Link::Down { problem, .. } => Err(problem.clone()),
            Link::Starting | Link::Quitting | Link::Ended => Err(unreachable("the agent isn't running")),
        }
    }

    /// The next connection that isn't `last`, whenever there is one; none once the desktop quits.
    pub fn next(&self, last: &Weak<Connection>) -> Option<Arc<Connection>> {
        let mut link = self.link();
        loop {
            match &*link {
                Link::Quitting | Link::Ended => return None,
                Link::Up(found) if !ptr::eq(Arc::as_ptr(found), last.as_ptr()) => return Some(Arc::clone(found)),
                Link::Up(_) | Link::Starting | Link::Down { .. } => {}
            }
            link = self.changed.wait(link).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says how the agent can be reached from now on; false once the desktop quits, which is for good.
    pub fn set(&self, link: Link) -> bool {
        let mut now = self.link();
        let quits = now.quits();
        if !quits {
            *now = link;
        }
        self.changed.notify_all();
        !quits
    }

    /// Lets the agent be for a while after a try that failed, or until somebody needs it.
    pub fn rest(&self, pause: Duration) {
        let rested = self.changed.wait_timeout_while(self.link(), pause, |link| matches!(link, Link::Down { .. }));
        drop(rested);
    }

    /// Begins to quit, and says how the agent could be reached until now; nothing if somebody quits already.
    pub fn quit(&self) -> Option<Link> {
        let mut now = self.link();
        let last = (!now.quits()).then(|| std::mem::replace(&mut *now, Link::Quitting));
        self.changed.notify_all();
        last
    }

    /// Nobody starts an agent from now on.
    pub fn end(&self) {
        *self.link() = Link::Ended;
        self.changed.notify_all();
    }

    /// Waits for the end, after the desktop began to quit.
    pub fn ended(&self, patience: Duration) {
        let waited = self.changed.wait_timeout_while(self.link(), patience, |link| matches!(link, Link::Quitting));
        drop(waited);
    }

    /// How the agent can be reached now.
    pub fn now(&self) -> Link {
        self.link().clone()
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody is there to answer.
pub fn unreachable(message: impl Into<String>) -> ErrorObject {
    ErrorObject::new(ErrorCode::AgentUnreachable, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn down(since: Instant) -> Link {
        Link::Down { problem: unreachable("no"), since }
    }

    #[test]
    fn who_needs_the_agent_has_it_tried_again_and_waits_for_that() {
        let agent = Agent::default();
        let Some(long_ago) = Instant::now().checked_sub(FRESH) else { return };
        agent.set(down(long_ago));
        thread::scope(|scope| {
            let began = Instant::now();
            let keeper = scope.spawn(|| {
                agent.rest(STARTING);
                let woken = matches!(agent.now(), Link::Starting);
                agent.set(Link::Down { problem: unreachable("still no"), since: Instant::now() });
                woken
            });
            let answer = agent.with_now(|_| Ok(()));
            assert_eq!(answer.expect_err("there is none").message, "still no");
            assert!(keeper.join().expect("it ends"));
            assert!(began.elapsed() < STARTING);
        });
        // What has just failed is no reason to try again.
        let answer = agent.with_now(|_| Ok(()));
        assert_eq!(answer.expect_err("there is none").message, "still no");
        assert!(matches!(agent.now(), Link::Down { .. }));
    }

    #[test]
    fn quitting_is_for_good() {
        let agent = Agent::default();
        assert!(matches!(agent.quit(), Some(Link::Starting)));
        assert!(agent.quit().is_none());
        assert!(!agent.set(Link::Starting));
        agent.end();
        agent.ended(STARTING);
        assert!(!agent.set(Link::Starting));
        assert!(agent.next(&Weak::new()).is_none());
        assert!(agent.with_now(|_| Ok(())).is_err());
    }
}
