//! Accounts in a file, for another computer. Sign-ins leave this one sealed, and only as a person wants it.

use super::Api;
use crate::caller::Caller;
use crate::error::Error;
use crate::transfer::{self, Carried};
use crate::vault::check_passphrase;
use crate::vault::record::Record;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};
use keybearer_protocol::transfer::{TransferExportReply, TransferImportReply, TransferParams};

/// How many of the added accounts are named.
const NAMED: usize = 100;

impl Api {
    pub(super) async fn export(&self, caller: &Caller, params: TransferParams) -> Result<TransferExportReply, Error> {
        let TransferParams { file, passphrase } = params;
        let path = transfer::whole(&file)?;
        if let Some(passphrase) = &passphrase {
            self.consent.check_weakening(caller).await?;
            check_passphrase(passphrase)?;
        }
        let has_sign_ins = passphrase.is_some();
        let accounts = self.accounts.carried(has_sign_ins).await?;
        let reply = TransferExportReply {
            file,
            accounts: count(accounts.len()),
            signed_in: count(accounts.iter().filter_map(record).filter(|record| record.signs_in()).count()),
        };
        blocking(move || transfer::write(&path, &accounts, passphrase.as_ref())).await?;
        if has_sign_ins {
            self.note_protection(caller, None, "sign_ins_exported");
        }
        Ok(reply)
    }

    pub(super) async fn import(&self, caller: &Caller, params: TransferParams) -> Result<TransferImportReply, Error> {
        let TransferParams { file, passphrase } = params;
        let path = transfer::whole(&file)?;
        let accounts = blocking(move || transfer::read(&path, passphrase.as_ref())).await?;
        if accounts.iter().filter_map(record).any(Record::weakens) {
            self.consent.check_weakening(caller).await?;
        }
        let brought = self.accounts.bring(accounts).await?;
        for account in &brought.added {
            let cause = Some("imported".to_owned());
            self.note(caller, ActivityEntry { cause, ..account.happened(ActivityKind::AccountAdded) });
        }
        Ok(TransferImportReply {
            added: count(brought.added.len()),
            names: brought.added.iter().take(NAMED).map(|account| account.name()).collect(),
            signed_in: count(brought.signed_in),
            known: count(brought.known),
        })
    }
}

fn record(account: &Carried) -> Option<&Record> {
    account.record.as_ref()
}

fn count(all: usize) -> u32 {
    u32::try_from(all).unwrap_or(u32::MAX)
}

/// Reads or writes a file, and stretches its passphrase, where that holds up nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, transfer::TransferError> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| Error::Internal("a file of accounts"))??)
}
