//! `keybearer doctor`: looks at everything that Keybearer stands on, and says what to do where something is wrong. It
//! starts no agent and changes nothing.

/// Whether what happens is written down.
mod activity;
/// Whether the agent runs, answers, and fits this command.
mod agent;
/// What another program says, waited for a moment.
pub(crate) mod ask;
/// What would open a page.
mod browser;
/// Whether what stands in clients' files leads to an account.
mod clients;
/// Whether the machine's clock can be right.
mod clock;
/// Whether the gateway listens.
mod gateway;
/// The folders and files that people edit and the agent writes to.
mod home;
/// Whether the keyring keeps secrets.
mod keyring;
/// Which program opens Keybearer's links.
mod links;
/// Whether Keybearer can lock by itself.
mod lock;
/// Whether what the agent has in memory can reach the disk.
mod memory;
/// Where the sockets are, and for whom.
mod sockets;
/// Whether systemd listens for the agent.
mod units;

use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json};
use keybearer_protocol::agent::{AgentStatus, AgentStatusReply};
use keybearer_protocol::examination::{Examination, RunningAgent};
use keybearer_protocol::method::Empty;
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// How long an agent that runs may take to say how it is: the keyring may wait for a person.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one check found.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    check: &'static str,
    state: State,
    found: String,
    advice: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It works.
    Ok,
    /// It works, but not all of it.
    Warn,
    /// It doesn't work.
    Broken,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Finding {
        Finding { check, state: State::Ok, found: found.into(), advice: None }
    }

    fn warn(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check, state: State::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    fn broken(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check, state: State::Broken, found: found.into(), advice: Some(advice.into()) }
    }
}

/// What the checks look at together.
pub(crate) struct Case<'a> {
    reach: &'a Reach,
    /// What an agent would find, or why its executable doesn't tell.
    pub(crate) examined: Result<Examination, String>,
    /// What the agent says of itself, or why it doesn't; none where none runs at the place that is looked at.
    pub(crate) status: Option<Result<AgentStatusReply, String>>,
}

/// Where an agent of this home has its sockets, if that isn't where this command looks for them.
fn elsewhere<'a>(reach: &Reach, running: &'a RunningAgent) -> Option<&'a str> {
    let (sockets, place) = (running.sockets.as_deref()?, reach.place().ok()?);
    // A link may lead to the same folder.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    (real(Path::new(sockets)) != real(place.base())).then_some(sockets)
}

/// `keybearer doctor`
pub(crate) fn doctor(reach: &Reach, online: bool, json: bool) -> Result<(), Failure> {
    let findings = findings(&look(reach, online));
    if json {
        answer_json(&findings)?;
    } else {
        answer(&words(&findings))?;
    }
    match findings.iter().filter(|finding| finding.state == State::Broken).count() {
        0 => Ok(()),
        1 => Err(ErrorObject::new(ErrorCode::Broken, "one thing doesn't work").into()),
        many => Err(ErrorObject::new(ErrorCode::Broken, format!("{many} things don't work")).into()),
    }
}

/// Looks at what the checks look at together.
pub(crate) fn look(reach: &Reach, online: bool) -> Case<'_> {
    let examined = examine(reach, online);
    // A connection would wake an agent that a service manager listens for, so only one that runs here is asked.
    let running = examined.as_ref().ok().and_then(|examined| examined.running.as_ref());
    let status = running.filter(|running| elsewhere(reach, running).is_none()).map(|_| status(reach));
    Case { reach, examined, status }
}

/// What all checks find.
pub(crate) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let always = [agent::check(case), sockets::check(case), keyring::check(case), home::check(case)];
    always
        .into_iter()
        .chain(links::check())
        .chain(lock::check(case))
        .chain(memory::check(case))
        .chain(activity::check(case))
        .chain(gateway::check(case))
        .chain(clients::check(case))
        .chain([browser::check(case), clock::check(case)])
        .chain(units::check(case))
        .collect()
}

fn examine(reach: &Reach, online: bool) -> Result<Examination, String> {
    let mut command = reach.agent();
    command.arg("--examine").args(online.then_some("--online"));
    let program = command.get_program().display().to_string();
    let said = ask::ask(&mut command).map_err(|problem| format!("{program} {problem}"))?;
    serde_json::from_str(&said).map_err(|_| match serde_json::from_str::<ErrorObject>(&said) {
        Ok(error) => error.message,
        Err(_) => format!("{program} says something that isn't understood"),
    })
}

fn status(reach: &Reach) -> Result<AgentStatusReply, String> {
    let asked = reach.open_if_running(Door::Admin).and_then(|client| {
        let nobody = || Failure(ErrorObject::new(ErrorCode::AgentUnreachable, "nobody listens on its socket"));
        let mut client = client.ok_or_else(nobody)?;
        client.set_timeout(Some(PATIENCE));
        Ok(client.call::<AgentStatus>(&Empty {})?)
    });
    asked.map_err(|Failure(error)| error.message)
}

/// The findings as people read them.
pub(crate) fn words(findings: &[Finding]) -> String {
    let mut lines = Vec::new();
    for Finding { check, state, found, advice } in findings {
        let mark = match state {
            State::Ok => '✓',
            State::Warn => '!',
            State::Broken => '✗',
        };
        lines.push(format!("{mark} {check:9} {found}"));
        lines.extend(advice.as_ref().map(|advice| format!("            what to do: {advice}")));
    }
    lines.join("\n")
}
