//! Consent: may this program use this account? Policy, remembered answers and prompts in one place.
//!
//! The policy is kept, not guessed: every program of this user may, until a desktop has registered as prompter once;
//! from then on a person is asked. What would weaken it is taken from that desktop's connection alone.

use crate::account::Account;
use crate::caller::{Caller, Instance};
use crate::changes::Changes;
use crate::clock::now;
use crate::error::{Error, Unasked};
use crate::grants::{Asked, Grant, Grants, always_off};
use crate::home::random_id;
use crate::prompts::{PATIENCE, Prompts};
use crate::vault::Vault;
use crate::vault::protection::Protection;
use keybearer_protocol::grant::GrantView;
use keybearer_protocol::prompt::{AlwaysOff, Decision, PromptQueue};
use keybearer_protocol::settings::Approval;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The keyring item of what guards the tokens.
const ITEM: &str = "protection";

/// Tells whether a running program still runs.
pub type Runs = fn(&Instance) -> bool;

/// The consent of one agent.
#[derive(Debug)]
pub struct Consent {
    vault: Vault,
    changes: Changes,
    prompts: Prompts,
    runs: Runs,
    /// Never held across an await.
    state: Mutex<State>,
    /// Held by whoever changes the keyring item, from its reading to its writing.
    changing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// What the keyring holds; `None` until it could be read.
    protection: Option<Protection>,
    grants: Grants,
    /// A desktop has registered, whether or not the keyring could be told.
    asks: bool,
    /// Somebody has locked, whether or not the keyring could be told.
    locked: bool,
}

impl Consent {
    /// The consent that lies in this vault; nothing is read yet.
    pub fn new(vault: Vault, changes: Changes, runs: Runs) -> Consent {
        let prompts = Prompts::new(changes.clone(), PATIENCE);
        let (state, changing) = Default::default();
        Consent { vault, changes, prompts, runs, state, changing }
    }

    /// Whether this program may use this account; asks a person where that is needed and `interactive` allows it.
    pub async fn permit(&self, caller: &Caller, account: &Account, interactive: bool) -> Result<(), Error> {
        if self.approval().await? == Approval::SameUser {
            return if caller.view.foreign { Err(Error::ConsentRequired(Unasked::Foreign)) } else { Ok(()) };
        }
        let asked = question(caller, account);
        let denied = || Error::ConsentDenied { profile: asked.profile.clone(), unanswered: false };
        match self.state().grants.answer(&asked, now()) {
            Some(true) => return Ok(()),
            Some(false) => return Err(denied()),
            None if !interactive => return Err(Error::ConsentRequired(Unasked::NotInteractive)),
            None => {}
        }
        let allowed_before = self.state().grants.allowed_before(&asked);
        let off = always_off(&asked).or(allowed_before.map(|_| AlwaysOff::Changed));
        match self.prompts.ask(asked.clone(), off, allowed_before).await? {
            Decision::Deny => Err(denied()),
            Decision::Once | Decision::WhileRunning | Decision::Always => Ok(()),
        }
    }

    /// Whether this program was allowed to use this account before, without asking anybody.
    pub async fn is_permitted(&self, caller: &Caller, account: &Account) -> bool {
        self.permit(caller, account, false).await.is_ok()
    }

    /// Makes this connection the prompter; from now on a person is asked, for good.
    pub async fn register(&self, caller: &Caller) -> Result<(), Error> {
        self.prompts.register(caller)?;
        // A keyring that is locked now must not make this agent less careful.
        self.state().asks = true;
        let known = self.protection().await.is_ok_and(|protection| protection.asked_before);
        if !known && let Err(error) = self.change(Protection::ask_from_now_on).await {
            tracing::warn!(%error, "the keyring doesn't know yet that a person is asked");
        }
        Ok(())
    }

    /// The prompts that wait, for the prompter.
    pub async fn prompts(&self, caller: &Caller, seen: Option<u32>, wait: Duration) -> Result<PromptQueue, Error> {
        self.only_prompter(caller)?;
        Ok(self.prompts.next(seen, wait).await)
    }

    /// The person's answer to a prompt: remembered first, so that a call right behind it finds it.
    pub async fn answer(&self, caller: &Caller, id: &str, decision: Decision) -> Result<(), Error> {
        self.only_prompter(caller)?;
        let asked = self.prompts.asked(id)?;
        if decision == Decision::Always && !self.prompts.offers_always(id) {
            return Err(Error::Usage("this program can't be allowed for good".to_owned()));
        }
        if let Some(grant) = Grant::new(random_id(), &asked, decision, now()) {
            self.remember(grant).await;
        }
        self.prompts.answer(id, decision)
    }

    /// The remembered answers, the oldest first, for the accounts that `name` knows.
    pub async fn grants(&self, name: impl Fn(&str) -> Option<String>) -> Result<Vec<GrantView>, Error> {
        self.protection().await?;
        let mut state = self.state();
        state.grants.tidy(now(), self.runs);
        Ok(state.grants.views(name))
    }

    /// Forgets a remembered answer.
    pub async fn revoke(&self, id: &str) -> Result<(), Error> {
        self.protection().await?;
        let removed = self.state().grants.remove(id).ok_or(Error::NoSuchGrant)?;
        self.changes.announce();
        if removed.is_for_good() { self.keep_grants().await } else { Ok(()) }
    }

    /// Forgets the answers for an account that was removed.
    pub async fn forget_account(&self, account: &str) {
        let held_for_good = self.state().grants.forget_account(account);
        if held_for_good && let Err(error) = self.keep_grants().await {
            tracing::warn!(%error, "answers for a removed account stay in the keyring, where nothing matches them");
        }
    }

    /// Who is asked.
    pub async fn approval(&self) -> Result<Approval, Error> {
        let protection = self.protection().await?;
        // What a person chose in the window counts; what nobody chose is careful from the first desktop on.
        let careful = self.state().asks && !protection.asked_before;
        Ok(if careful { Approval::Ask } else { protection.approval })
    }

    /// Changes who is asked; less care only on the prompter's connection.
    pub async fn set_approval(&self, caller: &Caller, approval: Approval) -> Result<(), Error> {
        if approval == Approval::SameUser {
            self.only_prompter_once_asking(caller).await?;
        }
        self.change(|protection| protection.approval = approval).await
    }

    /// Whether the agent is locked, as far as it and the keyring can tell.
    pub async fn is_locked(&self) -> bool {
        self.state().locked || self.protection().await.is_ok_and(|protection| protection.locked)
    }

    /// Locks: prompts end, and answers for running programs with them (REQ-C5).
    pub async fn lock(&self) {
        {
            let mut state = self.state();
            state.locked = true;
            state.grants.forget_running();
        }
        self.prompts.abort();
        if let Err(error) = self.change(|protection| protection.locked = true).await {
            tracing::warn!(%error, "the next agent may not know that it is locked");
        }
    }

    /// Ends the lock.
    pub async fn unlock(&self, caller: &Caller) -> Result<(), Error> {
        self.only_prompter_once_asking(caller).await?;
        self.change(|protection| protection.locked = false).await?;
        self.state().locked = false;
        self.changes.announce();
        Ok(())
    }

    /// Whether a prompter is there, and how many prompts wait.
    pub fn prompter(&self) -> (bool, usize) {
        (self.prompts.has_prompter(), self.prompts.count())
    }

    fn only_prompter(&self, caller: &Caller) -> Result<(), Error> {
        if self.prompts.is_prompter(caller) { Ok(()) } else { Err(Error::DesktopOnly) }
    }

    /// What weakens protection is free as long as there is nobody to ask.
    async fn only_prompter_once_asking(&self, caller: &Caller) -> Result<(), Error> {
        match self.approval().await? {
            Approval::SameUser => Ok(()),
            Approval::Ask => self.only_prompter(caller),
        }
    }

    async fn remember(&self, grant: Grant) {
        let for_good = grant.is_for_good();
        self.state().grants.add(grant);
        if for_good && let Err(error) = self.keep_grants().await {
            tracing::warn!(%error, "an answer for good is forgotten with this agent");
        }
    }

    async fn keep_grants(&self) -> Result<(), Error> {
        let grants = self.state().grants.for_good();
        self.change(|protection| protection.grants = grants).await
    }

    /// What the keyring holds, read once. Whoever only wants to know waits for no writing.
    async fn protection(&self) -> Result<Protection, Error> {
        if let Some(protection) = self.state().protection.clone() {
            return Ok(protection);
        }
        let _changing = self.changing.lock().await;
        self.load().await
    }

    /// The same for whoever holds `changing`.
    async fn load(&self) -> Result<Protection, Error> {
        if let Some(protection) = self.state().protection.clone() {
            return Ok(protection);
        }
        let protection = self.vault.read::<Protection>(ITEM).await?.unwrap_or_default();
        let mut state = self.state();
        state.grants = Grants::with(&protection.grants);
        state.protection = Some(protection.clone());
        Ok(protection)
    }

    /// Changes the item: written first, seen afterwards.
    async fn change(&self, change: impl FnOnce(&mut Protection)) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let before = self.load().await?;
        let mut protection = before.clone();
        change(&mut protection);
        self.vault.write(ITEM, &protection).await?;
        self.state().protection = Some(protection);
        self.changes.announce();
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves whole values behind: every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn question(caller: &Caller, account: &Account) -> Asked {
    let view = account.view();
    Asked {
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
