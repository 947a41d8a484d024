//! Ways back: what was just removed or forgotten comes back, for half a minute.

use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, note};
use keybearer_ipc::client::{Client, ClientError};
use keybearer_protocol::grant::GrantRestore;
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::ProfileRestore;
use keybearer_protocol::settings::{Approval, SettingsGet};
use keybearer_protocol::undo::{UndoParams, Undoable};
use keybearer_protocol::{Door, ErrorCode};

/// `keybearer undo`
pub(crate) fn undo(reach: &Reach, id: String, json: bool) -> Result<(), Failure> {
    let mut agent = reach.open(Door::Admin)?;
    let way = UndoParams { undo: id };
    match agent.call::<ProfileRestore>(&way) {
        Ok(account) if json => answer_json(&account),
        Ok(account) => answer(&format!("{} is back, as it was", account.profile)),
        // It may be the way back to something else.
        Err(ClientError::Refused(error)) if error.known_code() == ErrorCode::NotThere => {
            let reply = agent.call::<GrantRestore>(&way)?;
            if json { answer_json(&reply) } else { answer("the answer is remembered again") }
        }
        Err(error) => Err(error.into()),
    }
}

/// Says that there is a way back, where this command may go it. What was done is done already, so nothing fails here.
pub(crate) fn offer(agent: &mut Client, done: &Undoable) {
    let Some(id) = &done.undo else { return };
    // Where a person is asked, ways back are the window's.
    let is_open = agent.call::<SettingsGet>(&Empty {}).is_ok_and(|settings| settings.approval == Approval::SameUser);
    if is_open {
        note(&format!("Half a minute long this takes it back: keybearer undo {id}"));
    }
}
