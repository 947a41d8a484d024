//! Whether what happens is written down, and whether it stays as it was written.

use super::{Case, Finding};
use crate::output::Failure;
use keybearer_protocol::Door;
use keybearer_protocol::activity::ActivityVerify;
use keybearer_protocol::method::Empty;

const CHECK: &str = "activity";

/// Only an agent that runs can tell, and one that isn't locked.
pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let Some(Ok(status)) = &case.status else { return None };
    if let Some(problem) = &status.activity_problem {
        return Some(Finding::broken(CHECK, problem, status.activity_advice.clone().unwrap_or_default()));
    }
    if status.locked {
        return None;
    }
    let asked = case.reach.open_if_running(Door::Admin).and_then(|client| {
        let Some(mut client) = client else { return Ok(None) };
        client.set_timeout(Some(super::PATIENCE));
        Ok(Some(client.call::<ActivityVerify>(&Empty {})?))
    });
    Some(match asked {
        Ok(Some(found)) => match found.problem {
            None => Finding::ok(CHECK, format!("{} rows, all as they were written", found.rows)),
            Some(problem) => Finding::broken(CHECK, problem, "keybearer activity --set-aside"),
        },
        Ok(None) => return None,
        Err(Failure(error)) => {
            Finding::broken(CHECK, error.message, error.data.action.unwrap_or_else(|| "keybearer status".to_owned()))
        }
    })
}
