//! The OS keyring, owned by one thread; one item per account.
//!
//! Keyring calls block, may wait for a dialog, and are not ordered between threads on every system. So one thread
//! makes them all, and whoever waits for it waits three seconds at most (REQ-L4).

/// The program that offers the keyring.
pub mod keeper;
/// What guards the tokens.
pub mod protection;
/// What the item of an account holds.
pub mod record;

#[cfg(any(target_os = "macos", windows))]
mod keyring;
/// Items cut into parts, for keyrings that take only small ones.
#[cfg(any(target_os = "macos", windows, test))]
mod parts;
#[cfg(not(any(target_os = "macos", windows)))]
mod secret_service;
/// What keeps items.
mod store;

use crate::flight::Flight;
use keeper::Keeper;
use keybearer_protocol::agent::VaultState;
#[cfg(any(target_os = "macos", windows))]
use keyring::Keyring;
#[cfg(not(any(target_os = "macos", windows)))]
use secret_service::Keyring;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use store::Store;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// How long a caller waits for the keyring.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many items are read in one job: others come in between.
const PORTION: usize = 64;

/// How many jobs may wait for the keyring.
const QUEUE: usize = 1024;

/// Why the vault can't answer. Nothing is lost by any of these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The keyring is there and locked.
    #[error("{0} is locked")]
    Locked(Keeper),
    /// There is no keyring, or it can't be reached.
    #[error("the system keyring can't be reached ({0})")]
    Absent(String),
    /// The keyring has nothing yet that items could be put into.
    #[error("{0} has no default collection to keep anything in")]
    NoCollection(Keeper),
    /// The keyring didn't answer in time; it may be waiting for a person.
    #[error("the system keyring isn't answering; it may be waiting for you in a dialog")]
    Silent,
    /// The keyring refuses an item of this size.
    #[error("the system keyring doesn't take items of this size ({0})")]
    TooLarge(String),
    /// An item was written by a newer Keybearer, or isn't ours.
    #[error("the keyring item of this account can't be read ({0}); it was left as it is")]
    Unreadable(String),
    /// The keyring gave back something else than what was written.
    #[error("the system keyring didn't keep what was written")]
    NotKept,
}

impl VaultError {
    /// What this says of the keyring; nothing wrong means that it works.
    pub fn state(problem: Option<&VaultError>) -> VaultState {
        match problem {
            None => VaultState::Unlocked,
            Some(VaultError::Locked(_)) => VaultState::Locked,
            Some(_) => VaultState::Absent,
        }
    }

    /// What a person can do about it.
    pub fn way_out(&self) -> Option<&'static str> {
        match self {
            VaultError::Locked(keeper) => Some(keeper.how_to_unlock()),
            VaultError::Absent(_) => Some(HOW_TO_START_ONE),
            VaultError::NoCollection(keeper) => Some(keeper.how_to_make_room()),
            VaultError::Silent => Some("answer its dialog, if there is one, and try again"),
            VaultError::Unreadable(_) => {
                Some("update Keybearer, or remove the account with keybearer remove and add it again")
            }
            VaultError::TooLarge(_) | VaultError::NotKept => None,
        }
    }
}

/// What to do where the system's keyring can't be reached.
const HOW_TO_START_ONE: &str = if cfg!(windows) {
    "start Windows' service \"Credential Manager\""
} else if cfg!(target_os = "macos") {
    "open Keychain Access, and make \"login\" the default keychain"
} else {
    "start a keyring such as gnome-keyring, KWallet or KeePassXC in this session; without a desktop, see \
     Troubleshooting in the README"
};

/// The keyring of one home.
#[derive(Clone, Debug)]
pub struct Vault {
    jobs: mpsc::SyncSender<Job>,
    probing: Arc<Flight<Result<(), VaultError>>>,
}

/// What an item can hold: JSON with the version of its format.
pub trait Kept: Serialize + DeserializeOwned + Send + 'static {
    /// The newest format that this build reads.
    const NEWEST: u32;

    /// Whether an item without content is as good as none. A KWallet that was killed soon after a write leaves one behind.
    const EMPTY_IS_NONE: bool;

    /// The format of this one.
    fn version(&self) -> u32;

    /// As it lies in the keyring.
    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let bytes = serde_json::to_vec(self).map_err(|error| VaultError::Unreadable(place(&error)))?;
        Ok(Zeroizing::new(bytes))
    }

    /// Reads one; the error says where it is wrong and never what it holds.
    fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        let kept: Self = serde_json::from_slice(bytes).map_err(|error| VaultError::Unreadable(place(&error)))?;
        if kept.version() > Self::NEWEST {
            return Err(VaultError::Unreadable("a newer Keybearer wrote it".to_owned()));
        }
        Ok(kept)
    }
}

/// Whether there is one in it.
fn holds_one<T: Kept>(content: &[u8]) -> bool {
    !(T::EMPTY_IS_NONE && content.is_empty())
}

fn place(error: &serde_json::Error) -> String {
    format!("column {}: {:?}", error.column(), error.classify())
}

type Job = Box<dyn FnOnce(&mut dyn Store) + Send>;

impl Vault {
    /// The vault of the home with this id. Nothing is asked of the keyring yet.
    pub fn start(home_id: &str) -> Vault {
        Vault::of(Keyring::new(home_id.to_owned()))
    }

    /// The same for one who only looks: a keyring that is locked opens no dialog for it.
    pub fn start_looking(home_id: &str) -> Vault {
        Vault::of(Keyring::without_dialog(home_id.to_owned()))
    }

    fn of(mut store: impl Store + 'static) -> Vault {
        let (jobs, queue) = mpsc::sync_channel::<Job>(QUEUE);
        let thread = std::thread::Builder::new().name("keyring".to_owned());
        let spawned = thread.spawn(move || queue.iter().for_each(|job| job(&mut store)));
        if let Err(error) = spawned {
            // Every request will then say that the keyring can't be reached.
            tracing::error!(%error, "the keyring's thread can't be started");
        }
        Vault { jobs, probing: Arc::default() }
    }

    /// Whether the keyring works, by a real write and read. All who ask at one time share the answer.
    pub async fn probe(&self) -> Result<(), VaultError> {
        let vault = self.clone();
        let shared = self.probing.join(|| async move { vault.ask(|store| store.probe()).await }).await;
        shared.unwrap_or(Err(VaultError::Silent))
    }

    /// What the item with this id holds.
    pub async fn read<T: Kept>(&self, id: &str) -> Result<Option<T>, VaultError> {
        let id = id.to_owned();
        self.ask(move |store| {
            let content = store.read(&id)?.filter(|content| holds_one::<T>(content));
            content.map(|content| T::from_bytes(&content)).transpose()
        })
        .await
    }

    /// What all items hold whose id is wanted, in far less time than one by one. Each that can't be read is its own
    /// trouble.
    pub async fn read_all<T: Kept>(
        &self,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, Result<T, VaultError>>, VaultError> {
        let (mut all, mut copied) = (BTreeMap::new(), Vec::new());
        for places in self.ask(|store| store.find_all()).await?.chunks(PORTION) {
            let places = places.to_vec();
            for item in self.ask(move |store| store.read_at(&places)).await? {
                match all.entry(item.id) {
                    Entry::Occupied(other) => copied.push(other.key().clone()),
                    Entry::Vacant(place) => _ = place.insert(item.content),
                }
            }
        }
        all.retain(|id, content| is_wanted(id) && holds_one::<T>(content));
        let mut all: BTreeMap<_, _> = all.into_iter().map(|(id, content)| (id, T::from_bytes(&content))).collect();
        for id in copied.into_iter().filter(|id| is_wanted(id)) {
            // Which of two counts is for the store to say.
            match self.read(&id).await {
                Ok(None) => drop(all.remove(&id)),
                Ok(Some(item)) => drop(all.insert(id, Ok(item))),
                Err(error) => drop(all.insert(id, Err(error))),
            }
        }
        Ok(all)
    }

    /// Writes an item and reads it back: what this returns for is kept.
    pub async fn write<T: Kept>(&self, id: &str, item: &T) -> Result<(), VaultError> {
        let (id, bytes) = (id.to_owned(), item.to_bytes()?);
        self.ask(move |store| {
            store.write(&id, &bytes)?;
            let kept = store.read(&id)?;
            if kept.as_ref().is_some_and(|kept| **kept == **bytes) { Ok(()) } else { Err(VaultError::NotKept) }
        })
        .await
    }

    /// Deletes an item; none is as good.
    pub async fn delete(&self, id: &str) -> Result<(), VaultError> {
        let id = id.to_owned();
        self.ask(move |store| store.delete(&id)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Store) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |store| {
            // Whoever lost patience asks again if it still matters: a dialog is not shown for nobody.
            if !reply.is_closed() {
                drop(reply.send(job(store)));
            }
        });
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => VaultError::Silent,
            mpsc::TrySendError::Disconnected(_) => VaultError::Absent("its thread ended".to_owned()),
        })?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(VaultError::Absent("its thread ended".to_owned())),
            Err(_) => Err(VaultError::Silent),
        }
    }
}
