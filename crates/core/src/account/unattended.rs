//! Tokens that are granted without a person: to a client for itself (RFC 6749 §4.4), for a workload's JWT, or for an
//! identity provider's word (RFC 7523). They are asked for in the same way at the sign-in and ever after.

use super::Account;
use crate::assertion_file;
use crate::clock::now;
use crate::error::Error;
use crate::profile::{ProfileError, Settings};
use keybearer_oauth::asked::Asked;
use keybearer_oauth::assertion::claims;
use keybearer_oauth::client::Client;
use keybearer_oauth::dpop::DpopKey;
use keybearer_oauth::identity_assertion::{Purpose, exchange};
use keybearer_oauth::registration::Registration;
use keybearer_oauth::server_metadata::Exceptions;
use keybearer_oauth::token::{Grant, TokenEndpoint};
use keybearer_oauth::token_answer::Tokens;
use keybearer_oauth::{Http, ServerUrl, server_metadata};
use keybearer_protocol::profile::{AuthType, IdentityProvider};
use secrecy::SecretString;
use std::path::Path;
use url::Url;

impl Account {
    /// Asks once: what was refused is neither asked for again nor in another way (`WIF-2`).
    pub(super) async fn ask_unattended(
        &self,
        settings: &Settings,
        http: &Http,
        asked: &Asked,
        dpop_key: Option<&DpopKey>,
    ) -> Result<Tokens, Error> {
        let client = Client::new(http, &asked.registration, now().as_second())?.bound_to(self.prover(dpop_key));
        let (endpoint, scopes) = (TokenEndpoint::of(client, asked), asked.scopes.as_slice());
        let assertion = match settings.auth {
            AuthType::ClientCredentials => return Ok(endpoint.trade(Grant::ClientCredentials { scopes }).await?),
            AuthType::Workload => self.workload(settings, asked).await?,
            AuthType::Enterprise => self.vouched_for(settings, asked).await?,
            AuthType::Auto
            | AuthType::Oauth
            | AuthType::Device
            | AuthType::Bearer
            | AuthType::Header
            | AuthType::Basic
            | AuthType::None => {
                let why = Some("it was to sign in without a person, and isn't any more".to_owned());
                return Err(Error::AuthRequired { profile: self.name(), why });
            }
        };
        Ok(endpoint.trade(Grant::Assertion { assertion: &assertion, scopes }).await?)
    }

    /// The workload's JWT, if this authorization server is whom it is for: another one, which the MCP server may name as
    /// it likes, could use it in the workload's name.
    async fn workload(&self, settings: &Settings, asked: &Asked) -> Result<SecretString, Error> {
        let brought = self.record()?.secret.filter(|secret| secret.auth == AuthType::Workload);
        let assertion = match (&settings.assertion_file, brought) {
            (Some(path), _) => read(path).await?,
            (None, Some(secret)) => secret.value,
            (None, None) => return Err(Error::SubjectMissing(self.name())),
        };
        let claims = claims(&assertion)?;
        let fits = match &settings.issuer {
            Some(named) => *named == asked.issuer,
            None => claims.is_for(&[asked.issuer.as_str(), asked.token_endpoint.as_str()]),
        };
        if !fits {
            let bound = settings.issuer.clone().unwrap_or_else(|| claims.audiences().join(", "));
            return Err(Error::AssertionElsewhere { bound, named: asked.issuer.clone() });
        }
        if claims.is_over(now().as_second()) {
            return Err(Error::AssertionOver(self.name()));
        }
        Ok(assertion)
    }

    /// The identity provider's word for the person, good at this authorization server alone (`EMA-1`).
    async fn vouched_for(&self, settings: &Settings, asked: &Asked) -> Result<SecretString, Error> {
        let provider = settings.identity_provider.as_ref().ok_or(Error::Internal("no identity provider"))?;
        let kept = self.record()?.subject.filter(|subject| subject.issuer == provider.issuer);
        let id_token = match (&settings.assertion_file, kept) {
            (Some(path), _) => read(path).await?,
            (None, Some(subject)) => subject.id_token,
            (None, None) => return Err(Error::SubjectMissing(self.name())),
        };
        if claims(&id_token)?.is_over(now().as_second()) {
            return Err(Error::AssertionOver(self.name()));
        }
        // It was named by the user, so it may lie anywhere, also nearer than the MCP server.
        let url: ServerUrl = provider.issuer.parse().map_err(ProfileError::from)?;
        let http = Http::for_server(&url)?;
        let endpoint = token_endpoint(&http, provider).await?;
        let registration = Registration::public(&provider.issuer, &provider.client_id);
        let client = Client::new(&http, &registration, now().as_second())?;
        let purpose = Purpose { audience: &asked.issuer, resource: &asked.resource, scopes: &asked.scopes };
        Ok(exchange(&client, &endpoint, &id_token, purpose).await?)
    }
}

/// Where the identity provider exchanges tokens.
async fn token_endpoint(http: &Http, provider: &IdentityProvider) -> Result<Url, Error> {
    match &provider.token_endpoint {
        Some(by_hand) => Ok(by_hand.parse::<ServerUrl>().map_err(ProfileError::from)?.url().clone()),
        None => Ok(server_metadata::find(http, &provider.issuer, Exceptions::default()).await?.token_endpoint),
    }
}

/// What the platform's file holds now.
async fn read(path: &Path) -> Result<SecretString, Error> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || assertion_file::read(&path));
    Ok(read.await.map_err(|_| Error::Internal("a file was read without a result"))??)
}
