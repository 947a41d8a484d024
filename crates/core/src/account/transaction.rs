//! The refresh transaction: asked for by a worker, in the journal before it is read, committed before it is handed out.

use super::Account;
use super::moved::{is_gone, moved_to, token_endpoint};
use super::single_use::{Outcome, close};
use crate::clock::now;
use crate::error::Error;
use crate::journal::Traded;
use crate::profile::ProfileError;
use crate::refresh::{Failure, classify, forgets_client};
use crate::token_request::{SingleUse, TokenRequest};
use crate::vault::record::{Record, TokenRecord};
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::asked::Asked;
use keybearer_oauth::registration::{Registration, RegistrationOrigin};
use keybearer_oauth::token_answer::{TokenError, Tokens};
use keybearer_oauth::{Http, ServerUrl};
use std::sync::Arc;

impl Account {
    /// Takes up what the journal has of a refresh that an agent before this one began.
    pub(super) fn resume_refresh(self: &Arc<Self>) {
        if self.context.journal.holds(&self.id) != Some(Traded::RefreshToken) {
            return;
        }
        if let Ok(record) = self.record() {
            tracing::info!(account = %self.id, "taking up a refresh that was cut off");
            self.refreshing.launch(|| self.clone().renewing(record.generation));
        }
    }

    /// One transaction. `seen` is the generation that its caller found wanting: if there is a newer one already,
    /// all is done.
    pub(super) async fn refresh(self: Arc<Self>, seen: u32) -> Result<(), Error> {
        let _busy = self.context.busy.begin();
        let _changing = self.changing.lock().await;
        if self.record()?.generation != seen || self.bring_to_its_end().await? {
            return Ok(());
        }
        let record = self.record()?;
        let Some(tokens) = record.tokens.clone() else { return Ok(()) };
        if !tokens.is_renewable() {
            return Err(self.auth_required());
        }
        let refused = self.state().refused == Some(seen);
        let server: ServerUrl = record.url.parse().map_err(ProfileError::from)?;
        if refused && let Some(other) = moved_to(&server, &record, &tokens).await {
            let why = format!("the server now names {other} as its authorization server");
            self.commit(unrenewable(record, tokens, why)).await?;
            return Err(self.auth_required());
        }
        let has_ended = |client: &Registration| client.has_ended(now().as_second());
        if record.registration.as_ref().is_some_and(has_ended) {
            let why =
                format!("the secret that {} gave this app has ended; the next sign-in gets another", tokens.issuer);
            self.commit(unrenewable(record, tokens, why)).await?;
            return Err(self.auth_required());
        }
        let (tokens, outcome) = self.ask_wherever_it_is(&server, &record, tokens).await?;
        self.conclude(record, tokens, outcome).await
    }

    /// Brings to its end what was asked before and answered, and not committed: by an agent that was killed, or by this
    /// one while the keyring was away. Whether there are new tokens now. Whoever calls this holds `changing`.
    pub(super) async fn bring_to_its_end(&self) -> Result<bool, Error> {
        let record = self.record()?;
        let Some(tokens) = record.tokens.clone() else { return Ok(false) };
        let (endpoint, key) = (&tokens.token_endpoint, tokens.dpop_key.as_ref());
        let found = self.asked_before(Traded::RefreshToken, endpoint, key).await?;
        let Some(outcome) = found else { return Ok(false) };
        if outcome.tokens.as_ref().is_err_and(|error| classify(error) != Failure::Rejected) {
            close(outcome.journaled).await?;
            return Ok(false);
        }
        self.conclude(record, tokens, outcome).await.map(|()| true)
    }

    /// Commits what came of it, and then lets go of the journal's copy.
    async fn conclude(&self, record: Record, tokens: TokenRecord, outcome: Outcome) -> Result<(), Error> {
        let answer = outcome.tokens.map_err(Error::Token);
        self.remember(answer.as_ref().err());
        let result = match answer {
            Ok(answer) => {
                let renewed = renewed(record, tokens, answer, outcome.received_at);
                let entry = self.refreshed(&renewed);
                self.commit(renewed).await.inspect_err(|_| self.state().outdated = true)?;
                self.context.activity.add(entry);
                Ok(())
            }
            Err(Error::Token(error)) if is_rejection(&tokens, &error) => {
                self.commit(rejected(record, tokens, &error)).await?;
                Err(self.auth_required())
            }
            Err(error) => Err(error),
        };
        close(outcome.journaled).await?;
        result
    }

    /// Asks the authorization server, also if its token endpoint has moved.
    async fn ask_wherever_it_is(
        &self,
        server: &ServerUrl,
        record: &Record,
        mut tokens: TokenRecord,
    ) -> Result<(TokenRecord, Outcome), Error> {
        let outcome = self.ask(record, &tokens).await?;
        if let Err(TokenError::Http(error)) = &outcome.tokens
            && is_gone(error)
            && let Some(elsewhere) = token_endpoint(server, record, &tokens).await
        {
            close(outcome.journaled).await?;
            tokens.token_endpoint = elsewhere;
            let outcome = self.ask(record, &tokens).await?;
            return Ok((tokens, outcome));
        }
        Ok((tokens, outcome))
    }

    /// Asks the authorization server, which belongs to the server that the record is bound to.
    async fn ask(&self, record: &Record, tokens: &TokenRecord) -> Result<Outcome, Error> {
        let registration = record.registration.clone().ok_or(Error::Internal("tokens without a registration"))?;
        let settings = self.settings();
        let asked = Asked {
            issuer: tokens.issuer.clone(),
            registration,
            resource: tokens.resource.clone(),
            // As it was left out before, or as the user says since.
            omits_resource: tokens.omits_resource || settings.omit_resource,
            scopes: tokens.scopes.clone(),
            token_endpoint: tokens.token_endpoint.clone(),
        };
        let dpop_key = tokens.dpop_key.as_ref();
        let Some(refresh_token) = &tokens.refresh_token else {
            // What can be asked for again needs no second copy, but a keyring that takes it.
            self.commit(record.clone()).await?;
            let http = Http::for_server(&record.url.parse().map_err(ProfileError::from)?)?;
            let tokens = match self.ask_unattended(&settings, &http, &asked, dpop_key).await {
                Ok(tokens) => Ok(tokens),
                Err(Error::Token(error)) => Err(error),
                Err(error) => {
                    self.remember(Some(&error));
                    return Err(error);
                }
            };
            return Ok(Outcome { tokens, received_at: now(), journaled: None });
        };
        let request = || TokenRequest {
            server: record.url.clone(),
            asked: asked.clone(),
            grant: SingleUse::RefreshToken(refresh_token.clone()),
            dpop_key: dpop_key.cloned(),
            nonce: self.nonces.of(&asked.token_endpoint),
        };
        let mut outcome = self.ask_once(record.pending.clone(), request()).await?;
        let is_lost = outcome.tokens.as_ref().is_err_and(|error| classify(error) == Failure::Ambiguous);
        if let Some(lost) = outcome.journaled.take_if(|_| is_lost) {
            tracing::info!(account = %self.id, "the answer to a refresh was lost; asking once more");
            outcome = self.ask_again(lost, request()).await?;
        }
        Ok(outcome)
    }
}

fn renewed(mut record: Record, old: TokenRecord, answer: Tokens, received_at: Timestamp) -> Record {
    record.generation += 1;
    record.journal_key = None;
    let mut extra = old.extra;
    extra.extend(answer.extra);
    record.tokens = Some(TokenRecord {
        access_token: answer.access_token,
        // No new one means that the old one goes on (RFC 6749 §6); a new one replaces it (REF-4).
        refresh_token: answer.refresh_token.or(old.refresh_token),
        received_at,
        expires_at: ends_at(received_at, answer.expires_in),
        scopes: answer.scopes.unwrap_or(old.scopes),
        signed_in_as: answer.person.or(old.signed_in_as),
        refresh_rejected: None,
        extra,
        ..old
    });
    record
}

/// Whether the authorization server won't renew these tokens, however often it is asked. What stands for a workload or a
/// person isn't presented again after any refusal (`WIF-2`).
fn is_rejection(tokens: &TokenRecord, error: &TokenError) -> bool {
    classify(error) == Failure::Rejected || (tokens.unattended && matches!(error, TokenError::Refused { .. }))
}

/// The authorization server doesn't renew this set any more. Nothing is deleted: the access token may still be good.
fn rejected(record: Record, tokens: TokenRecord, error: &TokenError) -> Record {
    let is_ours = |client: &Registration| client.origin == RegistrationOrigin::Dynamic;
    if forgets_client(error) && record.registration.as_ref().is_some_and(is_ours) {
        let why = format!("{} has forgotten this app; the next sign-in registers it again ({error})", tokens.issuer);
        return unrenewable(Record { registration: None, ..record }, tokens, why);
    }
    unrenewable(record, tokens, error.to_string())
}

/// These tokens aren't renewed any more.
fn unrenewable(record: Record, tokens: TokenRecord, why: String) -> Record {
    Record { tokens: Some(TokenRecord { refresh_rejected: Some(why), ..tokens }), ..record }
}

/// When a token ends that was received at this time and is good for so many seconds.
pub(super) fn ends_at(received_at: Timestamp, expires_in: Option<u64>) -> Option<Timestamp> {
    let seconds = i64::try_from(expires_in?).ok()?;
    received_at.checked_add(SignedDuration::from_secs(seconds)).ok()
}
