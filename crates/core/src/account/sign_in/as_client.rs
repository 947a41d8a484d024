//! The sign-in of a client for itself: no browser, no person (RFC 6749 §4.4).

use super::Way;
use super::granted::Granted;
use super::prepare::Found;
use crate::account::Account;
use crate::clock::now;
use crate::error::Error;
use crate::profile::Profile;
use keybearer_oauth::Http;
use keybearer_oauth::client::Client;
use keybearer_oauth::token::{Grant, TokenEndpoint};
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
            let client = Client::new(http, &registration, now().as_second())?;
            let endpoint = TokenEndpoint { client, url: &found.server.token_endpoint, resource: Some(&found.resource) };
            let answer = endpoint.trade(Grant::ClientCredentials { scopes: &asked }).await?;
            // The profile may have been given another address meanwhile: these tokens are not for it.
            if !self.is_current(number) || !self.url().same_server(&profile.url) {
                return Err(Error::Cancelled);
            }
            let granted = Granted {
                issuer: &found.server.issuer,
                registration: &registration,
                resource: &found.resource,
                scopes: &asked,
                token_endpoint: &found.server.token_endpoint,
                revocation_endpoint: found.server.revocation_endpoint.as_ref(),
                unattended: true,
            };
            self.commit_tokens(granted.kept_in(self.record()?, answer)).await?;
        }
        self.state().more_access.signed_in(&asked);
        self.progress.step(StepName::GetTokens, StepState::Done, None);
        self.test_connection().await
    }
}
