//! Giving tokens back: revoked at the authorization server (RFC 7009), then deleted here.

use super::{Account, Means, means};
use crate::clock::now;
use crate::error::Error;
use crate::more_access::MoreAccess;
use crate::vault::record::Record;
use keybearer_oauth::Http;
use keybearer_oauth::client::Client;
use keybearer_oauth::revocation::{Outcome, TokenKind, revoke};
use std::sync::Arc;

/// What became of the tokens at the authorization server. Here they are deleted in any case.
#[derive(Clone, Debug)]
pub enum SignedOut {
    /// It took them back.
    Revoked,
    /// It took the refresh token back; the access token ends by itself.
    RefreshTokenRevoked,
    /// There was nothing to take back.
    NothingToRevoke,
    /// It offers no revocation: the access token ends by itself.
    NotOffered,
    /// It didn't answer as it should.
    Failed(Box<Error>),
}

impl Account {
    /// Signs out: deletes the tokens here, then gives them back. Goes on when its caller leaves. The client's
    /// registration stays for the next sign-in.
    pub async fn sign_out(self: &Arc<Self>) -> Result<SignedOut, Error> {
        let account = self.clone();
        self.context.busy.to_the_end(async move { account.sign_out_now().await }).await
    }

    /// Whether there is something to sign out of.
    fn check_sign_out(&self) -> Result<(), Error> {
        let state = self.state();
        let name = &state.profile.name;
        Err(Error::Usage(match means(&state.profile, state.record.as_ref().ok_or(Error::Internal("no record"))?) {
            Means::Oauth => return Ok(()),
            Means::Bearer | Means::Header | Means::Basic => {
                format!("{name} has a fixed credential: remove the account to delete it here")
            }
            Means::Open => format!("{name} needs no sign-in, so there is nothing to sign out of"),
        }))
    }

    async fn sign_out_now(self: &Arc<Self>) -> Result<SignedOut, Error> {
        self.load().await?;
        self.check_sign_out()?;
        let signed_in = {
            let _changing = self.changing.lock().await;
            if let Err(error) = self.bring_to_its_end().await {
                tracing::info!(account = %self.id, %error, "what was asked for last isn't given back");
            }
            let record = self.record()?;
            self.close_sign_in(None, &Error::Cancelled);
            let generation = record.generation + 1;
            let empty = Record { tokens: None, displaced: None, pending: None, generation, ..record.clone() };
            self.commit(empty).await?;
            self.context.journal.forget(&self.id)?;
            record
        };
        self.state().more_access = MoreAccess::default();
        self.remember(None);
        Ok(give_back(&signed_in).await)
    }
}

/// Gives back the tokens that a record holds, also those of an address that was edited away.
pub async fn give_back(record: &Record) -> SignedOut {
    if let Some(before) = &record.displaced
        && let SignedOut::Failed(error) = revoke_all(before).await
    {
        tracing::info!(%error, "tokens of an earlier address were not revoked");
    }
    revoke_all(record).await
}

async fn revoke_all(record: &Record) -> SignedOut {
    let (Some(tokens), Some(registration), Ok(url)) = (&record.tokens, &record.registration, record.url.parse()) else {
        return SignedOut::NothingToRevoke;
    };
    let Some(endpoint) = &tokens.revocation_endpoint else { return SignedOut::NotOffered };
    let revoke_each = async {
        let http = Http::for_server(&url)?;
        let client = Client::new(&http, registration, now().as_second())?;
        // The refresh token first: with it most servers end the whole grant.
        if let Some(refresh_token) = &tokens.refresh_token {
            revoke(&client, endpoint, TokenKind::Refresh, refresh_token).await?;
        }
        Ok(revoke(&client, endpoint, TokenKind::Access, &tokens.access_token).await?)
    };
    match revoke_each.await {
        Ok(Outcome::TakenBack) => SignedOut::Revoked,
        Ok(Outcome::EndsByItself) if tokens.refresh_token.is_some() => SignedOut::RefreshTokenRevoked,
        Ok(Outcome::EndsByItself) => SignedOut::NotOffered,
        Err(error) => SignedOut::Failed(Box::new(error)),
    }
}
