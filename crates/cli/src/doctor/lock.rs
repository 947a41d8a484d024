//! Whether Keybearer can lock by itself as it was told to.

use super::{Case, Finding};

/// Nothing to say where it can.
pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let Some(Ok(status)) = &case.status else { return None };
    let problem = status.lock_problem.as_ref()?;
    let found = format!("doesn't lock by itself as you chose: {problem}");
    Some(Finding::warn("lock", found, "keybearer auto-lock --after 15m locks it without the system's help"))
}
