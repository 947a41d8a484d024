//! Starting and stopping the agent.

use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json};
use crate::status::tell;
use keybearer_ipc::client::Client;
use keybearer_protocol::agent::{AgentStatus, AgentStop};
use keybearer_protocol::method::Empty;
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use std::time::Duration;

/// How long a stopping agent may take.
const PATIENCE: Duration = Duration::from_secs(10);

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
    client.call::<AgentStop>(&Empty {})?;
    client.set_timeout(Some(PATIENCE));
    // The connection ends when the agent does.
    while client.call::<AgentStatus>(&Empty {}).is_ok() {}
    if json { answer_json(&Empty {}) } else { answer("the agent has stopped") }
}

/// `keybearer agent status`
pub(crate) fn status(reach: &Reach, json: bool) -> Result<(), Failure> {
    say(&mut running(reach)?, json)
}

fn running(reach: &Reach) -> Result<Client, Failure> {
    let nobody = || Failure(ErrorObject::new(ErrorCode::AgentUnreachable, "the agent doesn't run"));
    reach.open_if_running(Door::Admin)?.ok_or_else(nobody)
}

fn say(client: &mut Client, json: bool) -> Result<(), Failure> {
    let status = client.call::<AgentStatus>(&Empty {})?;
    if json { answer_json(&status) } else { tell(&status) }
}
