//! The MCP clients on this computer: what stands in their files, and accounts that are written there and taken back.

use super::{Api, PAGE};
use crate::account::Account;
use crate::caller::Caller;
use crate::clients::{Applied, Candidate, ClientFiles, ClientsError, GatewayKey, Planned, Undoing, Wish};
use crate::clock::now;
use crate::error::Error;
use crate::profile::{ProfileError, suggest_like};
use keybearer_oauth::ServerUrl;
use keybearer_oauth::readable::readable;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};
use keybearer_protocol::clients::{
    ClientInstall, ClientMode, ClientPreview, ClientUndone, ClientView, ClientsApplyParams, ClientsPreviewParams,
    ClientsScanParams, ClientsScanReply, ClientsServersParams, ClientsServersReply, ClientsUndoParams, ServerFound,
};
use keybearer_protocol::gateway::GatewayAddKeyParams;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Api {
    pub(super) async fn scan_clients(&self, params: ClientsScanParams) -> Result<ClientsScanReply, Error> {
        let ClientsScanParams { environment, after } = params;
        let clients = self.client_files(move |files| files.clients(&environment)).await?;
        let keyed = self.consent.keyed_profiles().await?;
        let after = after.and_then(|after| clients.iter().position(|client| client.client == after));
        let mut page = Page::default();
        for mut client in clients.into_iter().skip(after.map_or(0, |place| place + 1)) {
            for ours in client.entries.iter_mut().filter_map(|entry| entry.keybearer.as_mut()) {
                // A key goes on under the name that the account had when it was made.
                let is_there = |name: &String| {
                    self.accounts.find(name).is_ok() || ours.mode == ClientMode::Gateway && keyed.contains(name)
                };
                ours.known = ours.profile.as_ref().is_none_or(is_there);
            }
            if !page.take(cut(client)) {
                break;
            }
        }
        Ok(ClientsScanReply { clients: page.rows, more: page.more })
    }

    pub(super) async fn servers_of_clients(&self, params: ClientsServersParams) -> Result<ClientsServersReply, Error> {
        let ClientsServersParams { environment, clients, after } = params;
        let servers = self.client_files(move |files| files.servers(&environment, &clients)).await?;
        let accounts = self.accounts.after(None)?;
        let mut taken: BTreeSet<String> = accounts.iter().map(|account| account.name().to_lowercase()).collect();
        let mut others = servers.others;
        let mut found = Vec::new();
        for candidate in servers.found {
            match server_found(candidate, &accounts, &mut taken) {
                Some(server) => found.push(server),
                None => others += 1,
            }
        }
        let after = after.and_then(|after| found.iter().position(|server| server.server_url == after));
        // What goes beside the servers stands on the first page.
        let is_first = after.is_none();
        let (problems, sign_ins) = if is_first { (servers.problems, servers.sign_ins) } else { Default::default() };
        let mut page = Page { size: length(&problems) + length(&sign_ins), ..Page::default() };
        for server in found.into_iter().skip(after.map_or(0, |place| place + 1)) {
            if !page.take(server) {
                break;
            }
        }
        Ok(ClientsServersReply {
            servers: page.rows,
            others: u32::try_from(others).unwrap_or(u32::MAX),
            problems,
            sign_ins,
            more: page.more,
        })
    }

    pub(super) async fn preview_client(&self, params: ClientsPreviewParams) -> Result<ClientPreview, Error> {
        let ClientsPreviewParams { client, profile, mode, environment } = params;
        let account = self.loaded(&profile).await?;
        let view = account.view();
        let wish = Wish {
            client,
            mode,
            account: account.id().to_owned(),
            needs_proofs: matches!(account.check_token(), Err(Error::TokenBound(_))),
            gateway: self.gateway_address(&view.profile).await?,
            socket: self.gateway_socket(&view.profile),
            profile: view.profile,
            server_url: view.server_url,
        };
        self.client_files(move |files| files.preview(&environment, wish)).await
    }

    pub(super) async fn apply_client(
        &self,
        caller: &Caller,
        params: ClientsApplyParams,
    ) -> Result<ClientInstall, Error> {
        let ClientsApplyParams { preview } = params;
        let asked = preview.clone();
        let planned = self.client_files(move |files| files.planned(&asked)).await?;
        let account = self.planned_account(&planned)?;
        let key = match planned.mode {
            ClientMode::Gateway => {
                let wanted = GatewayAddKeyParams { profile: account.name(), client: planned.client };
                let made = self.add_key(caller, wanted).await?;
                Some(GatewayKey { grant: made.grant, url: made.url, header: made.header, secret: made.key })
            }
            ClientMode::Helper | ClientMode::Bridge | ClientMode::Socket => None,
        };
        let grant = key.as_ref().map(|key| key.grant.clone());
        let applied = self.client_files(move |files| files.apply(&preview, key.as_ref())).await;
        let Applied { install, over } = match applied {
            Ok(applied) => applied,
            Err(error) => {
                // A key that stands nowhere opens nothing for anybody.
                self.end_keys(caller, grant).await;
                return Err(error);
            }
        };
        self.end_keys(caller, over).await;
        let (cause, happened) = (Some(install.client.clone()), account.happened(ActivityKind::ClientInstalled));
        self.note(caller, ActivityEntry { cause, grant, ..happened });
        self.accounts.context().changes.announce();
        Ok(install)
    }

    pub(super) async fn undo_client(&self, caller: &Caller, params: ClientsUndoParams) -> Result<ClientUndone, Error> {
        let ClientsUndoParams { client, profile, receipt, environment } = params;
        let id = |name: &String| self.accounts.find(name).ok().map(|account| account.id().to_owned());
        let profile = profile.map(|name| (name.clone(), id(&name)));
        let undoing = Undoing { client: client.clone(), profile, receipt };
        let undone = self.client_files(move |files| files.undo(&environment, &undoing)).await?;
        self.end_keys(caller, undone.over).await;
        for (account, name) in undone.accounts {
            let profile = self.accounts.with_id(&account).map_or(name, |account| account.name());
            let (profile, account, cause) = (Some(profile), Some(account), Some(client.clone()));
            let undone = ActivityEntry::new(ActivityKind::ClientUndone, now());
            self.note(caller, ActivityEntry { profile, account, cause, ..undone });
        }
        self.accounts.context().changes.announce();
        match undone.failed {
            Some(error) => Err(error.into()),
            None => Ok(ClientUndone { client, files: undone.files }),
        }
    }

    /// The account of a preview, if it still is what was previewed.
    fn planned_account(&self, planned: &Planned) -> Result<Arc<Account>, Error> {
        let account = self.accounts.with_id(&planned.account).filter(|account| self.is_listed(account));
        let account = account.ok_or_else(|| Error::from(ProfileError::NotFound(planned.profile.clone())))?;
        if account.name() != planned.profile {
            let changed = format!("{} is called {} by now", planned.profile, account.name());
            return Err(ClientsError::Changed(changed).into());
        }
        Ok(account)
    }

    async fn end_keys(&self, caller: &Caller, grants: impl IntoIterator<Item = String>) {
        for grant in grants {
            match self.consent.remove_key(&grant).await {
                Ok(Some(key)) => self.note_key_removed(caller, &key),
                Ok(None) => {}
                Err(error) => tracing::warn!(grant, %error, "a key that no client has can't be taken back"),
            }
        }
    }

    /// Files are slow, and nobody else is to wait for them.
    async fn client_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn ClientFiles) -> Result<T, ClientsError> + Send + 'static,
    ) -> Result<T, Error> {
        let files = self.clients.clone();
        let done = tokio::task::spawn_blocking(move || work(&*files)).await;
        Ok(done.map_err(|_| Error::Internal("the files of clients can't be read"))??)
    }
}

/// As many rows as fit a frame, and one at least.
struct Page<T> {
    rows: Vec<T>,
    size: usize,
    more: bool,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Page { rows: Vec::new(), size: 0, more: false }
    }
}

impl<T: Serialize> Page<T> {
    fn take(&mut self, row: T) -> bool {
        self.size += length(&row);
        self.more = self.size > PAGE && !self.rows.is_empty();
        if !self.more {
            self.rows.push(row);
        }
        !self.more
    }
}

fn length(row: &impl Serialize) -> usize {
    serde_json::to_string(row).map(|text| text.len()).unwrap_or_default()
}

/// A client with as many entries as fit a frame.
fn cut(mut client: ClientView) -> ClientView {
    let mut size = length(&ClientView { entries: Vec::new(), ..client.clone() });
    let fits = client.entries.iter().position(|entry| {
        size += length(entry);
        size > PAGE
    });
    let cut = client.entries.split_off(fits.unwrap_or(client.entries.len()));
    client.omitted = u32::try_from(cut.len()).unwrap_or(u32::MAX);
    client
}

/// A server as it is listed, with a name that is free; none if its address can't be an account's.
fn server_found(candidate: Candidate, accounts: &[Arc<Account>], taken: &mut BTreeSet<String>) -> Option<ServerFound> {
    let url: ServerUrl = candidate.server_url.parse().ok()?;
    let bare = |url: &str| url.trim_end_matches('/').to_owned();
    let is_its = |account: &&Arc<Account>| bare(account.profile().url.as_str()) == bare(url.as_str());
    let profile = accounts.iter().find(is_its).map(|account| account.name());
    // Names that differ in capitals alone are mistaken for each other.
    let name = suggest_like(&readable(&candidate.name), &url, |name| taken.contains(&name.to_lowercase()));
    taken.insert(name.to_lowercase());
    Some(ServerFound { server_url: candidate.server_url, name, profile, found: candidate.found })
}
