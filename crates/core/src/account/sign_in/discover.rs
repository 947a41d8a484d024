//! What a sign-in has to know: the server, what it says of itself, and the authorization server that it is to go to.

use super::authorization_server::Chosen;
use crate::account::Account;
use crate::error::Error;
use crate::profile::Profile;
use crate::upstream::{Access, UpstreamError};
use keybearer_oauth::dpop::{self, DpopKey};
use keybearer_oauth::reach::{Reached, reach};
use keybearer_oauth::server_metadata::ServerMetadata;
use keybearer_oauth::{Http, authorization, resource_metadata};
use keybearer_protocol::auth::{StepName, StepState};
use keybearer_protocol::profile::AuthType;

/// What discovery found, as registration and authorization need it.
pub(super) struct Found {
    pub(super) resource: String,
    pub(super) scopes: Vec<String>,
    pub(super) server: ServerMetadata,
    /// A new key, where the tokens are to be bound to one.
    pub(super) dpop_key: Option<DpopKey>,
    /// Whether nobody published where the authorization server is.
    pub(super) assumed: bool,
}

impl Account {
    /// The server, its protected resource metadata, its authorization server. `None` if it needs no sign-in.
    pub(super) async fn discover(&self, http: &Http, profile: &Profile) -> Result<Option<Found>, Error> {
        let (url, auth) = (&profile.url, profile.settings.auth);
        let step = |name, state, fact| self.progress.step(name, state, fact);
        step(StepName::ReachServer, StepState::Running, None);
        let challenge = match reach(http, url).await? {
            Reached::Open if auth != AuthType::Auto => None,
            // Some servers shake hands with anybody and ask for a token later: only a real request tells.
            Reached::Open => match self.context.upstream.list_tools(url, &Access::open()).await {
                Err(UpstreamError::Unauthorized(challenge)) => challenge,
                tools => {
                    let fact = format!("{} tools", tools?.tools.len());
                    step(StepName::ReachServer, StepState::Done, Some("needs no sign-in".to_owned()));
                    step(StepName::TestConnection, StepState::Done, Some(fact));
                    return Ok(None);
                }
            },
            Reached::Challenged(challenge) => challenge,
        };
        step(StepName::ReachServer, StepState::Done, Some(url.host().to_owned()));
        step(StepName::ResourceMetadata, StepState::Running, None);
        let metadata = resource_metadata::find(http, url, challenge.as_ref()).await?;
        let resource_step = if metadata.is_some() { StepState::Done } else { StepState::Skipped };
        step(StepName::ResourceMetadata, resource_step, metadata.as_ref().map(|metadata| metadata.resource.clone()));
        step(StepName::AuthorizationServer, StepState::Running, None);
        let Chosen { server, named, assumed } = self.choose(http, profile, metadata.as_ref()).await?;
        self.bind_exceptions(&named).await?;
        step(StepName::AuthorizationServer, StepState::Done, Some(server.issuer.clone()));
        let is_bound = dpop::is_demanded(&server, metadata.as_ref(), challenge.as_ref())?;
        let dpop_key = is_bound.then(DpopKey::generate).transpose()?;
        let challenged = challenge.map(|challenge| challenge.scopes()).unwrap_or_default();
        let known = metadata.as_ref().and_then(|metadata| metadata.scopes_supported.as_deref());
        let scopes = authorization::scopes(&challenged, known, &server);
        let resource = metadata.map(|metadata| metadata.resource).unwrap_or_else(|| url.to_string());
        Ok(Some(Found { resource, scopes, server, dpop_key, assumed }))
    }

    /// The scopes to ask for, where the server was reported to want more than the last sign-in gave (`STEP-3`).
    pub(super) fn widened(&self, scopes: Vec<String>) -> Vec<String> {
        let state = self.state();
        if state.more_access.wanted().next().is_none() {
            return scopes;
        }
        let tokens = state.record.as_ref().and_then(|record| record.tokens.as_ref());
        let given = tokens.map(|tokens| tokens.scopes.as_slice()).unwrap_or_default();
        authorization::widened(scopes, given.iter().chain(state.more_access.wanted()))
    }
}
