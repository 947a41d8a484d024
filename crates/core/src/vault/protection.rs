//! What guards the tokens, in a keyring item of its own: who is asked, what was answered for good, whether it is locked.

use super::Kept;
use crate::grants::Grant;
use keybearer_protocol::settings::Approval;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The item's id.
pub const ITEM: &str = "protection";

/// The item.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Protection {
    version: u32,
    /// Who gets tokens without being asked about.
    #[serde(default)]
    pub approval: Approval,
    /// Whether a desktop has ever registered: from then on it asks, unless a person there chose otherwise.
    #[serde(default)]
    pub asked_before: bool,
    /// Whether nothing is given out until somebody unlocks.
    #[serde(default)]
    pub locked: bool,
    /// The answers that hold for good.
    #[serde(default)]
    pub grants: Vec<Grant>,
}

impl Default for Protection {
    fn default() -> Self {
        Protection {
            version: Protection::newest(),
            approval: Approval::default(),
            asked_before: false,
            locked: false,
            grants: Vec::new(),
        }
    }
}

impl Protection {
    /// A desktop is there: a person is asked.
    pub fn ask_from_now_on(&mut self) {
        (self.approval, self.asked_before) = (Approval::Ask, true);
    }
}

impl Kept for Protection {
    const STEPS: &[fn(&mut Map<String, Value>)] = &[];
    // What was locked must not open, and what was asked about not go unasked, because a keyring lost it.
    const EMPTY_IS_NONE: bool = false;
}
