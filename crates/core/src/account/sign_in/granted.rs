//! What a sign-in was granted, on its way into the record; the same whoever it was granted to, and how.

use crate::account::Account;
use crate::account::transaction::ends_at;
use crate::error::Error;
use crate::vault::record::{Record, SecretRecord, TokenRecord};
use jiff::Timestamp;
use keybearer_oauth::asked::Asked;
use keybearer_oauth::dpop::DpopKey;
use keybearer_oauth::token_answer::Tokens;
use url::Url;

/// What was asked for, and how it was granted.
pub(super) struct Granted<'a> {
    pub(super) asked: &'a Asked,
    /// For when the tokens are given back.
    pub(super) revocation_endpoint: Option<&'a Url>,
    /// Whether it was granted without a person.
    pub(super) unattended: bool,
    /// The key that the tokens are bound to, if they are.
    pub(super) dpop_key: Option<&'a DpopKey>,
}

impl Account {
    /// Keeps what was granted. Whoever calls this holds `changing`.
    pub(super) async fn keep(
        &self,
        granted: &Granted<'_>,
        answer: Tokens,
        received_at: Timestamp,
    ) -> Result<(), Error> {
        let kept = self.commit(granted.kept_in(self.record()?, answer, received_at)).await;
        if kept.is_err() {
            // Whoever reads the keyring once it is back finds the sign-in there, and its answer in the journal.
            let mut state = self.state();
            state.record = None;
            self.reschedule(&state);
        }
        kept?;
        self.state().more_access.signed_in(&granted.asked.scopes);
        Ok(())
    }
}

impl Granted<'_> {
    /// The record after the sign-in.
    fn kept_in(&self, record: Record, answer: Tokens, received_at: Timestamp) -> Record {
        Record {
            generation: record.generation + 1,
            displaced: None,
            pending: None,
            journal_key: None,
            secret: record
                .secret
                .clone()
                .map(|secret| SecretRecord { issuer: Some(self.asked.issuer.clone()), ..secret }),
            open: false,
            tokens: Some(TokenRecord {
                access_token: answer.access_token,
                // Where no person is needed none should come (RFC 6749 §4.4.3, RFC 7521 §4.1), and none is needed.
                refresh_token: answer.refresh_token.filter(|_| !self.unattended),
                received_at,
                expires_at: ends_at(received_at, answer.expires_in),
                scopes: answer.scopes.unwrap_or_else(|| self.asked.scopes.clone()),
                resource: self.asked.resource.clone(),
                omits_resource: self.asked.omits_resource,
                issuer: self.asked.issuer.clone(),
                token_endpoint: self.asked.token_endpoint.clone(),
                revocation_endpoint: self.revocation_endpoint.cloned(),
                signed_in_at: received_at,
                signed_in_as: answer.person.filter(|_| !self.unattended),
                refresh_rejected: None,
                unattended: self.unattended,
                extra: answer.extra,
                dpop_key: self.dpop_key.cloned(),
            }),
            ..record.signed_in_as(self.asked.registration.clone())
        }
    }
}
