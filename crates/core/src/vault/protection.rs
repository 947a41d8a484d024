//! What guards the tokens, in a keyring item of its own: who is asked, what was answered for good, which keys the gateway
//! takes, which accounts lie behind the restricted door, whether it is locked or paused, and when it locks by itself.

use super::Kept;
use crate::grants::Grant;
use crate::keys::Key;
use keybearer_protocol::agent::Pause;
use keybearer_protocol::settings::{Approval, AutoLock, ChangedPrograms};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The item's id.
pub const ITEM: &str = "protection";

/// The item.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Protection {
    version: u32,
    /// Who gets tokens without being asked about.
    #[serde(default)]
    pub approval: Approval,
    /// The same for single accounts, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approvals: BTreeMap<String, Approval>,
    /// What is done where an answer for good was for another content of the program's file.
    #[serde(default)]
    pub changed_programs: ChangedPrograms,
    /// Seconds after which a question that nobody has answered means no; absent means the usual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_within_secs: Option<u32>,
    /// Whether a desktop has ever registered: from then on it asks, unless a person there chose otherwise.
    #[serde(default)]
    pub asked_before: bool,
    /// Whether nothing is given out until somebody unlocks.
    #[serde(default)]
    pub locked: bool,
    /// The pause, if nothing is given out for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// When the agent locks by itself.
    #[serde(default)]
    pub auto_lock: AutoLock,
    /// The answers that hold for good.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// The accounts behind the restricted door, by id.
    #[serde(default)]
    pub restricted: BTreeSet<String>,
    /// The keys of the gateway.
    #[serde(default)]
    pub keys: Vec<Key>,
}

impl Default for Protection {
    fn default() -> Self {
        Protection {
            version: Protection::newest(),
            approval: Approval::default(),
            approvals: BTreeMap::new(),
            changed_programs: ChangedPrograms::default(),
            answer_within_secs: None,
            asked_before: false,
            locked: false,
            pause: None,
            auto_lock: AutoLock::default(),
            grants: Vec::new(),
            restricted: BTreeSet::new(),
            keys: Vec::new(),
        }
    }
}

impl Protection {
    /// A desktop is there: a person is asked.
    pub fn ask_from_now_on(&mut self) {
        (self.approval, self.asked_before) = (Approval::Ask, true);
        // What nobody has chosen in a window is no exception from it.
        self.approvals.retain(|_, approval| *approval == Approval::Ask);
    }
}

impl Kept for Protection {
    const STEPS: &[fn(&mut Map<String, Value>)] = &[];
    // What was locked must not open, and what was asked about not go unasked, because a keyring lost it.
    const EMPTY_IS_NONE: bool = false;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::VaultError;

    #[test]
    fn what_version_1_wrote_guards_as_before_and_what_a_newer_one_wrote_guards_all() {
        let written = r#"{"version":1,"approval":"ask","asked_before":true,"locked":true,"grants":[]}"#;
        let read = Protection::from_bytes(written.as_bytes()).expect("read");
        let again = Protection::from_bytes(&read.to_bytes().expect("written")).expect("read again");
        for read in [read, again] {
            assert!(read.approval == Approval::Ask && read.asked_before && read.locked);
        }
        for unknown in [written.replace("\"version\":1", "\"version\":2"), String::new()] {
            assert!(matches!(Protection::from_bytes(unknown.as_bytes()), Err(VaultError::Unreadable(_))), "{unknown}");
        }
    }
}
