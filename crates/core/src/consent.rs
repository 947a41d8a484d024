//! Consent: may this program use this account? Policy, remembered answers and prompts in one place.
//!
//! The policy is kept, not guessed: every program of this user may, until a desktop has registered as prompter once;
//! from then on a person is asked. What would weaken it is taken from that desktop's connection alone.

/// What a person has chosen.
mod approval;
/// Connections that a command inherits.
mod inherited;
/// Keys of the gateway.
mod keys;
/// Containers and remote hosts.
mod restricted;
pub use keys::{GatewayDoor, GatewayState};
pub use restricted::{DoorState, RestrictedDoor};

use crate::account::Account;
use crate::activity::{Activity, asker};
use crate::auto_lock::{changed, is_weaker};
use crate::caller::{Caller, Instance, Standing};
use crate::changes::Changes;
use crate::clock::now;
use crate::error::{Error, Unasked};
use crate::grants::{Asked, Grant, Grants, always_off, mark_changed};
use crate::home::random_id;
use crate::keys::{Key, Used};
use crate::lock::Lock;
use crate::pause::Pausing;
use crate::prompts::{Prompts, Question};
use crate::shown;
use crate::vault::protection::{ITEM, Protection};
use crate::vault::{Vault, VaultError};
use inherited::Delegations;
use keybearer_protocol::Door;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};
use keybearer_protocol::agent::Pause;
use keybearer_protocol::grant::GrantView;
use keybearer_protocol::prompt::{AlwaysOff, Decision, PromptKind, PromptQueue};
use keybearer_protocol::settings::{Approval, AutoLock, AutoLockChange, ChangedPrograms};
use restricted::Given;
use secrecy::SecretString;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Whether a person is asked, if that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Nobody.
    Never,
    /// A person, whose answer the next call finds.
    Leave,
    /// A person, whose answer is waited for.
    Wait,
}

impl Asking {
    /// As the parameters of a request say it.
    pub fn of(interactive: bool, wait: bool) -> Asking {
        match (interactive, wait) {
            (false, _) => Asking::Never,
            (true, false) => Asking::Leave,
            (true, true) => Asking::Wait,
        }
    }
}

/// A yes, and what it was said to.
#[derive(Clone, Debug)]
pub struct Permitted {
    /// What was asked.
    pub asked: Asked,
    /// Whether it is for this very call, and remembered by nobody.
    pub once: bool,
}

/// What was said about programs and one account, for whoever brings it back.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    grants: Vec<Grant>,
    restricted: bool,
    keys: Vec<Key>,
    approval: Option<Approval>,
}

/// Tells whether a running program still runs.
pub type Runs = fn(&Instance) -> bool;

/// The consent of one agent.
#[derive(Debug)]
pub struct Consent {
    vault: Vault,
    changes: Changes,
    lock: Lock,
    activity: Activity,
    prompts: Arc<Prompts>,
    runs: Runs,
    /// Never held across an await.
    state: Arc<Mutex<State>>,
    /// Held by whoever changes the keyring item, from its reading to its writing.
    changing: tokio::sync::Mutex<()>,
    /// The pause, as far as it is known.
    pausing: Pausing,
    /// When the agent locks by itself, as far as it is known.
    auto_lock: watch::Sender<AutoLock>,
    /// Open as long as an account is behind it.
    door: RestrictedDoor,
    /// Open as long as there is a key.
    gateway: GatewayDoor,
}

#[derive(Debug, Default)]
struct State {
    /// What the keyring holds; `None` until it could be read.
    protection: Option<Protection>,
    grants: Grants,
    delegations: Delegations,
    given: Given,
    /// By the ids of keys.
    used: HashMap<String, Used>,
    /// A desktop has registered, whether or not the keyring could be told.
    asks: bool,
    /// How often all that was allowed for a while has ended: by a lock, or a sign-out.
    endings: u64,
}

impl Consent {
    /// The consent that lies in this vault; nothing is read yet.
    pub fn new(vault: Vault, changes: Changes, lock: Lock, activity: Activity, runs: Runs) -> Consent {
        let prompts = Arc::new(Prompts::new(changes.clone()));
        let (state, changing, pausing, auto_lock, door, gateway) = Default::default();
        Consent { vault, changes, lock, activity, prompts, runs, state, changing, pausing, auto_lock, door, gateway }
    }

    /// Whether this program may use this account; asks a person where that is needed and `asking` allows it. Gives
    /// what was asked, for what is then given out must be that; nothing where nobody is asked.
    pub async fn permit(&self, caller: &Caller, account: &Account, asking: Asking) -> Result<Option<Asked>, Error> {
        Ok(self.permit_or_once(caller, account, asking).await?.map(|permitted| permitted.asked))
    }

    /// The same, and whether it was a yes for once to this very call, which nobody remembers.
    pub async fn permit_or_once(
        &self,
        caller: &Caller,
        account: &Account,
        asking: Asking,
    ) -> Result<Option<Permitted>, Error> {
        let asked = match &caller.standing {
            Standing::Program => return self.permit_for(PromptKind::Program, caller, account, asking).await,
            Standing::Inherited => self.permit_inherited(caller, account).await?,
            Standing::Restricted => self.permit_restricted(caller, account, asking).await?,
            Standing::Key(_) => self.permit_keyed(caller, account).await?,
        };
        Ok(Some(Permitted { asked, once: false }))
    }

    /// The same for a program that speaks for itself.
    async fn permit_for(
        &self,
        kind: PromptKind,
        caller: &Caller,
        account: &Account,
        asking: Asking,
    ) -> Result<Option<Permitted>, Error> {
        if !self.asks(caller, account).await? {
            return Ok(None);
        }
        let asked = question(kind, caller, account);
        let denied = || Error::ConsentDenied { profile: asked.profile.clone(), unanswered: false };
        let (answered, remembered) = {
            let (mut state, now) = (self.state(), now());
            let answered = state.grants.answer(&asked, now, self.runs);
            // One for this very call is used up by it.
            (answered, state.grants.look(&asked, now, self.runs))
        };
        match answered {
            Some(true) => return Ok(Some(Permitted { asked, once: remembered != Some(true) })),
            Some(false) => return Err(denied()),
            None => {}
        }
        let allowed_before = self.state().grants.allowed_before(&asked);
        if allowed_before.is_some() && self.changed_programs().await? == ChangedPrograms::Deny {
            return Err(Error::ProgramChanged(asked.profile));
        }
        if asking == Asking::Never {
            return Err(Error::ConsentRequired(Unasked::NotInteractive));
        }
        let off = always_off(&asked).or(allowed_before.map(|_| AlwaysOff::Changed));
        let patience = self.answer_time().await?;
        let question = Question { asked: asked.clone(), always_off: off, allowed_before, patience };
        if asking == Asking::Leave {
            self.leave(question)?;
            return Err(Error::ConsentRequired(Unasked::Asked));
        }
        match self.prompts.ask(question).await? {
            Decision::Deny => Err(denied()),
            Decision::Once => Ok(Some(Permitted { asked, once: true })),
            Decision::WhileRunning | Decision::Always => Ok(Some(Permitted { asked, once: false })),
        }
    }

    /// Shows the question for whoever asks again. A yes for once waits for that call a moment.
    fn leave(&self, question: Question) -> Result<(), Error> {
        if !self.prompts.has_prompter() {
            return Err(Error::ConsentRequired(Unasked::NoDesktop));
        }
        let (prompts, state) = (self.prompts.clone(), self.state.clone());
        tokio::spawn(async move {
            let asked = question.asked.clone();
            let answer = prompts.ask(question).await;
            if let (Ok(Decision::Once), Some(grant)) = (answer, Grant::for_one_call(random_id(), &asked, now())) {
                state.lock().unwrap_or_else(PoisonError::into_inner).grants.add(grant);
            }
        });
        Ok(())
    }

    /// Whether this program may use this account as things stand. Nobody is asked, and no answer is used up.
    pub async fn is_permitted(&self, caller: &Caller, account: &Account) -> bool {
        match &caller.standing {
            Standing::Inherited => return self.inherited(caller, account).await.is_ok(),
            Standing::Key(_) => return self.keyed(caller, account).await.is_ok(),
            Standing::Program | Standing::Restricted => {}
        }
        match self.asks(caller, account).await {
            Ok(false) => true,
            Ok(true) => {
                let asked = question(PromptKind::Program, caller, account);
                self.state().grants.look(&asked, now(), self.runs) == Some(true)
            }
            Err(_) => false,
        }
    }

    /// As whom a caller speaks that came through this door.
    pub fn standing(&self, door: Door, caller: &Caller) -> Standing {
        match door {
            Door::Restricted => Standing::Restricted,
            Door::Programs if self.state().delegations.has(&caller.connection) => Standing::Inherited,
            Door::Programs | Door::Admin | Door::Gateway => caller.standing.clone(),
        }
    }

    /// Makes this connection the prompter; from now on a person is asked, for good.
    pub async fn register(&self, caller: &Caller) -> Result<(), Error> {
        self.prompts.register(caller)?;
        // A keyring that is locked now must not make this agent less careful; it is told when it can be.
        self.state().asks = true;
        self.settle().await;
        Ok(())
    }

    /// The prompts that wait, for the prompter.
    pub async fn prompts(&self, caller: &Caller, seen: Option<u32>, wait: Duration) -> Result<PromptQueue, Error> {
        self.check_prompter(caller)?;
        self.settle().await;
        Ok(self.prompts.next(seen, wait).await)
    }

    /// The person's answer to a prompt: remembered before it is told, so that a call right behind it finds it.
    pub async fn answer(&self, caller: &Caller, id: &str, decision: Decision) -> Result<(), Error> {
        self.check_prompter(caller)?;
        self.lock.check()?;
        let answered = self.prompts.take(id, decision)?;
        let is_remembered = answered.asked().kind != PromptKind::Restricted;
        let grant = Grant::new(random_id(), answered.asked(), decision, now()).filter(|_| is_remembered);
        self.note_answer(answered.asked(), decision, grant.as_ref());
        if let Some(grant) = grant {
            self.remember(grant).await;
        }
        answered.tell();
        Ok(())
    }

    /// The same ahead of the first call: a yes for once waits for that call a moment. Gives the answer that is remembered.
    pub async fn request(
        &self,
        caller: &Caller,
        account: &Account,
        asking: Asking,
    ) -> Result<Option<GrantView>, Error> {
        let Some(asked) = self.permit(caller, account, asking).await? else { return Ok(None) };
        let (now, mut state) = (now(), self.state());
        if state.grants.look(&asked, now, self.runs).is_none()
            && let Some(grant) = Grant::for_one_call(random_id(), &asked, now)
        {
            state.grants.add(grant);
        }
        let of_this = |grant: &Grant| grant.is_for(&asked.account) && grant.is_of_caller(&caller.view);
        Ok(state.grants.views(|grant| of_this(grant).then(|| asked.profile.clone())).pop())
    }

    /// The remembered answers as they stand, but those for one call, which are used up by it.
    pub fn remembered(&self) -> Vec<Grant> {
        self.state().grants.all().iter().filter(|grant| !grant.is_for_one_call()).cloned().collect()
    }

    /// Whether an answer has ended by itself.
    pub fn is_over(&self, grant: &Grant) -> bool {
        grant.is_over(now(), self.runs)
    }

    /// The prompts that wait, with the account that each is about.
    pub fn asked(&self) -> Vec<(String, String)> {
        self.prompts.waiting()
    }

    fn note_answer(&self, asked: &Asked, decision: Decision, grant: Option<&Grant>) {
        self.activity.add(ActivityEntry {
            profile: Some(asked.profile.clone()),
            account: Some(asked.account.clone()),
            scopes: shown::scopes(&asked.scopes),
            decision: Some(decision),
            grant: grant.map(|grant| grant.id().to_owned()),
            caller: Some(asker(asked)),
            ..ActivityEntry::new(ActivityKind::PromptAnswered, now())
        });
    }

    /// The remembered answer that lets this program use this account, if it is one.
    pub fn grant_of(&self, asked: &Asked) -> Option<String> {
        self.state().grants.which(asked, now(), self.runs).map(str::to_owned)
    }

    /// The remembered answers, the oldest first, for the accounts that `name` knows.
    pub async fn grants(&self, name: impl Fn(&Grant) -> Option<String>) -> Result<Vec<GrantView>, Error> {
        self.known(|_| ()).await?;
        let (mut views, scripts) = {
            let mut state = self.state();
            state.grants.tidy(now(), self.runs);
            (state.grants.views(name), state.grants.scripts())
        };
        mark_changed(&mut views, scripts).await;
        Ok(views)
    }

    /// Forgets a remembered answer, if it is of those that the caller may end; gives it.
    pub async fn revoke(&self, id: &str, may_end: impl Fn(&Grant) -> bool) -> Result<Grant, Error> {
        self.known(|_| ()).await?;
        if self.state().grants.all().iter().any(|grant| grant.id() == id && !may_end(grant)) {
            return Err(Error::NoSuchGrant);
        }
        let for_good = self.state().grants.holds_for_good(id).ok_or(Error::NoSuchGrant)?;
        if for_good {
            // Written first: what the keyring still has would come back with the next agent.
            self.change(|protection| protection.grants.retain(|grant| grant.id() != id)).await?;
        }
        let mut state = self.state();
        let forgotten = state.grants.remove(id);
        // What it allowed to be handed on goes with it.
        forgotten.iter().for_each(|grant| state.delegations.end_with(grant));
        drop(state);
        self.changes.announce();
        forgotten.ok_or(Error::NoSuchGrant)
    }

    /// Forgets the answers for an account that was removed, and gives them.
    pub async fn forget_account(&self, account: &str) -> Answers {
        self.end_inherited(account);
        let all = self.remembered().into_iter().filter(|grant| grant.is_for(account));
        let answers = |known: &Protection| Answers {
            grants: Vec::new(),
            restricted: known.restricted.contains(account),
            keys: known.keys.iter().filter(|key| key.account() == account).cloned().collect(),
            approval: known.approvals.get(account).copied(),
        };
        let kept = self.known(answers).await.unwrap_or_default();
        let forgotten = Answers { grants: all.collect(), ..kept };
        let held_for_good = self.state().grants.forget_account(account);
        let of_others = |protection: &mut Protection| {
            protection.grants.retain(|grant| !grant.is_for(account));
            protection.restricted.remove(account);
            protection.approvals.remove(account);
            protection.keys.retain(|key| key.account() != account);
        };
        let is_kept = forgotten.restricted || !forgotten.keys.is_empty() || forgotten.approval.is_some();
        if (held_for_good || is_kept)
            && let Err(error) = self.change(of_others).await
        {
            tracing::warn!(%error, "answers for a removed account stay in the keyring, where nothing matches them");
        }
        forgotten
    }

    /// Remembers the answers for an account that was brought back. None of them is newer than what was forgotten with it.
    pub async fn remember_account(&self, account: &str, answers: Answers) -> Result<(), Error> {
        let Answers { grants, restricted, keys, approval } = answers;
        let for_good: Vec<Grant> = grants.iter().filter(|grant| grant.is_for_good()).cloned().collect();
        if restricted || approval.is_some() || !keys.is_empty() || !for_good.is_empty() {
            self.change(|protection| {
                protection.grants.extend(for_good);
                protection.keys.extend(keys);
                protection.approvals.extend(approval.map(|approval| (account.to_owned(), approval)));
                if restricted {
                    protection.restricted.insert(account.to_owned());
                }
            })
            .await?;
        }
        let mut state = self.state();
        grants.into_iter().for_each(|grant| state.grants.add(grant));
        drop(state);
        self.changes.announce();
        Ok(())
    }

    /// Remembers again what was just forgotten, unless the program was answered anew or has ended since.
    pub async fn restore(&self, grant: Grant) -> Result<(), Error> {
        let is_answered = self.state().grants.all().iter().any(|newer| grant.replaces(newer));
        if is_answered || self.is_over(&grant) {
            return Err(Error::NoWayBack);
        }
        self.remember(grant).await;
        self.changes.announce();
        Ok(())
    }

    /// When the agent locks by itself.
    pub async fn auto_lock(&self) -> Result<AutoLock, Error> {
        self.known(|known| known.auto_lock).await
    }

    /// The same as it changes, beginning with never: what the keyring has may not be known yet.
    pub fn auto_lock_changes(&self) -> watch::Receiver<AutoLock> {
        self.auto_lock.subscribe()
    }

    /// Changes it; to lock later or at less only on the prompter's connection.
    pub async fn set_auto_lock(&self, caller: &Caller, change: AutoLockChange) -> Result<(), Error> {
        let mut weakening = self.check_weakening(caller).await.err();
        let mut refused = None;
        self.change(|protection| {
            let after = changed(protection.auto_lock, change);
            refused = weakening.take().filter(|_| is_weaker(after, protection.auto_lock));
            if refused.is_none() {
                protection.auto_lock = after;
            }
        })
        .await?;
        refused.map_or(Ok(()), Err)
    }

    /// Whether the agent is locked; an error while the keyring can't tell.
    pub async fn is_locked(&self) -> Result<bool, Error> {
        if self.lock.is_set() {
            return Ok(true);
        }
        match self.known(|known| known.locked).await {
            // Until somebody gives its passphrase.
            Err(Error::Vault(VaultError::Sealed)) => Ok(true),
            told => told,
        }
    }

    /// Locks, at once: prompts end, and answers for running programs with them (REQ-C5). The keyring isn't told yet.
    pub fn lock(&self) {
        self.lock.set(true);
        let mut state = self.state();
        state.grants.forget_running();
        state.delegations.end_all();
        state.endings += 1;
        drop(state);
        self.prompts.abort();
    }

    /// How often all that was allowed for a while has ended. A yes for once holds no longer than this stays the same.
    pub fn endings(&self) -> u64 {
        self.state().endings
    }

    /// Ends the lock.
    ///
    /// Whoever knows the vault's passphrase is the person, wherever they give it; anybody else has to be the prompter.
    pub async fn unlock(&self, caller: &Caller, passphrase: Option<SecretString>) -> Result<(), Error> {
        let is_proven = match passphrase {
            Some(passphrase) => self.vault.unlock_with(passphrase).await?,
            None => false,
        };
        if !is_proven {
            self.check_weakening(caller).await?;
            self.vault.unlock().await?;
        }
        let _changing = self.changing.lock().await;
        self.write(|protection| protection.locked = false).await?;
        self.lock.set(false);
        self.changes.announce();
        Ok(())
    }

    /// Whether nothing is given out for a while. What a keyring says that wasn't read yet isn't known here.
    pub fn pausing(&self) -> &Pausing {
        &self.pausing
    }

    /// What comes of this, unless there is a pause or one begins meanwhile.
    pub async fn unless_paused<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.known(|_| ()).await?;
        self.pausing.unless_paused(work).await
    }

    /// Begins a pause, at once. The keyring isn't told yet.
    pub fn pause(&self, pause: Pause) {
        self.pausing.set(Some(pause));
        self.changes.announce();
    }

    /// Ends the pause; gives it, if there was one.
    pub async fn resume(&self, caller: &Caller) -> Result<Option<Pause>, Error> {
        self.check_weakening(caller).await?;
        // Written first: what the keyring still has would come back with the next agent.
        self.change(|protection| protection.pause = None).await?;
        let was = self.pausing.current();
        self.pausing.set(None);
        self.changes.announce();
        Ok(was)
    }

    /// Forgets a pause that is over by itself; whether it was still known.
    pub async fn forget_pause(&self, over: Pause) -> bool {
        if self.pausing.said() != Some(over) || self.pausing.current().is_some() {
            return false;
        }
        self.pausing.set(None);
        self.changes.announce();
        // One that is over holds nobody up where it is still kept.
        let forget = |protection: &mut Protection| protection.pause = protection.pause.filter(|kept| *kept != over);
        if let Err(error) = self.change(forget).await {
            tracing::debug!(%error, "a pause that is over stays in the keyring for now");
        }
        true
    }

    /// Whether a prompter is there, and how many prompts wait.
    pub fn prompter(&self) -> (bool, usize) {
        (self.prompts.has_prompter(), self.prompts.count())
    }

    /// Whether this is the desktop that asks people.
    pub fn check_prompter(&self, caller: &Caller) -> Result<(), Error> {
        if self.prompts.is_prompter(caller) { Ok(()) } else { Err(Error::DesktopOnly) }
    }

    /// Whether this caller may weaken protection: anybody may, as long as there is nobody to ask.
    pub async fn check_weakening(&self, caller: &Caller) -> Result<(), Error> {
        match self.approval().await? {
            Approval::SameUser => Ok(()),
            Approval::Ask => self.check_prompter(caller),
        }
    }

    /// Whether this caller may change where everything lies. Where nothing was ever kept, and no keyring is there, there is
    /// nothing yet to weaken.
    pub async fn check_vault_change(&self, caller: &Caller) -> Result<(), Error> {
        match self.check_weakening(caller).await {
            Err(Error::Vault(VaultError::Absent(_) | VaultError::NoCollection(_)))
                if !self.state().asks && self.vault.is_unused().await? =>
            {
                Ok(())
            }
            checked => checked,
        }
    }

    async fn remember(&self, grant: Grant) {
        let for_good = grant.is_for_good().then(|| grant.clone());
        self.state().grants.add(grant);
        let Some(grant) = for_good else { return };
        let replace = |protection: &mut Protection| {
            protection.grants.retain(|old| !grant.replaces(old));
            protection.grants.push(grant);
        };
        if let Err(error) = self.change(replace).await {
            tracing::warn!(%error, "an answer for good is forgotten with this agent");
        }
    }

    /// Tells the keyring what it could not be told before: that a person is asked, that it is locked, or paused. Whether it
    /// knows all now.
    pub async fn settle(&self) -> bool {
        let (asks, locked) = (self.state().asks, self.lock.is_set());
        let pause = self.pausing.current();
        let is_news = |known: &Protection| {
            (asks && !known.asked_before) || (locked && !known.locked) || (pause.is_some() && known.pause != pause)
        };
        match self.known(is_news).await {
            Ok(false) => return true,
            Ok(true) => {}
            Err(_) => return false,
        }
        let told = self.change(|protection| {
            if asks && !protection.asked_before {
                protection.ask_from_now_on();
            }
            // It may have been unlocked meanwhile.
            protection.locked |= locked && self.lock.is_set();
            // Or resumed.
            protection.pause = self.pausing.current();
        });
        let told = told.await;
        if let Err(error) = &told {
            tracing::warn!(%error, "the keyring doesn't know yet how this agent is guarded");
        }
        told.is_ok()
    }

    /// What `of` wants to know of the item, which is read once. Whoever only wants to know waits for no writing.
    async fn known<T>(&self, of: impl Fn(&Protection) -> T) -> Result<T, Error> {
        if let Some(known) = self.state().protection.as_ref().map(&of) {
            return Ok(known);
        }
        let _changing = self.changing.lock().await;
        self.load().await?;
        self.state().protection.as_ref().map(of).ok_or(Error::Internal("no protection"))
    }

    /// Makes sure that the item was read; for whoever holds `changing`.
    async fn load(&self) -> Result<(), Error> {
        if self.state().protection.is_some() {
            return Ok(());
        }
        let protection = self.vault.read::<Protection>(ITEM).await;
        let protection = protection.map_err(unreadable)?.unwrap_or_default();
        if protection.locked {
            self.lock.set(true);
        }
        // What was said since the agent started is newer.
        if self.pausing.said().is_none() {
            self.pausing.set(protection.pause);
        }
        self.auto_lock.send_replace(protection.auto_lock);
        self.door.want(&protection.restricted);
        self.gateway.want(&protection.keys);
        let mut state = self.state();
        state.grants = Grants::with(&protection.grants);
        state.protection = Some(protection);
        Ok(())
    }

    /// Changes the item: written first, seen afterwards.
    async fn change(&self, change: impl FnOnce(&mut Protection)) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        self.write(change).await
    }

    /// The same for whoever holds `changing`.
    async fn write(&self, change: impl FnOnce(&mut Protection)) -> Result<(), Error> {
        self.load().await?;
        let mut protection = self.state().protection.clone().unwrap_or_default();
        change(&mut protection);
        self.vault.write(ITEM, &protection).await?;
        self.auto_lock.send_replace(protection.auto_lock);
        self.door.want(&protection.restricted);
        self.gateway.want(&protection.keys);
        self.state().protection = Some(protection);
        self.changes.announce();
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves whole values behind: every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can't be read may have said no, so nothing is given out.
fn unreadable(error: VaultError) -> Error {
    if let VaultError::Unreadable(problem) = error { Error::Unprotected(problem) } else { error.into() }
}

fn question(kind: PromptKind, caller: &Caller, account: &Account) -> Asked {
    let view = account.view();
    Asked {
        kind,
        account: account.id().to_owned(),
        profile: view.profile,
        server_url: view.server_url,
        scopes: view.scopes,
        token_expires_at: view.expires_at,
        program: caller.view.program.clone(),
        instance: caller.instance(),
        connection: caller.connection.number,
        claimed_name: caller.claimed_name.to_string(),
        foreign: caller.view.foreign,
    }
}
