//! Whether the gateway listens where its clients look for it.

use super::{Case, Finding};

const CHECK: &str = "gateway";

/// Only an agent that runs can tell; without a key there is nothing to tell.
pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let Some(Ok(status)) = &case.status else { return None };
    let problem = status.gateway_problem.as_ref()?;
    let advice =
        "end that program, or, where it stays, name another port as gateway_port in settings.json and in each client";
    Some(Finding::broken(CHECK, problem, advice))
}
