//! What happened: who got which token, who was refused, what was changed.

/// A row as people read it.
mod words;

use crate::arguments::ActivityArguments;
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, note, stream};
use keybearer_ipc::client::{Client, ClientError};
use keybearer_protocol::activity::{
    ActivityFilter, ActivityFollow, ActivityFollowParams, ActivityList, ActivityListParams, ActivityRow,
    ActivitySetAside, ActivityVerify,
};
use keybearer_protocol::agent::{AgentWatch, AgentWatchParams};
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::{ProfileName, ProfileShow};
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use std::ops::ControlFlow;
use std::thread::sleep;
use std::time::Duration;
use words::in_words;

/// How many rows people see who don't say how many.
const USUAL: u32 = 50;
/// How many of them when more are waited for.
const BEFORE_NEWS: u32 = 10;
/// How long one request waits for rows.
const WAIT: u32 = 60_000;
/// How often an agent that has ended is looked for.
const PAUSE: Duration = Duration::from_millis(500);

/// `keybearer activity`
pub(crate) fn activity(reach: &Reach, arguments: ActivityArguments, json: bool) -> Result<(), Failure> {
    if arguments.verify {
        return verify(reach, json);
    }
    if arguments.set_aside {
        return set_aside(reach, json);
    }
    let (filter, follow, limit) = (arguments.filter(), arguments.follow, arguments.limit);
    let mut agent = reach.open(Door::Admin)?;
    // What is still counted is written down for whoever asks, so this comes first.
    let limit = limit.or((!json || follow).then_some(if follow { BEFORE_NEWS } else { USUAL }));
    let (rows, newest) = last(&mut agent, &filter, limit.unwrap_or(1))?;
    if rows.is_empty() && limit != Some(0) {
        check_account(&mut agent, filter.profile.clone())?;
    }
    let shown = match limit {
        Some(_) => print(&rows, json)?,
        None => all(&mut agent, &filter)?,
    };
    if follow {
        return if shown.is_continue() { keep_following(reach, agent, &filter, newest, json) } else { Ok(()) };
    }
    if rows.is_empty() && !json {
        note("nothing has happened yet");
    }
    Ok(())
}

/// Rows are found by the name of an account that is gone, too; one that never was is a mistake.
fn check_account(agent: &mut Client, profile: Option<String>) -> Result<(), Failure> {
    if let Some(profile) = profile {
        agent.call::<ProfileShow>(&ProfileName { profile })?;
    }
    Ok(())
}

/// The last rows, the oldest of them first, and the number to follow from.
fn last(agent: &mut Client, filter: &ActivityFilter, limit: u32) -> Result<(Vec<ActivityRow>, u32), Failure> {
    let (mut rows, mut before, mut newest) = (Vec::new(), None, None);
    loop {
        let left = limit - u32::try_from(rows.len()).unwrap_or(limit).min(limit);
        let page = ActivityListParams { filter: filter.clone(), before, limit: Some(left) };
        let page = agent.call::<ActivityList>(&page)?;
        let newest = *newest.get_or_insert(page.newest);
        // One is sent in any case.
        rows.extend(page.rows.into_iter().take(left as usize));
        if !page.more || rows.len() >= limit as usize {
            rows.reverse();
            return Ok((rows, newest));
        }
        before = rows.last().map(|row: &ActivityRow| row.number);
    }
}

/// Everything, from the oldest row on, as it comes: a record may be long.
fn all(agent: &mut Client, filter: &ActivityFilter) -> Result<ControlFlow<()>, Failure> {
    let mut seen = 0;
    loop {
        let page = ActivityFollowParams { filter: filter.clone(), seen: Some(seen), wait_ms: 0 };
        let page = agent.call::<ActivityFollow>(&page)?;
        if print(&page.rows, true)?.is_break() || !page.more {
            return Ok(ControlFlow::Continue(()));
        }
        seen = page.seen;
    }
}

/// Shows what happens from now on, also behind a lock and after a restart of the agent, until somebody ends it.
fn keep_following(
    reach: &Reach,
    agent: Client,
    filter: &ActivityFilter,
    mut seen: u32,
    json: bool,
) -> Result<(), Failure> {
    let mut agent = Some(agent);
    loop {
        let outcome = match &mut agent {
            Some(agent) => follow(agent, filter, &mut seen, json),
            None => Err(ClientError::HungUp.into()),
        };
        match outcome {
            Ok(()) => return Ok(()),
            // One that is just ending has no time any more.
            Err(Failure(error)) if [ErrorCode::AgentUnreachable, ErrorCode::Busy].contains(&error.known_code()) => {
                // Whoever ended it doesn't want it back for somebody who only looks on.
                sleep(PAUSE);
                agent = reach.open_if_running(Door::Admin).unwrap_or_default();
            }
            Err(error) => return Err(error),
        }
    }
}

/// The same with one agent; returns when nobody reads any more.
fn follow(agent: &mut Client, filter: &ActivityFilter, seen: &mut u32, json: bool) -> Result<(), Failure> {
    let mut revision = None;
    loop {
        let params = ActivityFollowParams { filter: filter.clone(), seen: Some(*seen), wait_ms: WAIT };
        match agent.call::<ActivityFollow>(&params) {
            Ok(page) => {
                *seen = page.seen;
                if print(&page.rows, json)?.is_break() {
                    return Ok(());
                }
            }
            Err(ClientError::Refused(error)) if error.known_code() == ErrorCode::AgentLocked => {
                // The first look answers at once, the next ones with a change: perhaps it was unlocked.
                let watch = AgentWatchParams { seen: revision, wait_ms: WAIT };
                revision = Some(agent.call::<AgentWatch>(&watch)?.revision);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn print(rows: &[ActivityRow], json: bool) -> Result<ControlFlow<()>, Failure> {
    for row in rows {
        let line = match json {
            true => serde_json::to_string(row).unwrap_or_default(),
            false => in_words(row),
        };
        if stream(&line)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn verify(reach: &Reach, json: bool) -> Result<(), Failure> {
    let found = reach.open(Door::Admin)?.call::<ActivityVerify>(&Empty {})?;
    if json {
        answer_json(&found)?;
    } else {
        answer(&format!("{} rows, the last is number {} with the hash {}", found.rows, found.last, found.hash))?;
    }
    match found.problem {
        None if json => Ok(()),
        None => answer("all of them are as they were written"),
        Some(problem) => {
            let advice = "keybearer activity --set-aside keeps the file under another name and begins a new record";
            Err(ErrorObject::new(ErrorCode::Broken, problem).with_action(advice).into())
        }
    }
}

fn set_aside(reach: &Reach, json: bool) -> Result<(), Failure> {
    let reply = reach.open(Door::Admin)?.call::<ActivitySetAside>(&Empty {})?;
    match reply.file {
        _ if json => answer_json(&reply),
        Some(file) => answer(&format!("a new record has begun; the old one is {file}")),
        None => answer("a new record has begun; there was no old one"),
    }
}
