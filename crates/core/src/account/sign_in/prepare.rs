//! Everything of a sign-in up to the browser: discovery, registration, the authorization request.

use super::authorization_server::Chosen;
use super::{Way, opens};
use crate::account::Account;
use crate::browser::Browser;
use crate::callback::{Address, Port};
use crate::clock::now;
use crate::error::Error;
use crate::links;
use crate::profile::{Profile, Settings};
use crate::redirect::{DEEP_LINK, kind_of, uris};
use crate::upstream::{Access, UpstreamError};
use crate::vault::record::{Pending, PendingRecord, Record, TokenRecord};
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::authorization::{self, RequestError, Wish};
use keybearer_oauth::client::Client;
use keybearer_oauth::dpop::{self, DpopKey};
use keybearer_oauth::pushed_authorization::{self, PushError};
use keybearer_oauth::reach::{Reached, reach};
use keybearer_oauth::registration::{Credential, Known, Registration, RegistrationError, RegistrationOrigin, register};
use keybearer_oauth::server_metadata::{ServerMetadata, ServerMetadataError};
use keybearer_oauth::{Http, HttpError, ServerUrl, resource_metadata};
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
    /// A new key, where the tokens are to be bound to one.
    pub(super) dpop_key: Option<DpopKey>,
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
        let Some(found) = self.discover(&http, &profile).await? else {
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
        let Settings { scopes, omit_resource, parameters, .. } = profile.settings;
        let scopes = self.widened(if scopes.is_empty() { found.scopes } else { scopes });
        let dpop_jkt = found.dpop_key.as_ref().map(DpopKey::thumbprint).transpose()?;
        let wish = Wish { redirect_uri, resource: found.resource, omit_resource, scopes, dpop_jkt, parameters };
        let (request, authorization) = authorization::request(&found.server, &registration, wish)?;
        let client =
            Client::new(&http, &registration, now().as_second())?.bound_to(self.prover(found.dpop_key.as_ref()));
        let page = pushed_authorization::page(&client, &found.server, &request).await;
        if page.as_ref().is_err_and(PushError::is_unknown_client) {
            self.doubt(&registration);
            self.drop_pending().await;
        }
        let page = page?;
        let lifetime = page.expires_in.and_then(|seconds| i64::try_from(seconds).ok()).map(SignedDuration::from_secs);
        let pending = PendingRecord {
            authorization,
            authorization_url: page.url.into(),
            page_lapses_at: lifetime.and_then(|lifetime| now().checked_add(lifetime).ok()),
            revocation_endpoint: found.server.revocation_endpoint,
            url: profile.url.to_string(),
            expires_at: now() + PATIENCE,
            callback_chosen: chosen,
            dpop_key: found.dpop_key,
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
    async fn discover(&self, http: &Http, profile: &Profile) -> Result<Option<Found>, Error> {
        let (url, auth) = (&profile.url, profile.settings.auth);
        let step = |name, state, fact| self.progress.step(name, state, fact);
        step(StepName::ReachServer, StepState::Running, None);
        let challenge = match reach(http, url).await? {
            Reached::Open if auth != AuthType::Auto => None,
            // Some servers shake hands with anybody and ask for a token later: only a real request tells.
            Reached::Open => match self.context.upstream.list_tools(url, &Access::open()).await {
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

    /// The client ID: one that worked before at this very issuer, or a new one (`BIND-1..4`). Its redirect addresses are
    /// all of one kind.
    pub(super) async fn identify(
        &self,
        http: &Http,
        server: &ServerMetadata,
        settings: &Settings,
        way: Way,
    ) -> Result<Registration, Error> {
        let record = self.record()?;
        let pre_registered = pre_registered(&record, settings);
        let metadata_document = match server.client_id_metadata_document_supported {
            true => self.context.settings.metadata_document()?,
            false => None,
        };
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
        let rejected_here = |tokens: &TokenRecord| tokens.refresh_rejected.is_some() && tokens.issuer == server.issuer;
        let rejected = record.tokens.as_ref().is_some_and(rejected_here);
        let may_keep = !rejected && pre_registered.is_none() && metadata_document.is_none() && !way.register_again;
        let fits = |kept: &&Registration| {
            let same_kind = kept.redirect_uris.first().and_then(|uri| kind_of(uri)) == Some(kind);
            let is_ours = kept.issuer == server.issuer && kept.origin == RegistrationOrigin::Dynamic;
            let is_doubted = record.doubted.as_ref() == Some(&kept.client_id);
            let same_use = kept.device == way.device && (way.device || same_kind);
            is_ours && same_use && !is_doubted && !kept.has_ended(now().as_second())
        };
        if let Some(kept) = record.clients().find(fits).filter(|_| may_keep) {
            return Ok(kept.clone());
        }
        let known = Known { pre_registered, metadata_document, device: way.device };
        if let Some(uri) = by_hand {
            return Ok(register(http, server, &known, std::slice::from_ref(uri)).await?);
        }
        self.register(http, server, &known, kind).await.map_err(|error| self.by_hand(error, way))
    }

    /// A client with redirect addresses of this kind, or of the other where the server refuses them: some register no
    /// private scheme, others no plain http (`DCR-4`, `DCR-5`). Which one will do is remembered.
    async fn register(
        &self,
        http: &Http,
        server: &ServerMetadata,
        known: &Known,
        kind: CallbackKind,
    ) -> Result<Registration, RegistrationError> {
        let asked = if known.device { Vec::new() } else { uris(kind) };
        let refused = match register(http, server, known, &asked).await {
            Err(refused) if is_refused(&refused) => refused,
            registered => return registered,
        };
        let other = match kind {
            // Some insist on a redirect address, also of a client that never uses it.
            _ if known.device => CallbackKind::Loopback,
            CallbackKind::DeepLink => CallbackKind::Loopback,
            CallbackKind::Loopback if links::are_answered().await => CallbackKind::DeepLink,
            CallbackKind::Loopback => return Err(refused),
        };
        let Ok(registration) = register(http, server, known, &uris(other)).await else { return Err(refused) };
        // With another address it worked at once, so it was the address.
        if !known.device {
            self.context.redirects.learn(&server.issuer, other);
        }
        Ok(registration)
    }

    /// What is left where the server gives no client ID: a person asks for one (`REG-2`).
    fn by_hand(&self, error: RegistrationError, way: Way) -> Error {
        match error {
            RegistrationError::NotOffered(_)
            | RegistrationError::NotListed { .. }
            | RegistrationError::Refused { .. } => {
                let redirect_uris = uris(way.callback.unwrap_or(CallbackKind::Loopback));
                Error::ClientNeeded { profile: self.name(), why: Box::new(error), redirect_uris }
            }
            RegistrationError::Http(_)
            | RegistrationError::Unusable(_)
            | RegistrationError::Key(_)
            | RegistrationError::Algorithm { .. }
            | RegistrationError::AuthMethod { .. } => error.into(),
        }
    }

    /// The redirect address of a registration; for a loopback address, with the port opened.
    async fn way_back(&self, registration: &Registration) -> Result<(String, Option<Arc<Port>>), Error> {
        let (uris, callbacks) = (&registration.redirect_uris, &self.context.callbacks);
        if uris.iter().any(|uri| uri == DEEP_LINK) {
            return Ok((DEEP_LINK.to_owned(), None));
        }
        let address = |uri: &String| Address::parse(uri).ok_or_else(|| RequestError::BadAddress(uri.clone()));
        let addresses: Vec<Address> = uris.iter().map(address).collect::<Result<_, _>>()?;
        let port = callbacks.open_one(addresses).await.ok_or_else(|| Error::NoPort(uris.clone()))?;
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

/// Whether the authorization server said no to what the registration says of us: not to who asks, nor how often.
fn is_refused(error: &RegistrationError) -> bool {
    match error {
        RegistrationError::Refused { error, .. } => error.starts_with("invalid_"),
        RegistrationError::Http(HttpError::Status { status, .. }) => matches!(status, 400 | 422),
        RegistrationError::Http(_)
        | RegistrationError::NotOffered(_)
        | RegistrationError::NotListed { .. }
        | RegistrationError::Key(_)
        | RegistrationError::Algorithm { .. }
        | RegistrationError::Unusable(_)
        | RegistrationError::AuthMethod { .. } => false,
    }
}

/// What went wrong with an authorization server that was only assumed: where nothing like one answers, there is none.
fn unfounded(error: Error, server: &ServerMetadata) -> Error {
    let is_closed = |why: &RegistrationError| matches!(why, RegistrationError::NotListed { .. });
    let is_nothing = matches!(&error, Error::ClientNeeded { why, .. } if is_closed(why))
        || matches!(
            error,
            Error::Registration(RegistrationError::Http(HttpError::Status { .. } | HttpError::NotJson { .. }))
        );
    if is_nothing { ServerMetadataError::Nowhere(server.issuer.clone()).into() } else { error }
}

/// The client that was registered by hand, with what proves that it is this client. Which authorization server it is for
/// was looked at when that was chosen.
fn pre_registered(record: &Record, settings: &Settings) -> Option<(String, Option<Credential>)> {
    let secret = record.secret.as_ref().filter(|secret| secret.auth.has_client_secret());
    Some((settings.client_id.clone()?, secret.map(|secret| Credential::of(secret.value.clone()))))
}
