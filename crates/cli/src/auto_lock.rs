//! When Keybearer locks by itself.

use crate::arguments::{AutoLockArguments, Switch};
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json};
use keybearer_protocol::Door;
use keybearer_protocol::method::Empty;
use keybearer_protocol::settings::{AutoLockChange, SettingsGet, SettingsSet, SettingsSetParams};
use serde_json::json;

/// `keybearer auto-lock`: changes what is named, then says how it is.
pub(crate) fn auto_lock(reach: &Reach, arguments: AutoLockArguments, json: bool) -> Result<(), Failure> {
    let change = AutoLockChange {
        after_secs: arguments.after,
        with_screen: arguments.with_screen.map(|switch| switch == Switch::On),
        before_sleep: arguments.before_sleep.map(|switch| switch == Switch::On),
    };
    let mut agent = reach.open(Door::Admin)?;
    let settings = match change == AutoLockChange::default() {
        true => agent.call::<SettingsGet>(&Empty {})?,
        false => {
            let change = SettingsSetParams { auto_lock: Some(change), ..SettingsSetParams::default() };
            agent.call::<SettingsSet>(&change)?
        }
    };
    let (auto_lock, unseen) = (settings.auto_lock, settings.unseen);
    if json {
        return answer_json(&json!({ "auto_lock": auto_lock, "unseen": unseen }));
    }
    answer(&format!("after a while      {}", auto_lock.after_secs.map_or_else(|| "no".to_owned(), period)))?;
    answer(&format!("with the screen    {}", switched(auto_lock.with_screen, unseen.screen)))?;
    answer(&format!("before sleep       {}", switched(auto_lock.before_sleep, unseen.sleep)))
}

fn switched(on: bool, unseen: Option<String>) -> String {
    match (on, unseen) {
        (false, _) => "no".to_owned(),
        (true, None) => "yes".to_owned(),
        (true, Some(problem)) => format!("yes, but that can't be seen here: {problem}"),
    }
}

fn period(secs: u32) -> String {
    match secs {
        60 => "when you weren't there for a minute".to_owned(),
        secs if secs.is_multiple_of(60) => format!("when you weren't there for {} minutes", secs / 60),
        secs => format!("when you weren't there for {secs} seconds"),
    }
}
