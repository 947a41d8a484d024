//! The vault: everything secret, in the OS keyring or in a sealed file, owned by one thread; one item per account.
//!
//! Keyring calls block, may wait for a dialog, and are not ordered between threads on every system. So one thread
//! makes them all, and whoever waits for it waits three seconds at most (REQ-L4).

/// The program that offers the keyring.
pub mod keeper;
/// What guards the tokens.
pub mod protection;
/// What the item of an account holds.
pub mod record;

/// Which vault is in use.
mod choice;
/// A passphrase that the service manager gives.
mod credential;
/// What the thread holds.
mod holder;
#[cfg(any(target_os = "macos", windows))]
mod keyring;
/// Records of an older shape.
mod migration;
/// Items cut into parts, for keyrings that take only small ones.
#[cfg(any(target_os = "macos", windows, test))]
mod parts;
/// The sealed vault.
mod sealed;
#[cfg(not(any(target_os = "macos", windows)))]
mod secret_service;
/// What keeps items.
mod store;
/// How often a passphrase may be tried.
mod tries;

use crate::flight::Flight;
use crate::home::{Home, HomeError};
use crate::seal::{Key, Stretching, Unfit};
use holder::Holder;
use keeper::Keeper;
use keybearer_protocol::vault::{KeyringView, VaultKind, VaultState};
#[cfg(any(target_os = "macos", windows))]
use keyring::Keyring;
use sealed::Guard;
use secrecy::{ExposeSecret, SecretString};
#[cfg(not(any(target_os = "macos", windows)))]
use secret_service::Keyring;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};
use store::is_listed;
use tokio::sync::oneshot;
use tries::Tries;
use zeroize::Zeroizing;

/// How long a caller waits for the keyring.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long one waits who opens, closes or moves the vault.
const LONG: Duration = Duration::from_secs(600);

/// The shortest passphrase, in characters.
const SHORTEST: usize = 8;

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
    #[error("the vault didn't keep what was written")]
    NotKept,
    /// The sealed vault waits for its passphrase.
    #[error("the sealed vault is locked, and its passphrase opens it")]
    Sealed,
    /// That isn't its passphrase.
    #[error("that isn't the passphrase of the sealed vault")]
    WrongPassphrase,
    /// A wrong one was just tried.
    #[error("a passphrase can be tried again in {} s", .0.as_secs_f64().ceil())]
    TooSoon(Duration),
    /// A passphrase that is easily guessed.
    #[error("a passphrase has {SHORTEST} characters or more")]
    TooShort,
    /// That vault has a passphrase, and none was given.
    #[error("a vault of that kind needs a passphrase")]
    NoPassphrase,
    /// Everything lies there already, or there is no passphrase to change.
    #[error("{0}")]
    NothingToDo(&'static str),
    /// The keyring has no key for the sealed vault.
    #[error("the system keyring doesn't have the key of the sealed vault")]
    KeyGone,
    /// The disk has no room.
    #[error("the disk is full, so the sealed vault can't be written; what it holds is as it was")]
    Full,
    /// The file of the sealed vault can't be opened, read or written.
    #[error("the sealed vault can't be used ({0})")]
    Unusable(String),
    /// The file of the sealed vault isn't as it was left.
    #[error("the sealed vault is damaged: {0}; it was left as it is")]
    Damaged(String),
    /// A newer version made it.
    #[error("a newer Keybearer has made the vault; it was left as it is")]
    Newer,
    /// Nobody can tell which vault is in use.
    #[error("it can't be told which vault is in use ({0}); nothing was changed")]
    NoChoice(String),
    /// Everything is just being moved.
    #[error("everything is just being moved to another vault")]
    Moving,
}

impl VaultError {
    /// What this says of the keyring; nothing wrong means that it works.
    pub fn state(problem: Option<&VaultError>) -> VaultState {
        match problem {
            None => VaultState::Unlocked,
            Some(VaultError::Locked(_) | VaultError::Sealed) => VaultState::Locked,
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
            VaultError::Sealed => Some("keybearer unlock, or unlock it in Keybearer's window"),
            VaultError::KeyGone => {
                Some("open the keyring that had it; without that key nobody can read the vault again")
            }
            VaultError::Full => Some("make room on the disk, and try again"),
            VaultError::Unusable(_) => Some("see whether the folder is there and can be written to"),
            VaultError::Damaged(_) => Some("put the file back from a backup of yours, with Keybearer stopped"),
            VaultError::Newer => Some("update Keybearer"),
            VaultError::NoChoice(_) => Some("put the file back from a backup of yours, with Keybearer stopped"),
            VaultError::Moving => Some("try again in a moment"),
            VaultError::NoPassphrase => Some("give one: keybearer vault move sealed --passphrase"),
            VaultError::TooLarge(_)
            | VaultError::NotKept
            | VaultError::WrongPassphrase
            | VaultError::TooSoon(_)
            | VaultError::TooShort
            | VaultError::NothingToDo(_) => None,
        }
    }
}

/// What to do where the system's keyring can't be reached.
const HOW_TO_START_ONE: &str = if cfg!(windows) {
    "start Windows' service \"Credential Manager\""
} else if cfg!(target_os = "macos") {
    "open Keychain Access, and make \"login\" the default keychain"
} else {
    "start a keyring such as gnome-keyring, KWallet or KeePassXC in this session; without a desktop, keep everything in a \
     sealed vault: keybearer vault move sealed --passphrase"
};

/// The vault of one home.
#[derive(Clone, Debug)]
pub struct Vault {
    jobs: mpsc::SyncSender<Job>,
    probing: Arc<Flight<Result<(), VaultError>>>,
    tries: Arc<Mutex<Tries>>,
    is_moving: Arc<AtomicBool>,
}

/// Which vault is in use, and what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which one.
    pub kind: VaultKind,
    /// Whether it gives nothing until its passphrase was given.
    pub is_shut: bool,
    /// Whether the service manager gives that.
    pub credential: bool,
}

/// What an item can hold: JSON with the version of its shape, which is independent of the product's.
pub trait Kept: Serialize + DeserializeOwned + Send + 'static {
    /// How an older record becomes one of the present shape: each step leads from one version to the next, the first from
    /// 1 to 2.
    const STEPS: &[fn(&mut Map<String, Value>)];

    /// Whether an item without content is as good as none. A KWallet that was killed soon after a write leaves one behind.
    const EMPTY_IS_NONE: bool;

    /// The version of the present shape.
    fn newest() -> u32 {
        migration::newest(Self::STEPS)
    }

    /// As it lies in the vault.
    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let bytes = serde_json::to_vec(self).map_err(|error| VaultError::Unreadable(place(&error)))?;
        Ok(Zeroizing::new(bytes))
    }

    /// Reads one of any version up to the present; the error says where it is wrong and never what it holds.
    fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        let migrated = migration::migrate(bytes, Self::STEPS)?;
        let present = migrated.as_ref().map_or(bytes, |migrated| migrated.as_slice());
        serde_json::from_slice(present).map_err(|error| VaultError::Unreadable(place(&error)))
    }
}

/// Whether there is one in it.
fn holds_one<T: Kept>(content: &[u8]) -> bool {
    !(T::EMPTY_IS_NONE && content.is_empty())
}

fn place(error: &serde_json::Error) -> String {
    format!("column {}: {:?}", error.column(), error.classify())
}

type Job = Box<dyn FnOnce(&mut Holder) + Send>;

impl Vault {
    /// The vault of this home. Nothing is asked of it yet.
    pub fn start(home: &Home) -> Result<Vault, HomeError> {
        Ok(Vault::of(Holder::new(home)?))
    }

    /// The same for one who only looks: a keyring that is locked opens no dialog for it, and a file stays as it is.
    pub fn start_looking(home: &Home, home_id: &str) -> Vault {
        Vault::of(Holder::looking(home, home_id.to_owned()))
    }

    fn of(mut holder: Holder) -> Vault {
        let (jobs, queue) = mpsc::sync_channel::<Job>(QUEUE);
        let thread = std::thread::Builder::new().name("vault".to_owned());
        let spawned = thread.spawn(move || queue.iter().for_each(|job| job(&mut holder)));
        if let Err(error) = spawned {
            // Every request will then say that the vault can't be reached.
            tracing::error!(%error, "the vault's thread can't be started");
        }
        let (probing, tries, is_moving) = Default::default();
        Vault { jobs, probing, tries, is_moving }
    }

    /// Whether the vault works, by a real write and read. All who ask at one time share the answer.
    pub async fn probe(&self) -> Result<(), VaultError> {
        let vault = self.clone();
        let shared = self.probing.join(|| async move { vault.ask(Holder::probe).await }).await;
        shared.unwrap_or(Err(VaultError::Silent))
    }

    /// Which vault is in use.
    pub async fn standing(&self) -> Result<Standing, VaultError> {
        self.ask(|holder| {
            let store = holder.store()?;
            let (kind, is_shut) = (store.kind(), store.is_shut());
            Ok(Standing { kind, is_shut, credential: store.stretching().is_some() && credential::is_there() })
        })
        .await
    }

    /// The keyring behind it, as people know it, if there is one and it tells.
    pub async fn keyring(&self) -> Option<KeyringView> {
        self.ask(|holder| Ok(holder.store()?.known_as())).await.ok().flatten()
    }

    /// Whether nothing was ever kept, as far as anybody knows.
    pub async fn is_unused(&self) -> Result<bool, VaultError> {
        self.ask(|holder| holder.is_unused()).await
    }

    /// What the item with this id holds.
    pub async fn read<T: Kept>(&self, id: &str) -> Result<Option<T>, VaultError> {
        let id = id.to_owned();
        self.ask(move |holder| {
            let content = holder.read(&id)?.filter(|content| holds_one::<T>(content));
            content.map(|content| T::from_bytes(&content)).transpose()
        })
        .await
    }

    /// What all items hold whose id is wanted, in far less time than one by one. Each that isn't what it should be is its own
    /// trouble.
    pub async fn read_all<T: Kept>(
        &self,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, Result<T, VaultError>>, VaultError> {
        let (mut all, mut copied) = (BTreeMap::new(), Vec::new());
        for places in self.ask(|holder| holder.store()?.find_all()).await?.chunks(PORTION) {
            let places = places.to_vec();
            let mut found = self.ask(move |holder| holder.store()?.read_at(&places)).await?;
            found.retain(|item| is_listed(&item.id) && is_wanted(&item.id));
            for item in found {
                match all.entry(item.id) {
                    Entry::Occupied(other) => copied.push(other.key().clone()),
                    Entry::Vacant(place) => {
                        let content = Some(item.content).filter(|content| holds_one::<T>(content));
                        place.insert(content.map(|content| T::from_bytes(&content)));
                    }
                }
            }
        }
        for id in copied {
            // Which of two counts is for the store to say.
            let item = self.read(&id).await.transpose();
            all.insert(id, item);
        }
        Ok(all.into_iter().filter_map(|(id, item)| Some((id, item?))).collect())
    }

    /// Writes an item and reads it back: what this returns for is kept.
    pub async fn write<T: Kept>(&self, id: &str, item: &T) -> Result<(), VaultError> {
        let (id, bytes) = (id.to_owned(), item.to_bytes()?);
        self.ask(move |holder| {
            let store = holder.store_to_write()?;
            store.write(&id, &bytes)?;
            let kept = store.read(&id)?;
            if kept.as_ref().is_some_and(|kept| **kept == **bytes) { Ok(()) } else { Err(VaultError::NotKept) }
        })
        .await
    }

    /// Deletes an item; none is as good.
    pub async fn delete(&self, id: &str) -> Result<(), VaultError> {
        let id = id.to_owned();
        self.ask(move |holder| holder.store()?.delete(&id)).await
    }

    /// Opens the vault with its passphrase. Says whether it has one: then this was it. A wrong one makes the next wait.
    pub async fn unlock_with(&self, passphrase: SecretString) -> Result<bool, VaultError> {
        // A try is looked at to its end, so that none is free for whoever leaves.
        let vault = self.clone();
        let tried = tokio::spawn(async move {
            let Some(key) = vault.stretch(&passphrase).await? else { return Ok(false) };
            vault.try_to(move |holder| holder.unlock(Some(&key))).await.map(|()| true)
        });
        tried.await.unwrap_or(Err(VaultError::Silent))
    }

    /// Opens it again after a lock, with what the keyring or the service manager has.
    pub async fn unlock(&self) -> Result<(), VaultError> {
        self.ask_within(LONG, |holder| holder.unlock(None)).await
    }

    /// Drops the vault's key out of memory, and closes its file.
    pub async fn lock(&self) {
        // Without its thread there is nothing to drop.
        let _ = self
            .ask_within(LONG, |holder| {
                holder.lock();
                Ok(())
            })
            .await;
    }

    /// Moves everything to another vault. It goes on when its caller leaves, and meanwhile the others hear of it.
    pub async fn move_to(&self, kind: VaultKind, passphrase: Option<SecretString>) -> Result<(), VaultError> {
        if self.standing().await?.kind == kind {
            return Err(VaultError::NothingToDo("everything lies there already"));
        }
        self.move_under(kind, passphrase).await
    }

    /// Changes the passphrase. Everything is sealed anew, under a new key: who has an old copy of the vault and the old
    /// passphrase can open that, and nothing that comes after.
    pub async fn change_passphrase(&self, current: SecretString, new: SecretString) -> Result<(), VaultError> {
        check_passphrase(&new)?;
        if !self.unlock_with(current).await? {
            return Err(VaultError::NothingToDo("this vault has no passphrase"));
        }
        self.move_under(VaultKind::SealedByPassphrase, Some(new)).await
    }

    async fn move_under(&self, kind: VaultKind, passphrase: Option<SecretString>) -> Result<(), VaultError> {
        let guard = match kind {
            VaultKind::Keyring => None,
            VaultKind::SealedByKeyring => Some(Guard::Keyring),
            VaultKind::SealedByPassphrase => {
                let passphrase = passphrase.ok_or(VaultError::NoPassphrase)?;
                check_passphrase(&passphrase)?;
                let stretching = Stretching::of_today();
                Some(Guard::Passphrase(stretching, stretched(stretching, passphrase).await?))
            }
        };
        if self.is_moving.swap(true, Ordering::SeqCst) {
            return Err(VaultError::Moving);
        }
        let is_moving = self.is_moving.clone();
        self.ask_within(LONG, move |holder| {
            let moved = holder.move_to(guard.as_ref());
            is_moving.store(false, Ordering::SeqCst);
            moved
        })
        .await
        .inspect_err(|_| self.is_moving.store(false, Ordering::SeqCst))
    }

    /// The key that a passphrase makes here, if this vault has one.
    async fn stretch(&self, passphrase: &SecretString) -> Result<Option<Key>, VaultError> {
        match self.ask(|holder| Ok(holder.store()?.stretching())).await? {
            None => Ok(None),
            Some(stretching) => {
                self.tries().begin(Instant::now())?;
                let key = stretched(stretching, passphrase.clone()).await;
                Ok(Some(key.inspect_err(|_| self.tries().end(Instant::now(), None))?))
            }
        }
    }

    /// Ends a try with what comes of this.
    async fn try_to(
        &self,
        job: impl FnOnce(&mut Holder) -> Result<(), VaultError> + Send + 'static,
    ) -> Result<(), VaultError> {
        let outcome = self.ask_within(LONG, job).await;
        let was_right = match &outcome {
            Ok(()) => Some(true),
            Err(VaultError::WrongPassphrase) => Some(false),
            Err(_) => None,
        };
        self.tries().end(Instant::now(), was_right);
        outcome
    }

    fn tries(&self) -> MutexGuard<'_, Tries> {
        // A panic elsewhere leaves whole values behind: every change is one assignment.
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Holder) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.ask_within(PATIENCE, job).await
    }

    async fn ask_within<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce(&mut Holder) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |holder| {
            // Whoever lost patience asks again if it still matters: a dialog is not shown for nobody.
            if !reply.is_closed() {
                drop(reply.send(job(holder)));
            }
        });
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => VaultError::Silent,
            mpsc::TrySendError::Disconnected(_) => VaultError::Absent("its thread ended".to_owned()),
        })?;
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(VaultError::Absent("its thread ended".to_owned())),
            Err(_) if self.is_moving.load(Ordering::SeqCst) => Err(VaultError::Moving),
            Err(_) => Err(VaultError::Silent),
        }
    }
}

/// Makes a key of a passphrase where it holds up nobody.
async fn stretched(stretching: Stretching, passphrase: SecretString) -> Result<Key, VaultError> {
    let made = tokio::task::spawn_blocking(move || stretching.stretch(&passphrase));
    Ok(made.await.map_err(|_| VaultError::Silent)??)
}

impl From<Unfit> for VaultError {
    fn from(unfit: Unfit) -> VaultError {
        VaultError::Damaged(format!("its header isn't one: {unfit}"))
    }
}

/// Whether a passphrase can be one.
pub fn check_passphrase(passphrase: &SecretString) -> Result<(), VaultError> {
    if passphrase.expose_secret().chars().count() < SHORTEST { Err(VaultError::TooShort) } else { Ok(()) }
}
