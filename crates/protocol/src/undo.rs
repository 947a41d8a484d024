//! Ways back: what was removed or forgotten can be had again for a moment.

use serde::{Deserialize, Serialize};

/// For so many seconds there is a way back.
pub const UNDO_SECS: u32 = 30;

/// The reply to what can be taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Undoable {
    /// Names the way back, for half a minute; absent if there is none.
    pub undo: Option<String>,
}

/// Parameters of what takes something back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UndoParams {
    /// The way back, as it was named.
    pub undo: String,
}
