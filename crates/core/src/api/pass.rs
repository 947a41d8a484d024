//! Passes: one program's way to one account's server, for whoever carries its requests there. What allows it is looked at
//! with each request, so a pass ends when that is taken back.

use super::{Api, TRIES, is_as_asked};
use crate::account::{Account, Authorized};
use crate::caller::Caller;
use crate::consent::{Asking, Permitted};
use crate::error::{Error, Unasked};
use crate::grants::Asked;
use crate::profile::ProfileError;
use crate::refresh::Want;
use keybearer_oauth::challenge::Challenge;
use keybearer_oauth::dpop::is_about_proof;
use keybearer_protocol::Door;
use keybearer_protocol::activity::ActivityKind;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often an open pass is looked at although nothing changed: answers end by themselves.
const LOOK: Duration = Duration::from_secs(60);

/// One program's way to one account's server, as long as what allowed it holds.
pub struct Pass {
    api: Arc<Api>,
    caller: Caller,
    account: Arc<Account>,
    asking: Asking,
    /// A yes for once: it is for this pass, and until the next of [`Consent::endings`](crate::consent::Consent::endings).
    once: Mutex<Option<(Asked, u64)>>,
}

impl Api {
    /// The pass of a program for the account that it names. Nobody is asked yet.
    pub async fn pass(self: &Arc<Self>, caller: &Caller, target: &str, asking: Asking) -> Result<Pass, Error> {
        let caller = self.guest(Door::Programs, caller).unwrap_or_else(|| caller.clone());
        let account = self.unless_locked(self.named(&caller, target)).await;
        let account = account.inspect_err(|error| self.note_refused(&caller, Some(target), None, error))?;
        Ok(Pass { api: self.clone(), caller, account, asking, once: Mutex::default() })
    }

    /// What comes of this, unless the agent is locked or gets locked meanwhile.
    pub(super) async fn unless_locked<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if self.consent.is_locked().await? {
            return Err(Error::Locked);
        }
        self.until_locked(work).await.unwrap_or(Err(Error::Locked))
    }
}

impl Pass {
    /// The account's name, as it is now.
    pub fn profile(&self) -> String {
        self.account.name()
    }

    /// The account's id, which outlives names.
    pub fn account(&self) -> &str {
        self.account.id()
    }

    /// What opens the server for the next request. It counts as a use; a person is asked where that is needed.
    pub async fn authorized(&self) -> Result<Authorized, Error> {
        let authorized = self.api.unless_locked(self.api.consent.unless_paused(self.authorize())).await;
        let (authorized, asked) =
            authorized.inspect_err(|error| self.api.note_refused(&self.caller, Some(&self.profile()), None, error))?;
        let issued = authorized.issued.as_ref();
        issued.iter().for_each(|issued| self.account.note_use(issued.generation));
        self.api.note_given(ActivityKind::RequestCarried, &self.caller, &self.account, issued, asked.as_ref(), None);
        Ok(authorized)
    }

    /// The server refused what authorized a request, with 401. Whether there is something better now: the next
    /// [`Pass::authorized`] has it.
    pub async fn refused(&self, generation: Option<u32>, challenge: Option<&Challenge>) -> Result<bool, Error> {
        // A complaint about a proof is none about the token, and what is fixed gets no better.
        let Some(generation) = generation.filter(|_| !challenge.is_some_and(is_about_proof)) else { return Ok(false) };
        let renewed = self.api.unless_locked(async {
            self.account.invalidate(generation).await?;
            self.account.authorized(Want::default(), &[]).await
        });
        Ok(renewed.await?.issued.is_some_and(|issued| issued.generation != generation))
    }

    /// The server refused a request for lack of scopes, with 403: what a person can do about it.
    pub async fn lacks(&self, generation: Option<u32>, challenge: Option<&Challenge>) -> Error {
        self.account.lacks(generation, challenge).await
    }

    /// Returns when what allowed this pass is over, with the reason. Nobody is asked.
    pub async fn over(&self) -> Error {
        let context = self.api.accounts.context();
        loop {
            let seen = context.changes.revision();
            match self.api.unless_locked(self.holds()).await {
                Ok(true) => {}
                Ok(false) => return Error::ConsentRequired(Unasked::TakenBack),
                Err(error) => return error,
            }
            tokio::select! {
                () = context.lock.falls() => return Error::Locked,
                _ = context.changes.after(seen, LOOK) => {}
            }
        }
    }

    /// Whether what allowed this pass holds as things stand.
    async fn holds(&self) -> Result<bool, Error> {
        let account = self.listed().await?;
        Ok(self.allowed_once(&account).is_some() || self.api.consent.is_permitted(&self.caller, &account).await)
    }

    async fn authorize(&self) -> Result<(Authorized, Option<Asked>), Error> {
        for _ in 0..TRIES {
            let (account, endings) = (self.listed().await?, self.api.consent.endings());
            let permitted = match self.allowed_once(&account) {
                Some(asked) => Some(Permitted { asked, once: true }),
                None => self.api.consent.permit_or_once(&self.caller, &account, self.asking).await?,
            };
            if let Some(Permitted { asked, once: true }) = &permitted {
                *self.once.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked.clone(), endings));
            }
            let asked = permitted.map(|permitted| permitted.asked);
            let authorized = account.authorized(Want::default(), &[]).await?;
            if is_as_asked(asked.as_ref(), &authorized) {
                return Ok((authorized, asked));
            }
        }
        Err(Error::Edited(self.profile()))
    }

    /// The account, if it is still in the file.
    async fn listed(&self) -> Result<Arc<Account>, Error> {
        let name = self.account.name();
        let listed = self.api.accounts.find(&name)?;
        if listed.id() != self.account.id() {
            return Err(ProfileError::NotFound(name).into());
        }
        listed.load().await?;
        Ok(listed)
    }

    /// The yes for once that this pass has, if it is about the account as it is.
    fn allowed_once(&self, account: &Account) -> Option<Asked> {
        let (view, once) = (account.view(), self.once.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let (asked, endings) = once?;
        let holds = endings == self.api.consent.endings() && asked.covers(&view.server_url, &view.scopes);
        holds.then_some(asked)
    }
}
