//! The keyring of macOS and Windows, asked from the vault's thread alone.

use super::VaultError;
use super::keeper::Keeper;
use super::parts::{self, Items};
use super::store::{Found, PROBE, Place, Store, is_listed};
use keybearer_protocol::vault::VaultKind;
use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error};
use std::collections::HashMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The attribute `service` of every item.
const SERVICE: &str = "keybearer";

/// Whether this platform's keyring takes only small items.
const IN_PARTS: bool = cfg!(windows);

/// A connection to the keyring, made when first needed and again after it broke.
#[derive(Debug)]
pub(super) struct Keyring {
    home_id: String,
    store: Option<Arc<CredentialStore>>,
    /// Whether a write, read and delete has worked: without that, "no entry" may just mean "locked".
    proven: bool,
}

impl Keyring {
    pub(super) fn new(home_id: String) -> Self {
        Keyring { home_id, store: None, proven: false }
    }

    /// The same: Windows' keyring has no dialog, and that of macOS is the system's to show.
    pub(super) fn without_dialog(home_id: String) -> Self {
        Keyring::new(home_id)
    }

    /// Runs `job` on the entry of this id.
    fn with_entry<T>(&mut self, id: &str, job: impl Fn(&Entry) -> keyring_core::Result<T>) -> Result<T, VaultError> {
        let user = format!("{}.{id}", self.home_id);
        let modifiers = MODIFIERS.map(|modifier| HashMap::from([modifier]));
        self.with_store(|store| job(&store.build(SERVICE, &user, modifiers.as_ref())?))
    }

    /// Runs `job` on the keyring. A broken connection is made anew once: keyrings restart.
    fn with_store<T>(&mut self, job: impl Fn(&CredentialStore) -> keyring_core::Result<T>) -> Result<T, VaultError> {
        let had_store = self.store.is_some();
        let outcome = match self.try_store(&job) {
            Err(Error::PlatformFailure(_)) if had_store => {
                self.store = None;
                self.try_store(&job)
            }
            other => other,
        };
        outcome.map_err(|error| {
            self.proven = false;
            explain(error)
        })
    }

    fn try_store<T>(&mut self, job: impl Fn(&CredentialStore) -> keyring_core::Result<T>) -> keyring_core::Result<T> {
        let store = match &self.store {
            Some(store) => store.clone(),
            None => self.store.insert(open_store()?).clone(),
        };
        job(&*store)
    }
}

impl Store for Keyring {
    fn kind(&self) -> VaultKind {
        VaultKind::Keyring
    }

    fn probe(&mut self) -> Result<(), VaultError> {
        const CONTENT: &[u8] = b"probe";
        let outcome = self.with_entry(PROBE, |entry| {
            entry.set_secret(CONTENT)?;
            let kept = entry.get_secret()?;
            entry.delete_credential()?;
            Ok(kept)
        });
        self.proven = matches!(&outcome, Ok(kept) if kept == CONTENT);
        match outcome {
            Ok(_) if self.proven => Ok(()),
            Ok(_) => Err(VaultError::NotKept),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        if !self.proven {
            self.probe()?;
        }
        if IN_PARTS { parts::read(self, id) } else { self.get(id) }
    }

    fn write(&mut self, id: &str, secret: &[u8]) -> Result<(), VaultError> {
        if IN_PARTS { parts::write(self, id, secret) } else { self.set(id, secret) }
    }

    fn delete(&mut self, id: &str) -> Result<(), VaultError> {
        if IN_PARTS { parts::remove(self, id) } else { self.remove(id) }
    }

    /// By the ids of the items, which the keyring's listing tells. Whoever has many waits for all to be named, also
    /// those of other programs: neither Windows nor macOS searches by the beginning of a name.
    fn find_all(&mut self) -> Result<Vec<Place>, VaultError> {
        if !self.proven {
            self.probe()?;
        }
        let home = format!("{}.", self.home_id);
        let entries = self.with_store(|store| store.search(&search_for(&home)))?;
        let users = entries.iter().filter_map(Entry::get_specifiers).filter(|(service, _)| service == SERVICE);
        let ids = users.filter_map(|(_, user)| Some(user.strip_prefix(&home)?.to_owned()));
        Ok(ids.filter(|id| is_listed(id) && !parts::is_part(id)).map(Place).collect())
    }

    fn read_at(&mut self, places: &[Place]) -> Result<Vec<Found>, VaultError> {
        let found = places.iter().map(|Place(id)| Ok(self.read(id)?.map(|content| Found { id: id.clone(), content })));
        found.filter_map(Result::transpose).collect()
    }
}

/// The items as the platform has them.
impl Items for Keyring {
    fn get(&mut self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.with_entry(id, |entry| match entry.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn set(&mut self, id: &str, secret: &[u8]) -> Result<(), VaultError> {
        self.with_entry(id, |entry| entry.set_secret(secret))
    }

    fn remove(&mut self, id: &str) -> Result<(), VaultError> {
        self.with_entry(id, |entry| match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open, and the rest is one case for us")]
fn explain(error: Error) -> VaultError {
    match error {
        Error::NoStorageAccess(_) => VaultError::Locked(Keeper::Other),
        Error::PlatformFailure(cause) => VaultError::Absent(cause.to_string()),
        Error::TooLong(attribute, limit) => VaultError::TooLarge(format!("{attribute} over {limit} bytes")),
        other => VaultError::Absent(describe(&other)),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open, and the rest is one case for us")]
/// The error without what it may carry along: some variants hold the secret's bytes.
fn describe(error: &Error) -> String {
    match error {
        Error::NoEntry => "no entry".to_owned(),
        Error::Ambiguous(_) => "several items of one name".to_owned(),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "an item isn't readable".to_owned(),
        Error::NoDefaultStore => "no store".to_owned(),
        _ => "an unexpected answer".to_owned(),
    }
}

#[cfg(target_os = "macos")]
fn open_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn open_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

/// On Windows: items don't roam to other machines.
#[cfg(windows)]
const MODIFIERS: Option<(&str, &str)> = Some(("persistence", "Local"));
#[cfg(target_os = "macos")]
const MODIFIERS: Option<(&str, &str)> = None;

/// What finds the items of a home, and others beside it.
#[cfg(windows)]
fn search_for(home: &str) -> HashMap<&str, &str> {
    HashMap::from([("pattern", home.trim_end_matches('.'))])
}

/// What finds the items of every home.
#[cfg(target_os = "macos")]
fn search_for(_home: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE)])
}
