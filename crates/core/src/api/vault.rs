//! Where everything lies, and how it is moved. What weakens protection comes over the prompter's connection alone.

use super::Api;
use crate::caller::Caller;
use crate::error::Error;
use crate::vault::VaultError;
use keybearer_protocol::vault::{VaultMoveParams, VaultPassphraseParams, VaultState, VaultStatusReply};

impl Api {
    pub(super) async fn vault_status(&self) -> VaultStatusReply {
        let vault = &self.accounts.context().vault;
        let (standing, problem) = match vault.standing().await {
            Ok(standing) => (Some(standing), vault.probe().await.err()),
            Err(problem) => (None, Some(problem)),
        };
        VaultStatusReply {
            kind: standing.map(|standing| standing.kind),
            wants_passphrase: standing.is_some_and(|standing| standing.is_shut && !standing.credential),
            credential: standing.is_some_and(|standing| standing.credential),
            keyring: vault.keyring().await,
            state: VaultError::state(problem.as_ref()),
            advice: problem.as_ref().and_then(VaultError::way_out).map(str::to_owned),
            problem: problem.map(|problem| problem.to_string()),
        }
    }

    /// Goes on when its caller leaves.
    pub(super) async fn move_vault(&self, caller: &Caller, to: VaultMoveParams) -> Result<VaultStatusReply, Error> {
        self.consent.check_vault_change(caller).await?;
        let context = self.accounts.context();
        let vault = context.vault.clone();
        context.busy.to_the_end(async move { Ok(vault.move_to(to.to, to.passphrase).await?) }).await?;
        self.note_protection(caller, None, "vault_moved");
        Ok(self.changed_vault().await)
    }

    /// Goes on when its caller leaves.
    pub(super) async fn change_passphrase(
        &self,
        caller: &Caller,
        change: VaultPassphraseParams,
    ) -> Result<VaultStatusReply, Error> {
        self.consent.check_vault_change(caller).await?;
        let context = self.accounts.context();
        let vault = context.vault.clone();
        let changed = async move { Ok(vault.change_passphrase(change.current, change.new).await?) };
        context.busy.to_the_end(changed).await?;
        self.note_protection(caller, None, "passphrase_changed");
        Ok(self.changed_vault().await)
    }

    async fn changed_vault(&self) -> VaultStatusReply {
        let status = self.vault_status().await;
        if status.state == VaultState::Unlocked {
            self.accounts.wake().await;
        }
        self.accounts.context().changes.announce();
        status
    }
}
