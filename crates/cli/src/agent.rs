//! Starting and stopping the agent.

use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json};
use crate::status::say;
use keybearer_ipc::client::Client;
use keybearer_protocol::agent::{AgentStatus, AgentStop};
use keybearer_protocol::method::Empty;
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use std::time::{Duration, Instant};

/// How long a stopping agent may take: what is under way ends within two requests of half a minute each.
const PATIENCE: Duration = Duration::from_secs(70);

/// `keybearer agent start`
pub(crate) fn start(reach: &Reach, json: bool) -> Result<(), Failure> {
    if reach.open_if_running(Door::Admin)?.is_some() {
        return Err(ErrorObject::new(ErrorCode::AlreadyRunning, "the agent runs already").into());
    }
    let mut client = reach.start(Door::Admin)?;
    say(&mut client, json)
}

/// `keybearer agent stop`: returns when it has ended.
pub(crate) fn stop(reach: &Reach, json: bool) -> Result<(), Failure> {
    let mut client = running(reach)?;
    let process = Process::open(client.call::<AgentStatus>(&Empty {})?.pid);
    client.call::<AgentStop>(&Empty {})?;
    let began = Instant::now();
    while process.as_ref().is_some_and(Process::runs) {
        if began.elapsed() > PATIENCE {
            let message = "the agent is still busy with a refresh or a sign-in, and ends after it";
            return Err(ErrorObject::new(ErrorCode::Timeout, message).into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    if json { answer_json(&Empty {}) } else { answer("the agent has stopped") }
}

/// A process whose end is waited for.
#[cfg(unix)]
struct Process(u32);

#[cfg(unix)]
impl Process {
    fn open(pid: u32) -> Option<Process> {
        Some(Process(pid))
    }

    /// Whether it still runs. One that nobody has waited for yet doesn't.
    fn runs(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        let pid = i32::try_from(self.0).ok().and_then(rustix::process::Pid::from_raw);
        pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok()) && !stat.contains(") Z ")
    }
}

/// The same, held: its number can't come to mean another one.
#[cfg(windows)]
struct Process(keybearer_windows::process::Process);

#[cfg(windows)]
impl Process {
    fn open(pid: u32) -> Option<Process> {
        keybearer_windows::process::Process::open(pid).ok().map(Process)
    }

    fn runs(&self) -> bool {
        self.0.runs()
    }
}

/// `keybearer agent status`
pub(crate) fn status(reach: &Reach, json: bool) -> Result<(), Failure> {
    say(&mut running(reach)?, json)
}

fn running(reach: &Reach) -> Result<Client, Failure> {
    let nobody = || Failure(ErrorObject::new(ErrorCode::AgentUnreachable, "the agent doesn't run"));
    reach.open_if_running(Door::Admin)?.ok_or_else(nobody)
}
