//! Takes back what was written.

use crate::client::Client;
use crate::entry::{Scope, understand};
use crate::error::Error;
use crate::own_file::{self, OwnFile, fingerprint};
use crate::places::Places;
use crate::receipt::{Edit, Receipt};
use crate::scan;
use crate::tree::{Change, Node};
use std::fs;
use std::path::Path;
use zeroize::Zeroizing;

/// How a change was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The file is byte for byte what it was.
    Restored,
    /// The file was made for the change and is gone again.
    Removed,
    /// Somebody else has changed the file since: only the entry was taken back, and their changes stay.
    TakenBack,
    /// There was nothing left to take back.
    Nothing,
}

/// Takes back a change. If nobody else has changed the file since, it is byte for byte what it was. Otherwise only our own
/// edit is taken back, as far as it is still there.
///
/// Tokens that stood in the entry come back too, from the copy that was kept of the file: it is the user's own file, and
/// nothing of Keybearer's holds them. If that copy is gone or changed, and the entry needs it, nothing is done.
pub fn undo(places: &Places, receipt: &Receipt, records: &Path) -> Result<Undone, Error> {
    let client = receipt.client().ok_or(Error::NoReceipt)?;
    let file = &receipt.file;
    if !client.files(places).contains(file) {
        return Err(Error::NotOwn { file: file.clone(), why: "it is no file of this client any more" });
    }
    let undone = match own_file::read(file, places)? {
        None => Undone::Nothing,
        Some(own) => {
            let now = Some(fingerprint(own.text.as_bytes()));
            if now == receipt.before {
                Undone::Nothing
            } else if !own.is_writable() {
                return Err(Error::NotOwn { file: file.clone(), why: "it is read-only" });
            } else if now.as_ref() == Some(&receipt.after) {
                whole(&own, client, receipt, places)?
            } else {
                own_edit(&own, client, receipt, places)?
            }
        }
    };
    if let (Undone::Restored, Some(backup)) = (undone, &receipt.backup) {
        // The file is the same again. Where it can't be removed, there is a copy too many.
        let _ = fs::remove_file(backup);
    }
    receipt.drop_from(records);
    Ok(undone)
}

/// The file as it was, if its copy still is what it was.
fn kept(receipt: &Receipt, places: &Places) -> Option<Zeroizing<String>> {
    let copy = own_file::read(receipt.backup.as_ref()?, places).ok()??;
    (Some(fingerprint(copy.text.as_bytes())) == receipt.before).then_some(copy.text)
}

fn whole(own: &OwnFile, client: Client, receipt: &Receipt, places: &Places) -> Result<Undone, Error> {
    let unwritable = |error| Error::unwritable(&receipt.file, &error);
    if receipt.before.is_none() {
        fs::remove_file(&own.real).map_err(unwritable)?;
        return Ok(Undone::Removed);
    }
    match kept(receipt, places) {
        Some(copy) => own.replace(copy.as_bytes()).map_err(unwritable).map(|()| Undone::Restored),
        None => own_edit(own, client, receipt, places),
    }
}

fn own_edit(own: &OwnFile, client: Client, receipt: &Receipt, places: &Places) -> Result<Undone, Error> {
    let file = &receipt.file;
    let not_editable = |why| Error::NotEditable { file: file.clone(), why };
    let now = scan::read(client, file, &own.text)?;
    let is_ours = |edit: &&Edit| is_still_ours(client, receipt, &now, edit);
    let ours: Vec<&Edit> = receipt.edits.iter().filter(is_ours).collect();
    if ours.is_empty() {
        return Ok(Undone::Nothing);
    }
    let before = match kept(receipt, places) {
        Some(copy) => scan::read(client, file, &copy)?,
        None if ours.iter().any(|edit| edit.was_there) => {
            return Err(not_editable("the copy of it as it was is gone or changed"));
        }
        None => Node::empty(),
    };
    let mut changes: Vec<Change> = ours
        .iter()
        .map(|edit| Change { path: edit.path.clone(), to: before.at(&edit.path).map(Node::value) })
        .collect();
    // Keys that led to the entry alone go with it, the inner ones first.
    let gone = |path: &[String]| changes.iter().any(|change| change.to.is_none() && change.path == path);
    let mut emptied: Vec<Vec<String>> = Vec::new();
    for made in receipt.made.iter().rev() {
        let is_gone = |key: &String| {
            let inner: Vec<String> = made.iter().chain([key]).cloned().collect();
            gone(&inner) || emptied.contains(&inner)
        };
        if now.at(made).is_some_and(|map| map.is_map() && map.members().iter().all(|member| is_gone(&member.key))) {
            emptied.push(made.clone());
        }
    }
    // The outermost takes the others with it.
    if let Some(outermost) = emptied.pop() {
        changes.retain(|change| !change.path.starts_with(&outermost));
        changes.push(Change { path: outermost, to: None });
    }
    let content = client.format().edit(&own.text, &changes).map_err(|not| not_editable(not.0))?;
    let unwritable = |error| Error::unwritable(file, &error);
    if receipt.before.is_none() && scan::read(client, file, &content)?.members().is_empty() {
        fs::remove_file(&own.real).map_err(unwritable)?;
        return Ok(Undone::Removed);
    }
    own.replace(content.as_bytes()).map_err(unwritable)?;
    Ok(Undone::TakenBack)
}

/// Whether what an edit made is still as it made it; an entry that was added is ours as long as it leads to Keybearer.
fn is_still_ours(client: Client, receipt: &Receipt, now: &Node, edit: &Edit) -> bool {
    let node = now.at(&edit.path);
    let is_same = node.map(|node| fingerprint(node.value().to_string().as_bytes())) == edit.became;
    let is_added = !edit.was_there && edit.path.last() == Some(&receipt.entry);
    let leads_here = |node: &Node| {
        understand(client, &receipt.file, &Scope::User, &receipt.entry, node).is_some_and(|found| found.ours.is_some())
    };
    is_same || is_added && node.is_some_and(leads_here)
}
