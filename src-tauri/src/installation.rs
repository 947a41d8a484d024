//! What of Keybearer programs and people find on this computer: its socket and its command.

use crate::sidecar;
use keybearer_ipc::place::Place;
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde::Serialize;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tauri::AppHandle;

/// The command's name.
const COMMAND: &str = "keybearer";

/// Where things are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Installation {
    /// The socket that programs ask at.
    pub socket: String,
    /// The command, if it can be run.
    pub command: Option<Helper>,
}

/// The command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Helper {
    /// Its file.
    pub path: String,
    /// Its version.
    pub version: String,
    /// Whether its name alone leads to it, as far as this desktop's `PATH` tells.
    pub on_path: bool,
}

/// What there is now.
pub fn look(app: &AppHandle) -> Result<Installation, ErrorObject> {
    let place =
        Place::of_environment().map_err(|error| ErrorObject::new(ErrorCode::StorageUnavailable, error.to_string()))?;
    let socket = place.socket(Door::Programs).display().to_string();
    Ok(Installation { socket, command: helper(app) })
}

fn helper(app: &AppHandle) -> Option<Helper> {
    let mut command = sidecar::command(app, COMMAND).ok()?;
    let path = PathBuf::from(command.get_program());
    let told = command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let version = String::from_utf8(told.stdout).ok()?.trim().rsplit(' ').next()?.to_owned();
    let on_path = env::var_os("PATH").is_some_and(|folders| leads_to(env::split_paths(&folders), &path));
    Some(Helper { path: path.display().to_string(), version, on_path })
}

/// Whether the first file of this name in these folders is this one.
fn leads_to(folders: impl Iterator<Item = PathBuf>, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let first = folders.map(|folder| folder.join(name)).find(|candidate| candidate.is_file());
    first.and_then(|first| fs::canonicalize(first).ok()).is_some_and(|first| fs::canonicalize(path).ok() == Some(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_the_first_file_that_has_it() {
        let root = tempfile::tempdir().expect("a folder");
        let folders = ["empty", "old", "new"].map(|name| root.path().join(name));
        for folder in &folders {
            fs::create_dir(folder).expect("a folder");
        }
        for folder in &folders[1..] {
            fs::File::create(folder.join(COMMAND)).expect("a file");
        }
        let found = |at: usize| leads_to(folders.clone().into_iter(), &folders[at].join(COMMAND));
        assert!(found(1) && !found(2) && !found(0));
    }
}
