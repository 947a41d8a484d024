//! What a person can hand to whoever helps them. `keybearer diagnostics` makes it, on no socket: it is wanted most where
//! no agent answers.

use serde::{Deserialize, Serialize};

/// One file of the bundle. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DiagnosticsFile {
    /// Its name, such as `log.txt`.
    pub name: String,
    /// What is in it.
    pub content: String,
}

/// All files as one text, each under a line with its name.
pub fn text(files: &[DiagnosticsFile]) -> String {
    let parts = files.iter().map(|file| format!("==> {} <==\n{}\n", file.name, file.content.trim_end()));
    parts.collect::<Vec<_>>().join("\n")
}
