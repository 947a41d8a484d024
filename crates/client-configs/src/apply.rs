//! Writes what was previewed.

use crate::error::Error;
use crate::own_file::{self, OwnFile, fingerprint};
use crate::places::Places;
use crate::preview::Preview;
use crate::receipt::{Edit, Receipt};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is added to the name of a file for the copy of it as it was.
pub const BACKUP: &str = ".keybearer-backup";
/// The most copies that are kept of one file.
const BACKUPS: usize = 100;

/// Writes what was previewed, if the file is still as it was then. A copy of the file as it was is kept beside it, for its
/// owner alone, and a record of the change in the folder `records`, from which it can be undone.
///
/// The file is replaced at once or not at all. A client that runs may write its own file at the same moment, from what it
/// remembers: then the later one wins, as between any two programs.
pub fn apply(places: &Places, preview: &Preview, records: &Path) -> Result<Receipt, Error> {
    let Preview { client, file, .. } = preview;
    if !client.is_installed(places) {
        return Err(Error::NotInstalled { client: *client });
    }
    let own = own_file::read(file, places)?;
    let is_as_previewed =
        |own: &Option<OwnFile>| own.as_ref().map(|own| fingerprint(own.text.as_bytes())) == preview.before;
    let changed = || Error::Changed { file: file.clone() };
    if !is_as_previewed(&own) {
        return Err(changed());
    }
    if own.as_ref().is_some_and(|own| !own.is_writable()) {
        return Err(Error::NotOwn { file: file.clone(), why: "it is read-only" });
    }
    let before = own.as_ref().map(|own| client.format().read(&own.text)).transpose();
    let before = before.map_err(|_| changed())?;
    let was_there = |path: &[String]| before.as_ref().is_some_and(|root| root.at(path).is_some());
    let edits = preview.changes.iter().map(|change| Edit {
        path: change.path.clone(),
        became: change.to.as_ref().map(|value| fingerprint(value.to_string().as_bytes())),
        was_there: was_there(&change.path),
    });
    let mut receipt = Receipt {
        id: random_id().map_err(|error| Error::unwritable(records, &error))?,
        client: client.id().to_owned(),
        file: file.clone(),
        entry: preview.entry.clone(),
        backup: None,
        memo: preview.memo.clone(),
        before: preview.before.clone(),
        after: fingerprint(preview.content.as_bytes()),
        edits: edits.collect(),
        made: preview.makes.clone(),
    };
    let (backup, is_new) = own.as_ref().map(|own| back_up(own, file, places)).transpose()?.unzip();
    receipt.backup = backup;
    let written = receipt.keep(records).and_then(|()| {
        // Looked at once more, as late as can be.
        if !is_as_previewed(&own_file::read(file, places)?) {
            return Err(changed());
        }
        match &own {
            Some(own) => own.replace(preview.content.as_bytes()).map_err(|error| Error::unwritable(file, &error)),
            None => own_file::create(file, preview.content.as_bytes()).map_err(|error| {
                let is_there = error.kind() == io::ErrorKind::AlreadyExists;
                if is_there { changed() } else { Error::unwritable(file, &error) }
            }),
        }
    });
    if let Err(error) = written {
        receipt.drop_from(records);
        if let (Some(backup), Some(true)) = (&receipt.backup, is_new) {
            // The file itself is as it was, so its copy is of no use.
            let _ = fs::remove_file(backup);
        }
        return Err(error);
    }
    Ok(receipt)
}

/// Lays a copy beside the file; one of the same content serves as well. Says whether it is new.
///
/// It lies beside the path that the client knows, and not where a link leads: that may be a folder that is shared.
fn back_up(own: &OwnFile, file: &Path, places: &Places) -> Result<(PathBuf, bool), Error> {
    let name = |number: usize| {
        let mut name = file.as_os_str().to_owned();
        name.push(BACKUP);
        if number > 1 {
            name.push(format!("-{number}"));
        }
        PathBuf::from(name)
    };
    for backup in (1..=BACKUPS).map(name) {
        match own.copy_to(&backup) {
            Ok(()) => return Ok((backup, true)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = own_file::read(&backup, places).ok().flatten();
                if there.is_some_and(|there| *there.text == *own.text) {
                    return Ok((backup, false));
                }
            }
            Err(error) => return Err(Error::unwritable(&backup, &error)),
        }
    }
    Err(Error::NotOwn { file: file.to_owned(), why: "there are too many copies of it already" })
}

fn random_id() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
