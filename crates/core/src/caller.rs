//! Who asks: a connection, and the program behind it as the kernel tells.

use keybearer_protocol::program::ProgramView;
use keybearer_protocol::rpc::Notice;
use keybearer_protocol::session::CallerView;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::{mpsc, watch};

/// Whoever made a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What is known of the process and its program.
    pub view: Arc<CallerView>,
    /// The name that it gives itself: untrusted, for quotes (REQ-H4).
    pub claimed_name: Arc<str>,
    /// Whether it is the desktop that lies beside this agent.
    pub is_desktop: bool,
    /// Whether it is the command that lies there.
    pub is_helper: bool,
    /// As whom it speaks.
    pub standing: Standing,
    /// The connection, among all of this agent.
    pub connection: Connection,
}

/// As whom a caller speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// As the program that it is.
    #[default]
    Program,
    /// As whoever holds a connection that `keybearer run` handed on (REQ-C2), or that is a bridge.
    Inherited,
    /// As somebody behind the restricted door: nobody can tell who.
    Restricted,
    /// As whoever has the gateway's key of this id.
    Key(Arc<str>),
}

/// A connection of a caller.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Tells it from every other.
    pub number: u64,
    /// Changes never; ends with the connection.
    pub open: watch::Receiver<()>,
    /// Where its news go.
    pub outlet: Outlet,
}

/// A connection's way out for news that nobody asked for. What finds no room in the queue is lost, and told to be.
#[derive(Clone, Debug)]
pub struct Outlet {
    /// The queue.
    pub queue: mpsc::Sender<Notice>,
    /// Whether the connection is subscribed to anything: then its silence is no reason to hang up.
    pub in_use: Arc<AtomicBool>,
}

impl Connection {
    /// Whether it is still open.
    pub fn is_open(&self) -> bool {
        self.open.has_changed().is_ok()
    }

    /// Returns when it is over.
    pub async fn closed(&mut self) {
        // Nothing is ever sent: the only news is its end.
        while self.open.changed().await.is_ok() {}
    }
}

/// One running program: a process, told from a later one of the same number by its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instance {
    /// Its process id.
    pub pid: u32,
    /// When it began.
    pub started: String,
}

impl Caller {
    /// Whoever has the key of this id, which was made for a client of this name. Nothing else is known of it.
    pub fn with_key(id: &str, client: &str) -> Caller {
        let program = ProgramView { name: Some(client.to_owned()), ..ProgramView::default() };
        let outlet = Outlet { queue: mpsc::channel(1).0, in_use: Arc::default() };
        // The same for all connections of this client: what it does is one thing to whoever reads of it.
        let number = u64::from_str_radix(id, 16).unwrap_or(u64::MAX);
        Caller {
            view: Arc::new(CallerView { pid: None, exe: None, foreign: false, program }),
            claimed_name: "".into(),
            is_desktop: false,
            is_helper: false,
            standing: Standing::Key(id.into()),
            connection: Connection { number, open: watch::channel(()).1, outlet },
        }
    }

    /// The running program, where the system can tell.
    pub fn instance(&self) -> Option<Instance> {
        let program = &self.view.program;
        Some(Instance { pid: program.pid?, started: program.started.clone()? })
    }
}
