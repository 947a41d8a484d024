//! What the vault's thread holds: the store in use, and the way from one to another.
//!
//! A move makes the new store, copies everything, reads it back, and then replaces the file that says which one is in use.
//! Whoever is cut off before that has the old store whole, and after it the new one; what is left of the other stands in
//! the same file, and is taken away by the next who comes.

use super::choice::{Choice, ChoiceFile, Chosen};
use super::sealed::{self, Guard, Sealed};
use super::store::{Found, Store, is_listed};
use super::{Keyring, PORTION, VaultError, credential};
use crate::home::{Home, HomeError};
use crate::seal::Key;
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// What the vault's thread holds.
pub(super) struct Holder {
    home_id: String,
    choice: ChoiceFile,
    /// For one who only looks: nothing is opened that an agent may have open, nothing is written beside the probe, and a
    /// keyring that is locked opens no dialog.
    looks: bool,
    store: Option<Box<dyn Store>>,
    /// Whether the file says that something is kept.
    is_recorded: bool,
}

impl Holder {
    /// The vault of this home. Nothing is read yet.
    pub(super) fn new(home: &Home) -> Result<Holder, HomeError> {
        Ok(Holder::of(home, home.id()?, false))
    }

    /// The same for one who only looks.
    pub(super) fn looking(home: &Home, home_id: String) -> Holder {
        Holder::of(home, home_id, true)
    }

    fn of(home: &Home, home_id: String, looks: bool) -> Holder {
        let [_, state] = home.folders();
        Holder { home_id, choice: ChoiceFile::new(state), looks, store: None, is_recorded: false }
    }

    /// The store in use.
    pub(super) fn store(&mut self) -> Result<&mut dyn Store, VaultError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => self.open()?,
        };
        Ok(&mut **self.store.insert(store))
    }

    /// Whether it works.
    pub(super) fn probe(&mut self) -> Result<(), VaultError> {
        if self.looks { self.store()?.look() } else { self.store()?.probe() }
    }

    /// What the item with this id holds.
    pub(super) fn read(&mut self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let content = self.store()?.read(id)?;
        if content.is_some() {
            self.record()?;
        }
        Ok(content)
    }

    /// The same for one who keeps something: from now on it is known which store that is in.
    pub(super) fn store_to_write(&mut self) -> Result<&mut dyn Store, VaultError> {
        self.store()?;
        self.record()?;
        self.store()
    }

    /// Writes down that something is kept.
    fn record(&mut self) -> Result<(), VaultError> {
        if !self.is_recorded && !self.looks {
            let choice = self.choice.read()?;
            if choice.in_use.is_none() {
                self.choice.write(&Choice { in_use: Some(Chosen::Keyring), ..choice })?;
            }
            self.is_recorded = true;
        }
        Ok(())
    }

    /// Whether nothing was ever kept, as far as anybody knows.
    pub(super) fn is_unused(&self) -> Result<bool, VaultError> {
        Ok(self.choice.read()?.in_use.is_none())
    }

    fn open(&mut self) -> Result<Box<dyn Store>, VaultError> {
        let choice = self.choice.read()?;
        let mut store: Box<dyn Store> = match &choice.in_use {
            None | Some(Chosen::Keyring) => Box::new(self.keyring()),
            Some(Chosen::Sealed { vault, .. }) => {
                Box::new(Sealed::open(&self.choice.sealed(vault), vault, Box::new(self.keyring()))?)
            }
        };
        if self.looks {
            return Ok(store);
        }
        self.tidy(choice);
        if store.is_shut()
            && let Err(error) = unlock_by_credential(&mut *store)
        {
            tracing::warn!(%error, "the service manager's credential doesn't open the sealed vault");
        }
        Ok(store)
    }

    fn keyring(&self) -> Keyring {
        if self.looks { self.silent_keyring() } else { Keyring::new(self.home_id.clone()) }
    }

    fn silent_keyring(&self) -> Keyring {
        Keyring::without_dialog(self.home_id.clone())
    }

    /// Opens it again after a lock, with what a passphrase has made or with what there is.
    pub(super) fn unlock(&mut self, of_passphrase: Option<&Key>) -> Result<(), VaultError> {
        let store = self.store()?;
        if of_passphrase.is_none() && store.is_shut() {
            return unlock_by_credential(store);
        }
        store.unlock(of_passphrase)
    }

    /// Drops what is secret out of memory.
    pub(super) fn lock(&mut self) {
        if let Some(store) = &mut self.store {
            store.lock();
        }
    }

    /// Moves everything into a new store: the keyring, or a sealed one with this guard.
    pub(super) fn move_to(&mut self, guard: Option<&Guard>) -> Result<(), VaultError> {
        let before = self.choice.read()?;
        let target = Chosen::new(guard);
        let source = match self.source(&before)? {
            Some(_) => Some(before.in_use.clone().unwrap_or(Chosen::Keyring)),
            None => None,
        };
        let others: Vec<Chosen> = before.scrap.iter().filter(|scrap| **scrap != target).cloned().collect();
        let half = Choice { scrap: [&others[..], std::slice::from_ref(&target)].concat(), ..before.clone() };
        self.choice.write(&half)?;
        let made = self.make(&target, guard, source.is_some());
        let new = match made {
            Ok(new) => new,
            Err(error) => {
                self.tidy(half);
                return Err(error);
            }
        };
        let moved = Choice { in_use: Some(target), scrap: others.into_iter().chain(source).collect(), ..before };
        // Whether or not this goes well, the file says from now on which one is in use.
        self.store = None;
        self.choice.write(&moved)?;
        (self.store, self.is_recorded) = (Some(new), true);
        self.tidy(moved);
        Ok(())
    }

    /// The store that there is something in. Where nothing was ever kept, a keyring that isn't there is no reason to stay.
    fn source(&mut self, choice: &Choice) -> Result<Option<&mut dyn Store>, VaultError> {
        let is_unused = choice.in_use.is_none();
        let store = self.store()?;
        match store.probe() {
            Ok(()) => Ok(Some(store)),
            Err(VaultError::Absent(_) | VaultError::NoCollection(_)) if is_unused => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The new store with everything in it.
    fn make(&mut self, target: &Chosen, guard: Option<&Guard>, has_source: bool) -> Result<Box<dyn Store>, VaultError> {
        let mut new: Box<dyn Store> = match (target, guard) {
            (Chosen::Sealed { vault, .. }, Some(guard)) => {
                Box::new(Sealed::create(&self.choice.sealed(vault), vault, guard, Box::new(self.keyring()))?)
            }
            (Chosen::Keyring | Chosen::Sealed { .. }, _) => Box::new(self.keyring()),
        };
        new.probe()?;
        // What may lie there was left behind once, and mustn't come back.
        clear(&mut *new)?;
        if has_source {
            copy(self.store()?, &mut *new)?;
        }
        Ok(new)
    }

    /// Takes away what moves have left. What can't be taken away now is left to the next who comes.
    fn tidy(&self, choice: Choice) {
        if choice.scrap.is_empty() {
            return;
        }
        let is_left = |scrap: &Chosen| {
            let removed = self.remove(scrap);
            if let Err(error) = &removed {
                tracing::warn!(%error, "what a move has left behind stays for now");
            }
            removed.is_err()
        };
        let scrap: Vec<Chosen> = choice.scrap.iter().filter(|scrap| is_left(scrap)).cloned().collect();
        if scrap.len() < choice.scrap.len()
            && let Err(error) = self.choice.write(&Choice { scrap, ..choice })
        {
            tracing::warn!(%error, "what a move has left behind is taken away again later");
        }
    }

    fn remove(&self, scrap: &Chosen) -> Result<(), VaultError> {
        match scrap {
            Chosen::Keyring => clear(&mut self.silent_keyring()),
            Chosen::Sealed { vault, key_in_keyring } => {
                if *key_in_keyring {
                    self.silent_keyring().delete(&super::store::key_item(vault))?;
                }
                sealed::remove(&self.choice.sealed(vault))
            }
        }
    }
}

fn unlock_by_credential(store: &mut dyn Store) -> Result<(), VaultError> {
    match (store.stretching(), credential::read()) {
        (Some(stretching), Some(passphrase)) => store.unlock(Some(&stretching.stretch(&passphrase)?)),
        (Some(_), None) => Err(VaultError::Sealed),
        (None, _) => store.unlock(None),
    }
}

/// Copies every item, and reads each back.
fn copy(from: &mut dyn Store, to: &mut dyn Store) -> Result<(), VaultError> {
    let mut ids = BTreeSet::new();
    for places in from.find_all()?.chunks(PORTION) {
        let mut items = from.read_at(places)?;
        // What can't be found again now would be lost with the old store.
        if items.len() != places.len() {
            return Err(VaultError::NotKept);
        }
        items.retain(|item| is_listed(&item.id));
        for item in &mut items {
            // Of two with one id, the store says which counts.
            if !ids.insert(item.id.clone()) {
                item.content = from.read(&item.id)?.ok_or(VaultError::NotKept)?;
            }
        }
        to.write_all(&items)?;
        for Found { id, content } in &items {
            if to.read(id)?.is_none_or(|kept| *kept != **content) {
                return Err(VaultError::NotKept);
            }
        }
    }
    if ids_in(to)? == ids { Ok(()) } else { Err(VaultError::NotKept) }
}

/// Deletes every item.
fn clear(store: &mut dyn Store) -> Result<(), VaultError> {
    ids_in(store)?.iter().try_for_each(|id| store.delete(id))
}

fn ids_in(store: &mut dyn Store) -> Result<BTreeSet<String>, VaultError> {
    let mut ids = BTreeSet::new();
    for places in store.find_all()?.chunks(PORTION) {
        ids.extend(store.read_at(places)?.into_iter().map(|item| item.id).filter(|id| is_listed(id)));
    }
    Ok(ids)
}
