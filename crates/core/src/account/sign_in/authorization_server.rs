//! Which authorization server a sign-in goes to (RFC 9728 §7.6).
//!
//! The one that the account is bound to, by the user's word or by a client that was registered by hand, and no other.
//! Else the one that the account has a sign-in at; else the first that can be used. One that can't be used, because it
//! isn't there or has no PKCE or no way to register, makes way for the next. One that gives itself out for another, or
//! that nobody vouches for, ends the sign-in: whoever names it may name worse behind it.

use crate::account::Account;
use crate::error::Error;
use crate::profile::Profile;
use crate::vault::record::Record;
use keybearer_oauth::registration::RegistrationOrigin;
use keybearer_oauth::resource_metadata::ResourceMetadata;
use keybearer_oauth::server_metadata::{ServerMetadata, ServerMetadataError, assumed, find};
use keybearer_oauth::{Http, HttpError, authorization};
use keybearer_protocol::profile::AuthType;

/// The most authorization servers that are tried.
const TRIES: usize = 5;

/// An authorization server that was chosen.
pub(super) struct Chosen {
    pub(super) server: ServerMetadata,
    /// The name that it was looked up by.
    pub(super) named: String,
    /// Whether nobody published where it is.
    pub(super) assumed: bool,
}

impl Account {
    /// Chooses among those that the server's metadata name (`DISC-6`). Where they name none, it is the one that the user
    /// names (`DISC-13`), or else, as in the 2025-03-26 revision, the server's own origin (`LEG-1`).
    pub(super) async fn choose(
        &self,
        http: &Http,
        profile: &Profile,
        metadata: Option<&ResourceMetadata>,
    ) -> Result<Chosen, Error> {
        let record = self.record()?;
        let named = metadata.map(|metadata| metadata.authorization_servers.as_slice()).unwrap_or_default();
        if named.is_empty() {
            let origin = profile.url.url().origin().ascii_serialization();
            let issuer = profile.settings.issuer.as_ref().unwrap_or(&origin);
            let candidates = candidates(&record, profile, std::slice::from_ref(issuer))?;
            return match self.first_usable(http, profile, &record, candidates).await {
                Err(Error::ServerMetadata(ServerMetadataError::Missing(_))) if *issuer == origin => match metadata {
                    None => Ok(Chosen { server: assumed(profile.url.url()), named: origin, assumed: true }),
                    Some(_) => Err(ServerMetadataError::Nowhere(origin).into()),
                },
                chosen => chosen,
            };
        }
        tracing::debug!(named = named.len(), "authorization servers");
        let candidates = candidates(&record, profile, named)?;
        self.first_usable(http, profile, &record, candidates).await
    }

    async fn first_usable(
        &self,
        http: &Http,
        profile: &Profile,
        record: &Record,
        candidates: Vec<String>,
    ) -> Result<Chosen, Error> {
        let is_only = candidates.len() == 1;
        let (mut readable, mut trouble) = (None, None);
        for named in candidates {
            self.state().looked_up = Some(named.clone());
            match find(http, &named, record.exceptions_at(&named)).await {
                Ok(server) => {
                    let usable = is_only || self.can_use(http, profile, record, &server).await;
                    let chosen = Chosen { server, named, assumed: false };
                    if usable {
                        return Ok(chosen);
                    }
                    readable.get_or_insert(chosen);
                }
                Err(error) if ends_the_search(&error, is_own(record, &named)) => return Err(error.into()),
                Err(error) => drop(trouble.get_or_insert(error)),
            }
        }
        // Of none that can be used, the first that can be read says best what is missing.
        if let Some(chosen) = &readable {
            self.state().looked_up = Some(chosen.named.clone());
        }
        let nothing = || trouble.map_or(Error::Internal("no authorization server"), Error::from);
        readable.ok_or_else(nothing)
    }

    /// Whether a sign-in at this authorization server can come to a good end, as far as its metadata tell.
    async fn can_use(&self, http: &Http, profile: &Profile, record: &Record, server: &ServerMetadata) -> bool {
        match profile.settings.auth {
            AuthType::ClientCredentials | AuthType::Workload | AuthType::Enterprise => return true,
            AuthType::Device if server.device_authorization_endpoint.is_none() => return false,
            AuthType::Device
            | AuthType::Auto
            | AuthType::Oauth
            | AuthType::Bearer
            | AuthType::Header
            | AuthType::Basic
            | AuthType::None => {}
        }
        let is_known = record.clients().any(|registration| {
            registration.issuer == server.issuer && registration.origin == RegistrationOrigin::Dynamic
        });
        let has_document = || matches!(self.context.settings.metadata_document(), Ok(Some(_)));
        let has_document = server.client_id_metadata_document_supported && has_document();
        let can_register = profile.settings.client_id.is_some() || server.registration_endpoint.is_some();
        let is_open = profile.settings.auth == AuthType::Device || authorization::check(http, server).await.is_ok();
        (can_register || has_document || is_known) && is_open
    }
}

/// Those that may be tried, in order: where the account is bound, that one alone (`BIND-2`, `BIND-5`).
fn candidates(record: &Record, profile: &Profile, named: &[String]) -> Result<Vec<String>, Error> {
    let bounds = bounds(record, profile);
    let is_bound = |named: &&String| bounds.iter().all(|bound| record.is_issuer(named, bound));
    let mut candidates: Vec<String> = named.iter().filter(is_bound).cloned().collect();
    if let (true, Some(first)) = (candidates.is_empty(), named.first()) {
        let bound = bounds.into_iter().find(|bound| !named.iter().any(|named| record.is_issuer(named, bound)));
        return Err(Error::ClientElsewhere { bound: bound.unwrap_or_default(), named: first.clone() });
    }
    candidates.sort_by_key(|named| !is_own(record, named));
    candidates.truncate(TRIES);
    Ok(candidates)
}

/// The authorization servers that the account must not leave: the one that the user names, and those that a client that
/// was registered by hand, and its secret, were first used at.
fn bounds(record: &Record, profile: &Profile) -> Vec<String> {
    let settings = &profile.settings;
    let secret = record.secret.as_ref().filter(|secret| secret.auth.has_client_secret());
    let used = record.registration.as_ref().filter(|registration| {
        let is_this = Some(&registration.client_id) == settings.client_id.as_ref();
        is_this && registration.origin == RegistrationOrigin::PreRegistered
    });
    let by_hand = settings.client_id.as_ref().and(secret.and_then(|secret| secret.issuer.clone()));
    let used = used.map(|registration| registration.issuer.clone());
    settings.issuer.iter().cloned().chain(by_hand).chain(used).collect()
}

/// Whether the account has a sign-in, or had one, at the authorization server of this name.
fn is_own(record: &Record, named: &str) -> bool {
    let tokens = record.tokens.as_ref().map(|tokens| &tokens.issuer);
    let registration = record.registration.as_ref().map(|registration| &registration.issuer);
    tokens.or(registration).is_some_and(|issuer| record.is_issuer(named, issuer))
}

/// Whether no other authorization server is tried after this. One that the account has a sign-in at, and that can't be
/// reached for the moment, is waited for.
fn ends_the_search(error: &ServerMetadataError, is_own: bool) -> bool {
    match error {
        ServerMetadataError::IssuerMismatch { .. } => true,
        ServerMetadataError::Http(HttpError::NotAllowed(_) | HttpError::TooNear { .. } | HttpError::Tls { .. }) => true,
        ServerMetadataError::Http(error) => is_own && error.is_transient(),
        ServerMetadataError::BadIssuer(_)
        | ServerMetadataError::BadEndpoint { .. }
        | ServerMetadataError::Missing(_)
        | ServerMetadataError::Nowhere(_) => false,
    }
}
