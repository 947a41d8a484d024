//! What the record of activity is told of an account.

use super::{Account, State};
use crate::activity::mark;
use crate::clock::now;
use crate::error::Error;
use crate::shown;
use crate::vault::record::Record;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};

impl State {
    /// Something of this kind happened to the account with this id.
    pub(super) fn happened(&self, id: &str, kind: ActivityKind) -> ActivityEntry {
        let (profile, account) = (Some(self.profile.name.clone()), Some(id.to_owned()));
        ActivityEntry { profile, account, ..ActivityEntry::new(kind, now()) }
    }

    /// The sign-in of the account with this id is over.
    pub(super) fn sign_in_ended(&self, id: &str, outcome: Result<(), &Error>) -> ActivityEntry {
        match outcome {
            Ok(()) => {
                let tokens = self.record.as_ref().and_then(|record| record.tokens.as_ref());
                let expires_at = tokens.and_then(|tokens| tokens.expires_at);
                ActivityEntry { expires_at, ..self.happened(id, ActivityKind::SignedIn) }
            }
            Err(error) => because(error, self.happened(id, ActivityKind::SignInFailed)),
        }
    }
}

impl Account {
    /// Something of this kind happened to this account.
    pub fn happened(&self, kind: ActivityKind) -> ActivityEntry {
        self.state().happened(&self.id, kind)
    }

    /// It has new tokens.
    pub(super) fn refreshed(&self, record: &Record) -> ActivityEntry {
        let entry = self.happened(ActivityKind::TokenRefreshed);
        let Some(tokens) = &record.tokens else { return entry };
        ActivityEntry {
            scopes: shown::scopes(&tokens.scopes),
            resource: Some(shown::text(&tokens.resource)),
            expires_at: tokens.expires_at,
            token_sha256: Some(mark(&tokens.access_token)),
            ..entry
        }
    }
}

/// The same, for this reason.
pub fn because(error: &Error, entry: ActivityEntry) -> ActivityEntry {
    let data = error.to_object().data;
    ActivityEntry { error: Some(data.name), cause: data.reason, ..entry }
}
