//! How a sign-in stands, as its followers see it.

use crate::changes::Changes;
use crate::redirect::kind_of;
use crate::vault::record::{PendingDevice, PendingRecord};
use jiff::Timestamp;
use keybearer_oauth::readable::readable;
use keybearer_protocol::ErrorObject;
use keybearer_protocol::auth::{AuthPhase, AuthStep, AuthView, StepName, StepState};
use std::cmp::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// The progress of one account's sign-ins. Followers wait on it for changes.
#[derive(Debug)]
pub struct Progress {
    view: watch::Sender<AuthView>,
    changes: Changes,
    /// When a step began or ended last.
    turned: Mutex<Instant>,
}

impl Progress {
    /// No sign-in yet.
    pub fn new(profile: &str, changes: Changes) -> Self {
        Progress { view: watch::Sender::new(idle(profile)), changes, turned: Mutex::new(Instant::now()) }
    }

    /// How it stands.
    pub fn view(&self) -> AuthView {
        self.view.borrow().clone()
    }

    /// The phase alone.
    pub fn phase(&self) -> AuthPhase {
        self.view.borrow().phase
    }

    /// A follower, who sees every change from now on.
    pub fn follow(&self) -> watch::Receiver<AuthView> {
        self.view.subscribe()
    }

    /// A new sign-in begins.
    pub fn begin(&self) {
        self.change(|view| {
            *view = AuthView { revision: view.revision, phase: AuthPhase::Preparing, ..idle(&view.profile) };
        });
    }

    /// The account has another name now.
    pub fn rename(&self, profile: &str) {
        self.change(|view| view.profile = profile.to_owned());
    }

    /// A step stands otherwise than before.
    pub fn step(&self, name: StepName, state: StepState, fact: Option<String>) {
        // A fact may be a stranger's word.
        let fact = fact.map(|fact| readable(&fact));
        self.change(|view| {
            for step in view.steps.iter_mut().filter(|step| step.name == name) {
                step.state = state;
                step.fact.clone_from(&fact);
            }
        });
    }

    /// The browser is awaited: all steps before it are done.
    pub fn wait_for_browser(&self, pending: &PendingRecord, opened: bool) {
        self.change(|view| {
            wait(view, pending.expires_at, opened);
            view.callback = kind_of(&pending.authorization.redirect_uri);
            view.authorization_url = Some(pending.authorization_url.clone());
            view.page_lapses_at = pending.page_lapses_at;
        });
    }

    /// A person on any device is awaited, who types a code there.
    pub fn wait_for_device(&self, pending: &PendingDevice, opened: bool) {
        self.change(|view| {
            wait(view, pending.expires_at, opened);
            view.authorization_url = Some(pending.device.verification_uri.to_string());
            view.user_code = Some(pending.device.user_code.clone());
        });
    }

    /// The authorization server would take a sign-in on another device as well.
    pub fn offer_device(&self) {
        self.change(|view| view.device_offered = true);
    }

    /// A browser was opened again, or could not be.
    pub fn browser_opened(&self, opened: bool) {
        self.change(|view| view.browser_opened = opened);
    }

    /// The callback came.
    pub fn finish(&self) {
        self.change(|view| {
            view.phase = AuthPhase::Finishing;
            (view.authorization_url, view.user_code) = (None, None);
            (view.expires_at, view.page_lapses_at) = (None, None);
            for step in view.steps.iter_mut().filter(|step| step.name <= StepName::ReceiveAnswer) {
                if step.state != StepState::Skipped {
                    step.state = StepState::Done;
                }
            }
        });
    }

    /// Signed in. Steps that were not needed are skipped.
    pub fn succeed(&self) {
        self.change(|view| {
            view.phase = AuthPhase::SignedIn;
            for step in view.steps.iter_mut().filter(|step| step.state == StepState::Todo) {
                step.state = StepState::Skipped;
            }
        });
    }

    /// It failed in the step that was under way, or in the first that was still to come.
    pub fn fail(&self, error: ErrorObject) {
        self.change(|view| {
            view.phase = AuthPhase::Failed;
            (view.authorization_url, view.user_code) = (None, None);
            (view.expires_at, view.page_lapses_at) = (None, None);
            view.error = Some(error);
            let open = |step: &&mut AuthStep| !matches!(step.state, StepState::Done | StepState::Skipped);
            if let Some(step) = view.steps.iter_mut().find(open) {
                step.state = StepState::Stopped;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut AuthView)) {
        self.view.send_modify(|view| {
            let before: Vec<StepState> = view.steps.iter().map(|step| step.state).collect();
            change(view);
            self.time(&before, &mut view.steps);
            view.revision = view.revision.wrapping_add(1);
        });
        self.changes.announce();
    }

    /// Says of steps that have just ended how long they took: one is under way at a time.
    fn time(&self, before: &[StepState], steps: &mut [AuthStep]) {
        let mut turned = self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        let since = turned.elapsed();
        for (step, before) in steps.iter_mut().zip(before) {
            if step.state == *before {
                continue;
            }
            let was_under_way = matches!(before, StepState::Running | StepState::NeedsUser);
            let has_ended = matches!(step.state, StepState::Done | StepState::Stopped);
            step.took_ms = (was_under_way && has_ended).then(|| u32::try_from(since.as_millis()).unwrap_or(u32::MAX));
            *turned = Instant::now();
        }
    }
}

/// A person is awaited: all steps before that are done.
fn wait(view: &mut AuthView, expires_at: Timestamp, opened: bool) {
    view.phase = AuthPhase::WaitingForBrowser;
    view.browser_opened = opened;
    view.expires_at = Some(expires_at);
    for step in &mut view.steps {
        match step.name.cmp(&StepName::OpenBrowser) {
            Ordering::Less if step.state == StepState::Todo => step.state = StepState::Done,
            Ordering::Equal => step.state = StepState::NeedsUser,
            Ordering::Less | Ordering::Greater => {}
        }
    }
}

fn idle(profile: &str) -> AuthView {
    AuthView {
        profile: profile.to_owned(),
        revision: 0,
        phase: AuthPhase::None,
        steps: StepName::ALL.map(|name| AuthStep { name, state: StepState::Todo, fact: None, took_ms: None }).to_vec(),
        authorization_url: None,
        user_code: None,
        device_offered: false,
        callback: None,
        browser_opened: false,
        expires_at: None,
        page_lapses_at: None,
        error: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_was_under_way_tells_how_long_it_took_and_no_other() {
        let progress = Progress::new("work", Changes::default());
        progress.begin();
        progress.step(StepName::ReachServer, StepState::Running, None);
        progress.step(StepName::ReachServer, StepState::Done, None);
        progress.step(StepName::ALL[1], StepState::Running, None);
        progress.finish();
        let steps = progress.view().steps;
        let timed: Vec<StepName> = steps.iter().filter(|step| step.took_ms.is_some()).map(|step| step.name).collect();
        assert_eq!(timed, StepName::ALL[..2]);
        assert_eq!(steps[2].state, StepState::Done);
        progress.begin();
        assert!(progress.view().steps.iter().all(|step| step.took_ms.is_none()));
    }
}
