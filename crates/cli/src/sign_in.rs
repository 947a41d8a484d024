//! Signing in and out, and bringing callbacks.

use crate::arguments::{Named, SignInArguments};
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, note};
use keybearer_ipc::client::ClientError;
use keybearer_protocol::account::AccountSignOut;
use keybearer_protocol::auth::{
    AuthCancel, AuthComplete, AuthCompleteParams, AuthPhase, AuthStart, AuthStartParams, AuthStatus, AuthStatusParams,
    AuthView, CallbackKind, DISPLAY_VARIABLES, StepName, StepState,
};
use keybearer_protocol::profile::ProfileName;
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde_json::json;
use std::collections::BTreeMap;
use std::env;
use std::io::{self, BufRead, IsTerminal, Read};

/// Milliseconds that one question for news may wait.
const WAIT: u32 = 30_000;
/// The most that a callback on standard input may hold, in bytes.
const CALLBACK_LIMIT: u64 = 16 * 1024;

/// `keybearer sign-in`: starts or joins a sign-in and waits for its end, also across a restart of the agent.
pub(crate) fn sign_in(reach: &Reach, asked: &SignInArguments, json: bool) -> Result<(), Failure> {
    let mut client = reach.open(Door::Admin)?;
    let params = AuthStartParams {
        profile: asked.name.clone(),
        no_open: asked.no_browser,
        callback: asked.callback.map(CallbackKind::from),
        device: asked.device,
        register_again: asked.register_again,
        environment: display_variables(),
    };
    let mut teller = Teller { json, ..Teller::default() };
    let mut view = client.call::<AuthStart>(&params)?;
    let mut restarted = false;
    loop {
        teller.tell(&view)?;
        if view.phase.is_final() {
            return end(&view, json);
        }
        let seen = Some(view.revision).filter(|_| !restarted);
        let next = AuthStatusParams { profile: view.profile.clone(), seen, wait_ms: WAIT };
        match client.call::<AuthStatus>(&next) {
            // The agent was stopped or restarted: the next one finds the sign-in in the keyring.
            Err(ClientError::HungUp) => (client, restarted) = (reach.open(Door::Admin)?, true),
            reply => (view, restarted) = (reply?, false),
        }
    }
}

/// `keybearer sign-in --cancel`
pub(crate) fn cancel(reach: &Reach, profile: String, json: bool) -> Result<(), Failure> {
    let reply = reach.open(Door::Admin)?.call::<AuthCancel>(&ProfileName { profile })?;
    if json { answer_json(&reply) } else { answer("the sign-in has ended") }
}

/// `keybearer callback`
pub(crate) fn callback(reach: &Reach, url: String, json: bool) -> Result<(), Failure> {
    let url = if url == "-" { read_callback()? } else { url };
    let view = reach.open(Door::Admin)?.call::<AuthComplete>(&AuthCompleteParams { url: url.into() })?;
    end(&view, json)
}

/// `keybearer sign-out`
pub(crate) fn sign_out(reach: &Reach, named: Named, json: bool) -> Result<(), Failure> {
    let params = ProfileName { profile: named.name };
    let reply = reach.open(Door::Admin)?.call::<AccountSignOut>(&params)?;
    if json {
        return answer_json(&reply);
    }
    match reply.not_revoked_because {
        Some(why) if reply.revoked => {
            answer(&format!("{} is signed out; its refresh token was revoked, but {why}", params.profile))
        }
        None => answer(&format!("{} is signed out; its tokens were revoked", params.profile)),
        Some(why) => answer(&format!("{} is signed out; nothing was revoked: {why}", params.profile)),
    }
}

fn end(view: &AuthView, json: bool) -> Result<(), Failure> {
    if view.phase != AuthPhase::SignedIn {
        let lost = || {
            ErrorObject::new(ErrorCode::AuthRequired, format!("the sign-in of {} is not open any more", view.profile))
        };
        return Err(view.error.clone().unwrap_or_else(lost).into());
    }
    if json {
        return answer_json(&json!({ "ok": true, "profile": view.profile }));
    }
    let skipped = view.steps.iter().any(|step| step.name == StepName::GetTokens && step.state == StepState::Skipped);
    let what = if skipped { "needs no sign-in" } else { "is signed in" };
    let tested = view.steps.iter().find(|step| step.name == StepName::TestConnection);
    let fact = tested.and_then(|step| step.fact.as_ref()).map(|fact| format!(" ({fact})")).unwrap_or_default();
    answer(&format!("{} {what}{fact}", view.profile))
}

/// Tells a person, or a program, how a sign-in goes on; each thing once.
#[derive(Debug, Default)]
struct Teller {
    json: bool,
    told: Vec<StepName>,
    url_told: bool,
}

impl Teller {
    fn tell(&mut self, view: &AuthView) -> Result<(), Failure> {
        if !self.json && io::stderr().is_terminal() {
            self.tell_steps(view);
        }
        let Some(url) = view.authorization_url.as_ref().filter(|_| !self.url_told) else { return Ok(()) };
        let until = view.page_lapses_at.map(|end| format!(" until {end}")).unwrap_or_default();
        match (&view.user_code, self.json, view.browser_opened) {
            (None, true, true) => {}
            (None, true, false) => answer_json(&json!({ "authorization_url": url }))?,
            (None, false, true) => note(&format!("If no browser opens, open this address in one{until}:\n{url}")),
            (None, false, false) => note(&format!("Open this address in a browser{until}:\n{url}")),
            // The code is told always, so that it can be compared with the one on the page (RFC 8628 §3.3.1).
            (Some(code), true, _) => answer_json(&json!({ "authorization_url": url, "user_code": code }))?,
            (Some(code), false, _) => note(&format!(
                "On any device, open this address and make sure that it shows this code, or type it:\n{url}\n{code}"
            )),
        }
        if !self.json && view.user_code.is_none() {
            if view.device_offered && !view.browser_opened {
                note("If the browser is on another computer, a code to type there is easier: --device");
            }
            note("If its page says that it doesn't know this app, run this again with --register-again.");
        }
        self.url_told = true;
        Ok(())
    }

    fn tell_steps(&mut self, view: &AuthView) {
        for step in &view.steps {
            let news = match step.state {
                StepState::Done | StepState::NeedsUser => !self.told.contains(&step.name),
                StepState::Todo | StepState::Running | StepState::Skipped | StepState::Stopped => false,
            };
            if news {
                self.told.push(step.name);
                let fact = step.fact.as_ref().map(|fact| format!(": {fact}")).unwrap_or_default();
                note(&format!("  {}{fact}", said(step.name, step.state)));
            }
        }
    }
}

fn said(name: StepName, state: StepState) -> &'static str {
    match (name, state) {
        (StepName::OpenBrowser, StepState::NeedsUser) => "… waiting for your browser",
        (StepName::ReachServer, _) => "✓ server answers",
        (StepName::ResourceMetadata, _) => "✓ resource metadata",
        (StepName::AuthorizationServer, _) => "✓ sign-in service",
        (StepName::IdentifyClient, _) => "✓ this app is known there",
        (StepName::OpenBrowser, _) => "✓ browser",
        (StepName::ReceiveAnswer, _) => "✓ answer",
        (StepName::GetTokens, _) => "✓ tokens",
        (StepName::TestConnection, _) => "✓ tested",
    }
}

/// What the agent needs to open a browser on this screen.
fn display_variables() -> BTreeMap<String, String> {
    DISPLAY_VARIABLES.into_iter().filter_map(|name| Some((name.to_owned(), env::var(name).ok()?))).collect()
}

fn read_callback() -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().take(CALLBACK_LIMIT).read_line(&mut line);
    read.map_err(|error| Failure::usage(format!("the address can't be read: {error}")))?;
    Ok(line)
}
