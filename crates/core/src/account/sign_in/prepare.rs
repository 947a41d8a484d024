//! Everything of a sign-in up to the browser: what has to be known, as whom it asks, and what the browser brings along.

use super::identify::unfounded;
use super::{Way, opens};
use crate::account::Account;
use crate::browser::Browser;
use crate::callback::{Address, Port};
use crate::clock::now;
use crate::error::Error;
use crate::profile::Settings;
use crate::redirect::DEEP_LINK;
use crate::vault::record::{Pending, PendingRecord, Record};
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::authorization::{self, RequestError, Wish};
use keybearer_oauth::client::Client;
use keybearer_oauth::dpop::DpopKey;
use keybearer_oauth::pushed_authorization::{self, PushError};
use keybearer_oauth::registration::Registration;
use keybearer_oauth::{Http, ServerUrl};
use keybearer_protocol::auth::{StepName, StepState};
use keybearer_protocol::profile::AuthType;
use std::sync::Arc;

/// How long a sign-in waits for its browser.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

impl Account {
    /// Everything up to the browser. `None` if no browser is needed.
    pub(super) async fn prepare(
        self: &Arc<Self>,
        number: u64,
        browser: Option<Browser>,
        way: Way,
    ) -> Result<Option<Timestamp>, Error> {
        let profile = self.state().profile.clone();
        let http = Http::for_server(&profile.url)?;
        let Some(found) = self.discover(&http, &profile).await? else {
            self.keep_open(&profile.url).await?;
            return Ok(None);
        };
        self.progress.step(StepName::IdentifyClient, StepState::Running, None);
        if matches!(profile.settings.auth, AuthType::ClientCredentials | AuthType::Workload | AuthType::Enterprise) {
            self.sign_in_unattended(number, &http, &profile, found).await?;
            return Ok(None);
        }
        if way.device {
            self.sign_in_on_device(number, &http, &profile, found, browser.as_ref()).await?;
            return Ok(None);
        }
        if found.server.device_authorization_endpoint.is_some() {
            self.progress.offer_device();
        }
        authorization::check(&http, &found.server).await?;
        let chosen = way.callback.is_some();
        let registration = self.identify(&http, &found.server, &profile.settings, way).await;
        let registration =
            registration.map_err(|error| if found.assumed { unfounded(error, &found.server) } else { error })?;
        self.progress.step(StepName::IdentifyClient, StepState::Done, Some(registration.client_id.clone()));
        let (redirect_uri, port) = self.way_back(&registration).await?;
        let Settings { scopes, omit_resource, parameters, .. } = profile.settings.clone();
        let scopes = self.widened(if scopes.is_empty() { found.scopes } else { scopes });
        let dpop_jkt = found.dpop_key.as_ref().map(DpopKey::thumbprint).transpose()?;
        let wish = Wish { redirect_uri, resource: found.resource, omit_resource, scopes, dpop_jkt, parameters };
        let (request, authorization) = authorization::request(&found.server, &registration, wish)?;
        let client =
            Client::new(&http, &registration, now().as_second())?.bound_to(self.prover(found.dpop_key.as_ref()));
        let page = pushed_authorization::page(&client, &found.server, &request).await;
        if page.as_ref().is_err_and(PushError::is_unknown_client) {
            self.doubt(&registration);
            self.drop_pending().await;
        }
        let page = page?;
        let lifetime = page.expires_in.and_then(|seconds| i64::try_from(seconds).ok()).map(SignedDuration::from_secs);
        let pending = PendingRecord {
            authorization,
            authorization_url: page.url.into(),
            page_lapses_at: lifetime.and_then(|lifetime| now().checked_add(lifetime).ok()),
            revocation_endpoint: found.server.revocation_endpoint,
            url: profile.url.to_string(),
            expires_at: now() + PATIENCE,
            callback_chosen: chosen,
            dpop_key: found.dpop_key,
        };
        self.keep_pending(&profile.url, Pending::Browser(Box::new(pending.clone()))).await?;
        self.open_browser(number, &pending, port, browser.as_ref())?;
        Ok(Some(pending.expires_at))
    }

    /// Opens the browser and says so, in one move: whoever brings the answer waits for the same lock.
    fn open_browser(
        &self,
        number: u64,
        pending: &PendingRecord,
        port: Option<Arc<Port>>,
        browser: Option<&Browser>,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let open = state.sign_in.as_mut().filter(|open| open.number == number).ok_or(Error::Cancelled)?;
        open.port = port;
        let opened = opens(browser, &pending.authorization_url);
        self.progress.wait_for_browser(pending, opened);
        Ok(())
    }

    /// The redirect address of a registration; for a loopback address, with the port opened.
    async fn way_back(&self, registration: &Registration) -> Result<(String, Option<Arc<Port>>), Error> {
        let (uris, callbacks) = (&registration.redirect_uris, &self.context.callbacks);
        if uris.iter().any(|uri| uri == DEEP_LINK) {
            return Ok((DEEP_LINK.to_owned(), None));
        }
        let address = |uri: &String| Address::parse(uri).ok_or_else(|| RequestError::BadAddress(uri.clone()));
        let addresses: Vec<Address> = uris.iter().map(address).collect::<Result<_, _>>()?;
        let port = callbacks.open_one(addresses).await.ok_or_else(|| Error::NoPort(uris.clone()))?;
        Ok((port.address.uri.clone(), Some(port)))
    }

    async fn keep_open(&self, url: &ServerUrl) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        self.commit(Record { open: true, ..self.record_for(url)? }).await
    }

    pub(super) async fn keep_pending(&self, url: &ServerUrl, pending: Pending) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        self.commit_pending(Record { pending: Some(pending), ..self.record_for(url)? }).await
    }

    /// The record, if the account is still for this server.
    fn record_for(&self, url: &ServerUrl) -> Result<Record, Error> {
        if self.url().same_server(url) { self.record() } else { Err(Error::Cancelled) }
    }
}
