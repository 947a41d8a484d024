//! Callers that are no program of this user by themselves: whoever inherited a connection from `keybearer run` (REQ-C2) or
//! is at the other end of a bridge, and whoever comes through the restricted door. Neither sees more than what was named for it.

use super::{Api, not_behind};
use crate::account::Account;
use crate::caller::{Caller, Standing};
use crate::consent::{Asking, DoorState};
use crate::error::Error;
use crate::profile::ProfileError;
use keybearer_protocol::agent::AgentPing;
use keybearer_protocol::profile::ProfileList;
use keybearer_protocol::prompt::PromptKind;
use keybearer_protocol::restricted::RestrictedView;
use keybearer_protocol::session::{SessionDelegateParams, SessionDelegateReply};
use keybearer_protocol::token::{HeaderGet, TokenGet, TokenInvalidate};
use keybearer_protocol::{Door, ErrorObject, Method};
use serde_json::{Value, json};
use std::sync::Arc;

/// What an inherited connection can be asked.
pub(super) const INHERITED: [&str; 5] =
    [TokenGet::NAME, HeaderGet::NAME, TokenInvalidate::NAME, ProfileList::NAME, AgentPing::NAME];

impl Api {
    /// The caller as the guest that it is, if it is one.
    pub(super) fn guest(&self, door: Door, caller: &Caller) -> Option<Caller> {
        let standing = self.consent.standing(door, caller);
        (standing != caller.standing).then(|| Caller { standing, ..caller.clone() })
    }

    /// The parameters as they are meant: on an inherited connection, whoever names no account means the one that there is.
    pub(super) fn for_guest(&self, caller: &Caller, method: &str, mut params: Value) -> Result<Value, ErrorObject> {
        if caller.standing != Standing::Inherited {
            return Ok(params);
        }
        if !INHERITED.contains(&method) {
            return Err(not_behind(Door::Programs, method));
        }
        let names_one =
            ["profile", "server_url"].iter().any(|key| params.get(key).is_some_and(|value| !value.is_null()));
        if let (Some(object), Some((id, name)), false) =
            (params.as_object_mut(), self.consent.inherited_account(caller), names_one)
            && method != ProfileList::NAME
        {
            // It may have another name by now, or be gone.
            let name = self.accounts.with_id(&id).map_or(name, |account| account.name());
            object.insert("profile".to_owned(), json!(name));
        }
        Ok(params)
    }

    /// The account that a guest names: the one that it inherited, or one behind the restricted door by its very name.
    /// Others look as if they weren't there.
    pub(super) async fn find_for_guest(&self, caller: &Caller, target: &str) -> Result<Arc<Account>, Error> {
        let missing = || Error::from(ProfileError::NotFound(target.to_owned()));
        if caller.standing == Standing::Inherited {
            let account = self.consent.inherited_account(caller).and_then(|(id, _)| self.accounts.with_id(&id));
            let account = account.ok_or_else(missing)?;
            let is_meant = account.name() == target || account.profile().url.as_str() == target;
            return if is_meant && self.is_listed(&account) { Ok(account) } else { Err(missing()) };
        }
        let restricted = self.consent.restricted().await?;
        let account = self.accounts.find(target).map_err(|_| missing())?;
        let is_named = account.name() == target && restricted.contains(account.id());
        if is_named { Ok(account) } else { Err(missing()) }
    }

    /// Whether the account is still in the file.
    pub(super) fn is_listed(&self, account: &Account) -> bool {
        self.accounts.find(&account.name()).is_ok_and(|listed| listed.id() == account.id())
    }

    /// Makes the caller's connection one to hand on.
    pub(super) async fn delegate(
        &self,
        caller: &Caller,
        params: SessionDelegateParams,
    ) -> Result<SessionDelegateReply, Error> {
        if !caller.is_helper {
            return Err(Error::RunOnly);
        }
        let account = self.named(caller, &params.profile).await?;
        self.consent.delegate(PromptKind::Run, caller, &account, Asking::of(params.interactive, true)).await?;
        Ok(SessionDelegateReply { profile: account.name(), server_url: account.view().server_url })
    }

    /// The restricted door as it stands.
    pub(super) async fn restricted(&self) -> Result<RestrictedView, Error> {
        let ids = self.consent.restricted().await?;
        let known = self.accounts.after(None)?;
        let named = known.iter().filter(|account| ids.contains(account.id()));
        let state = self.consent.restricted_door().settled().await;
        Ok(RestrictedView {
            profiles: named.map(|account| account.name()).collect(),
            open: state == DoorState::Open,
            problem: if let DoorState::Failed(problem) = state { Some(problem) } else { None },
        })
    }

    /// Names an account for the restricted door, or takes it away.
    pub(super) async fn restrict(
        &self,
        caller: &Caller,
        target: &str,
        is_named: bool,
    ) -> Result<RestrictedView, Error> {
        let account = self.accounts.find(target)?;
        self.consent.set_restricted(caller, account.id(), is_named).await?;
        self.restricted().await
    }
}
