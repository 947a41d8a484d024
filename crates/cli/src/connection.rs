//! Reaching the agent, which starts when it is needed, once.

use crate::output::Failure;
use keybearer_ipc::client::{Client, ClientError};
use keybearer_ipc::place::Place;
use keybearer_ipc::socket::ConnectError;
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
#[cfg(unix)]
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How the command introduces itself.
const NAME: &str = "keybearer";
/// How long all tries to reach the agent may take: the one before may be busy to its end, and one that a service manager
/// has woken waits for that.
const PATIENCE: Duration = Duration::from_secs(75);
/// How long another starter's agent may take to open its doors.
const OPENING: Duration = Duration::from_secs(1);

/// Which Keybearer is meant, and how to reach its agent.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    home: Option<PathBuf>,
}

impl Reach {
    /// The Keybearer of this folder, or of the environment.
    pub(crate) fn new(home: Option<PathBuf>) -> Self {
        let named = home.or_else(|| env::var_os("KEYBEARER_HOME").map(PathBuf::from));
        let home = named.filter(|home| !home.as_os_str().is_empty());
        // The agent outlives the folder that the command was typed in.
        Reach { home: home.map(|home| std::path::absolute(&home).unwrap_or(home)) }
    }

    /// The Keybearer of the environment.
    pub(crate) fn of_environment() -> Self {
        Reach::new(None)
    }

    /// A connection to a door. Starts the agent if nobody listens; waits for one that listens and doesn't answer yet.
    pub(crate) fn open(&self, door: Door) -> Result<Client, Failure> {
        let began = Instant::now();
        if door == Door::Programs {
            leave_no_core();
        }
        loop {
            match self.connect(door) {
                Ok(Some(client)) => return Ok(client),
                Ok(None) => return self.start(door),
                Err(ClientError::Timeout) if began.elapsed() < PATIENCE => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A connection to a door, if the agent runs.
    pub(crate) fn open_if_running(&self, door: Door) -> Result<Option<Client>, Failure> {
        Ok(self.connect(door)?)
    }

    /// One try to connect, if somebody listens.
    fn connect(&self, door: Door) -> Result<Option<Client>, ClientError> {
        match Client::connect_at(&Place::of(self.home.as_deref())?, door, NAME) {
            Ok(client) => Ok(Some(client)),
            // An agent that hangs up before it has said hello is just ending.
            Err(ClientError::Connect(ConnectError::Nobody(_)) | ClientError::HungUp) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Starts the agent and connects. Of several that start it at one time, one agent gets the lock; the others'
    /// starters wait for its doors. One whose doors don't open was ending, and holds the lock no more: then the next
    /// one is started.
    pub(crate) fn start(&self, door: Door) -> Result<Client, Failure> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match self.spawn() {
                Err(Failure(error)) if error.known_code() == ErrorCode::AlreadyRunning => {}
                Err(error) => return Err(error),
                Ok(()) => {}
            }
            let spawned = Instant::now();
            while spawned.elapsed() < OPENING {
                match self.connect(door) {
                    Ok(Some(client)) => return Ok(client),
                    Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                    Err(ClientError::Timeout) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let message = "an agent runs for this home, but doesn't answer";
        Err(ErrorObject::new(ErrorCode::AgentUnreachable, message).into())
    }

    /// Where its sockets are.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        Ok(Place::of(self.home.as_deref()).map_err(ClientError::from)?)
    }

    /// The agent's executable, for this home.
    pub(crate) fn agent(&self) -> Command {
        let mut command = Command::new(beside_us("keybearer-agent"));
        command.current_dir(root());
        if let Some(home) = &self.home {
            command.arg("--home").arg(home);
        }
        command
    }

    /// Starts `keybearer-agent` beside this executable and waits until it says that it is ready.
    fn spawn(&self) -> Result<(), Failure> {
        let unreachable = |problem: String| ErrorObject::new(ErrorCode::AgentUnreachable, problem);
        let mut command = self.agent();
        // The agent outlives whatever service this command may be part of, and has nothing to tell its manager.
        command.env_remove("NOTIFY_SOCKET");
        command.arg("--detach").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let program = command.get_program().display().to_string();
        let mut child =
            let_go(&mut command).map_err(|error| unreachable(format!("{program} can't be started: {error}")))?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out)
                .read_line(&mut line)
                .map_err(|error| unreachable(format!("the agent can't be heard: {error}")))?;
        }
        match line.trim() {
            "ready" => Ok(()),
            "" => Err(unreachable("the agent ended before it was ready".to_owned()).into()),
            said => Err(serde_json::from_str(said).unwrap_or_else(|_| unreachable(said.to_owned())).into()),
        }
    }
}

/// Starts a program that outlives this one: it has no part in what others read from this process, and a console of its
/// own that nobody sees, so that the end of this one isn't its end and it hears when the session ends. Where this process
/// must end with others (a job), the program is let out of that if the job allows it.
#[cfg(windows)]
fn let_go(command: &mut Command) -> std::io::Result<std::process::Child> {
    use std::os::windows::process::CommandExt;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_BREAKAWAY_FROM_JOB: u32 = 0x0100_0000;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    keybearer_windows::own_process::keep_standard_streams();
    let alone = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP;
    match command.creation_flags(alone | CREATE_BREAKAWAY_FROM_JOB).spawn() {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => command.creation_flags(alone).spawn(),
        started => started,
    }
}

/// Starts a program that outlives this one; it leaves the terminal by itself.
#[cfg(unix)]
fn let_go(command: &mut Command) -> std::io::Result<std::process::Child> {
    command.spawn()
}

/// What comes through the door for programs may be a token, which a crash must not leave behind (REQ-A3). Other programs may
/// see this one all the same: who can't be looked at can't be told from others.
#[cfg(unix)]
fn leave_no_core() {
    let limit = getrlimit(Resource::Core);
    // Less than before is always allowed.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..limit });
    let _ = CORE_BEFORE.set(limit);
}

/// Gives a program that takes the place of this one the limit that its user had set for it.
#[cfg(unix)]
pub(crate) fn allow_core_as_before() {
    if let Some(limit) = CORE_BEFORE.get() {
        let _ = setrlimit(Resource::Core, *limit);
    }
}

/// The limit that this process was started with.
#[cfg(unix)]
static CORE_BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// Windows writes no core dumps of its own accord.
#[cfg(not(unix))]
fn leave_no_core() {}

/// An executable of this product, which lies beside this one.
pub(crate) fn beside_us(name: &str) -> PathBuf {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    match env::current_exe() {
        Ok(own) => own.with_file_name(file),
        Err(_) => PathBuf::from(file),
    }
}

/// A folder that is always there, so that the agent keeps no other from being unmounted.
fn root() -> PathBuf {
    PathBuf::from(if cfg!(windows) { "C:\\" } else { "/" })
}
