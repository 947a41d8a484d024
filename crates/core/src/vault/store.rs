//! What keeps items, asked from the vault's thread alone: the system's keyring, or the sealed vault.

use super::VaultError;
use std::fmt;
use zeroize::Zeroizing;

/// The item that is written to see whether a store works. It is nobody's, and in no listing.
pub(super) const PROBE: &str = "probe";

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
    /// Whether it works, by a real write, read and delete.
    fn probe(&mut self) -> Result<(), VaultError>;

    /// What the item with this id holds.
    fn read(&mut self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;

    /// Writes an item. Whoever is cut off leaves the old content or the new.
    fn write(&mut self, id: &str, content: &[u8]) -> Result<(), VaultError>;

    /// Deletes an item; none is as good.
    fn delete(&mut self, id: &str) -> Result<(), VaultError>;

    /// Where every item of this home lies. One that a person has copied lies in two places.
    fn find_all(&mut self) -> Result<Vec<Place>, VaultError>;

    /// What lies at these places, in one go; what is gone since then is left out.
    fn read_at(&mut self, places: &[Place]) -> Result<Vec<Found>, VaultError>;
}

impl fmt::Debug for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Found").field("id", &self.id).finish_non_exhaustive()
    }
}
