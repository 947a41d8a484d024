//! Locking: by hand, and by itself; and the end of a pause. Nobody is waited for: whoever is busy with a server, or with a vault that is silent,
//! is put away when it is done, and gives out nothing until then.

use crate::account::Context;
use crate::accounts::Accounts;
use crate::activity;
use crate::auto_lock::Sign;
use crate::caller::Caller;
use crate::clock::now;
use crate::consent::Consent;
use crate::error::Error;
use crate::presence::{News, Presence, Wanted, untouched_for};
use crate::undo::WaysBack;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};
use keybearer_protocol::agent::Pause;
use keybearer_protocol::settings::{AutoLock, Unseen};
use secrecy::SecretString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// How long a lock waits for the vault to know of it.
const MOMENT: Duration = Duration::from_secs(1);
/// How long a vault that couldn't be told is left alone.
const REST: Duration = Duration::from_secs(10);
/// How often the clocks are looked at: the agent's timers stand still while the computer sleeps.
const LOOK: Duration = Duration::from_secs(60);

/// Who locks.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// Somebody who says so.
    Caller(&'a Caller),
    /// The agent, as it was told to: at the lock of the screen, before sleep, or when nobody is there.
    Itself(&'static str),
}

impl By<'_> {
    fn entry(self) -> ActivityEntry {
        let (caller, cause) = match self {
            By::Caller(caller) => (Some(activity::caller(caller)), None),
            By::Itself(why) => (None, Some(why.to_owned())),
        };
        ActivityEntry { caller, cause, ..ActivityEntry::new(ActivityKind::Locked, now()) }
    }
}

/// Locks one agent.
pub struct Locking {
    accounts: Arc<Accounts>,
    consent: Arc<Consent>,
    ways_back: Arc<WaysBack>,
    presence: Presence,
    /// The last of the person.
    sign: Mutex<Sign>,
    /// Held by whoever locks or unlocks the vault, so that what comes last is what stays.
    turning: tokio::sync::Mutex<()>,
}

impl Locking {
    /// Locks when somebody says so, and by itself as the settings say.
    pub fn start(accounts: Arc<Accounts>, consent: Arc<Consent>, ways_back: Arc<WaysBack>) -> Arc<Locking> {
        let (presence, news) = Presence::start();
        let (sign, turning) = (Mutex::new(Sign::now()), tokio::sync::Mutex::default());
        let locking = Arc::new(Locking { accounts, consent, ways_back, presence, sign, turning });
        tokio::spawn(locking.clone().follow_settings());
        tokio::spawn(locking.clone().follow_presence(news));
        tokio::spawn(locking.clone().follow_idleness());
        tokio::spawn(locking.clone().follow_pause());
        locking
    }

    /// Locks at once. What isn't under way is out of memory when this returns.
    pub async fn lock(self: &Arc<Self>, by: By<'_>) {
        let activity = &self.accounts.context().activity;
        if !self.accounts.context().lock.is_set() {
            activity.add(by.entry());
        }
        activity.settle();
        self.consent.lock();
        self.ways_back.end_all();
        self.accounts.put_away();
        self.accounts.context().changes.announce();
        let settling = tokio::spawn(self.clone().settle());
        // Until the vault knows, the next agent wouldn't be locked.
        let _ = timeout(MOMENT, settling).await;
    }

    /// Gives out nothing from now on, until the pause ends.
    pub async fn pause(&self, pause: Pause) {
        self.consent.pause(pause);
        let consent = self.consent.clone();
        let settling = tokio::spawn(async move { consent.settle().await });
        // Until the vault knows, the next agent wouldn't be paused. One that is silent is told when it can be.
        let _ = timeout(MOMENT, settling).await;
    }

    /// Has the vault know of the lock, and locks the vault itself: its key leaves the memory.
    async fn settle(self: Arc<Self>) {
        let Context { lock, vault, .. } = self.accounts.context();
        let mut is_known = false;
        while lock.is_set() && !is_known {
            let turn = self.turning.lock().await;
            if lock.is_set() {
                is_known = self.consent.settle().await;
                vault.lock().await;
            }
            drop(turn);
            if !is_known {
                tokio::select! { () = sleep(REST) => {}, () = lock.lifts() => {} }
            }
        }
    }

    /// Ends the lock, as [`Consent::unlock`] lets it.
    pub async fn unlock(&self, caller: &Caller, passphrase: Option<SecretString>) -> Result<(), Error> {
        let turn = self.turning.lock().await;
        self.consent.unlock(caller, passphrase).await?;
        drop(turn);
        self.accounts.wake().await;
        Ok(())
    }

    /// The person is there.
    pub fn notice(&self) {
        self.note(Sign::now());
    }

    /// What can't be seen of what the agent is to lock at.
    pub async fn unseen(&self) -> Unseen {
        self.listen(*self.consent.auto_lock_changes().borrow());
        self.presence.unseen().await
    }

    fn listen(&self, settings: AutoLock) {
        self.presence.listen_for(Wanted { screen: settings.with_screen, sleep: settings.before_sleep });
    }

    async fn follow_settings(self: Arc<Self>) {
        let mut settings = self.consent.auto_lock_changes();
        while settings.changed().await.is_ok() {
            let now = *settings.borrow_and_update();
            self.listen(now);
        }
    }

    async fn follow_presence(self: Arc<Self>, mut news: mpsc::Receiver<News>) {
        while let Some(news) = news.recv().await {
            match news {
                News::ScreenLocked => self.lock_because("screen").await,
                // It sleeps once that is dropped.
                News::Sleep(_delay) => self.lock_because("sleep").await,
            }
        }
    }

    async fn follow_idleness(self: Arc<Self>) {
        let mut settings = self.consent.auto_lock_changes();
        let lock = self.accounts.context().lock.clone();
        loop {
            lock.lifts().await;
            let limit = settings.borrow_and_update().after_secs.map(|secs| Duration::from_secs(secs.into()));
            let Some(limit) = limit else {
                if settings.changed().await.is_err() {
                    return;
                }
                // Chosen just now.
                self.notice();
                continue;
            };
            if let Some(left) = self.sign().left(limit, Sign::now()) {
                // Another limit is looked at anew.
                let _ = timeout(left.min(LOOK), settings.changed()).await;
                continue;
            }
            match untouched_for().await.filter(|untouched| *untouched < limit) {
                Some(untouched) => self.note(Sign::now().before(untouched)),
                None => self.lock_because("idle").await,
            }
        }
    }

    /// Ends pauses when their time has come.
    async fn follow_pause(self: Arc<Self>) {
        let mut pauses = self.consent.pausing().changes();
        loop {
            let pause = *pauses.borrow_and_update();
            match pause.and_then(|pause| Some((pause, pause.until?.duration_since(now())))) {
                Some((_, left)) if left.is_positive() => {
                    // The agent's timers stand still while the computer sleeps.
                    let left = Duration::try_from(left).unwrap_or_default().min(LOOK);
                    let _ = timeout(left, pauses.changed()).await;
                }
                Some((pause, _)) => {
                    let has_ended = self.consent.forget_pause(pause).await;
                    if has_ended {
                        let activity = &self.accounts.context().activity;
                        activity.add(ActivityEntry::new(ActivityKind::Resumed, now()));
                    }
                }
                None if pauses.changed().await.is_err() => return,
                None => {}
            }
        }
    }

    async fn lock_because(self: &Arc<Self>, why: &'static str) {
        if !self.accounts.context().lock.is_set() {
            tracing::info!(why, "locking");
            self.lock(By::Itself(why)).await;
        }
    }

    fn sign(&self) -> Sign {
        *self.sign.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, sign: Sign) {
        *self.sign.lock().unwrap_or_else(PoisonError::into_inner) = sign;
    }
}
