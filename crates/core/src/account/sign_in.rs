//! From a server's address to tokens, with the user's browser between.
//!
//! One sign-in per account at a time. What its callback is checked against lies in the keyring before the browser
//! opens, so an agent that starts in between completes it.

use super::tokens::ends_at;
use super::{Account, Means, OpenSignIn, means};
use crate::browser::Browser;
use crate::callback::{PORTS, Port, port_of, redirect_uri, redirect_uris};
use crate::clock::now;
use crate::error::Error;
use crate::vault::record::{PendingRecord, Record, TokenRecord};
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::authorization::{self, Callback, Code, PendingAuthorization, Wish};
use keybearer_oauth::reach::{Reached, reach};
use keybearer_oauth::registration::{Known, Registration, RegistrationOrigin, register};
use keybearer_oauth::resource_metadata::ResourceMetadata;
use keybearer_oauth::server_metadata::ServerMetadata;
use keybearer_oauth::token::{Tokens, exchange};
use keybearer_oauth::{Http, ServerUrl, resource_metadata, server_metadata};
use keybearer_protocol::auth::{AuthPhase, AuthView, StepName, StepState};
use keybearer_protocol::profile::AuthType;
use std::sync::Arc;
use tokio::sync::watch;
use url::Url;

/// How long a sign-in waits for its browser.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What discovery found, as registration and authorization need it.
struct Found {
    resource: String,
    scopes: Vec<String>,
    server: ServerMetadata,
}

impl Account {
    /// Starts a sign-in, or joins the open one; with a browser, its page is opened (again).
    pub async fn start_sign_in(self: &Arc<Self>, browser: Option<Browser>) -> Result<AuthView, Error> {
        self.load().await?;
        let mut state = self.state();
        let record = state.record.as_ref().ok_or(Error::Internal("no record"))?;
        match means(&state.profile, record) {
            Means::Bearer | Means::Header | Means::Basic => {
                return Err(Error::Usage(format!(
                    "{} has a fixed credential; to change it, remove the account and add it again",
                    state.profile.name
                )));
            }
            Means::Oauth | Means::Open => {}
        }
        match self.progress.phase() {
            AuthPhase::Preparing | AuthPhase::Finishing => {}
            AuthPhase::WaitingForBrowser => self.open_browser(browser.as_ref()),
            AuthPhase::SignedIn | AuthPhase::Failed | AuthPhase::None => {
                self.progress.begin();
                let task = tokio::spawn(self.clone().run_sign_in(browser)).abort_handle();
                state.sign_in = Some(OpenSignIn { task, _port: None });
            }
        }
        Ok(self.progress.view())
    }

    /// How the sign-in stands.
    pub fn sign_in_view(&self) -> AuthView {
        self.progress.view()
    }

    /// Sees every change of the sign-in from now on.
    pub fn follow_sign_in(&self) -> watch::Receiver<AuthView> {
        self.progress.follow()
    }

    /// Ends the open sign-in.
    pub async fn cancel_sign_in(self: &Arc<Self>) -> Result<(), Error> {
        self.load().await?;
        if self.progress.phase().is_final() {
            return Err(Error::NoSignIn(self.name()));
        }
        self.end_sign_in(&Error::Cancelled).await
    }

    /// Whether this answer belongs to the open sign-in.
    pub fn owns(&self, callback: &Callback) -> bool {
        let state = self.state();
        let pending = state.record.as_ref().and_then(|record| record.pending.as_ref());
        pending.is_some_and(|pending| pending.authorization.owns(callback))
    }

    /// Takes an answer, whoever brought it: once, in time, checked. Returns when the sign-in is over.
    pub async fn complete_sign_in(self: &Arc<Self>, callback: &Callback) -> Result<AuthView, Error> {
        let (pending, accepted) = {
            let state = &mut *self.state();
            let record = state.record.as_mut().ok_or(Error::Internal("no record"))?;
            let waiting = record.pending.as_ref().ok_or_else(|| Error::NoSignIn(state.profile.name.clone()))?;
            let accepted = match (now() < waiting.expires_at, waiting.authorization.accept(callback)) {
                (true, Err(error)) if !error.ends_sign_in() => return Err(error.into()),
                (true, accepted) => accepted.map_err(Error::from),
                (false, _) => Err(Error::Lapsed),
            };
            // Single use: whoever comes second with the same answer finds nothing (RESP-8).
            (record.pending.take(), accepted)
        };
        let pending = pending.ok_or(Error::Internal("no pending sign-in"))?;
        self.progress.finish();
        // A task of its own: the code is good once, and whoever brought it may be gone before the tokens are here.
        let redeem = tokio::spawn(self.clone().redeem(pending, accepted));
        redeem.await.unwrap_or(Err(Error::Internal("the sign-in ended without a result")))?;
        Ok(self.progress.view())
    }

    /// Goes on with a sign-in from before a restart.
    pub(super) async fn resume_sign_in(self: &Arc<Self>) {
        let Some(pending) = self.record().pending else { return };
        if pending.expires_at <= now() || self.progress.phase() == AuthPhase::WaitingForBrowser {
            return;
        }
        self.progress.begin();
        let port = match port_of(&pending.authorization.redirect_uri) {
            Some(number) => self.context.callbacks.open(number).await,
            None => None,
        };
        self.await_browser(&pending, port);
        let account = self.clone();
        let task = tokio::spawn(async move { account.lapse(pending.expires_at).await });
        if let Some(sign_in) = &mut self.state().sign_in {
            sign_in.task = task.abort_handle();
        }
    }

    async fn run_sign_in(self: Arc<Self>, browser: Option<Browser>) {
        match self.prepare(browser).await {
            Ok(Some(expires_at)) => self.lapse(expires_at).await,
            Ok(None) => {}
            Err(error) => {
                self.remember(Some(&error));
                self.progress.fail(error.to_object());
            }
        }
    }

    /// Everything up to the browser. `None` if no browser is needed.
    async fn prepare(self: &Arc<Self>, browser: Option<Browser>) -> Result<Option<Timestamp>, Error> {
        let profile = self.state().profile.clone();
        let http = Http::for_server(&profile.url)?;
        let Some(found) = self.discover(&http, &profile.url, profile.settings.auth).await? else {
            self.keep_open().await?;
            self.test_connection().await?;
            return Ok(None);
        };
        self.progress.step(StepName::IdentifyClient, StepState::Running, None);
        let busy = || Error::NoPort { first: *PORTS.start(), last: *PORTS.end() };
        let port = self.context.callbacks.open_any().await.ok_or_else(busy)?;
        let registration = self.identify(&http, &found.server, profile.settings.client_id.clone()).await?;
        self.progress.step(StepName::IdentifyClient, StepState::Done, Some(registration.client_id.clone()));
        let scopes = if profile.settings.scopes.is_empty() { found.scopes } else { profile.settings.scopes };
        let wish = Wish { redirect_uri: redirect_uri(port.number), resource: found.resource, scopes };
        let (url, authorization) = authorization::request(&found.server, &registration, wish)?;
        let pending = PendingRecord {
            authorization,
            authorization_url: url.into(),
            revocation_endpoint: found.server.revocation_endpoint,
            expires_at: now() + PATIENCE,
        };
        self.keep_pending(pending.clone()).await?;
        self.await_browser(&pending, Some(port));
        self.open_browser(browser.as_ref());
        Ok(Some(pending.expires_at))
    }

    /// The server, its protected resource metadata, its authorization server. `None` if it needs no sign-in.
    async fn discover(&self, http: &Http, url: &ServerUrl, auth: AuthType) -> Result<Option<Found>, Error> {
        let step = |name, state, fact| self.progress.step(name, state, fact);
        step(StepName::ReachServer, StepState::Running, None);
        let challenge = match reach(http, url).await? {
            Reached::Open if auth != AuthType::Oauth => {
                step(StepName::ReachServer, StepState::Done, Some("needs no sign-in".to_owned()));
                return Ok(None);
            }
            Reached::Open => None,
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
        let record = self.record();
        let worked = record.tokens.is_some() && client_id.is_none();
        let kept = record
            .registration
            .filter(|kept| worked && kept.issuer == server.issuer && kept.origin == RegistrationOrigin::Dynamic);
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let known = Known {
            pre_registered: client_id.map(|id| (id, record.secret)),
            metadata_document: self.context.metadata_document.clone(),
        };
        Ok(register(http, server, &known, &redirect_uris()).await?)
    }

    async fn keep_open(self: &Arc<Self>) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        self.commit(Record { open: true, ..self.record() }).await
    }

    async fn keep_pending(&self, pending: PendingRecord) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        self.commit(Record { pending: Some(pending), ..self.record() }).await
    }

    fn await_browser(&self, pending: &PendingRecord, port: Option<Arc<Port>>) {
        self.progress.wait_for_browser(&pending.authorization_url, pending.expires_at);
        let mut state = self.state();
        match &mut state.sign_in {
            Some(sign_in) => sign_in._port = port,
            None => {
                let task = tokio::spawn(std::future::ready(())).abort_handle();
                state.sign_in = Some(OpenSignIn { task, _port: port });
            }
        }
    }

    fn open_browser(&self, browser: Option<&Browser>) {
        let address = self.progress.view().authorization_url.and_then(|url| Url::parse(&url).ok());
        if let (Some(browser), Some(address)) = (browser, address) {
            self.progress.browser_opened(browser.open(&address));
        }
    }

    async fn lapse(self: &Arc<Self>, expires_at: Timestamp) {
        let left = expires_at.duration_since(now()).max(SignedDuration::ZERO).unsigned_abs();
        tokio::time::sleep(left).await;
        if self.progress.phase() == AuthPhase::WaitingForBrowser
            && let Err(error) = self.end_sign_in(&Error::Lapsed).await
        {
            tracing::warn!(account = %self.id, %error, "a lapsed sign-in stays in the keyring");
        }
    }

    async fn end_sign_in(self: &Arc<Self>, why: &Error) -> Result<(), Error> {
        self.progress.fail(why.to_object());
        let _changing = self.changing.lock().await;
        let ended = self.commit(Record { pending: None, ..self.record() }).await;
        self.state().sign_in = None;
        ended
    }

    async fn redeem(self: Arc<Self>, pending: PendingRecord, accepted: Result<Code, Error>) -> Result<(), Error> {
        let outcome = self.redeem_code(pending, accepted).await;
        if let Err(error) = &outcome {
            self.progress.fail(error.to_object());
        }
        self.remember(outcome.as_ref().err());
        // Last, because it ends the task that may have brought us here.
        self.state().sign_in = None;
        outcome
    }

    async fn redeem_code(self: &Arc<Self>, pending: PendingRecord, accepted: Result<Code, Error>) -> Result<(), Error> {
        self.progress.step(StepName::GetTokens, StepState::Running, None);
        {
            let _changing = self.changing.lock().await;
            let http = Http::for_server(&self.url())?;
            let authorization = &pending.authorization;
            let answer = match accepted {
                Ok(code) => exchange(&http, authorization, code).await.map_err(Error::from),
                Err(error) => Err(error),
            };
            let record = Record { pending: None, ..self.record() };
            match answer {
                Ok(answer) => {
                    self.commit(signed_in(record, authorization, pending.revocation_endpoint, answer)).await?
                }
                Err(error) => {
                    self.commit(record).await?;
                    return Err(error);
                }
            }
        }
        self.progress.step(StepName::GetTokens, StepState::Done, None);
        self.test_connection().await
    }

    /// The last step: only a real `tools/list` shows that the sign-in is worth something.
    async fn test_connection(self: &Arc<Self>) -> Result<(), Error> {
        self.progress.step(StepName::TestConnection, StepState::Running, None);
        let tools = self.test().await?;
        let fact = format!("{} tools", tools.names.len());
        self.progress.step(StepName::TestConnection, StepState::Done, Some(fact));
        self.progress.succeed();
        Ok(())
    }
}

/// The authorization server: the first that the resource names, or, for servers of the 2025-03-26 revision, which
/// publish no such metadata, the server's own origin (`DISC-6`, `LEG-1`).
fn issuer(url: &ServerUrl, metadata: Option<&ResourceMetadata>) -> String {
    let named = metadata.and_then(|metadata| metadata.authorization_servers.first().cloned());
    named.unwrap_or_else(|| url.url().origin().ascii_serialization())
}

fn signed_in(record: Record, asked: &PendingAuthorization, revocation_endpoint: Option<Url>, answer: Tokens) -> Record {
    let received_at = now();
    Record {
        generation: record.generation + 1,
        open: false,
        registration: Some(asked.registration.clone()),
        tokens: Some(TokenRecord {
            access_token: answer.access_token,
            refresh_token: answer.refresh_token,
            received_at,
            expires_at: ends_at(received_at, answer.expires_in),
            scopes: answer.scopes.unwrap_or_else(|| asked.scopes.clone()),
            resource: asked.resource.clone(),
            issuer: asked.issuer.clone(),
            token_endpoint: asked.token_endpoint.clone(),
            revocation_endpoint,
            signed_in_at: received_at,
            refresh_rejected: None,
        }),
        ..record
    }
}
