//! Containers and remote hosts: who asks behind the restricted door is told by nobody, so a person is asked about each
//! token, whatever the policy says, and nothing is remembered (`docs/protocol.md`).

use super::{Asking, Consent, question};
use crate::account::Account;
use crate::caller::{Caller, Connection, Standing};
use crate::error::{Error, Unasked};
use crate::grants::Asked;
use crate::prompts::Question;
use keybearer_protocol::prompt::{AlwaysOff, Decision, PromptKind};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::watch;

/// How many accounts can be named.
const LIMIT: usize = 64;
/// The most that opening or shutting the door takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the restricted door stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DoorState {
    /// This system has none.
    #[default]
    Absent,
    /// It is shut.
    Shut,
    /// It is open.
    Open,
    /// It should be open, and can't be.
    Failed(String),
}

/// The restricted door between the consent, which knows whether it is wanted, and whoever opens it.
#[derive(Clone, Debug, Default)]
pub struct RestrictedDoor {
    wanted: watch::Sender<bool>,
    state: watch::Sender<DoorState>,
}

impl RestrictedDoor {
    /// Whether it is wanted, as that changes; beginning with no.
    pub fn wanted(&self) -> watch::Receiver<bool> {
        self.wanted.subscribe()
    }

    /// Tells how it stands.
    pub fn is(&self, state: DoorState) {
        self.state.send_replace(state);
    }

    /// How it stands, once that is as it is wanted.
    pub async fn settled(&self) -> DoorState {
        let wanted = *self.wanted.borrow();
        let mut state = self.state.subscribe();
        let is_settled = |state: &DoorState| match state {
            DoorState::Absent => true,
            DoorState::Shut => !wanted,
            DoorState::Open | DoorState::Failed(_) => wanted,
        };
        // One that takes longer is told of as it stands.
        let _ = tokio::time::timeout(PATIENCE, state.wait_for(is_settled)).await;
        self.state.borrow().clone()
    }

    /// Whether there is one.
    pub fn exists(&self) -> bool {
        *self.state.borrow() != DoorState::Absent
    }

    pub(super) fn want(&self, accounts: &BTreeSet<String>) {
        self.wanted.send_replace(!accounts.is_empty());
    }
}

/// Which connection was given a token of which account: it may say that a server refused it.
#[derive(Debug, Default)]
pub(super) struct Given(Vec<(Connection, String)>);

impl Given {
    fn note(&mut self, caller: &Caller, account: &str) {
        self.0.retain(|(connection, _)| connection.is_open());
        if !self.has(caller, account) {
            self.0.push((caller.connection.clone(), account.to_owned()));
        }
    }

    fn has(&self, caller: &Caller, account: &str) -> bool {
        self.0.iter().any(|(connection, given)| connection.number == caller.connection.number && given == account)
    }
}

impl Consent {
    /// The restricted door.
    pub fn restricted_door(&self) -> &RestrictedDoor {
        &self.door
    }

    /// The accounts behind it, by id.
    pub async fn restricted(&self) -> Result<BTreeSet<String>, Error> {
        self.known(|known| known.restricted.clone()).await
    }

    /// Puts an account behind the restricted door, or takes it away. The first is for the prompter alone, once there was one.
    pub async fn set_restricted(&self, caller: &Caller, account: &str, is_named: bool) -> Result<(), Error> {
        let known = self.restricted().await?;
        if known.contains(account) == is_named {
            return Ok(());
        }
        if is_named {
            self.check_weakening(caller).await?;
            if !self.door.exists() {
                return Err(Error::NoRestrictedDoor);
            }
            if known.len() >= LIMIT {
                return Err(Error::TooManyRestricted(LIMIT));
            }
        }
        self.change(|protection| {
            match is_named {
                true => protection.restricted.insert(account.to_owned()),
                false => protection.restricted.remove(account),
            };
        })
        .await
    }

    /// Asks a person whether somebody behind the restricted door gets a token, once.
    pub(super) async fn permit_restricted(
        &self,
        caller: &Caller,
        account: &Account,
        asking: Asking,
    ) -> Result<Asked, Error> {
        if !self.restricted().await?.contains(account.id()) {
            return Err(Error::Removed);
        }
        self.lock.check()?;
        if asking != Asking::Wait {
            return Err(Error::ConsentRequired(Unasked::RestrictedUnasked));
        }
        let asked = question(PromptKind::Restricted, caller, account);
        let always_off = Some(AlwaysOff::Restricted);
        let patience = self.answer_time().await?;
        match self.prompts.ask(Question { asked: asked.clone(), always_off, allowed_before: None, patience }).await? {
            Decision::Once => {}
            Decision::Deny | Decision::WhileRunning | Decision::Always => {
                return Err(Error::ConsentDenied { profile: asked.profile, unanswered: false });
            }
        }
        // It may have been taken away while the person thought.
        if !self.restricted().await?.contains(account.id()) {
            return Err(Error::Removed);
        }
        self.state().given.note(caller, account.id());
        Ok(asked)
    }

    /// Whether this caller may say that a server refused a token: whoever may have it without being asked about, or was
    /// given it.
    pub async fn permit_report(&self, caller: &Caller, account: &Account) -> Result<(), Error> {
        if caller.standing == Standing::Restricted {
            self.lock.check()?;
            let has = self.state().given.has(caller, account.id());
            return if has { Ok(()) } else { Err(Error::ConsentRequired(Unasked::RestrictedUnasked)) };
        }
        self.permit(caller, account, Asking::Never).await.map(drop)
    }
}
