//! The end of a sign-in: the code becomes tokens, the tokens reach the keyring, a real request tries them.

use super::granted::Granted;
use crate::account::Account;
use crate::clock::now;
use crate::error::Error;
use crate::profile::ProfileError;
use crate::redirect::kind_of;
use crate::refresh::forgets_client;
use crate::vault::record::PendingRecord;
use keybearer_oauth::authorization::Code;
use keybearer_oauth::client::Client;
use keybearer_oauth::token::{Grant, TokenEndpoint};
use keybearer_oauth::{Http, ServerUrl};
use keybearer_protocol::auth::{StepName, StepState};
use std::sync::Arc;

impl Account {
    /// Brings an accepted answer to its end, whatever it is.
    pub(super) async fn redeem(
        self: Arc<Self>,
        number: u64,
        pending: PendingRecord,
        accepted: Result<Code, Error>,
    ) -> Result<(), Error> {
        let outcome =
            self.redeem_code(number, pending, accepted).await.map_err(|error| error.with_option(&self.name()));
        self.end(number, outcome.as_ref().copied());
        outcome
    }

    async fn redeem_code(
        self: &Arc<Self>,
        number: u64,
        pending: PendingRecord,
        accepted: Result<Code, Error>,
    ) -> Result<(), Error> {
        self.progress.step(StepName::GetTokens, StepState::Running, None);
        let url: ServerUrl = pending.url.parse().map_err(ProfileError::from)?;
        let tokens = self.fetch_tokens(number, &url, &pending, accepted).await;
        if let Err(error) = tokens {
            if matches!(&error, Error::Token(error) if forgets_client(error)) {
                self.doubt(&pending.authorization.asked.registration);
            }
            self.drop_pending().await;
            return Err(error);
        }
        let kind = kind_of(&pending.authorization.redirect_uri).filter(|_| pending.callback_chosen);
        if let Some(kind) = kind {
            self.context.redirects.learn(&pending.authorization.asked.issuer, kind);
        }
        self.progress.step(StepName::GetTokens, StepState::Done, None);
        self.test_connection().await
    }

    async fn fetch_tokens(
        &self,
        number: u64,
        url: &ServerUrl,
        pending: &PendingRecord,
        accepted: Result<Code, Error>,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        // The profile may have been given another address: neither code nor tokens are for it.
        let still_meant = || self.is_current(number) && self.url().same_server(url);
        if !still_meant() {
            return Err(Error::Cancelled);
        }
        let (http, asked) = (Http::for_server(url)?, &pending.authorization.asked);
        let client = Client::new(&http, &asked.registration, now().as_second())?
            .bound_to(self.prover(pending.dpop_key.as_ref()));
        let grant = Grant::Code(&accepted?, &pending.authorization);
        let answer = TokenEndpoint::of(client, asked).trade(grant).await?;
        if !still_meant() {
            return Err(Error::Cancelled);
        }
        let granted = Granted {
            asked,
            revocation_endpoint: pending.revocation_endpoint.as_ref(),
            unattended: false,
            dpop_key: pending.dpop_key.as_ref(),
        };
        self.keep(&granted, answer).await
    }

    /// The last step: only a real `tools/list` shows that the sign-in is worth something.
    pub(super) async fn test_connection(self: &Arc<Self>) -> Result<(), Error> {
        self.progress.step(StepName::TestConnection, StepState::Running, None);
        let tools = self.test().await?;
        let fact = format!("{} tools", tools.names.len());
        self.progress.step(StepName::TestConnection, StepState::Done, Some(fact));
        Ok(())
    }
}
