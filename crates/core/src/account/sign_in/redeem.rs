//! The end of a sign-in: the code becomes tokens, the tokens reach the keyring, a real request tries them.

use crate::account::Account;
use crate::account::tokens::ends_at;
use crate::clock::now;
use crate::error::Error;
use crate::profile::ProfileError;
use crate::vault::record::{PendingRecord, Record, SecretRecord, TokenRecord};
use keybearer_oauth::authorization::{Code, PendingAuthorization};
use keybearer_oauth::token::{Tokens, exchange};
use keybearer_oauth::{Http, ServerUrl};
use keybearer_protocol::auth::{StepName, StepState};
use std::sync::Arc;
use url::Url;

impl Account {
    /// Brings an accepted answer to its end, whatever it is.
    pub(super) async fn redeem(
        self: Arc<Self>,
        number: u64,
        pending: PendingRecord,
        accepted: Result<Code, Error>,
    ) -> Result<(), Error> {
        let _busy = self.context.busy.begin();
        let outcome = self.redeem_code(number, pending, accepted).await;
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
        {
            let _changing = self.changing.lock().await;
            let url: ServerUrl = pending.url.parse().map_err(ProfileError::from)?;
            let answer = match accepted {
                Ok(code) => exchange(&Http::for_server(&url)?, &pending.authorization, code).await.map_err(Error::from),
                Err(error) => Err(error),
            };
            // The profile may have been given another address meanwhile: these tokens are not for it.
            if !self.is_current(number) || !self.url().same_server(&url) {
                return Err(Error::Cancelled);
            }
            let record = Record { pending: None, ..self.record() };
            let authorization = &pending.authorization;
            match answer {
                Ok(answer) => {
                    self.commit(signed_in(record, authorization, pending.revocation_endpoint, answer)).await?
                }
                Err(error) => {
                    self.commit(record).await?;
                    return Err(error);
                }
            }
        }
        self.state().distrust_registration = false;
        self.progress.step(StepName::GetTokens, StepState::Done, None);
        self.test_connection().await
    }

    /// The last step: only a real `tools/list` shows that the sign-in is worth something.
    async fn test_connection(self: &Arc<Self>) -> Result<(), Error> {
        self.progress.step(StepName::TestConnection, StepState::Running, None);
        let tools = self.test().await?;
        let fact = format!("{} tools", tools.names.len());
        self.progress.step(StepName::TestConnection, StepState::Done, Some(fact));
        Ok(())
    }
}

fn signed_in(record: Record, asked: &PendingAuthorization, revocation_endpoint: Option<Url>, answer: Tokens) -> Record {
    let received_at = now();
    Record {
        generation: record.generation + 1,
        secret: record.secret.map(|secret| SecretRecord { issuer: Some(asked.issuer.clone()), ..secret }),
        open: false,
        registration: Some(asked.registration.clone()),
        tokens: Some(TokenRecord {
            access_token: answer.access_token,
            refresh_token: answer.refresh_token,
            received_at,
            expires_at: ends_at(received_at, answer.expires_in),
            scopes: answer.scopes.unwrap_or_else(|| asked.scopes.clone()),
            resource: asked.resource.clone(),
            issuer: asked.issuer.clone(),
            token_endpoint: asked.token_endpoint.clone(),
            revocation_endpoint,
            signed_in_at: received_at,
            refresh_rejected: None,
        }),
        ..record
    }
}
