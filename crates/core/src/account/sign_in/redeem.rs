//! The end of a sign-in: the code becomes tokens, the tokens reach the keyring, a real request tries them.

use super::granted::Granted;
use crate::account::Account;
use crate::account::single_use::{Outcome, close};
use crate::error::Error;
use crate::journal::Traded;
use crate::profile::ProfileError;
use crate::redirect::kind_of;
use crate::refresh::forgets_client;
use crate::token_request::{SingleUse, TokenRequest};
use crate::vault::record::{Pending, PendingRecord};
use keybearer_oauth::ServerUrl;
use keybearer_oauth::asked::Asked;
use keybearer_oauth::authorization::Code;
use keybearer_oauth::dpop::DpopKey;
use keybearer_protocol::auth::{StepName, StepState};
use std::sync::Arc;

impl Account {
    /// Brings an accepted answer to its end, whatever it is. Without a code, an agent before this one has sent it already,
    /// and the journal has what came of it.
    pub(super) async fn redeem(
        self: Arc<Self>,
        number: u64,
        pending: PendingRecord,
        accepted: Result<Option<Code>, Error>,
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
        accepted: Result<Option<Code>, Error>,
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
        accepted: Result<Option<Code>, Error>,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        // The profile may have been given another address: neither code nor tokens are for it.
        let still_meant = || self.is_current(number) && self.url().same_server(url);
        if !still_meant() {
            return Err(Error::Cancelled);
        }
        let asked = &pending.authorization.asked;
        let Outcome { tokens, received_at, journaled } = match accepted? {
            Some(code) => {
                let grant = SingleUse::Code(code, Box::new(pending.authorization.clone()));
                let (kept, dpop_key) = (Pending::Browser(Box::new(pending.clone())), pending.dpop_key.as_ref());
                self.ask_for_sign_in(url, kept, asked, grant, dpop_key).await?
            }
            None => {
                let dpop_key = pending.dpop_key.as_ref();
                let before = self.asked_before(Traded::Code, &asked.token_endpoint, dpop_key).await?;
                before.ok_or(Error::Lapsed)?
            }
        };
        let answer = match tokens {
            Ok(answer) if still_meant() => answer,
            other => {
                close(journaled).await?;
                return Err(other.err().map_or(Error::Cancelled, Error::Token));
            }
        };
        let granted = Granted {
            asked,
            revocation_endpoint: pending.revocation_endpoint.as_ref(),
            unattended: false,
            dpop_key: pending.dpop_key.as_ref(),
        };
        self.keep(&granted, answer, received_at).await?;
        close(journaled).await
    }

    /// Asks for the tokens of a sign-in, which the keyring keeps meanwhile. Whoever calls this holds `changing`.
    pub(super) async fn ask_for_sign_in(
        &self,
        url: &ServerUrl,
        pending: Pending,
        asked: &Asked,
        grant: SingleUse,
        dpop_key: Option<&DpopKey>,
    ) -> Result<Outcome, Error> {
        // The account's tokens of before are good until there are new ones; an earlier sign-in that couldn't be kept isn't.
        self.bring_to_its_end().await?;
        self.context.journal.forget(self.id())?;
        let request = TokenRequest {
            server: url.to_string(),
            asked: asked.clone(),
            grant,
            dpop_key: dpop_key.cloned(),
            nonce: self.nonces.of(&asked.token_endpoint),
        };
        self.ask_once(Some(pending), request).await
    }

    /// The last step: only a real `tools/list` shows that the sign-in is worth something.
    pub(super) async fn test_connection(self: &Arc<Self>) -> Result<(), Error> {
        self.progress.step(StepName::TestConnection, StepState::Running, None);
        let tools = self.test().await?;
        let fact = format!("{} tools", tools.tools.len());
        self.progress.step(StepName::TestConnection, StepState::Done, Some(fact));
        Ok(())
    }
}
