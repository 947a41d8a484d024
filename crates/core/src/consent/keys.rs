//! Keys of the gateway: made by a person for one client and one account, and good until they are taken back.

use super::{Consent, question};
use crate::account::Account;
use crate::caller::{Caller, Standing};
use crate::clock::now;
use crate::error::Error;
use crate::grants::Asked;
use crate::keys::{self, Key, Used, client_name};
use keybearer_protocol::grant::GrantView;
use keybearer_protocol::prompt::PromptKind;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;

/// The most that opening the gateway takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the gateway on loopback stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GatewayState {
    /// There is no key, so nobody listens.
    #[default]
    Shut,
    /// It listens on this port.
    Open(u16),
    /// There are keys, and it can't listen.
    Failed(String),
}

/// The gateway between the consent, which knows whether there are keys, and whoever listens for it.
#[derive(Clone, Debug, Default)]
pub struct GatewayDoor {
    wanted: watch::Sender<bool>,
    state: watch::Sender<GatewayState>,
    /// Where a socket leads there too.
    socket: Arc<OnceLock<PathBuf>>,
}

impl GatewayDoor {
    /// Whether it is wanted, as that changes; beginning with no.
    pub fn wanted(&self) -> watch::Receiver<bool> {
        self.wanted.subscribe()
    }

    /// Tells where a socket leads there too.
    pub fn has_socket(&self, socket: PathBuf) {
        // There is one, opened once.
        let _ = self.socket.set(socket);
    }

    /// Where a socket leads there too, if one does.
    pub fn socket(&self) -> Option<&Path> {
        self.socket.get().map(PathBuf::as_path)
    }

    /// Tells how it stands.
    pub fn is(&self, state: GatewayState) {
        self.state.send_replace(state);
    }

    /// How it stands, once that is as it is wanted.
    pub async fn settled(&self) -> GatewayState {
        let wanted = *self.wanted.borrow();
        let mut state = self.state.subscribe();
        let is_settled = |state: &GatewayState| wanted != (*state == GatewayState::Shut);
        // One that takes longer is told of as it stands.
        let _ = tokio::time::timeout(PATIENCE, state.wait_for(is_settled)).await;
        self.state.borrow().clone()
    }

    pub(super) fn want(&self, keys: &[Key]) {
        self.wanted.send_replace(!keys.is_empty());
    }
}

impl Consent {
    /// The gateway.
    pub fn gateway_door(&self) -> &GatewayDoor {
        &self.gateway
    }

    /// Makes a key for a client. Whoever has it needs no other answer, so that is for the prompter alone, once there was
    /// one.
    pub async fn add_key(
        &self,
        caller: &Caller,
        account: &Account,
        client: &str,
    ) -> Result<(Key, SecretString), Error> {
        self.check_weakening(caller).await?;
        self.lock.check()?;
        let client = client_name(client);
        let client =
            client.ok_or_else(|| Error::Usage("name the client in one line of at most 64 bytes".to_owned()))?;
        let view = account.view();
        let (key, secret) = Key::generate(account.id(), &view.profile, &view.server_url, &client, now());
        let mut is_full = false;
        self.change(|protection| {
            is_full = protection.keys.len() >= keys::LIMIT;
            if !is_full {
                protection.keys.push(key.clone());
            }
        })
        .await?;
        if is_full { Err(Error::TooManyKeys(keys::LIMIT)) } else { Ok((key, secret)) }
    }

    /// Takes a key back; gives it, if there was one of this id. What it has open ends.
    pub async fn remove_key(&self, id: &str) -> Result<Option<Key>, Error> {
        let Some(key) = self.known(|known| known.keys.iter().find(|key| key.id() == id).cloned()).await? else {
            return Ok(None);
        };
        self.change(|protection| protection.keys.retain(|key| key.id() != id)).await?;
        self.state().used.remove(id);
        Ok(Some(key))
    }

    /// The key that was presented, if it is one.
    pub async fn key(&self, presented: &str) -> Result<Option<Key>, Error> {
        self.known(|known| keys::find(&known.keys, presented).cloned()).await
    }

    /// The key as whose holder this caller speaks, as long as there is one.
    pub async fn key_of(&self, caller: &Caller) -> Result<Option<Key>, Error> {
        let Standing::Key(id) = &caller.standing else { return Ok(None) };
        self.known(|known| known.keys.iter().find(|key| key.id() == &**id).cloned()).await
    }

    /// How many keys there are.
    pub async fn count_keys(&self) -> Result<usize, Error> {
        self.known(|known| known.keys.len()).await
    }

    /// The names of accounts under which clients have keys.
    pub async fn keyed_profiles(&self) -> Result<Vec<String>, Error> {
        self.known(|known| known.keys.iter().map(|key| key.profile().to_owned()).collect()).await
    }

    /// The keys, as the list of remembered answers shows them, for the accounts that `name` knows by their ids.
    pub async fn keys(&self, name: impl Fn(&str) -> Option<String>) -> Result<Vec<GrantView>, Error> {
        let keys = self.known(|known| known.keys.clone()).await?;
        let state = self.state();
        let used = |key: &Key| state.used.get(key.id()).copied().unwrap_or_default();
        Ok(keys.iter().filter_map(|key| Some(key.view(name(key.account())?, used(key)))).collect())
    }

    /// Whether the key of this caller opens the account as it is now. Nobody is asked.
    pub(super) async fn keyed(&self, caller: &Caller, account: &Account) -> Result<Asked, Error> {
        self.lock.check()?;
        let current = question(PromptKind::Program, caller, account);
        let key = self.key_of(caller).await?;
        let opens = key.is_some_and(|key| key.opens(&current.account, &current.server_url));
        if opens { Ok(current) } else { Err(Error::NoSuchKey) }
    }

    /// The same, and counts as a use.
    pub(super) async fn permit_keyed(&self, caller: &Caller, account: &Account) -> Result<Asked, Error> {
        let asked = self.keyed(caller, account).await?;
        if let Standing::Key(id) = &caller.standing {
            let mut state = self.state();
            let used: &mut Used = state.used.entry(id.to_string()).or_default();
            (used.uses, used.last) = (used.uses.saturating_add(1), Some(now()));
        }
        Ok(asked)
    }
}
