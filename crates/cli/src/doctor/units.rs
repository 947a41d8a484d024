//! Whether systemd listens for the agent, where it is meant to.

use super::{Case, Finding};

/// Other systems have no such units.
#[cfg(not(target_os = "linux"))]
pub(super) fn check(_case: &Case<'_>) -> Option<Finding> {
    None
}

#[cfg(target_os = "linux")]
pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    use std::path::PathBuf;
    const CHECK: &str = "systemd";
    const UNIT: &str = "keybearer-agent.socket";
    const PROPERTIES: &str = "LoadState,UnitFileState,ActiveState,SubState,ConditionResult,ConditionTimestampMonotonic";
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)?;
    let mut question = std::process::Command::new("systemctl");
    question.args(["--user", "show", UNIT, "--property", PROPERTIES]);
    let said = super::ask::ask(&mut question).unwrap_or_default();
    let property = |name: &str| {
        let value = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default().to_owned()
    };
    let is_elsewhere = || case.reach.place().is_ok_and(|place| place.base() != runtime.join("keybearer"));
    // Before the first start, the result says no as well, and its time is 0.
    let is_unmet =
        || property("ConditionResult") == "no" && !matches!(property("ConditionTimestampMonotonic").as_str(), "" | "0");
    let start = format!("systemctl --user start {UNIT}");
    Some(match (property("LoadState").as_str(), property("ActiveState").as_str()) {
        ("", _) => Finding::ok(CHECK, "isn't there for this user; commands start the agent"),
        ("masked", _) => Finding::ok(CHECK, format!("{UNIT} is masked; commands start the agent")),
        ("loaded", _) if is_elsewhere() => {
            Finding::ok(CHECK, format!("{UNIT} is for the usual home alone; commands start the agent of this one"))
        }
        ("loaded", "active") => Finding::ok(CHECK, format!("{UNIT} is {}", property("SubState"))),
        ("loaded", "failed") => {
            let advice = format!("see why with systemctl --user status keybearer-agent, then: {start}");
            Finding::broken(CHECK, format!("{UNIT} has failed, so nothing wakes the agent"), advice)
        }
        ("loaded", _) if property("UnitFileState") == "disabled" => {
            Finding::ok(CHECK, format!("{UNIT} is disabled; commands start the agent"))
        }
        ("loaded", _) if is_unmet() => {
            Finding::ok(CHECK, format!("{UNIT} is not for users of the system itself; commands start the agent"))
        }
        ("loaded", _) => Finding::warn(CHECK, format!("{UNIT} doesn't listen; commands start the agent"), start),
        _ => Finding::ok(CHECK, "knows no unit of Keybearer; commands start the agent"),
    })
}
