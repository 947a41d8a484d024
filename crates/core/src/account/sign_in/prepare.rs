//! Everything of a sign-in up to the browser: discovery, registration, the authorization request.

use super::opens;
use crate::account::Account;
use crate::browser::Browser;
use crate::callback::{PORTS, Port, redirect_uri, redirect_uris};
use crate::clock::now;
use crate::error::Error;
use crate::upstream::{Headers, UpstreamError};
use crate::vault::record::{PendingRecord, Record};
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::authorization::{self, Wish};
use keybearer_oauth::reach::{Reached, reach};
use keybearer_oauth::registration::{Known, Registration, RegistrationOrigin, register};
use keybearer_oauth::resource_metadata::ResourceMetadata;
use keybearer_oauth::server_metadata::ServerMetadata;
use keybearer_oauth::{Http, ServerUrl, resource_metadata, server_metadata};
use keybearer_protocol::auth::{StepName, StepState};
use keybearer_protocol::profile::AuthType;
use secrecy::SecretString;
use std::sync::Arc;

/// How long a sign-in waits for its browser.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What discovery found, as registration and authorization need it.
struct Found {
    resource: String,
    scopes: Vec<String>,
    server: ServerMetadata,
}

impl Account {
    /// Everything up to the browser. `None` if no browser is needed.
    pub(super) async fn prepare(
        self: &Arc<Self>,
        number: u64,
        browser: Option<Browser>,
    ) -> Result<Option<Timestamp>, Error> {
        let profile = self.state().profile.clone();
        let http = Http::for_server(&profile.url)?;
        let Some(found) = self.discover(&http, &profile.url, profile.settings.auth).await? else {
            self.keep_open(&profile.url).await?;
            return Ok(None);
        };
        self.progress.step(StepName::IdentifyClient, StepState::Running, None);
        authorization::check(&http, &found.server)?;
        let busy = || Error::NoPort { first: *PORTS.start(), last: *PORTS.end() };
        let port = self.context.callbacks.open_any().await.ok_or_else(busy)?;
        let registration = self.identify(&http, &found.server, profile.settings.client_id.clone()).await?;
        self.progress.step(StepName::IdentifyClient, StepState::Done, Some(registration.client_id.clone()));
        let scopes = if profile.settings.scopes.is_empty() { found.scopes } else { profile.settings.scopes };
        let wish = Wish { redirect_uri: redirect_uri(port.number), resource: found.resource, scopes };
        let (url, authorization) = authorization::request(&http, &found.server, &registration, wish)?;
        let pending = PendingRecord {
            authorization,
            authorization_url: url.into(),
            revocation_endpoint: found.server.revocation_endpoint,
            url: profile.url.to_string(),
            expires_at: now() + PATIENCE,
        };
        self.keep_pending(&profile.url, pending.clone()).await?;
        self.open_browser(number, &pending, port, browser.as_ref())?;
        Ok(Some(pending.expires_at))
    }

    /// Opens the browser and says so, in one move: whoever brings the answer waits for the same lock.
    fn open_browser(
        &self,
        number: u64,
        pending: &PendingRecord,
        port: Arc<Port>,
        browser: Option<&Browser>,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let open = state.sign_in.as_mut().filter(|open| open.number == number).ok_or(Error::Cancelled)?;
        open.port = Some(port);
        let opened = opens(browser, &pending.authorization_url);
        self.progress.wait_for_browser(&pending.authorization_url, pending.expires_at, opened);
        Ok(())
    }

    /// The server, its protected resource metadata, its authorization server. `None` if it needs no sign-in.
    async fn discover(&self, http: &Http, url: &ServerUrl, auth: AuthType) -> Result<Option<Found>, Error> {
        let step = |name, state, fact| self.progress.step(name, state, fact);
        step(StepName::ReachServer, StepState::Running, None);
        let challenge = match reach(http, url).await? {
            Reached::Open if auth == AuthType::Oauth => None,
            // Some servers shake hands with anybody and ask for a token later: only a real request tells.
            Reached::Open => match self.context.upstream.list_tools(url, &Headers::new()).await {
                Err(UpstreamError::Unauthorized(challenge)) => challenge,
                tools => {
                    let fact = format!("{} tools", tools?.names.len());
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
        let server = server_metadata::find(http, &issuer(url, metadata.as_ref())).await?;
        step(StepName::AuthorizationServer, StepState::Done, Some(server.issuer.clone()));
        let challenged = challenge.map(|challenge| challenge.scopes()).unwrap_or_default();
        let known = metadata.as_ref().and_then(|metadata| metadata.scopes_supported.as_deref());
        let scopes = authorization::scopes(&challenged, known, &server);
        let resource = metadata.map(|metadata| metadata.resource).unwrap_or_else(|| url.to_string());
        Ok(Some(Found { resource, scopes, server }))
    }

    /// The client ID: the one that worked before at this very issuer, or a new one (`BIND-1..4`).
    async fn identify(
        &self,
        http: &Http,
        server: &ServerMetadata,
        client_id: Option<String>,
    ) -> Result<Registration, Error> {
        let record = self.record()?;
        let renewed = record.tokens.as_ref().is_none_or(|tokens| tokens.refresh_rejected.is_none());
        let works = renewed && client_id.is_none() && !self.state().distrust_registration;
        let fits = |kept: &Registration| kept.issuer == server.issuer && kept.origin == RegistrationOrigin::Dynamic;
        if let Some(kept) = record.registration.clone().filter(|kept| works && fits(kept)) {
            return Ok(kept);
        }
        let pre_registered = match client_id {
            Some(id) => Some((id, client_secret(&record, &server.issuer)?)),
            None => None,
        };
        let known = Known { pre_registered, metadata_document: self.context.metadata_document.clone() };
        Ok(register(http, server, &known, &redirect_uris()).await?)
    }

    async fn keep_open(&self, url: &ServerUrl) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        self.commit(Record { open: true, ..self.record_for(url)? }).await
    }

    async fn keep_pending(&self, url: &ServerUrl, pending: PendingRecord) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        self.commit_pending(Record { pending: Some(pending), ..self.record_for(url)? }).await
    }

    /// The record, if the account is still for this server.
    fn record_for(&self, url: &ServerUrl) -> Result<Record, Error> {
        if self.url().same_server(url) { self.record() } else { Err(Error::Cancelled) }
    }
}

/// The secret of a client that was registered by hand: for the authorization server that it was first used at, and
/// no other that the MCP server may name later (`BIND-2`, `BIND-5`).
fn client_secret(record: &Record, issuer: &str) -> Result<Option<SecretString>, Error> {
    let Some(secret) = record.secret.as_ref().filter(|secret| matches!(secret.auth, AuthType::Auto | AuthType::Oauth))
    else {
        return Ok(None);
    };
    match &secret.issuer {
        Some(bound) if bound != issuer => {
            Err(Error::SecretElsewhere { bound: bound.clone(), named: issuer.to_owned() })
        }
        Some(_) | None => Ok(Some(secret.value.clone())),
    }
}

/// The authorization server: the first that the resource names, or, for servers of the 2025-03-26 revision, which
/// publish no such metadata, the server's own origin (`DISC-6`, `LEG-1`).
fn issuer(url: &ServerUrl, metadata: Option<&ResourceMetadata>) -> String {
    let named = metadata.and_then(|metadata| metadata.authorization_servers.first().cloned());
    named.unwrap_or_else(|| url.url().origin().ascii_serialization())
}
