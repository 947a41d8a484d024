//! Connections that serve one account without further questions, until they end or what allowed them is taken back: those
//! that `keybearer run` hands to a command (REQ-C2), and those that have become a bridge.

use super::{Asking, Consent, question};
use crate::account::Account;
use crate::caller::{Caller, Connection};
use crate::clock::now;
use crate::error::{Error, Unasked};
use crate::grants::{Asked, Grant, starters};
use crate::home::random_id;
use jiff::Timestamp;
use keybearer_protocol::grant::GrantView;
use keybearer_protocol::prompt::{Decision, PromptKind};
use keybearer_protocol::settings::Approval;

/// The connections that were handed on and are still open. One whose time is over stays known as that: it must never be
/// taken for a program's own.
#[derive(Debug, Default)]
pub(super) struct Delegations(Vec<Delegation>);

/// One of them.
#[derive(Debug)]
struct Delegation {
    id: String,
    connection: Connection,
    /// What was allowed.
    asked: Asked,
    /// Whether a person had a say in it.
    was_asked: bool,
    /// The process that it ends with.
    pid: Option<u32>,
    is_over: bool,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    uses: u32,
}

impl Delegations {
    fn of(&self, connection: &Connection) -> Option<&Delegation> {
        self.0.iter().find(|delegation| delegation.connection.number == connection.number)
    }

    fn of_mut(&mut self, connection: &Connection) -> Option<&mut Delegation> {
        self.0.iter_mut().find(|delegation| delegation.connection.number == connection.number)
    }

    /// Whether this connection was handed on.
    pub(super) fn has(&self, connection: &Connection) -> bool {
        self.of(connection).is_some()
    }

    fn add(&mut self, delegation: Delegation) {
        self.0.retain(|other| other.connection.is_open());
        self.0.push(delegation);
    }

    /// Ends those that this is true of; tells whether there was one.
    fn end(&mut self, is_meant: impl Fn(&Delegation) -> bool) -> bool {
        let meant = self.0.iter_mut().filter(|delegation| !delegation.is_over && is_meant(delegation));
        meant.map(|delegation| delegation.is_over = true).count() > 0
    }

    /// Forgets the one of this connection, which wasn't handed on after all.
    fn forget(&mut self, connection: &Connection) {
        self.0.retain(|delegation| delegation.connection.number != connection.number);
    }

    /// Ends all: the agent is locked.
    pub(super) fn end_all(&mut self) {
        self.end(|_| true);
    }

    /// Ends those for an account.
    pub(super) fn end_for(&mut self, account: &str) {
        self.end(|delegation| delegation.asked.account == account);
    }

    /// Ends the one of this id; tells whether there was one.
    pub(super) fn end_one(&mut self, id: &str) -> bool {
        self.end(|delegation| delegation.id == id)
    }

    /// Ends those of a program that may not use the account any more.
    pub(super) fn end_with(&mut self, grant: &Grant) {
        self.end(|delegation| delegation.was_asked && grant.allows_program(&delegation.asked));
    }

    /// As the list of remembered answers shows them.
    pub(super) fn views(&self, name: impl Fn(&str) -> Option<String>) -> Vec<GrantView> {
        let holding = self.0.iter().filter(|delegation| !delegation.is_over && delegation.connection.is_open());
        holding.filter_map(|delegation| Some(delegation.view(name(&delegation.asked.account)?))).collect()
    }
}

impl Delegation {
    fn view(&self, profile: String) -> GrantView {
        let program = &self.asked.program;
        GrantView {
            grant: self.id.clone(),
            profile,
            program: program.name.clone().unwrap_or_default(),
            exe: program.exe.clone(),
            script: program.script.clone(),
            started_by: starters(program),
            changed_at: None,
            pid: self.pid,
            inherited: true,
            gateway: false,
            decision: Decision::WhileRunning,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            uses: self.uses,
            expires_at: None,
        }
    }
}

impl Consent {
    /// The connections that were handed on and hold, as the list of remembered answers shows them.
    pub fn delegations(&self, name: impl Fn(&str) -> Option<String>) -> Vec<GrantView> {
        self.state().delegations.views(name)
    }

    /// Ends the one of this id; tells whether there was one.
    pub fn end_delegation(&self, id: &str) -> bool {
        let ended = self.state().delegations.end_one(id);
        if ended {
            self.changes.announce();
        }
        ended
    }

    /// Makes a connection the program's own again: nobody got it.
    pub fn take_back(&self, connection: &Connection) {
        self.state().delegations.forget(connection);
        self.changes.announce();
    }

    /// Makes the caller's connection one for this account, if whoever it is for may use it: a command
    /// ([`PromptKind::Run`]), or the program at the other end of a bridge.
    pub async fn delegate(
        &self,
        kind: PromptKind,
        caller: &Caller,
        account: &Account,
        asking: Asking,
    ) -> Result<(), Error> {
        let asked = self.permit_for(kind, caller, account, asking).await?;
        // While a person thought, the agent may have been locked, and the account moved to another server.
        self.lock.check()?;
        let was_asked = asked.is_some();
        let asked = asked.map_or_else(|| question(kind, caller, account), |permitted| permitted.asked);
        let delegation = Delegation {
            id: random_id(),
            connection: caller.connection.clone(),
            asked,
            was_asked,
            pid: caller.view.pid,
            is_over: false,
            created_at: now(),
            last_used_at: None,
            uses: 0,
        };
        self.state().delegations.add(delegation);
        self.changes.announce();
        Ok(())
    }

    /// The account that this connection was handed on for: its id, and its name at that time.
    pub fn inherited_account(&self, caller: &Caller) -> Option<(String, String)> {
        let state = self.state();
        let asked = &state.delegations.of(&caller.connection)?.asked;
        Some((asked.account.clone(), asked.profile.clone()))
    }

    /// Ends the connections that were handed on for an account: a person has signed out of it.
    pub fn end_inherited(&self, account: &str) {
        let mut state = self.state();
        state.delegations.end_for(account);
        state.endings += 1;
        drop(state);
        self.changes.announce();
    }

    /// Whether what this connection was handed on with holds for the account as it is now. Nobody is asked.
    pub(super) async fn inherited(&self, caller: &Caller, account: &Account) -> Result<Asked, Error> {
        let approval = self.approval().await?;
        self.lock.check()?;
        let state = self.state();
        let delegation = state.delegations.of(&caller.connection);
        let over = || Error::ConsentRequired(Unasked::InheritedOver);
        let delegation = delegation.filter(|delegation| !delegation.is_over).ok_or_else(over)?;
        let current = question(delegation.asked.kind, caller, account);
        let same_server =
            delegation.asked.account == current.account && delegation.asked.server_url == current.server_url;
        let allowed = match (delegation.was_asked, approval) {
            (true, _) => delegation.asked.covers(&current.server_url, &current.scopes),
            (false, Approval::SameUser) => true,
            // A desktop is there since, and nobody was ever asked about this one.
            (false, Approval::Ask) => false,
        };
        if !same_server || !allowed {
            return Err(over());
        }
        Ok(current)
    }

    /// The same, and counts as a use.
    pub(super) async fn permit_inherited(&self, caller: &Caller, account: &Account) -> Result<Asked, Error> {
        let asked = self.inherited(caller, account).await?;
        if let Some(delegation) = self.state().delegations.of_mut(&caller.connection) {
            delegation.uses = delegation.uses.saturating_add(1);
            delegation.last_used_at = Some(now());
        }
        Ok(asked)
    }
}
