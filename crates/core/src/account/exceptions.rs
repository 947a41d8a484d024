//! What a person has accepted of an account's authorization server although the rules refuse it.

use super::Account;
use crate::error::Error;
use crate::vault::record::{ExceptionRecord, Record};
use keybearer_protocol::profile::Exception;
use std::sync::Arc;

impl Account {
    /// Whether these would let something through that is refused now.
    pub async fn would_relax(self: &Arc<Self>, exceptions: &[Exception]) -> Result<bool, Error> {
        self.load().await?;
        let kept = self.record()?.exceptions;
        Ok(exceptions.iter().any(|exception| !kept.contains(&self.given(*exception, &kept))))
    }

    /// These are accepted as well, of the authorization server that they are given for alone.
    pub async fn accept(self: &Arc<Self>, exceptions: &[Exception]) -> Result<(), Error> {
        self.load().await?;
        let _changing = self.changing.lock().await;
        let mut record = self.record()?;
        for exception in exceptions {
            let given = self.given(*exception, &record.exceptions);
            record.exceptions.retain(|kept| kept.exception != *exception);
            record.exceptions.push(given);
        }
        self.commit(record).await
    }

    /// Nothing is accepted any more that the rules refuse.
    pub async fn accept_nothing(self: &Arc<Self>) -> Result<(), Error> {
        self.load().await?;
        let _changing = self.changing.lock().await;
        self.commit(Record { exceptions: Vec::new(), ..self.record()? }).await
    }

    /// What was accepted before any authorization server was known is for this one alone from now on.
    pub(super) async fn bind_exceptions(&self, named: &str) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut record = self.record()?;
        if record.exceptions.iter().all(|kept| kept.issuer.is_some()) {
            return Ok(());
        }
        for kept in &mut record.exceptions {
            kept.issuer.get_or_insert_with(|| named.to_owned());
        }
        self.commit(record).await
    }

    /// An exception with the authorization server that it is given for: the one of the last sign-in, which showed the
    /// person what is wrong with it; or else where the user says to sign in, or what it was given for before.
    fn given(&self, exception: Exception, kept: &[ExceptionRecord]) -> ExceptionRecord {
        let state = self.state();
        let before = kept.iter().find(|kept| kept.exception == exception).and_then(|kept| kept.issuer.clone());
        let issuer = state.looked_up.clone().or_else(|| state.profile.settings.issuer.clone()).or(before);
        ExceptionRecord { exception, issuer }
    }
}
