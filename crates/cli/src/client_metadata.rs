//! The client metadata document: printed by the agent's executable, which needn't run as an agent for it.

use crate::arguments::{Callback, ClientMetadataArguments};
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, note};
use keybearer_protocol::settings::{Settings, SettingsSet, SettingsSetParams};
use keybearer_protocol::{Door, ErrorCode, ErrorObject};

/// `keybearer client-metadata`
pub(crate) fn client_metadata(reach: &Reach, asked: ClientMetadataArguments, json: bool) -> Result<(), Failure> {
    if asked.forget {
        let settings = put_to_use(reach, String::new())?;
        return if json { answer_json(&settings) } else { answer("no document is used any more") };
    }
    let document = document(reach, &asked)?;
    answer(&document)?;
    match asked.url.filter(|_| asked.put_to_use) {
        None => Ok(()),
        Some(url) => {
            put_to_use(reach, url.clone())?;
            note(&format!("From now on this is Keybearer's client ID where a server takes one: {url}"));
            Ok(())
        }
    }
}

/// What the agent's executable prints.
fn document(reach: &Reach, asked: &ClientMetadataArguments) -> Result<String, Failure> {
    let mut command = reach.agent();
    command.arg("--client-metadata").args(&asked.url);
    if matches!(asked.callback, Callback::DeepLink) {
        command.arg("--deep-link");
    }
    let program = command.get_program().display().to_string();
    let unreachable = |problem: String| Failure(ErrorObject::new(ErrorCode::AgentUnreachable, problem));
    let output = command.output().map_err(|error| unreachable(format!("{program} can't be started: {error}")))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(serde_json::from_str::<ErrorObject>(&said).map_or_else(|_| unreachable(said), Failure))
}

fn put_to_use(reach: &Reach, url: String) -> Result<Settings, Failure> {
    let change = SettingsSetParams { client_metadata_url: Some(url), ..SettingsSetParams::default() };
    reach.open(Door::Admin)?.call::<SettingsSet>(&change).map_err(Failure::from)
}
