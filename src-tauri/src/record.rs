//! The record of activity in a file, for whoever looks into it elsewhere: what `keybearer activity --json` prints.

use crate::{language, save, sidecar};
use keybearer_protocol::ErrorObject;
use keybearer_protocol::settings::{Language, Settings};
use tauri::AppHandle;

/// The command that prints it.
const COMMAND: &str = "keybearer";
/// What the file is called until a person says otherwise.
const NAME: &str = "keybearer-activity.jsonl";

/// All rows, of one account or of all, one JSON object a line; on a thread that may wait.
pub fn printed(app: &AppHandle, profile: Option<&str>) -> Result<Vec<u8>, ErrorObject> {
    // In one word: a name could look like an option.
    let account = profile.map(|profile| format!("--account={profile}"));
    let arguments: Vec<&str> = ["activity", "--json"].into_iter().chain(account.as_deref()).collect();
    sidecar::run(app, COMMAND, &arguments)
}

/// Writes them into a file that the person chooses; tells its path.
pub async fn save(settings: Option<Settings>, rows: &[u8]) -> Result<Option<String>, ErrorObject> {
    let title = match language::of(settings.as_ref()) {
        Language::English => "Export activity",
        Language::SimplifiedChinese => "导出活动记录",
    };
    save::as_chosen(title, NAME, ("JSON", "jsonl"), rows).await
}
