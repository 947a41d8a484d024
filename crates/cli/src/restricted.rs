//! Which accounts containers and remote hosts may ask for.

use crate::arguments::RestrictedAction;
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, note};
use keybearer_protocol::Door;
use keybearer_protocol::method::Empty;
use keybearer_protocol::restricted::{
    RestrictedAllow, RestrictedDisallow, RestrictedList, RestrictedParams, RestrictedView,
};

/// `keybearer restricted`
pub(crate) fn restricted(reach: &Reach, action: Option<RestrictedAction>, json: bool) -> Result<(), Failure> {
    let mut agent = reach.open(Door::Admin)?;
    let view = match action {
        None => agent.call::<RestrictedList>(&Empty {})?,
        Some(RestrictedAction::Allow(named)) => {
            agent.call::<RestrictedAllow>(&RestrictedParams { profile: named.name })?
        }
        Some(RestrictedAction::Disallow(named)) => {
            agent.call::<RestrictedDisallow>(&RestrictedParams { profile: named.name })?
        }
    };
    if json { answer_json(&view) } else { show(reach, &view) }
}

fn show(reach: &Reach, view: &RestrictedView) -> Result<(), Failure> {
    for profile in &view.profiles {
        answer(profile)?;
    }
    match (&view.problem, view.open) {
        (Some(problem), _) => note(&format!("the restricted door can't be opened: {problem}")),
        (None, true) => {
            note(&format!("the restricted door is open: {}", reach.place()?.socket(Door::Restricted).display()));
        }
        (None, false) => note("the restricted door is shut: no account is named for containers and remote hosts"),
    }
    Ok(())
}
