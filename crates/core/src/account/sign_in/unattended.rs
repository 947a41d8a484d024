//! The sign-in without browser and person: of a client for itself, of a workload, or of a person whom an identity provider
//! vouches for.

use super::Way;
use super::discover::Found;
use super::granted::Granted;
use crate::account::Account;
use crate::clock::now;
use crate::error::Error;
use crate::profile::Profile;
use keybearer_oauth::Http;
use keybearer_oauth::asked::Asked;
use keybearer_oauth::identity_assertion;
use keybearer_oauth::registration::Registration;
use keybearer_protocol::auth::{StepName, StepState};
use keybearer_protocol::profile::AuthType;
use std::sync::Arc;

impl Account {
    /// Gets tokens, keeps them, and tries them.
    pub(super) async fn sign_in_unattended(
        self: &Arc<Self>,
        number: u64,
        http: &Http,
        profile: &Profile,
        found: Found,
    ) -> Result<(), Error> {
        let (settings, server) = (&profile.settings, &found.server);
        if settings.auth == AuthType::Enterprise && !identity_assertion::is_taken_by(server) {
            return Err(Error::EnterpriseNotOffered(server.issuer.clone()));
        }
        let registration = match (&settings.client_id, settings.auth) {
            (None, AuthType::Workload) => Registration::public(&server.issuer, ""),
            _ => self.identify(http, server, settings, Way::default()).await?,
        };
        let client_id = Some(registration.client_id.clone()).filter(|id| !id.is_empty());
        self.progress.step(StepName::IdentifyClient, StepState::Done, client_id);
        self.progress.step(StepName::GetTokens, StepState::Running, None);
        let chosen = &settings.scopes;
        let asked = Asked {
            issuer: server.issuer.clone(),
            registration,
            resource: found.resource,
            omits_resource: settings.omit_resource,
            scopes: self.widened(if chosen.is_empty() { found.scopes } else { chosen.clone() }),
            token_endpoint: server.token_endpoint.clone(),
        };
        {
            let _changing = self.changing.lock().await;
            let answer = self.ask_unattended(settings, http, &asked, found.dpop_key.as_ref()).await?;
            // The profile may have been given another address meanwhile: these tokens are not for it.
            if !self.is_current(number) || !self.url().same_server(&profile.url) {
                return Err(Error::Cancelled);
            }
            let granted = Granted {
                asked: &asked,
                revocation_endpoint: server.revocation_endpoint.as_ref(),
                unattended: true,
                dpop_key: found.dpop_key.as_ref(),
            };
            self.keep(&granted, answer, now()).await?;
        }
        self.progress.step(StepName::GetTokens, StepState::Done, None);
        self.test_connection().await
    }
}
