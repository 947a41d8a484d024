//! As whom a sign-in asks: a client that the authorization server knows, or comes to know (`REG-1`, `REG-2`).

use super::Way;
use crate::account::Account;
use crate::clock::now;
use crate::error::Error;
use crate::links;
use crate::profile::Settings;
use crate::redirect::{DEEP_LINK, kind_of, uris};
use crate::vault::record::{Record, TokenRecord};
use keybearer_oauth::registration::{Credential, Known, Registration, RegistrationError, RegistrationOrigin, register};
use keybearer_oauth::server_metadata::{ServerMetadata, ServerMetadataError};
use keybearer_oauth::{Http, HttpError};
use keybearer_protocol::auth::CallbackKind;

impl Account {
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
pub(super) fn unfounded(error: Error, server: &ServerMetadata) -> Error {
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
