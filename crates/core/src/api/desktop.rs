//! What a window asks beside the accounts: prompts, remembered answers, settings, the lock, and how the agent is.

use super::{Api, PAGE, wait};
use crate::caller::Caller;
use crate::clock::now;
use crate::connectivity::is_offline;
use crate::error::Error;
use crate::grants::Grant;
use crate::locking::By;
use crate::profile::Profile;
use crate::settings::Preferences;
use crate::undo::WayBack;
use crate::vault::VaultError;
use jiff::SignedDuration;
use keybearer_desktop_entry::browsers;
use keybearer_oauth::client_metadata::DocumentAddress;
use keybearer_oauth::readable::readable;
use keybearer_protocol::Door;
use keybearer_protocol::account::AccountApprovalParams;
use keybearer_protocol::activity::{ActivityEntry, ActivityKind};
use keybearer_protocol::agent::{
    AgentPauseParams, AgentStatusReply, AgentUnlockParams, AgentWatchParams, AgentWatchReply, Pause,
};
use keybearer_protocol::auth::CallbackKind;
use keybearer_protocol::grant::{GrantListParams, GrantListReply};
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::AccountStatus;
use keybearer_protocol::prompt::{PromptAnswerParams, PromptNextParams, PromptQueue};
use keybearer_protocol::settings::{
    Approval, CallbackChoice, ChangedPrograms, LONGEST_ANSWER_TIME, Language, LanguageChoice, SHORTEST_ANSWER_TIME,
    Settings, SettingsSetParams, Unseen,
};
use keybearer_protocol::undo::Undoable;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How often the profiles are looked at for edits while somebody watches.
const GLANCE: Duration = Duration::from_secs(2);
/// The longest pause that ends by itself, in minutes.
const LONGEST_PAUSE: u32 = 24 * 60;

/// What a window shows of the accounts.
#[derive(Default, PartialEq)]
pub(super) struct Glance {
    accounts: Vec<(Arc<Profile>, AccountStatus)>,
    /// What is wrong with `servers.json`.
    problem: Option<String>,
    /// Whether there is no network.
    offline: bool,
}

impl Api {
    pub(super) async fn register(&self, caller: &Caller) -> Result<Empty, Error> {
        self.consent.register(caller).await?;
        Ok(Empty {})
    }

    pub(super) async fn prompts(&self, caller: &Caller, params: PromptNextParams) -> Result<PromptQueue, Error> {
        self.consent.prompts(caller, params.seen, wait(params.wait_ms)).await
    }

    pub(super) async fn answer_prompt(&self, caller: &Caller, params: PromptAnswerParams) -> Result<Empty, Error> {
        self.consent.answer(caller, &params.prompt, params.decision).await?;
        Ok(Empty {})
    }

    /// The remembered answers; to a program, its own.
    pub(super) async fn grants(
        &self,
        door: Door,
        caller: &Caller,
        params: GrantListParams,
    ) -> Result<GrantListReply, Error> {
        if let Some(profile) = &params.profile {
            self.accounts.find(profile)?;
        }
        let of_profile = |name: &String| params.profile.as_ref().is_none_or(|profile| profile == name);
        let mut all = self
            .consent
            .grants(|grant| {
                let account = self.accounts.with_id(grant.account()).filter(|_| is_theirs(door, caller, grant))?;
                Some(account.name()).filter(of_profile)
            })
            .await?;
        if door == Door::Admin {
            let name = |id: &str| Some(self.accounts.with_id(id)?.name()).filter(of_profile);
            all.extend(self.consent.delegations(name));
            all.extend(self.consent.keys(name).await?);
        }
        if let Some(after) = &params.after {
            let seen = all.iter().position(|grant| grant.grant == *after).map_or(all.len(), |place| place + 1);
            all.drain(..seen);
        }
        let mut size = 0;
        let fits = all.iter().position(|grant| {
            size += serde_json::to_string(grant).map(|text| text.len()).unwrap_or_default();
            size > PAGE
        });
        // At least one, or the listing would end before its end.
        let page = fits.map_or(all.len(), |fits| fits.max(1));
        let more = page < all.len();
        all.truncate(page);
        Ok(GrantListReply { grants: all, more })
    }

    pub(super) async fn revoke(&self, door: Door, caller: &Caller, grant: &str) -> Result<Undoable, Error> {
        if door == Door::Admin && self.consent.end_delegation(grant) {
            return Ok(Undoable::default());
        }
        if door == Door::Admin
            && let Some(key) = self.consent.remove_key(grant).await?
        {
            self.note_key_removed(caller, &key);
            return Ok(Undoable::default());
        }
        let forgotten = self.consent.revoke(grant, |grant| is_theirs(door, caller, grant)).await?;
        self.note_grant(ActivityKind::GrantRevoked, caller, &forgotten);
        let is_persons = door == Door::Admin && !forgotten.is_for_one_call();
        Ok(Undoable { undo: is_persons.then(|| self.ways_back.keep(WayBack::Grant(Box::new(forgotten)))) })
    }

    /// Remembers again what was just forgotten.
    pub(super) async fn restore_grant(&self, caller: &Caller, undo: &str) -> Result<Empty, Error> {
        self.consent.check_weakening(caller).await?;
        let way = self.ways_back.take(undo, |way| matches!(way, WayBack::Grant(_)));
        let Some(WayBack::Grant(grant)) = way else { return Err(Error::NoWayBack) };
        if self.accounts.with_id(grant.account()).is_none() {
            return Err(Error::NoWayBack);
        }
        self.consent.restore((*grant).clone()).await?;
        self.note_grant(ActivityKind::GrantRestored, caller, &grant);
        Ok(Empty {})
    }

    pub(super) async fn settings(&self) -> Result<Settings, Error> {
        let preferences = self.accounts.context().settings.read()?;
        let answer_time = self.consent.answer_time().await?;
        let Preferences { language, theme, callback, client_metadata_url, keep_running, browser, log_detail, .. } =
            preferences;
        Ok(Settings {
            language,
            theme,
            keep_running: keep_running.unwrap_or(true),
            callback,
            client_metadata_url,
            browser,
            log_detail,
            approval: self.consent.approval().await?,
            changed_programs: self.consent.changed_programs().await?,
            answer_within_secs: u32::try_from(answer_time.as_secs()).unwrap_or(u32::MAX),
            auto_lock: self.consent.auto_lock().await?,
            unseen: self.locking.unseen().await,
        })
    }

    pub(super) async fn change_settings(&self, caller: &Caller, change: SettingsSetParams) -> Result<Settings, Error> {
        // First what may fail: then nothing is changed.
        self.accounts.context().settings.read()?;
        if let Some(address) = named(change.client_metadata_url.as_ref()) {
            address.parse::<DocumentAddress>()?;
        }
        if change.answer_within_secs.is_some_and(|secs| !(SHORTEST_ANSWER_TIME..=LONGEST_ANSWER_TIME).contains(&secs)) {
            let limits = format!("{SHORTEST_ANSWER_TIME} to {LONGEST_ANSWER_TIME} seconds");
            return Err(Error::Usage(format!("an answer is waited for {limits}")));
        }
        if let Some(browser) = named(change.browser.as_ref())
            && browsers::command(browser).is_none()
        {
            return Err(Error::Usage(format!("{} is no browser of this computer", readable(browser))));
        }
        if let Some(approval) = change.approval {
            self.consent.set_approval(caller, approval).await?;
            self.note_protection(caller, None, approval_word(approval));
        }
        if let Some(choice) = change.changed_programs {
            self.consent.set_changed_programs(caller, choice).await?;
            self.note_protection(caller, None, changed_word(choice));
        }
        if let Some(secs) = change.answer_within_secs {
            self.consent.set_answer_time(secs).await?;
            self.note_protection(caller, None, "answer_time");
        }
        if let Some(auto_lock) = change.auto_lock {
            self.consent.set_auto_lock(caller, auto_lock).await?;
            self.note_protection(caller, None, "auto_lock");
        }
        let guards = SettingsSetParams {
            approval: change.approval,
            changed_programs: change.changed_programs,
            answer_within_secs: change.answer_within_secs,
            auto_lock: change.auto_lock,
            ..Default::default()
        };
        if change != guards {
            self.accounts.context().settings.change(|preferences| apply(&change, preferences))?;
        }
        self.accounts.context().changes.announce();
        self.settings().await
    }

    /// Chooses who is asked about one account.
    pub(super) async fn choose_approval(&self, caller: &Caller, chosen: AccountApprovalParams) -> Result<Empty, Error> {
        let account = self.accounts.find(&chosen.profile)?;
        self.consent.set_approval_of(caller, &account, chosen.approval).await?;
        let word = chosen.approval.map_or("approval_as_all", approval_word);
        self.note_protection(caller, Some(&account), word);
        self.accounts.context().changes.announce();
        Ok(Empty {})
    }

    pub(super) async fn lock(&self, caller: &Caller) -> Empty {
        self.locking.lock(By::Caller(caller)).await;
        Empty {}
    }

    pub(super) async fn unlock(&self, caller: &Caller, params: AgentUnlockParams) -> Result<Empty, Error> {
        self.locking.unlock(caller, params.passphrase).await?;
        self.note(caller, ActivityEntry::new(ActivityKind::Unlocked, now()));
        Ok(Empty {})
    }

    pub(super) async fn pause(&self, caller: &Caller, params: AgentPauseParams) -> Result<Empty, Error> {
        let until = match params.minutes {
            None => None,
            Some(minutes @ 1..=LONGEST_PAUSE) => Some(now() + SignedDuration::from_mins(minutes.into())),
            Some(_) => return Err(Error::Usage("a pause takes a minute at least, and a day at most".to_owned())),
        };
        self.locking.pause(Pause { until }).await;
        self.note(caller, ActivityEntry { until, ..ActivityEntry::new(ActivityKind::Paused, now()) });
        Ok(Empty {})
    }

    pub(super) async fn resume(&self, caller: &Caller) -> Result<Empty, Error> {
        if self.consent.resume(caller).await?.is_some() {
            self.note(caller, ActivityEntry::new(ActivityKind::Resumed, now()));
        }
        Ok(Empty {})
    }

    /// Waits for news. People edit `servers.json` too, tokens end, and keyrings are locked, so there is a look at
    /// meanwhile.
    pub(super) async fn watch(&self, params: AgentWatchParams) -> AgentWatchReply {
        let changes = &self.accounts.context().changes;
        let deadline = Instant::now() + wait(params.wait_ms);
        loop {
            self.glance();
            let left = deadline.saturating_duration_since(Instant::now());
            let revision = match params.seen {
                Some(seen) => changes.after(seen, left.min(GLANCE)).await,
                None => changes.revision(),
            };
            if params.seen != Some(revision) || left.is_zero() {
                return AgentWatchReply { revision };
            }
        }
    }

    /// Announces what changed by itself since the last look.
    fn glance(&self) {
        let problem = self.accounts.problem().map(|error| error.to_string());
        let accounts = self.accounts.known().iter().map(|account| (account.profile(), account.status())).collect();
        let seen = Glance { accounts, problem, offline: is_offline() };
        let mut last = self.glanced.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != seen {
            *last = seen;
            self.accounts.context().changes.announce();
        }
    }

    pub(super) async fn status(&self) -> AgentStatusReply {
        let problem = self.accounts.vault_problem().await;
        let standing = self.accounts.context().vault.standing().await.ok();
        let locked = matches!(self.consent.is_locked().await, Ok(true));
        if problem.is_none() && !locked {
            self.accounts.wake().await;
        }
        let activity_problem = self.accounts.context().activity.problem();
        let configuration_problem = self.accounts.problem().map(|error| error.to_string());
        let states: Vec<AccountStatus> = self.accounts.known().iter().map(|account| account.status()).collect();
        let needs_user = |status: &&AccountStatus| match status {
            AccountStatus::Expiring
            | AccountStatus::SigningIn
            | AccountStatus::NeedsSignIn
            | AccountStatus::NeedsMoreAccess => true,
            AccountStatus::Connected | AccountStatus::Unreachable | AccountStatus::NoSignIn | AccountStatus::Locked => {
                false
            }
        };
        let (prompter, prompts) = self.consent.prompter();
        let Unseen { screen, sleep } = self.locking.unseen().await;
        let screen = screen.map(|problem| format!("nothing is heard of the screen: {problem}"));
        let sleep = sleep.map(|problem| format!("nothing is heard of sleep: {problem}"));
        AgentStatusReply {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: self.started_at,
            started_by: self.started_by,
            accounts: u32::try_from(states.len()).unwrap_or(u32::MAX),
            need_user: u32::try_from(states.iter().filter(needs_user).count()).unwrap_or(u32::MAX),
            locked,
            lock_problem: screen.into_iter().chain(sleep).reduce(|one, other| format!("{one}; {other}")),
            pause: self.consent.pausing().current(),
            offline: is_offline(),
            prompter,
            prompts: u32::try_from(prompts).unwrap_or(u32::MAX),
            vault_kind: standing.map(|standing| standing.kind),
            wants_passphrase: standing.is_some_and(|standing| standing.is_shut && !standing.credential),
            vault: VaultError::state(problem.as_ref()),
            vault_advice: problem.as_ref().and_then(VaultError::way_out).map(str::to_owned),
            vault_problem: problem.map(|problem| problem.to_string()),
            configuration_problem,
            gateway_problem: self.gateway_problem().await,
            activity_advice: activity_problem.as_ref().map(|problem| problem.way_out().to_owned()),
            activity_problem: activity_problem.map(|problem| problem.to_string()),
        }
    }
}

/// Whether a remembered answer is this caller's to see and to end: for programs, their own.
fn is_theirs(door: Door, caller: &Caller, grant: &Grant) -> bool {
    match door {
        Door::Admin => true,
        Door::Programs => grant.is_of_caller(&caller.view),
        Door::Restricted | Door::Gateway => false,
    }
}

/// Who is asked, in the word that the record has for it.
fn approval_word(approval: Approval) -> &'static str {
    match approval {
        Approval::Ask => "approval_ask",
        Approval::SameUser => "approval_same_user",
    }
}

/// What is done with programs that changed, in the word that the record has for it.
fn changed_word(choice: ChangedPrograms) -> &'static str {
    match choice {
        ChangedPrograms::Ask => "changed_programs_ask",
        ChangedPrograms::Deny => "changed_programs_deny",
    }
}

/// A text, unless it is the empty one, which means none.
fn named(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.is_empty())
}

fn apply(change: &SettingsSetParams, preferences: &mut Preferences) {
    if let Some(choice) = change.language {
        preferences.language = match choice {
            LanguageChoice::System => None,
            LanguageChoice::English => Some(Language::English),
            LanguageChoice::SimplifiedChinese => Some(Language::SimplifiedChinese),
        };
    }
    if let Some(choice) = change.callback {
        preferences.callback = match choice {
            CallbackChoice::Auto => None,
            CallbackChoice::DeepLink => Some(CallbackKind::DeepLink),
            CallbackChoice::Loopback => Some(CallbackKind::Loopback),
        };
    }
    if change.client_metadata_url.is_some() {
        preferences.client_metadata_url = named(change.client_metadata_url.as_ref()).cloned();
    }
    if change.browser.is_some() {
        preferences.browser = named(change.browser.as_ref()).cloned();
    }
    preferences.log_detail = change.log_detail.unwrap_or(preferences.log_detail);
    preferences.theme = change.theme.unwrap_or(preferences.theme);
    preferences.keep_running = change.keep_running.or(preferences.keep_running);
}
