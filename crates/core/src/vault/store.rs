//! What keeps items, asked from the vault's thread alone: the system's keyring, or the sealed vault.

use super::VaultError;
use crate::seal::{Key, Stretching};
use keybearer_protocol::vault::{KeyringView, VaultKind};
use std::fmt;
use zeroize::Zeroizing;

/// The item that is written to see whether a store works. It is nobody's, and in no listing.
pub(super) const PROBE: &str = "probe";

/// How the names of items begin that hold the key of a sealed vault. They belong to that vault, and are in no listing.
const VAULT_KEY: &str = "vault-key-";

/// Where one item lies, as its store names it: good until something is written or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place(pub(super) String);

/// What lay at a place.
pub(super) struct Found {
    /// The item's id.
    pub(super) id: String,
    /// What it holds.
    pub(super) content: Zeroizing<Vec<u8>>,
}

/// A store of items, each with an id. What a write has returned for is kept, also when the machine loses its power.
pub(super) trait Store: Send {
    /// Which one it is.
    fn kind(&self) -> VaultKind;

    /// Whether it works, by a real write, read and delete.
    fn probe(&mut self) -> Result<(), VaultError>;

    /// The same without touching what an agent may have open.
    fn look(&mut self) -> Result<(), VaultError> {
        self.probe()
    }

    /// What the item with this id holds.
    fn read(&mut self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;

    /// Writes an item. Whoever is cut off leaves the old content or the new.
    fn write(&mut self, id: &str, content: &[u8]) -> Result<(), VaultError>;

    /// Writes many.
    fn write_all(&mut self, items: &[Found]) -> Result<(), VaultError> {
        items.iter().try_for_each(|item| self.write(&item.id, &item.content))
    }

    /// Deletes an item; none is as good.
    fn delete(&mut self, id: &str) -> Result<(), VaultError>;

    /// Where every item of this home lies. One that a person has copied lies in two places.
    fn find_all(&mut self) -> Result<Vec<Place>, VaultError>;

    /// What lies at these places, in one go; what is gone since then is left out.
    fn read_at(&mut self, places: &[Place]) -> Result<Vec<Found>, VaultError>;

    /// The keyring behind it, as people know it, if there is one.
    fn known_as(&mut self) -> Option<KeyringView> {
        None
    }

    /// How a passphrase becomes what [`Store::unlock`] takes, if there is one.
    fn stretching(&self) -> Option<Stretching> {
        None
    }

    /// Whether nothing can be read until a passphrase was given.
    fn is_shut(&self) -> bool {
        false
    }

    /// Ends what [`Store::lock`] began, and opens it with what a passphrase has made, where it has one.
    fn unlock(&mut self, _of_passphrase: Option<&Key>) -> Result<(), VaultError> {
        Ok(())
    }

    /// Drops what it has in memory, and gives nothing until it is unlocked.
    fn lock(&mut self) {}
}

/// Where the key of this sealed vault lies in a keyring.
pub(super) fn key_item(vault: &str) -> String {
    format!("{VAULT_KEY}{vault}")
}

/// Whether an item of this id holds the key of a sealed vault.
pub(super) fn is_key_item(id: &str) -> bool {
    id.starts_with(VAULT_KEY)
}

/// Whether an item of this id is somebody's, and not the vault's own.
pub(super) fn is_listed(id: &str) -> bool {
    id != PROBE && !is_key_item(id)
}

impl fmt::Debug for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Found").field("id", &self.id).finish_non_exhaustive()
    }
}
