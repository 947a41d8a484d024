//! The remembered answers to "may this program use this account?".

use crate::arguments::{GrantsArguments, GrantsCommand};
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, note};
use crate::undo::offer;
use keybearer_ipc::client;
use keybearer_protocol::Door;
use keybearer_protocol::grant::{GrantList, GrantRevoke, GrantRevokeParams, GrantView};
use keybearer_protocol::prompt::Decision;

/// `keybearer grants`
pub(crate) fn grants(reach: &Reach, arguments: GrantsArguments, json: bool) -> Result<(), Failure> {
    match arguments.command {
        None => list(reach, arguments.name, json),
        Some(GrantsCommand::Revoke { id }) => {
            let mut agent = reach.open(Door::Admin)?;
            let reply = agent.call::<GrantRevoke>(&GrantRevokeParams { grant: id })?;
            if json {
                return answer_json(&reply);
            }
            answer("forgotten: the program is asked about again")?;
            offer(&mut agent, &reply);
            Ok(())
        }
    }
}

fn list(reach: &Reach, profile: Option<String>, json: bool) -> Result<(), Failure> {
    let mut agent = reach.open(Door::Admin)?;
    let grants = client::grants(profile.as_deref(), |page| agent.call::<GrantList>(page))?;
    if json {
        return answer_json(&grants);
    }
    if grants.is_empty() {
        note("no answers are remembered");
    }
    for grant in &grants {
        let file = grant.script.as_ref().or(grant.exe.as_ref()).map(String::as_str).unwrap_or_default();
        let GrantView { grant: id, profile, program, .. } = grant;
        answer(&format!("{id}  {profile:16}  {:16}  {program}  {file}", words(grant)))?;
    }
    Ok(())
}

fn words(grant: &GrantView) -> String {
    let process = grant.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    match grant.decision {
        Decision::Always if grant.gateway => "key of the gateway".to_owned(),
        Decision::Always => "always".to_owned(),
        Decision::WhileRunning | Decision::Once => format!("while it runs{process}"),
        Decision::Deny => format!("denied{process}"),
    }
}
