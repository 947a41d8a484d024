//! Which vault is in use: a small file in the state folder. Replacing it is the one instant in which a move takes place.

use super::VaultError;
use super::sealed::Guard;
use crate::home::{random_id, replace};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The version of the file.
const VERSION: u32 = 1;
/// How the names of sealed vaults begin and end.
const SEALED: (&str, &str) = ("vault-", ".db");

/// A vault that can be in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Chosen {
    /// The system's keyring.
    Keyring,
    /// A sealed one.
    Sealed {
        /// Its random id, and the name of its file.
        vault: String,
        /// Whether the system's keyring has its key.
        key_in_keyring: bool,
    },
}

impl Chosen {
    /// One that isn't there yet: the keyring, or a sealed one with this guard.
    pub(super) fn new(guard: Option<&Guard>) -> Chosen {
        match guard {
            None => Chosen::Keyring,
            Some(guard) => Chosen::Sealed { vault: random_id(), key_in_keyring: matches!(guard, Guard::Keyring) },
        }
    }
}

/// What the file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Choice {
    pub(super) version: u32,
    /// The vault in use; none as long as nothing was ever kept.
    pub(super) in_use: Option<Chosen>,
    /// What is left of others: half of one that a move was cut off in, or what a move has left behind.
    #[serde(default)]
    pub(super) scrap: Vec<Chosen>,
}

impl Default for Choice {
    fn default() -> Choice {
        Choice { version: VERSION, in_use: None, scrap: Vec::new() }
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct ChoiceFile {
    folder: PathBuf,
}

impl ChoiceFile {
    /// The one in this folder.
    pub(super) fn new(folder: &Path) -> ChoiceFile {
        ChoiceFile { folder: folder.to_owned() }
    }

    /// What it says. Without it nothing was kept yet, unless a sealed vault lies there: then nobody can tell.
    pub(super) fn read(&self) -> Result<Choice, VaultError> {
        let content = match fs::read(self.path()) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.choose_first(),
            Err(error) => return Err(self.unusable(&error.to_string())),
        };
        let choice: Choice = serde_json::from_slice(&content)
            .map_err(|error| self.unusable(&format!("line {}, column {}", error.line(), error.column())))?;
        let is_name = |vault: &str| !vault.is_empty() && vault.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_sound = |chosen: &Chosen| !matches!(chosen, Chosen::Sealed { vault, .. } if !is_name(vault));
        match choice.version {
            VERSION if choice.in_use.iter().chain(&choice.scrap).all(is_sound) => Ok(choice),
            VERSION => Err(self.unusable("it names a vault that can't be one")),
            _ => Err(VaultError::Newer),
        }
    }

    fn choose_first(&self) -> Result<Choice, VaultError> {
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let (begin, end) = SEALED;
        let is_sealed = |name: &str| name.starts_with(begin) && name.ends_with(end);
        match names.into_iter().find(|name| name.to_str().is_some_and(is_sealed)) {
            None => Ok(Choice::default()),
            Some(name) => Err(self.unusable(&format!("it is gone, although {} is there", name.display()))),
        }
    }

    /// Replaces it at once.
    pub(super) fn write(&self, choice: &Choice) -> Result<(), VaultError> {
        let content = serde_json::to_vec(choice).map_err(|error| self.unusable(&error.to_string()))?;
        replace(&self.path(), &content).map_err(|error| {
            let is_full = error.kind() == io::ErrorKind::StorageFull;
            if is_full { VaultError::Full } else { self.unusable(&error.to_string()) }
        })
    }

    /// Where a sealed vault lies.
    pub(super) fn sealed(&self, vault: &str) -> PathBuf {
        let (begin, end) = SEALED;
        self.folder.join(format!("{begin}{vault}{end}"))
    }

    fn path(&self) -> PathBuf {
        self.folder.join("vault.json")
    }

    fn unusable(&self, problem: &str) -> VaultError {
        VaultError::NoChoice(format!("{}: {problem}", self.path().display()))
    }
}
