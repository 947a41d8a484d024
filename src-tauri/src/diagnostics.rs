//! What a person hands to whoever helps: the command collects it, the page shows each file, and what was shown is what is
//! saved. The person chooses where in the system's own dialog.

use crate::{language, save, sidecar};
use keybearer_protocol::ErrorObject;
use keybearer_protocol::diagnostics::{DiagnosticsFile, text};
use keybearer_protocol::settings::{Language, Settings};
use std::sync::{Mutex, PoisonError};
use tauri::AppHandle;

/// The command that collects it.
const COMMAND: &str = "keybearer";
/// What the file is called until a person says otherwise.
const NAME: &str = "keybearer-diagnostics.txt";

/// What was collected last, as it was shown.
#[derive(Debug, Default)]
pub struct Collected(Mutex<Vec<DiagnosticsFile>>);

impl Collected {
    /// Collects it anew, on this thread; it takes some seconds.
    pub fn collect(&self, app: &AppHandle, with_names: bool) -> Result<Vec<DiagnosticsFile>, ErrorObject> {
        let mut arguments = vec!["diagnostics", "--json"];
        arguments.extend((!with_names).then_some("--without-names"));
        let printed = sidecar::run(app, COMMAND, &arguments)?;
        let files: Vec<DiagnosticsFile> =
            serde_json::from_slice(&printed).map_err(|error| sidecar::failed(COMMAND, &error))?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = files.clone();
        Ok(files)
    }

    /// Writes it into a file; gives its path. Nothing, where none was chosen.
    pub async fn save(&self, settings: Option<Settings>) -> Result<Option<String>, ErrorObject> {
        let title = match language::of(settings.as_ref()) {
            Language::English => "Save diagnostics",
            Language::SimplifiedChinese => "保存诊断信息",
        };
        let content = text(&self.0.lock().unwrap_or_else(PoisonError::into_inner));
        save::as_chosen(title, NAME, ("Text", "txt"), content.as_bytes()).await
    }
}
