//! From a server's address to tokens, with the user's browser between.
//!
//! One sign-in per account at a time. What its callback is checked against lies in the keyring before the browser
//! opens, so an agent that starts in between completes it.

/// Which authorization server a sign-in goes to.
mod authorization_server;
/// The sign-in of a person on any device.
mod device;
/// What a sign-in has to know.
mod discover;
/// What a sign-in was granted.
mod granted;
/// As whom a sign-in asks.
mod identify;
/// Everything up to the browser.
mod prepare;
/// From the answer to tokens.
mod redeem;
/// The sign-in without a person.
mod unattended;

use super::{Account, OpenSignIn, State};
use crate::browser::Browser;
use crate::callback::Address;
use crate::clock::now;
use crate::error::Error;
use crate::journal::Traded;
use crate::redirect::kind_of;
use crate::vault::record::{Pending, PendingRecord, Record};
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::authorization::{Callback, Code};
use keybearer_oauth::registration::Registration;
use keybearer_protocol::auth::{AuthPhase, AuthView, CallbackKind, StepName, StepState};
use keybearer_protocol::profile::AuthType;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;
use url::Url;

/// How a sign-in is to go, where the user has a wish.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// How the browser comes back.
    pub callback: Option<CallbackKind>,
    /// On any device, with a code to type there.
    pub device: bool,
    /// Register anew at the authorization server.
    pub register_again: bool,
}

impl Account {
    /// Starts a sign-in, or joins the open one; with a browser, its page is opened (again). One that is open and goes
    /// another way than wished starts anew.
    pub async fn start_sign_in(self: &Arc<Self>, browser: Option<Browser>, way: Way) -> Result<AuthView, Error> {
        self.load().await?;
        let mut state = self.state();
        let name = &state.profile.name;
        match state.profile.settings.auth {
            AuthType::Bearer | AuthType::Header | AuthType::Basic => {
                let why =
                    "has a fixed credential: replace it in Keybearer's window, or remove the account and add it again";
                return Err(Error::Usage(format!("{name} {why}")));
            }
            AuthType::None => return Err(Error::Usage(format!("{name} was added as an account without sign-in"))),
            AuthType::Auto
            | AuthType::Oauth
            | AuthType::Device
            | AuthType::ClientCredentials
            | AuthType::Workload
            | AuthType::Enterprise => {}
        }
        let device = way.device || (state.profile.settings.auth == AuthType::Device && way.callback.is_none());
        let way = Way { device, ..way };
        let lapsed_way = state.sign_in.as_ref().filter(|_| page_has_lapsed(&state)).map(|open| open.way);
        let is_another = self.goes_another_way(&state, way);
        // A page that can't be opened any more makes room for a new one, which goes the same way.
        let way = lapsed_way.filter(|_| !is_another).unwrap_or(way);
        if is_another || lapsed_way.is_some() {
            // Whoever follows it sees a sign-in that begins again, and no end.
            self.give_up(&mut state);
        }
        if state.sign_in.is_none() {
            let number = self.begin(&mut state);
            let task = tokio::spawn(self.clone().run_sign_in(number, browser, way)).abort_handle();
            state.sign_in = Some(OpenSignIn { number, task, way, port: None });
        } else if self.progress.phase() == AuthPhase::WaitingForBrowser {
            let address = state.record.as_ref().and_then(|record| record.pending.as_ref()).map(Pending::address);
            self.progress.browser_opened(opens(browser.as_ref(), address.unwrap_or_default()));
        }
        Ok(self.progress.view())
    }

    /// How the sign-in stands.
    pub fn sign_in_view(&self) -> AuthView {
        self.progress.view()
    }

    /// Sees every change of the sign-in from now on.
    pub fn follow_sign_in(&self) -> watch::Receiver<AuthView> {
        self.progress.follow()
    }

    /// Ends the open sign-in. One whose answer has come can't be held up any more.
    pub async fn cancel_sign_in(self: &Arc<Self>) -> Result<(), Error> {
        self.load().await?;
        match self.close_sign_in(None, &Error::Cancelled) {
            true => Ok(()),
            false if self.state().sign_in.is_some() => Err(Error::AuthInProgress(self.name())),
            false => Err(Error::NoSignIn(self.name())),
        }
    }

    /// Whether this answer belongs to the open sign-in.
    pub fn owns(&self, callback: &Callback) -> bool {
        let state = self.state();
        let pending = state.record.as_ref().and_then(|record| record.pending.as_ref()?.browser());
        pending.is_some_and(|pending| pending.authorization.owns(callback))
    }

    /// Takes an answer, whoever brought it: once, in time, checked. Returns when the sign-in is over.
    pub async fn complete_sign_in(self: &Arc<Self>, callback: &Callback) -> Result<AuthView, Error> {
        let (number, pending, accepted) = self.take_answer(callback)?;
        // The code is good once, and whoever brought it may be gone before the tokens are here.
        self.context.busy.to_the_end(self.clone().redeem(number, pending, accepted.map(Some))).await?;
        Ok(self.progress.view())
    }

    /// Goes on with a sign-in from before a restart.
    pub(super) async fn resume_sign_in(self: &Arc<Self>) {
        let traded = self.context.journal.holds(&self.id);
        let Some(pending) = self.record().ok().and_then(|record| record.pending) else {
            if matches!(traded, Some(Traded::Code | Traded::DeviceCode)) {
                self.context.journal.forget(&self.id).unwrap_or_else(|error| {
                    tracing::warn!(account = %self.id, %error, "an old sign-in stays in the journal");
                });
            }
            return;
        };
        if let (Pending::Browser(pending), Some(Traded::Code)) = (&pending, traded) {
            return self.resume_redeeming((**pending).clone());
        }
        // A device's code that was sent may have brought tokens, however long ago.
        if pending.expires_at() <= now() && traded != Some(Traded::DeviceCode) {
            // It lapsed while no agent ran.
            return self.lose_way_back(&mut self.state());
        }
        let pending = match pending {
            Pending::Browser(pending) => pending,
            Pending::Device(pending) => return self.resume_on_device(*pending),
        };
        let port = match Address::parse(&pending.authorization.redirect_uri) {
            Some(address) => self.context.callbacks.open(address).await,
            None => None,
        };
        let mut state = self.state();
        let number = self.begin(&mut state);
        self.progress.wait_for_browser(&pending, false);
        let kind = kind_of(&pending.authorization.redirect_uri);
        if kind == Some(CallbackKind::Loopback) && port.is_none() {
            let fact = "another program took the port that the browser comes back to: bring its address by hand";
            self.progress.step(StepName::OpenBrowser, StepState::NeedsUser, Some(fact.to_owned()));
        }
        let task = tokio::spawn(self.clone().lapse(number, pending.expires_at)).abort_handle();
        let way = Way { callback: kind.filter(|_| pending.callback_chosen), ..Way::default() };
        state.sign_in = Some(OpenSignIn { number, task, way, port });
    }

    /// Brings to its end a sign-in whose code an agent before this one has sent.
    fn resume_redeeming(self: &Arc<Self>, pending: PendingRecord) {
        let mut state = self.state();
        let number = self.begin(&mut state);
        state.record.iter_mut().for_each(|record| record.pending = None);
        self.progress.finish();
        let (account, busy) = (self.clone(), self.context.busy.clone());
        let redeeming = async move {
            // Its outcome is in the progress.
            let _ = busy.to_the_end(account.redeem(number, pending, Ok(None))).await;
        };
        let task = tokio::spawn(redeeming).abort_handle();
        state.sign_in = Some(OpenSignIn { number, task, way: Way::default(), port: None });
    }

    /// Ends the open sign-in, if its answer hasn't come, and if it is the one of this number where one is given. Tells
    /// whether it did; the keyring follows.
    pub(super) fn close_sign_in(self: &Arc<Self>, number: Option<u64>, why: &Error) -> bool {
        let mut state = self.state();
        let open = state.sign_in.as_ref().is_some_and(|open| number.is_none_or(|number| open.number == number));
        if !open || self.progress.phase() == AuthPhase::Finishing {
            return false;
        }
        self.lose_way_back(&mut state);
        self.context.activity.add(state.sign_in_ended(&self.id, Err(why)));
        self.progress.fail(why.to_object());
        true
    }

    /// The authorization server doesn't know this client any more: the next sign-in is another's.
    fn doubt(&self, client: &Registration) {
        self.state().record.iter_mut().for_each(|record| record.doubted = Some(client.client_id.clone()));
    }

    /// Lets go of a sign-in whose browser didn't come back. Perhaps its page said that it doesn't know our client, which
    /// nobody sees from here: the next sign-in registers anew.
    fn lose_way_back(self: &Arc<Self>, state: &mut State) {
        state.record.iter_mut().for_each(Record::doubt_pending);
        self.give_up(state);
    }

    /// Lets go of the open sign-in. The keyring follows, so that no restart brings it back; also if nothing was pending
    /// yet, since it may just be on its way there.
    fn give_up(self: &Arc<Self>, state: &mut State) {
        state.sign_in = None;
        state.record.iter_mut().for_each(|record| record.pending = None);
        let account = self.clone();
        tokio::spawn(async move { account.drop_pending().await });
    }

    /// Whether the open sign-in goes another way than wished now, and can still be turned.
    fn goes_another_way(&self, state: &State, way: Way) -> bool {
        let Some(open) = &state.sign_in else { return false };
        let view = self.progress.view();
        let can_turn = matches!(view.phase, AuthPhase::Preparing | AuthPhase::WaitingForBrowser);
        // What the server refused once isn't tried again for the same wish.
        let is_as_wished = |wished| open.way.callback == Some(wished) || view.callback == Some(wished);
        can_turn
            && (way.register_again
                || (way.device && !open.way.device)
                || way.callback.is_some_and(|wished| !is_as_wished(wished)))
    }

    fn begin(&self, state: &mut State) -> u64 {
        state.note_error(None);
        self.progress.begin();
        self.sign_ins.fetch_add(1, Ordering::Relaxed)
    }

    fn is_current(&self, number: u64) -> bool {
        self.state().sign_in.as_ref().is_some_and(|open| open.number == number)
    }

    async fn run_sign_in(self: Arc<Self>, number: u64, browser: Option<Browser>, way: Way) {
        match self.prepare(number, browser, way).await {
            Ok(Some(expires_at)) => self.lapse(number, expires_at).await,
            Ok(None) => self.end(number, Ok(())),
            Err(error) => self.end(number, Err(&error.with_option(&self.name()))),
        }
    }

    /// The last word on the sign-in of this number, unless another has had it.
    fn end(&self, number: u64, outcome: Result<(), &Error>) {
        let mut state = self.state();
        if state.sign_in.as_ref().is_none_or(|open| open.number != number) {
            return;
        }
        self.context.activity.add(state.sign_in_ended(&self.id, outcome));
        match outcome {
            Ok(()) => self.progress.succeed(),
            Err(error) => {
                self.progress.fail(error.to_object());
                state.note_error(Some(error.to_object()));
            }
        }
        // It ends the task that may have brought us here, at its next await: there is none.
        state.sign_in = None;
    }

    /// Lets the keyring follow: no sign-in is open any more.
    async fn drop_pending(self: &Arc<Self>) {
        let _busy = self.context.busy.begin();
        let _changing = self.changing.lock().await;
        // After an edit of the address nothing was read for the new one yet, and what is kept for the old one stays.
        let Ok(record) = self.record() else { return };
        // What a newer sign-in has kept since is in the record, and stays as well.
        if let Err(error) = self.commit(record).await {
            tracing::warn!(account = %self.id, %error, "an ended sign-in stays in the keyring until it lapses");
        }
    }

    async fn lapse(self: Arc<Self>, number: u64, expires_at: Timestamp) {
        let left = expires_at.duration_since(now()).max(SignedDuration::ZERO).unsigned_abs();
        tokio::time::sleep(left).await;
        self.close_sign_in(Some(number), &Error::Lapsed);
    }

    /// Checks an answer and takes its sign-in out of everybody else's reach.
    fn take_answer(&self, callback: &Callback) -> Result<(u64, PendingRecord, Result<Code, Error>), Error> {
        let state = &mut *self.state();
        let closed = || Error::NoSignIn(state.profile.name.clone());
        let open =
            state.sign_in.as_ref().filter(|_| self.progress.phase() != AuthPhase::Finishing).ok_or_else(closed)?;
        let record = state.record.as_mut().ok_or(Error::Internal("no record"))?;
        let waiting = record.pending.as_ref().and_then(Pending::browser).ok_or_else(closed)?;
        let accepted = match (now() < waiting.expires_at, waiting.authorization.accept(callback)) {
            (true, Err(error)) if !error.ends_sign_in() => return Err(error.into()),
            (true, accepted) => accepted.map_err(Error::from),
            (false, _) => Err(Error::Lapsed),
        };
        // Single use: whoever comes second with the same answer finds nothing (RESP-8).
        let Some(Pending::Browser(pending)) = record.pending.take() else {
            return Err(Error::Internal("no pending sign-in"));
        };
        open.task.abort();
        self.progress.finish();
        Ok((open.number, *pending, accepted))
    }
}

/// Whether a browser is awaited, and whoever opened its page now would find none.
fn page_has_lapsed(state: &State) -> bool {
    let pending = state.record.as_ref().and_then(|record| record.pending.as_ref());
    pending.and_then(|pending| pending.browser()?.page_lapses_at).is_some_and(|end| end <= now())
}

fn opens(browser: Option<&Browser>, address: &str) -> bool {
    let address = Url::parse(address).ok();
    browser.zip(address).is_some_and(|(browser, address)| browser.open(&address))
}
