//! Removing an account, and bringing it back: what the keyring held of it is deleted at once, and kept in memory for a moment.

use super::Account;
use crate::error::Error;
use crate::vault::record::Record;
use std::sync::Arc;

impl Account {
    /// Deletes what the keyring holds, and gives it, if it could be read. Whoever still knows this account writes nothing
    /// any more.
    pub async fn forget(self: &Arc<Self>) -> Result<Option<Record>, Error> {
        // What can't be read can be deleted.
        let is_read = self.load().await.is_ok();
        let _changing = self.changing.lock().await;
        if is_read && let Err(error) = self.bring_to_its_end().await {
            tracing::info!(account = %self.id, %error, "what was asked for last goes with the account");
        }
        let record = self.state().record.clone();
        self.context.vault.delete(&self.id).await?;
        self.context.journal.forget(&self.id)?;
        let mut state = self.state();
        if state.sign_in.take().is_some() {
            self.progress.fail(Error::Removed.to_object());
        }
        (state.removed, state.record) = (true, None);
        self.reschedule(&state);
        self.context.changes.announce();
        // An open sign-in has ended with it.
        Ok(record.map(|record| Record { pending: None, ..record }))
    }

    /// Keeps what the keyring held before the account was removed.
    pub async fn keep_again(self: &Arc<Self>, record: Record) -> Result<(), Error> {
        self.load().await?;
        let _changing = self.changing.lock().await;
        self.commit(record).await
    }
}
