//! The sign-in of a client for itself: no browser, no person (RFC 6749 §4.4).

use super::Way;
use super::prepare::Found;
use crate::account::Account;
use crate::account::tokens::ends_at;
use crate::clock::now;
use crate::error::Error;
use crate::profile::Profile;
use crate::vault::record::{Record, SecretRecord, TokenRecord};
use keybearer_oauth::Http;
use keybearer_oauth::client::Client;
use keybearer_oauth::registration::Registration;
use keybearer_oauth::token::{Grant, TokenEndpoint};
use keybearer_oauth::token_answer::Tokens;
use keybearer_protocol::auth::{StepName, StepState};
use std::sync::Arc;

impl Account {
    /// Gets tokens with the client's own secret, keeps them, and tries them.
    pub(super) async fn sign_in_as_client(
        self: &Arc<Self>,
        number: u64,
        http: &Http,
        profile: &Profile,
        found: Found,
    ) -> Result<(), Error> {
        let registration = self.identify(http, &found.server, &profile.settings, Way::default()).await?;
        self.progress.step(StepName::IdentifyClient, StepState::Done, Some(registration.client_id.clone()));
        self.progress.step(StepName::GetTokens, StepState::Running, None);
        let chosen = &profile.settings.scopes;
        let asked = self.widened(if chosen.is_empty() { found.scopes.clone() } else { chosen.clone() });
        {
            let _changing = self.changing.lock().await;
            let client =
                Client::new(http, &registration, now().as_second())?.bound_to(self.prover(found.dpop_key.as_ref()));
            let resource = Some(found.resource.as_str()).filter(|_| !profile.settings.omit_resource);
            let endpoint = TokenEndpoint { client, url: &found.server.token_endpoint, resource };
            let answer = endpoint.trade(Grant::ClientCredentials { scopes: &asked }).await?;
            // The profile may have been given another address meanwhile: these tokens are not for it.
            if !self.is_current(number) || !self.url().same_server(&profile.url) {
                return Err(Error::Cancelled);
            }
            self.commit_tokens(signed_in(self.record()?, registration, &found, profile, &asked, answer)).await?;
        }
        self.state().more_access.signed_in(&asked);
        self.progress.step(StepName::GetTokens, StepState::Done, None);
        self.test_connection().await
    }
}

fn signed_in(
    record: Record,
    registration: Registration,
    found: &Found,
    profile: &Profile,
    asked: &[String],
    answer: Tokens,
) -> Record {
    let (received_at, issuer) = (now(), found.server.issuer.clone());
    Record {
        generation: record.generation + 1,
        displaced: None,
        pending: None,
        secret: record.secret.clone().map(|secret| SecretRecord { issuer: Some(issuer.clone()), ..secret }),
        open: false,
        tokens: Some(TokenRecord {
            access_token: answer.access_token,
            // RFC 6749 §4.4.3: there should be none, and none is needed.
            refresh_token: None,
            received_at,
            expires_at: ends_at(received_at, answer.expires_in),
            scopes: answer.scopes.unwrap_or_else(|| asked.to_vec()),
            resource: found.resource.clone(),
            omits_resource: profile.settings.omit_resource,
            issuer,
            token_endpoint: found.server.token_endpoint.clone(),
            revocation_endpoint: found.server.revocation_endpoint.clone(),
            signed_in_at: received_at,
            refresh_rejected: None,
            by_client: true,
            dpop_key: found.dpop_key.clone(),
        }),
        ..record.signed_in_as(registration)
    }
}
