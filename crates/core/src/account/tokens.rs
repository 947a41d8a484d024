//! Handing out tokens: at once where one is at hand, after its renewal where it has to be.

use super::{Account, Means, State, fixed_secret, means};
use crate::clock::now;
use crate::error::Error;
use crate::profile::Profile;
use crate::refresh::{Decision, Want, decide, is_usable};
use crate::upstream::{Access, Headers, ToolList, UpstreamError};
use crate::vault::record::{Record, TokenRecord};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use keybearer_oauth::ServerUrl;
use keybearer_oauth::challenge::Challenge;
use keybearer_oauth::dpop::{Prover, is_about_proof};
use keybearer_oauth::readable::readable;
use keybearer_oauth::token_answer::TokenError;
use keybearer_protocol::profile::{AuthType, LastTest};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The challenge's word for a token that doesn't reach far enough (RFC 6750 §3.1).
const INSUFFICIENT_SCOPE: &str = "insufficient_scope";
/// How often a token is looked at anew that ends, or is refused, while it is about to be handed out.
const TRIES: u32 = 3;

/// A token on its way to a program.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The server that it is for, at the very moment that the token was taken.
    pub url: ServerUrl,
    /// The access token.
    pub access_token: SecretString,
    /// When it ends, where that is known.
    pub expires_at: Option<Timestamp>,
    /// What it covers.
    pub scopes: Vec<String>,
    /// The resource that it is for; none for a fixed token.
    pub resource: Option<String>,
    /// Its number.
    pub generation: u32,
    /// Whether it was at hand.
    pub from_cache: bool,
    /// What else the authorization server said with it.
    pub extra: BTreeMap<String, SecretString>,
    /// Who holds its key, if it is bound to one: without, it opens nothing.
    pub prover: Option<Prover>,
}

/// What authorizes requests, and the server that it is for: both from one moment, since an edit of the profile may come
/// between two.
#[derive(Clone, Debug)]
pub struct Authorized {
    /// The server.
    pub url: ServerUrl,
    /// What opens it.
    pub access: Access,
    /// The token in them, if it is one that is issued.
    pub issued: Option<Issued>,
}

impl Account {
    /// A token that the server will take, renewed if need be.
    pub async fn token(self: &Arc<Self>, want: Want, scopes: &[String]) -> Result<Issued, Error> {
        self.load().await?;
        for _ in 0..TRIES {
            let (decision, generation) = self.decide(want)?;
            let at_hand = match decision {
                Decision::Serve => true,
                Decision::Refresh => match self.renew(generation, want.force).await {
                    Ok(()) => false,
                    // The old one is still good: a program in mid-task needn't suffer from a server that hiccups.
                    Err(_) if !want.force && self.still_usable(generation) => true,
                    Err(error) => return Err(error),
                },
                Decision::SignIn => return Err(self.auth_required()),
            };
            if let Some(issued) = self.issue(scopes, at_hand)? {
                return Ok(issued);
            }
        }
        Err(TokenError::Unusable { host: self.name(), problem: "ends before it can be used" }.into())
    }

    /// Whether this account, once it is loaded, has tokens to give at all. One that is bound to a key is none to give:
    /// nobody else has the key.
    pub fn check_token(&self) -> Result<(), Error> {
        self.decide(Want::default())?;
        let state = self.state();
        let record = state.record.as_ref().filter(|record| means(&state.profile, record) == Means::Oauth);
        let tokens = record.and_then(|record| record.tokens.as_ref());
        match tokens.and_then(|tokens| tokens.dpop_key.as_ref()) {
            Some(_) => Err(Error::TokenBound(state.profile.name.clone())),
            None => Ok(()),
        }
    }

    /// Whether this account, once it is loaded, is signed in with these scopes; nothing can be said of fixed credentials.
    pub fn check_scopes(&self, scopes: &[String]) -> Result<(), Error> {
        let required = self.auth_required();
        let state = self.state();
        let Some(record) = state.record.as_ref() else { return Err(required) };
        match means(&state.profile, record) {
            Means::Oauth => check_covered(&state, record.tokens.as_ref().ok_or(required)?, scopes),
            Means::Bearer | Means::Header | Means::Basic | Means::Open => Ok(()),
        }
    }

    /// Renews the token now, whatever its age.
    pub async fn renew_now(self: &Arc<Self>) -> Result<(), Error> {
        self.token(Want { force: true, ..Want::default() }, &[]).await.map(drop)
    }

    /// What a request to the server needs, with a token that covers these scopes if it is one that is issued.
    pub async fn authorized(self: &Arc<Self>, want: Want, scopes: &[String]) -> Result<Authorized, Error> {
        self.load().await?;
        let fixed = {
            let state = self.state();
            let record = state.record.as_ref().ok_or(Error::Internal("no record"))?;
            let (url, none) = (state.profile.url.clone(), None);
            match means(&state.profile, record) {
                Means::Open => Some(Authorized { url, access: Access::open(), issued: none }),
                Means::Header | Means::Basic => {
                    let header = fixed_header(&state.profile, record);
                    let access = header.map(|header| Access::Headers(Headers::from([header])));
                    access.map(|access| Authorized { url, access, issued: none })
                }
                Means::Bearer | Means::Oauth => None,
            }
        };
        if let Some(fixed) = fixed {
            return Ok(fixed);
        }
        let issued = match self.token(want, scopes).await {
            // A fixed header whose secret isn't there.
            Err(Error::NotABearer(_)) => return Err(self.auth_required()),
            issued => issued?,
        };
        let access = match issued.prover.clone() {
            Some(prover) => Access::Bound { token: issued.access_token.clone(), prover },
            None => Access::bearer(&issued.access_token),
        };
        Ok(Authorized { url: issued.url.clone(), access, issued: Some(issued) })
    }

    /// A server refused this generation. Only the current one counts, so the complaints of twenty programs about one
    /// token lead to one refresh. Gives the generation to ask for next.
    pub async fn invalidate(self: &Arc<Self>, generation: u32) -> Result<u32, Error> {
        self.load().await?;
        let mut state = self.state();
        let current = state.record.as_ref().map(|record| record.generation).unwrap_or_default();
        if generation != current {
            return Ok(current);
        }
        state.refused = Some(generation);
        self.context.changes.announce();
        Ok(current + 1)
    }

    /// A server refused this generation for lack of scopes, as its challenge says. Only the current one counts. No
    /// refresh could widen it (`STEP-6`): the next sign-in asks for them, whoever starts it. Gives the scopes.
    pub async fn report_lack(self: &Arc<Self>, generation: u32, challenge: &Challenge) -> Result<Vec<String>, Error> {
        self.load().await?;
        if challenge.error().is_some_and(|error| error != INSUFFICIENT_SCOPE) {
            return Ok(Vec::new());
        }
        let (scopes, mut state) = (challenge.scopes(), self.state());
        let current = state.record.as_ref().map(|record| record.generation);
        if current == Some(generation) {
            state.more_access.report(&scopes);
            self.context.changes.announce();
        }
        Ok(scopes)
    }

    /// The same where a request of ours was refused: what can be done about it.
    pub async fn lacks(self: &Arc<Self>, generation: Option<u32>, challenge: Option<&Challenge>) -> Error {
        let missing = match (generation, challenge) {
            (Some(generation), Some(challenge)) => self.report_lack(generation, challenge).await,
            // What is fixed covers what it covers.
            (None, _) | (_, None) => Ok(Vec::new()),
        };
        match missing {
            Ok(missing) if missing.is_empty() => UpstreamError::InsufficientScope(challenge.cloned()).into(),
            Ok(missing) => scope_unavailable(&self.state(), missing),
            Err(error) => error,
        }
    }

    /// A real `tools/list`, and what is remembered of it.
    pub async fn test(self: &Arc<Self>) -> Result<ToolList, Error> {
        let (at, began) = (now(), Instant::now());
        let tested = self.list_tools().await.map_err(|error| self.lack_of(error));
        let mut state = self.state();
        match &tested {
            Ok(tools) => {
                state.transport = Some(tools.transport);
                state.last_test = Some(LastTest {
                    at,
                    took_ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
                    tools: u32::try_from(tools.tools.len()).unwrap_or(u32::MAX),
                    protocol: tools.protocol.clone(),
                    server: readable(&tools.server),
                });
                state.note_error(None);
            }
            Err(error) => state.note_error(Some(error.to_object())),
        }
        self.context.changes.announce();
        tested
    }

    /// A refused token is renewed once.
    async fn list_tools(self: &Arc<Self>) -> Result<ToolList, Error> {
        let Authorized { url, access, issued } = self.authorized(Want::default(), &[]).await?;
        let first = self.context.upstream.list_tools(&url, &access).await;
        let (Err(UpstreamError::Unauthorized(challenge)), Some(issued)) = (&first, issued) else { return Ok(first?) };
        if challenge.as_ref().is_some_and(is_about_proof) {
            return Ok(first?);
        }
        self.invalidate(issued.generation).await?;
        // If there is no better token, the refusal of this one is what happened.
        let Ok(Authorized { url, access, .. }) = self.authorized(Want::default(), &[]).await else { return Ok(first?) };
        Ok(self.context.upstream.list_tools(&url, &access).await?)
    }

    /// A refusal for lack of scopes, with what can be done about it.
    fn lack_of(&self, error: Error) -> Error {
        let Error::Upstream(UpstreamError::InsufficientScope(Some(challenge))) = &error else { return error };
        let (missing, mut state) = (challenge.scopes(), self.state());
        if missing.is_empty() {
            return error;
        }
        state.more_access.report(&missing);
        scope_unavailable(&state, missing)
    }

    fn decide(&self, want: Want) -> Result<(Decision, u32), Error> {
        let state = self.state();
        let record = state.record.as_ref().ok_or(Error::Internal("no record"))?;
        let decision = match means(&state.profile, record) {
            Means::Open => return Err(Error::NoTokenNeeded(state.profile.name.clone())),
            Means::Header | Means::Basic => return Err(Error::NotABearer(state.profile.name.clone())),
            Means::Bearer if fixed_secret(&state.profile, record).is_some() => Decision::Serve,
            Means::Bearer => Decision::SignIn,
            Means::Oauth => match &record.tokens {
                Some(tokens) => {
                    let refused = state.outdated || state.refused == Some(record.generation);
                    decide(state.renewal.now(), tokens, refused, want)
                }
                None => Decision::SignIn,
            },
        };
        Ok((decision, record.generation))
    }

    /// The token as it is now; none if it has ended since somebody looked.
    fn issue(&self, scopes: &[String], from_cache: bool) -> Result<Option<Issued>, Error> {
        self.context.lock.check()?;
        let state = self.state();
        // Another address in the profile, edited since the decision, has no token yet.
        let record = state.record.as_ref().ok_or_else(|| auth_required(&state))?;
        let (url, generation) = (state.profile.url.clone(), record.generation);
        if means(&state.profile, record) == Means::Bearer {
            let access_token = fixed_secret(&state.profile, record).cloned();
            let access_token = access_token.ok_or_else(|| auth_required(&state))?;
            return Ok(Some(Issued {
                url,
                access_token,
                expires_at: None,
                scopes: Vec::new(),
                resource: None,
                generation,
                from_cache,
                extra: BTreeMap::new(),
                prover: None,
            }));
        }
        let tokens = record.tokens.as_ref().ok_or_else(|| auth_required(&state))?;
        if !is_usable(state.renewal.now(), tokens, state.refused == Some(generation)) {
            return Ok(None);
        }
        check_covered(&state, tokens, scopes)?;
        Ok(Some(Issued {
            url,
            access_token: tokens.access_token.clone(),
            expires_at: tokens.expires_at,
            scopes: tokens.scopes.clone(),
            resource: Some(tokens.resource.clone()),
            generation,
            from_cache,
            extra: tokens.extra.clone(),
            prover: self.prover(tokens.dpop_key.as_ref()),
        }))
    }

    pub(super) fn auth_required(&self) -> Error {
        auth_required(&self.state())
    }
}

fn auth_required(state: &State) -> Error {
    let profile = state.profile.name.clone();
    if state.sign_in.is_some() {
        return Error::AuthInProgress(profile);
    }
    let tokens = state.record.as_ref().and_then(|record| record.tokens.as_ref());
    let why = tokens.map(|tokens| match &tokens.refresh_rejected {
        Some(rejected) => rejected.clone(),
        None => "the access token ended and there is no refresh token".to_owned(),
    });
    Error::AuthRequired { profile, why }
}

/// Whether these tokens cover these scopes. Without any known scope nothing can be said, unless the server has.
fn check_covered(state: &State, tokens: &TokenRecord, scopes: &[String]) -> Result<(), Error> {
    let covers = |scope: &String| tokens.scopes.is_empty() || tokens.scopes.contains(scope);
    let lacks = |scope: &&String| state.more_access.lacks(scope) || !covers(scope);
    let missing: Vec<String> = scopes.iter().filter(lacks).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(scope_unavailable(state, missing)) }
}

fn scope_unavailable(state: &State, missing: Vec<String>) -> Error {
    let remedy = state.more_access.remedy(&missing);
    Error::ScopeUnavailable { profile: state.profile.name.clone(), missing, remedy }
}

fn fixed_header(profile: &Profile, record: &Record) -> Option<(String, SecretString)> {
    let (secret, settings) = (fixed_secret(profile, record)?, &profile.settings);
    match settings.auth {
        AuthType::Header => Some((settings.header.clone()?, secret.clone())),
        AuthType::Basic => {
            let pair = format!("{}:{}", settings.username.as_ref()?, secret.expose_secret());
            Some(("Authorization".to_owned(), format!("Basic {}", BASE64_STANDARD.encode(pair)).into()))
        }
        AuthType::Auto
        | AuthType::Oauth
        | AuthType::Device
        | AuthType::ClientCredentials
        | AuthType::Workload
        | AuthType::Enterprise
        | AuthType::Bearer
        | AuthType::None => None,
    }
}
