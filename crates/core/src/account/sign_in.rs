//! From a server's address to tokens, with the user's browser between.
//!
//! One sign-in per account at a time. What its callback is checked against lies in the keyring before the browser
//! opens, so an agent that starts in between completes it.

use super::tokens::ends_at;
use super::{Account, OpenSignIn, State};
use crate::browser::Browser;
use crate::callback::{PORTS, Port, port_of, redirect_uri, redirect_uris};
use crate::clock::now;
use crate::error::Error;
use crate::profile::ProfileError;
use crate::upstream::{Headers, UpstreamError};
use crate::vault::record::{PendingRecord, Record, SecretRecord, TokenRecord};
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
use secrecy::SecretString;
use std::sync::Arc;
use std::sync::atomic::Ordering;
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
        let name = &state.profile.name;
        match state.profile.settings.auth {
            AuthType::Bearer | AuthType::Header | AuthType::Basic => {
                let why = "has a fixed credential; to change it, remove the account and add it again";
                return Err(Error::Usage(format!("{name} {why}")));
            }
            AuthType::None => return Err(Error::Usage(format!("{name} was added as an account without sign-in"))),
            AuthType::Auto | AuthType::Oauth => {}
        }
        if state.sign_in.is_none() {
            let number = self.begin(&mut state);
            let task = tokio::spawn(self.clone().run_sign_in(number, browser)).abort_handle();
            state.sign_in = Some(OpenSignIn { number, task, port: None });
        } else if self.progress.phase() == AuthPhase::WaitingForBrowser {
            let address = self.progress.view().authorization_url.unwrap_or_default();
            self.progress.browser_opened(opens(browser.as_ref(), &address));
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

    /// Ends the open sign-in. One whose answer has come can't be held up any more.
    pub async fn cancel_sign_in(self: &Arc<Self>) -> Result<(), Error> {
        self.load().await?;
        match self.close_sign_in(None, &Error::Cancelled) {
            true => Ok(()),
            false if self.state().sign_in.is_some() => Err(Error::AuthInProgress(self.name())),
            false => Err(Error::NoSignIn(self.name())),
        }
    }

    /// Whether this answer belongs to the open sign-in.
    pub fn owns(&self, callback: &Callback) -> bool {
        let state = self.state();
        let pending = state.record.as_ref().and_then(|record| record.pending.as_ref());
        pending.is_some_and(|pending| pending.authorization.owns(callback))
    }

    /// Takes an answer, whoever brought it: once, in time, checked. Returns when the sign-in is over.
    pub async fn complete_sign_in(self: &Arc<Self>, callback: &Callback) -> Result<AuthView, Error> {
        let (number, pending, accepted) = self.take_answer(callback)?;
        // A task of its own: the code is good once, and whoever brought it may be gone before the tokens are here.
        let redeem = tokio::spawn(self.clone().redeem(number, pending, accepted));
        redeem.await.unwrap_or(Err(Error::Internal("the sign-in ended without a result")))?;
        Ok(self.progress.view())
    }

    /// Goes on with a sign-in from before a restart.
    pub(super) async fn resume_sign_in(self: &Arc<Self>) {
        let Some(pending) = self.record().pending.filter(|pending| pending.expires_at > now()) else { return };
        let port = match port_of(&pending.authorization.redirect_uri) {
            Some(number) => self.context.callbacks.open(number).await,
            None => None,
        };
        let mut state = self.state();
        let number = self.begin(&mut state);
        self.progress.wait_for_browser(&pending.authorization_url, pending.expires_at, false);
        if port.is_none() {
            let fact = "another program took the port that the browser comes back to: bring its address by hand";
            self.progress.step(StepName::OpenBrowser, StepState::NeedsUser, Some(fact.to_owned()));
        }
        let task = tokio::spawn(self.clone().lapse(number, pending.expires_at)).abort_handle();
        state.sign_in = Some(OpenSignIn { number, task, port });
    }

    /// Ends the open sign-in, if its answer hasn't come, and if it is the one of this number where one is given. Tells
    /// whether it did; the keyring follows.
    pub(super) fn close_sign_in(self: &Arc<Self>, number: Option<u64>, why: &Error) -> bool {
        let mut state = self.state();
        let open = state.sign_in.as_ref().is_some_and(|open| number.is_none_or(|number| open.number == number));
        if !open || self.progress.phase() == AuthPhase::Finishing {
            return false;
        }
        state.sign_in = None;
        self.progress.fail(why.to_object());
        if state.record.as_mut().and_then(|record| record.pending.take()).is_some() {
            tokio::spawn(self.clone().drop_pending());
        }
        true
    }

    fn begin(&self, state: &mut State) -> u64 {
        state.last_error = None;
        self.progress.begin();
        self.sign_ins.fetch_add(1, Ordering::Relaxed)
    }

    fn is_current(&self, number: u64) -> bool {
        self.state().sign_in.as_ref().is_some_and(|open| open.number == number)
    }

    async fn run_sign_in(self: Arc<Self>, number: u64, browser: Option<Browser>) {
        match self.prepare(number, browser).await {
            Ok(Some(expires_at)) => self.lapse(number, expires_at).await,
            Ok(None) => self.end(number, Ok(())),
            Err(error) => self.end(number, Err(&error)),
        }
    }

    /// The last word on the sign-in of this number, unless another has had it.
    fn end(&self, number: u64, outcome: Result<(), &Error>) {
        let mut state = self.state();
        if state.sign_in.as_ref().is_none_or(|open| open.number != number) {
            return;
        }
        match outcome {
            Ok(()) => self.progress.succeed(),
            Err(error) => {
                self.progress.fail(error.to_object());
                state.last_error = Some(error.to_object());
            }
        }
        // It ends the task that may have brought us here, at its next await: there is none.
        state.sign_in = None;
    }

    /// Everything up to the browser. `None` if no browser is needed.
    async fn prepare(self: &Arc<Self>, number: u64, browser: Option<Browser>) -> Result<Option<Timestamp>, Error> {
        let profile = self.state().profile.clone();
        let http = Http::for_server(&profile.url)?;
        let Some(found) = self.discover(&http, &profile.url, profile.settings.auth).await? else {
            self.keep(&profile.url, |record| record.open = true).await?;
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
        self.keep(&profile.url, |record| record.pending = Some(pending.clone())).await?;
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
        let record = self.record();
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

    /// Changes the record and keeps it, if the account is still for this server.
    async fn keep(&self, url: &ServerUrl, change: impl FnOnce(&mut Record)) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        if !self.url().same_server(url) {
            return Err(Error::Cancelled);
        }
        let mut record = self.record();
        change(&mut record);
        self.commit(record).await
    }

    async fn drop_pending(self: Arc<Self>) {
        let _busy = self.context.busy.begin();
        let _changing = self.changing.lock().await;
        // What a newer sign-in has kept since is in the record, and stays.
        if let Err(error) = self.commit(self.record()).await {
            tracing::warn!(account = %self.id, %error, "an ended sign-in stays in the keyring until it lapses");
        }
    }

    async fn lapse(self: Arc<Self>, number: u64, expires_at: Timestamp) {
        let left = expires_at.duration_since(now()).max(SignedDuration::ZERO).unsigned_abs();
        tokio::time::sleep(left).await;
        self.state().distrust_registration = true;
        self.close_sign_in(Some(number), &Error::Lapsed);
    }

    /// Checks an answer and takes its sign-in out of everybody else's reach.
    fn take_answer(&self, callback: &Callback) -> Result<(u64, PendingRecord, Result<Code, Error>), Error> {
        let state = &mut *self.state();
        let closed = || Error::NoSignIn(state.profile.name.clone());
        let open = state.sign_in.as_ref().ok_or_else(closed)?;
        let record = state.record.as_mut().ok_or(Error::Internal("no record"))?;
        let waiting = record.pending.as_ref().ok_or_else(closed)?;
        let accepted = match (now() < waiting.expires_at, waiting.authorization.accept(callback)) {
            (true, Err(error)) if !error.ends_sign_in() => return Err(error.into()),
            (true, accepted) => accepted.map_err(Error::from),
            (false, _) => Err(Error::Lapsed),
        };
        // Single use: whoever comes second with the same answer finds nothing (RESP-8).
        let pending = record.pending.take().ok_or(Error::Internal("no pending sign-in"))?;
        open.task.abort();
        self.progress.finish();
        Ok((open.number, pending, accepted))
    }

    async fn redeem(
        self: Arc<Self>,
        number: u64,
        pending: PendingRecord,
        accepted: Result<Code, Error>,
    ) -> Result<(), Error> {
        let _busy = self.context.busy.begin();
        let outcome = self.redeem_code(number, pending, accepted).await;
        self.end(number, outcome.as_ref().copied());
        outcome
    }

    async fn redeem_code(
        self: &Arc<Self>,
        number: u64,
        pending: PendingRecord,
        accepted: Result<Code, Error>,
    ) -> Result<(), Error> {
        self.progress.step(StepName::GetTokens, StepState::Running, None);
        {
            let _changing = self.changing.lock().await;
            let url: ServerUrl = pending.url.parse().map_err(ProfileError::from)?;
            let answer = match accepted {
                Ok(code) => exchange(&Http::for_server(&url)?, &pending.authorization, code).await.map_err(Error::from),
                Err(error) => Err(error),
            };
            // The profile may have been given another address meanwhile: these tokens are not for it.
            if !self.is_current(number) || !self.url().same_server(&url) {
                return Err(Error::Cancelled);
            }
            let record = Record { pending: None, ..self.record() };
            let authorization = &pending.authorization;
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
        self.state().distrust_registration = false;
        self.progress.step(StepName::GetTokens, StepState::Done, None);
        self.test_connection().await
    }

    /// The last step: only a real `tools/list` shows that the sign-in is worth something.
    async fn test_connection(self: &Arc<Self>) -> Result<(), Error> {
        self.progress.step(StepName::TestConnection, StepState::Running, None);
        let tools = self.test().await?;
        let fact = format!("{} tools", tools.names.len());
        self.progress.step(StepName::TestConnection, StepState::Done, Some(fact));
        Ok(())
    }
}

fn opens(browser: Option<&Browser>, address: &str) -> bool {
    let address = Url::parse(address).ok();
    browser.zip(address).is_some_and(|(browser, address)| browser.open(&address))
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

fn signed_in(record: Record, asked: &PendingAuthorization, revocation_endpoint: Option<Url>, answer: Tokens) -> Record {
    let received_at = now();
    Record {
        generation: record.generation + 1,
        secret: record.secret.map(|secret| SecretRecord { issuer: Some(asked.issuer.clone()), ..secret }),
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
