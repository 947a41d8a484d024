//! The sign-in of a person on any device: shown an address and a code, and asked about again and again until the person
//! has agreed there (RFC 8628).

use super::discover::Found;
use super::granted::Granted;
use super::{OpenSignIn, Way, opens};
use crate::account::Account;
use crate::account::single_use::{Outcome, close};
use crate::account::transaction::ends_at;
use crate::browser::Browser;
use crate::clock::now;
use crate::error::Error;
use crate::journal::Traded;
use crate::profile::{Profile, ProfileError};
use crate::token_request::SingleUse;
use crate::vault::record::{Pending, PendingDevice};
use jiff::SignedDuration;
use keybearer_oauth::asked::Asked;
use keybearer_oauth::client::Client;
use keybearer_oauth::device_authorization::{DeviceError, meanwhile, request};
use keybearer_oauth::{Http, ServerUrl};
use keybearer_protocol::auth::{StepName, StepState};
use std::sync::Arc;
use std::time::Duration;

impl Account {
    /// Gets a code, shows it, and waits until its person is done.
    pub(super) async fn sign_in_on_device(
        self: &Arc<Self>,
        number: u64,
        http: &Http,
        profile: &Profile,
        found: Found,
        browser: Option<&Browser>,
    ) -> Result<(), Error> {
        if found.server.device_authorization_endpoint.is_none() {
            return Err(DeviceError::NotOffered(found.server.issuer).into());
        }
        let way = Way { device: true, ..Way::default() };
        let registration = self.identify(http, &found.server, &profile.settings, way).await?;
        self.progress.step(StepName::IdentifyClient, StepState::Done, Some(registration.client_id.clone()));
        let chosen = &profile.settings.scopes;
        let scopes = self.widened(if chosen.is_empty() { found.scopes } else { chosen.clone() });
        let client =
            Client::new(http, &registration, now().as_second())?.bound_to(self.prover(found.dpop_key.as_ref()));
        let asked = Asked {
            issuer: found.server.issuer.clone(),
            registration: registration.clone(),
            resource: found.resource,
            omits_resource: profile.settings.omit_resource,
            scopes,
            token_endpoint: found.server.token_endpoint.clone(),
        };
        let (device, expires_in) = request(&client, &found.server, asked).await?;
        let asked_at = now();
        let pending = PendingDevice {
            device,
            revocation_endpoint: found.server.revocation_endpoint,
            url: profile.url.to_string(),
            expires_at: ends_at(asked_at, Some(expires_in)).unwrap_or(asked_at),
            dpop_key: found.dpop_key,
        };
        self.keep_pending(&profile.url, Pending::Device(Box::new(pending.clone()))).await?;
        {
            let state = self.state();
            state.sign_in.as_ref().filter(|open| open.number == number).ok_or(Error::Cancelled)?;
            let opened = opens(browser, pending.device.address().as_str());
            self.progress.wait_for_device(&pending, opened);
        }
        self.await_device(number, pending).await
    }

    /// Goes on waiting after a restart.
    pub(super) fn resume_on_device(self: &Arc<Self>, pending: PendingDevice) {
        let mut state = self.state();
        let number = self.begin(&mut state);
        self.progress.wait_for_device(&pending, false);
        let account = self.clone();
        let waiting = async move {
            let outcome = account.await_device(number, pending).await;
            account.end(number, outcome.as_ref().copied());
        };
        let task = tokio::spawn(waiting).abort_handle();
        let way = Way { device: true, ..Way::default() };
        state.sign_in = Some(OpenSignIn { number, task, way, port: None });
    }

    /// Asks for the tokens until they are there, or nothing is to be waited for any more.
    async fn await_device(self: &Arc<Self>, number: u64, pending: PendingDevice) -> Result<(), Error> {
        let got = self.poll(number, &pending).await;
        if let Err(error) = got {
            // What is over isn't asked for by the next agent.
            if self.is_current(number) {
                self.state().record.iter_mut().for_each(|record| record.pending = None);
                self.drop_pending().await;
            }
            return Err(error);
        }
        self.progress.step(StepName::GetTokens, StepState::Done, None);
        self.test_connection().await
    }

    async fn poll(self: &Arc<Self>, number: u64, pending: &PendingDevice) -> Result<(), Error> {
        let mut interval = pending.device.interval;
        loop {
            let left = pending.expires_at.duration_since(now());
            if left <= SignedDuration::ZERO {
                return Err(DeviceError::Expired.into());
            }
            tokio::time::sleep(Duration::from_secs(interval).min(left.unsigned_abs())).await;
            // Tokens come once: whoever cancels, or stops the agent, doesn't cut off their way into the keyring.
            let asking = self.clone().ask_for_device(number, pending.clone());
            match self.context.busy.to_the_end(asking).await {
                Ok(()) => return Ok(()),
                Err(Error::Token(error)) => interval = meanwhile(error)?.next_interval(interval),
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks once.
    async fn ask_for_device(self: Arc<Self>, number: u64, pending: PendingDevice) -> Result<(), Error> {
        let url: ServerUrl = pending.url.parse().map_err(ProfileError::from)?;
        // The profile may have been given another address: these tokens are not for it.
        let still_meant = || self.is_current(number) && self.url().same_server(&url);
        if !still_meant() {
            return Err(Error::Cancelled);
        }
        let (asked, dpop_key) = (&pending.device.asked, pending.dpop_key.as_ref());
        let _changing = self.changing.lock().await;
        let before = self.asked_before(Traded::DeviceCode, &asked.token_endpoint, dpop_key).await?;
        let Outcome { tokens, received_at, journaled } = match before {
            Some(before) => before,
            None => {
                let grant = SingleUse::DeviceCode(pending.device.device_code.clone());
                let kept = Pending::Device(Box::new(pending.clone()));
                self.ask_for_sign_in(&url, kept, asked, grant, dpop_key).await?
            }
        };
        let answer = match tokens {
            Ok(answer) if still_meant() => answer,
            other => {
                close(journaled).await?;
                return Err(other.err().map_or(Error::Cancelled, Error::Token));
            }
        };
        self.state().record.iter_mut().for_each(|record| record.pending = None);
        self.progress.finish();
        self.progress.step(StepName::GetTokens, StepState::Running, None);
        let granted = Granted {
            asked,
            revocation_endpoint: pending.revocation_endpoint.as_ref(),
            unattended: false,
            dpop_key: pending.dpop_key.as_ref(),
        };
        self.keep(&granted, answer, received_at).await?;
        close(journaled).await
    }
}
