//! The gateway's keys: made for a person, and taken at their word by whoever carries a client's requests.

use super::Api;
use crate::account::Account;
use crate::caller::Caller;
use crate::consent::GatewayState;
use crate::error::Error;
use crate::profile::ProfileError;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};
use keybearer_protocol::gateway::{GatewayAddKeyParams, GatewayKeyReply, GatewayView};
use std::ops::RangeInclusive;
use std::sync::Arc;
use url::Url;

/// The header that a client sends its key in.
pub const KEY_HEADER: &str = "Keybearer-Key";
/// The ports of which one is chosen, once: it stands in clients' configurations from then on.
pub const GATEWAY_PORTS: RangeInclusive<u16> = 47831..=47840;

impl Api {
    /// The caller that has this key, if it is one.
    pub async fn key_holder(&self, presented: &str) -> Result<Caller, Error> {
        let key = self.consent.key(presented).await?.ok_or(Error::NoSuchKey)?;
        Ok(Caller::with_key(key.id(), key.client()))
    }

    pub(super) async fn add_key(&self, caller: &Caller, params: GatewayAddKeyParams) -> Result<GatewayKeyReply, Error> {
        let account = self.loaded(&params.profile).await?;
        let (key, secret) = self.consent.add_key(caller, &account, &params.client).await?;
        let port = match self.consent.gateway_door().settled().await {
            GatewayState::Open(port) => port,
            state @ (GatewayState::Shut | GatewayState::Failed(_)) => {
                // One that leads nowhere is none.
                self.consent.remove_key(key.id()).await?;
                return Err(Error::GatewayShut(problem(state).unwrap_or_else(|| "it took too long".to_owned())));
            }
        };
        let happened = account.happened(ActivityKind::ProtectionChanged);
        let cause = Some("gateway_key".to_owned());
        self.note(caller, ActivityEntry { cause, grant: Some(key.id().to_owned()), ..happened });
        let profile = account.name();
        Ok(GatewayKeyReply {
            grant: key.id().to_owned(),
            url: address(port, &profile),
            profile,
            header: KEY_HEADER.to_owned(),
            key: secret,
        })
    }

    pub(super) async fn gateway(&self) -> Result<GatewayView, Error> {
        let keys = self.consent.count_keys().await?;
        let state = self.consent.gateway_door().settled().await;
        let chosen = self.accounts.context().settings.read()?.gateway_port;
        let port = if let GatewayState::Open(port) = &state { Some(*port) } else { chosen };
        Ok(GatewayView {
            url: port.map(origin),
            open: matches!(state, GatewayState::Open(_)),
            problem: problem(state),
            socket: self.consent.gateway_door().socket().map(|socket| socket.display().to_string()),
            keys: u32::try_from(keys).unwrap_or(u32::MAX),
        })
    }

    /// Where an account is at the gateway, or will be: on the port that was chosen, or on the first that can be.
    pub(super) async fn gateway_address(&self, profile: &str) -> Result<String, Error> {
        let port = match self.consent.gateway_door().settled().await {
            GatewayState::Open(port) => Some(port),
            GatewayState::Shut | GatewayState::Failed(_) => self.accounts.context().settings.read()?.gateway_port,
        };
        Ok(address(port.unwrap_or(*GATEWAY_PORTS.start()), profile))
    }

    /// Where an account is at the gateway's socket, if there is one, as VS Code writes such addresses.
    pub(super) fn gateway_socket(&self, profile: &str) -> Option<String> {
        let mut path = Url::parse("unix:///mcp").ok()?;
        path.path_segments_mut().ok()?.push(profile);
        Some(format!("unix://{}#{}", self.consent.gateway_door().socket()?.to_str()?, path.path()))
    }

    /// Why the gateway doesn't listen although there is a key, if it doesn't.
    pub(super) async fn gateway_problem(&self) -> Option<String> {
        problem(self.consent.gateway_door().settled().await)
    }

    /// The account that the holder of a key names, by its name or the one that it had when the key was made: that stands
    /// in the client's configuration. Others look as if they weren't there.
    pub(super) async fn find_for_key(&self, caller: &Caller, target: &str) -> Result<Arc<Account>, Error> {
        let missing = || Error::from(ProfileError::NotFound(target.to_owned()));
        let key = self.consent.key_of(caller).await?.ok_or(Error::NoSuchKey)?;
        let account = self.accounts.with_id(key.account()).filter(|account| self.is_listed(account));
        let account = account.ok_or_else(missing)?;
        let is_meant = match self.accounts.find(target) {
            Ok(named) => named.id() == account.id() && named.name() == target,
            Err(_) => key.profile() == target,
        };
        if is_meant { Ok(account) } else { Err(missing()) }
    }
}

fn problem(state: GatewayState) -> Option<String> {
    if let GatewayState::Failed(problem) = state { Some(problem) } else { None }
}

fn origin(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// The address of an account at the gateway.
fn address(port: u16, profile: &str) -> String {
    let Ok(mut url) = Url::parse(&origin(port)) else { return String::new() };
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(["mcp", profile]);
    }
    url.into()
}
