//! Everything of a sign-in up to the browser: discovery, registration, the authorization request.

use super::{Way, opens};
use crate::account::Account;
use crate::browser::Browser;
use crate::callback::{Address, Port};
use crate::clock::now;
use crate::error::Error;
use crate::profile::Settings;
use crate::redirect::{DEEP_LINK, kind_of};
use crate::upstream::{Headers, UpstreamError};
use crate::vault::record::{Pending, PendingRecord, Record};
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::authorization::{self, RequestError, Wish};
use keybearer_oauth::reach::{Reached, reach};
use keybearer_oauth::registration::{Credential, Known, Registration, RegistrationError, RegistrationOrigin, register};
use keybearer_oauth::resource_metadata::ResourceMetadata;
use keybearer_oauth::server_metadata::{ServerMetadata, ServerMetadataError};
use keybearer_oauth::{Http, HttpError, ServerUrl, resource_metadata, server_metadata};
use keybearer_protocol::auth::{CallbackKind, StepName, StepState};
use keybearer_protocol::profile::AuthType;
use std::sync::Arc;

/// How long a sign-in waits for its browser.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What discovery found, as registration and authorization need it.
pub(super) struct Found {
    pub(super) resource: String,
    pub(super) scopes: Vec<String>,
    pub(super) server: ServerMetadata,
    /// Whether nobody published where the authorization server is.
    assumed: bool,
}

impl Account {
    /// Everything up to the browser. `None` if no browser is needed.
    pub(super) async fn prepare(
        self: &Arc<Self>,
        number: u64,
        browser: Option<Browser>,
        way: Way,
    ) -> Result<Option<Timestamp>, Error> {
        let profile = self.state().profile.clone();
        let http = Http::for_server(&profile.url)?;
        let Some(found) = self.discover(&http, &profile.url, profile.settings.auth).await? else {
            self.keep_open(&profile.url).await?;
            return Ok(None);
        };
        self.progress.step(StepName::IdentifyClient, StepState::Running, None);
        if matches!(profile.settings.auth, AuthType::ClientCredentials | AuthType::Workload | AuthType::Enterprise) {
            self.sign_in_unattended(number, &http, &profile, found).await?;
            return Ok(None);
        }
        if way.device {
            self.sign_in_on_device(number, &http, &profile, found, browser.as_ref()).await?;
            return Ok(None);
        }
        if found.server.device_authorization_endpoint.is_some() {
            self.progress.offer_device();
        }
        authorization::check(&http, &found.server).await?;
        let chosen = way.callback.is_some();
        let registration = self.identify(&http, &found.server, &profile.settings, way).await;
        let registration =
            registration.map_err(|error| if found.assumed { unfounded(error, &found.server) } else { error })?;
        self.progress.step(StepName::IdentifyClient, StepState::Done, Some(registration.client_id.clone()));
        let (redirect_uri, port) = self.way_back(&registration).await?;
        let scopes = if profile.settings.scopes.is_empty() { found.scopes } else { profile.settings.scopes };
        let wish = Wish { redirect_uri, resource: found.resource, scopes: self.widened(scopes) };
        let (url, authorization) = authorization::request(&found.server, &registration, wish)?;
        let pending = PendingRecord {
            authorization,
            authorization_url: url.into(),
            revocation_endpoint: found.server.revocation_endpoint,
            url: profile.url.to_string(),
            expires_at: now() + PATIENCE,
            callback_chosen: chosen,
        };
        self.keep_pending(&profile.url, Pending::Browser(Box::new(pending.clone()))).await?;
        self.open_browser(number, &pending, port, browser.as_ref())?;
        Ok(Some(pending.expires_at))
    }

    /// Opens the browser and says so, in one move: whoever brings the answer waits for the same lock.
    fn open_browser(
        &self,
        number: u64,
        pending: &PendingRecord,
        port: Option<Arc<Port>>,
        browser: Option<&Browser>,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let open = state.sign_in.as_mut().filter(|open| open.number == number).ok_or(Error::Cancelled)?;
        open.port = port;
        let opened = opens(browser, &pending.authorization_url);
        self.progress.wait_for_browser(pending, opened);
        Ok(())
    }

    /// The server, its protected resource metadata, its authorization server. `None` if it needs no sign-in.
    async fn discover(&self, http: &Http, url: &ServerUrl, auth: AuthType) -> Result<Option<Found>, Error> {
        let step = |name, state, fact| self.progress.step(name, state, fact);
        step(StepName::ReachServer, StepState::Running, None);
        let challenge = match reach(http, url).await? {
            Reached::Open if auth != AuthType::Auto => None,
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
        let found = server_metadata::find(http, &issuer(url, metadata.as_ref())).await;
        let assumed = metadata.is_none() && matches!(found, Err(ServerMetadataError::Missing(_)));
        let server = if assumed { server_metadata::assumed(url.url()) } else { found? };
        step(StepName::AuthorizationServer, StepState::Done, Some(server.issuer.clone()));
        let challenged = challenge.map(|challenge| challenge.scopes()).unwrap_or_default();
        let known = metadata.as_ref().and_then(|metadata| metadata.scopes_supported.as_deref());
        let scopes = authorization::scopes(&challenged, known, &server);
        let resource = metadata.map(|metadata| metadata.resource).unwrap_or_else(|| url.to_string());
        Ok(Some(Found { resource, scopes, server, assumed }))
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

    /// The client ID: the one that worked before at this very issuer, or a new one (`BIND-1..4`). Its redirect
    /// addresses are all of one kind.
    pub(super) async fn identify(
        &self,
        http: &Http,
        server: &ServerMetadata,
        settings: &Settings,
        way: Way,
    ) -> Result<Registration, Error> {
        let record = self.record()?;
        let pre_registered = pre_registered(&record, settings, &server.issuer)?;
        let metadata_document =
            self.context.metadata_document.clone().filter(|_| server.client_id_metadata_document_supported);
        let by_hand = settings.redirect_uri.as_ref().filter(|_| pre_registered.is_some());
        let kind = match way.callback.filter(|_| by_hand.is_none()) {
            // Nothing comes back from another device.
            _ if way.device => CallbackKind::Loopback,
            _ if by_hand.is_some_and(|uri| uri == DEEP_LINK) => CallbackKind::DeepLink,
            // What was registered by hand, or stands in a document, has the loopback address unless the user knows
            // better.
            None if pre_registered.is_some() || metadata_document.is_some() => CallbackKind::Loopback,
            wish => {
                let setting = || self.context.settings.read().ok()?.callback;
                self.context.redirects.choose(&server.issuer, wish, setting()).await
            }
        };
        let renewed = record.tokens.as_ref().is_none_or(|tokens| tokens.refresh_rejected.is_none());
        let works = renewed && pre_registered.is_none() && !way.register_again && !self.state().distrust_registration;
        let fits = |kept: &Registration| {
            let same_kind = kept.redirect_uris.first().and_then(|uri| kind_of(uri)) == Some(kind);
            let same_use = kept.device == way.device && (way.device || same_kind);
            kept.issuer == server.issuer && kept.origin == RegistrationOrigin::Dynamic && same_use
        };
        if let Some(kept) = record.registration.clone().filter(|kept| works && fits(kept)) {
            return Ok(kept);
        }
        let known = Known { pre_registered, metadata_document, device: way.device };
        let uris_at_hand = match by_hand {
            _ if way.device => Vec::new(),
            Some(uri) => vec![uri.clone()],
            None => uris(kind),
        };
        let refused = match (kind, register(http, server, &known, &uris_at_hand).await) {
            (CallbackKind::DeepLink, Err(refused)) if is_refused(&refused) => refused,
            // Some servers insist on a redirect address, also for a client that never uses it.
            (_, Err(refused)) if way.device && is_refused(&refused) => refused,
            (_, registered) => return Ok(registered?),
        };
        // Some servers register no private scheme: then a loopback port will do, there and from now on (`DCR-5`).
        let Ok(registration) = register(http, server, &known, &uris(CallbackKind::Loopback)).await else {
            return Err(refused.into());
        };
        // With another address it worked at once, so it was the address.
        if !way.device {
            self.context.redirects.learn(&server.issuer, CallbackKind::Loopback);
        }
        Ok(registration)
    }

    /// The redirect address of a registration; for a loopback address, with the port opened.
    async fn way_back(&self, registration: &Registration) -> Result<(String, Option<Arc<Port>>), Error> {
        let (uris, callbacks) = (&registration.redirect_uris, &self.context.callbacks);
        let port = match uris.as_slice() {
            [link] if link == DEEP_LINK => return Ok((DEEP_LINK.to_owned(), None)),
            [one] => callbacks.open(Address::parse(one).ok_or_else(|| RequestError::BadAddress(one.clone()))?).await,
            _ => callbacks.open_any().await,
        };
        let port = port.ok_or_else(|| Error::NoPort(uris.clone()))?;
        Ok((port.address.uri.clone(), Some(port)))
    }

    async fn keep_open(&self, url: &ServerUrl) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        self.commit(Record { open: true, ..self.record_for(url)? }).await
    }

    pub(super) async fn keep_pending(&self, url: &ServerUrl, pending: Pending) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        self.commit_pending(Record { pending: Some(pending), ..self.record_for(url)? }).await
    }

    /// The record, if the account is still for this server.
    fn record_for(&self, url: &ServerUrl) -> Result<Record, Error> {
        if self.url().same_server(url) { self.record() } else { Err(Error::Cancelled) }
    }
}

/// The redirect addresses of a kind, for a registration.
fn uris(kind: CallbackKind) -> Vec<String> {
    match kind {
        CallbackKind::DeepLink => vec![DEEP_LINK.to_owned()],
        CallbackKind::Loopback => Address::ours().map(|address| address.uri).collect(),
    }
}

/// Whether the authorization server said no to what the registration says of us: not to who asks, nor how often.
fn is_refused(error: &RegistrationError) -> bool {
    match error {
        RegistrationError::Refused { error, .. } => error.starts_with("invalid_"),
        RegistrationError::Http(HttpError::Status { status, .. }) => matches!(status, 400 | 422),
        RegistrationError::Http(_)
        | RegistrationError::NotOffered(_)
        | RegistrationError::Key(_)
        | RegistrationError::Algorithm { .. }
        | RegistrationError::Unusable(_)
        | RegistrationError::AuthMethod { .. } => false,
    }
}

/// What went wrong with an authorization server that was only assumed: where nothing like one answers, there is none.
fn unfounded(error: Error, server: &ServerMetadata) -> Error {
    let is_nothing = matches!(
        error,
        Error::Registration(RegistrationError::Http(HttpError::Status { .. } | HttpError::NotJson { .. }))
    );
    if is_nothing { ServerMetadataError::Missing(server.issuer.clone()).into() } else { error }
}

/// The client that was registered by hand, with its secret: for the authorization server that the user names or that it
/// was first used at, and no other that the MCP server may name later (`BIND-2`, `BIND-5`).
fn pre_registered(
    record: &Record,
    settings: &Settings,
    issuer: &str,
) -> Result<Option<(String, Option<Credential>)>, Error> {
    let Some(id) = settings.client_id.clone() else { return Ok(None) };
    let secret = record.secret.as_ref().filter(|secret| secret.auth.has_client_secret());
    let is_this = |used: &&Registration| used.origin == RegistrationOrigin::PreRegistered && used.client_id == id;
    let used = record.registration.as_ref().filter(is_this);
    let named = settings.issuer.as_ref();
    let bounds =
        named.into_iter().chain(secret.and_then(|secret| secret.issuer.as_ref())).chain(used.map(|used| &used.issuer));
    match bounds.into_iter().find(|bound| *bound != issuer) {
        Some(bound) => Err(Error::ClientElsewhere { bound: bound.clone(), named: issuer.to_owned() }),
        None => Ok(Some((id, secret.map(|secret| Credential::of(secret.value.clone()))))),
    }
}

/// The authorization server: the first that the resource names, or, for servers of the 2025-03-26 revision, which
/// publish no such metadata, the server's own origin (`DISC-6`, `LEG-1`).
fn issuer(url: &ServerUrl, metadata: Option<&ResourceMetadata>) -> String {
    let named = metadata.and_then(|metadata| metadata.authorization_servers.first().cloned());
    named.unwrap_or_else(|| url.url().origin().ascii_serialization())
}
