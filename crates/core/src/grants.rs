//! Grants: the answers that are remembered, and which question each of them answers (REQ-C1). Pure; the consent keeps
//! them.

/// Whether a script is what was answered.
mod changed;

use crate::caller::Instance;
use jiff::{SignedDuration, Timestamp};
use keybearer_protocol::grant::GrantView;
use keybearer_protocol::program::{Confidence, ProgramView};
use keybearer_protocol::prompt::{AlwaysOff, Decision, PromptKind};
use keybearer_protocol::session::CallerView;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

use changed::Script;
pub(crate) use changed::mark_changed;

/// An answer for a running program holds no longer than this.
const WHILE_RUNNING: SignedDuration = SignedDuration::from_hours(8);
/// A yes for one call waits this long for it.
const NEXT_CALL: SignedDuration = SignedDuration::from_mins(2);
/// How many answers are remembered; the oldest of a running program makes room.
const LIMIT: usize = 500;

/// What is asked: may this program use this account?
#[derive(Clone, Debug)]
pub struct Asked {
    /// What for.
    pub kind: PromptKind,
    /// The account's immutable id.
    pub account: String,
    /// Its name.
    pub profile: String,
    /// Its server: an answer is for this one.
    pub server_url: String,
    /// What its token covers: an answer is for no more.
    pub scopes: Vec<String>,
    /// When its token ends.
    pub token_expires_at: Option<Timestamp>,
    /// Who asks.
    pub program: ProgramView,
    /// The running program, where the system can tell.
    pub instance: Option<Instance>,
    /// The connection, which alone tells the caller from others where the system can't.
    pub connection: u64,
    /// The name that the caller gives itself.
    pub claimed_name: String,
    /// Whether it lives in a sandbox, a container or another namespace.
    pub foreign: bool,
}

impl Asked {
    /// Whether what is about to be given is what was asked about.
    pub fn covers(&self, server_url: &str, scopes: &[String]) -> bool {
        covers((&self.server_url, &self.scopes), (server_url, scopes))
    }
}

/// Whether an answer about this server and these scopes is one about those as well.
fn covers((server, scopes): (&str, &[String]), (other, wanted): (&str, &[String])) -> bool {
    server == other && wanted.iter().all(|scope| scopes.contains(scope))
}

/// A remembered answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Grant {
    id: String,
    account: String,
    server_url: String,
    scopes: Vec<String>,
    program: String,
    exe: Option<String>,
    signer: Option<String>,
    script: Option<String>,
    script_sha256: Option<String>,
    #[serde(default)]
    started_by: Vec<String>,
    created_at: Timestamp,
    /// For an answer that ends with the program; one without is for good.
    #[serde(skip)]
    running: Option<Running>,
    #[serde(skip)]
    uses: u32,
    #[serde(skip)]
    last_used_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Running {
    instance: Instance,
    allows: bool,
    /// For one call alone.
    once: bool,
    until: Timestamp,
}

impl Grant {
    /// The grant that remembers this answer; none where there is nothing to remember it by.
    pub fn new(id: String, asked: &Asked, decision: Decision, now: Timestamp) -> Option<Grant> {
        let running = |allows| {
            let until = now.checked_add(WHILE_RUNNING).unwrap_or(Timestamp::MAX);
            Some(Running { instance: asked.instance.clone()?, allows, once: false, until })
        };
        let running = match decision {
            Decision::Once => return None,
            Decision::Deny => Some(running(false)?),
            Decision::WhileRunning => Some(running(true)?),
            Decision::Always => None,
        };
        Some(Grant {
            id,
            account: asked.account.clone(),
            server_url: asked.server_url.clone(),
            scopes: asked.scopes.clone(),
            program: asked.program.name.clone().unwrap_or_default(),
            exe: asked.program.exe.clone(),
            signer: asked.program.signer.clone(),
            script: asked.program.script.clone(),
            script_sha256: asked.program.script_sha256.clone(),
            started_by: starters(&asked.program),
            created_at: now,
            running,
            uses: 0,
            last_used_at: None,
        })
    }

    /// A yes for the one call that comes next, for a moment.
    pub fn for_one_call(id: String, asked: &Asked, now: Timestamp) -> Option<Grant> {
        let mut grant = Grant::new(id, asked, Decision::WhileRunning, now)?;
        if let Some(running) = &mut grant.running {
            (running.once, running.until) = (true, now.checked_add(NEXT_CALL).unwrap_or(now));
        }
        Some(grant)
    }

    /// Names it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The account's immutable id.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Whether it is about this account.
    pub fn is_for(&self, account: &str) -> bool {
        self.account == account
    }

    /// Whether it is a yes to this program about this account.
    pub fn allows_program(&self, asked: &Asked) -> bool {
        let same_run = self.running.as_ref().is_none_or(|running| asked.instance.as_ref() == Some(&running.instance));
        self.allows() && self.account == asked.account && self.same_file(asked) && same_run
    }

    /// Whether it is a newer answer of the same kind to the same question: for good, about the same program; for one
    /// call, of the same running program.
    pub fn replaces(&self, old: &Grant) -> bool {
        self.account == old.account
            && match (&self.running, &old.running) {
                (None, None) => self.is_about(&old.exe, &old.signer, &old.script),
                (Some(new), Some(old)) => new.once && old.once && new.instance == old.instance,
                (None, Some(_)) | (Some(_), None) => false,
            }
    }

    /// Whether it outlives the program.
    pub fn is_for_good(&self) -> bool {
        self.running.is_none()
    }

    /// Whether it is for one call alone.
    pub fn is_for_one_call(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.once)
    }

    /// Whether it is about the program of this caller, whatever account it is for.
    pub fn is_of_caller(&self, caller: &CallerView) -> bool {
        let program = &caller.program;
        let same_file = self.exe == program.exe && self.script == program.script;
        same_file
            && match &self.running {
                Some(Running { instance, .. }) => {
                    Some(instance.pid) == program.pid && Some(&instance.started) == program.started.as_ref()
                }
                // In another namespace a path names another file.
                None => !caller.foreign && self.exe.is_some() && self.script_sha256 == program.script_sha256,
            }
    }

    fn allows(&self) -> bool {
        self.running.as_ref().is_none_or(|running| running.allows)
    }

    /// Whether it has ended by itself.
    pub fn is_over(&self, now: Timestamp, runs: impl Fn(&Instance) -> bool) -> bool {
        self.running.as_ref().is_some_and(|running| running.until <= now || !runs(&running.instance))
    }

    fn answers(&self, asked: &Asked, now: Timestamp, runs: impl Fn(&Instance) -> bool) -> bool {
        let covered = covers((&self.server_url, &self.scopes), (&asked.server_url, &asked.scopes));
        let same = self.account == asked.account && covered;
        if self.is_over(now, runs) {
            return false;
        }
        same && match &self.running {
            // Running another file, the same process is another program.
            Some(running) => asked.instance.as_ref() == Some(&running.instance) && self.same_file(asked),
            None => {
                always_off(asked).is_none() && self.is_of(asked) && self.script_sha256 == asked.program.script_sha256
            }
        }
    }

    /// Whether it is about this file, whatever is in it now; of a program that can't be seen, nobody can say.
    fn is_of(&self, asked: &Asked) -> bool {
        self.same_file(asked) && self.exe.is_some()
    }

    fn same_file(&self, asked: &Asked) -> bool {
        let ProgramView { exe, signer, script, .. } = &asked.program;
        self.is_about(exe, signer, script)
    }

    /// A signed program is the same wherever an update has put it (REQ-I5); any other is its file.
    fn is_about(&self, exe: &Option<String>, signer: &Option<String>, script: &Option<String>) -> bool {
        let same_program = self.signer == *signer && (signer.is_some() || self.exe == *exe);
        same_program && self.script == *script
    }

    /// The script that was answered for good, for a look at what it is now.
    fn script_as_answered(&self) -> Option<Script> {
        let (Some(path), Some(sha256), true) = (&self.script, &self.script_sha256, self.is_for_good()) else {
            return None;
        };
        Some(Script { path: path.into(), sha256: sha256.clone() })
    }

    /// As a list shows it, for the account of this name.
    pub fn view(&self, profile: String) -> GrantView {
        let decision = match &self.running {
            None => Decision::Always,
            Some(Running { once: true, .. }) => Decision::Once,
            Some(Running { allows: true, .. }) => Decision::WhileRunning,
            Some(Running { allows: false, .. }) => Decision::Deny,
        };
        GrantView {
            grant: self.id.clone(),
            profile,
            program: self.program.clone(),
            exe: self.exe.clone(),
            script: self.script.clone(),
            started_by: self.started_by.clone(),
            changed_at: None,
            pid: self.running.as_ref().map(|running| running.instance.pid),
            inherited: false,
            gateway: false,
            decision,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            uses: self.uses,
            expires_at: self.running.as_ref().map(|running| running.until),
        }
    }
}

/// Who started a program, by name, the oldest first: the processes before the one that an answer is remembered for.
pub(crate) fn starters(program: &ProgramView) -> Vec<String> {
    let before = program.chain.iter().take_while(|process| !process.remembered);
    before.map(|process| process.name.clone()).collect()
}

/// Why an answer for good isn't offered: what can't be told from others, or be replaced by any program of this user,
/// would get access for all of them (REQ-I5).
pub fn always_off(asked: &Asked) -> Option<AlwaysOff> {
    if asked.kind == PromptKind::Restricted {
        return Some(AlwaysOff::Restricted);
    }
    if asked.foreign {
        return Some(AlwaysOff::Unidentified);
    }
    match asked.program.confidence {
        Confidence::PidOnly | Confidence::Unknown => Some(AlwaysOff::Unidentified),
        _ if asked.program.others_can_change => Some(AlwaysOff::OthersCanChange),
        Confidence::Hash => Some(AlwaysOff::ReplaceableByUser),
        Confidence::Signed | Confidence::System | Confidence::Script => None,
    }
}

/// All remembered answers.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    grants: Vec<Grant>,
}

impl Grants {
    /// With those that hold for good.
    pub fn with(kept: &[Grant]) -> Grants {
        Grants { grants: kept.to_vec() }
    }

    /// What was answered to this question before: yes or no, if anything.
    pub fn look(&self, asked: &Asked, now: Timestamp, runs: impl Fn(&Instance) -> bool) -> Option<bool> {
        self.grants.iter().rev().find(|grant| grant.answers(asked, now, &runs)).map(Grant::allows)
    }

    /// The same, and counts as a use.
    pub fn answer(&mut self, asked: &Asked, now: Timestamp, runs: impl Fn(&Instance) -> bool) -> Option<bool> {
        // The latest answer is the one that counts.
        let grant = self.grants.iter_mut().rev().find(|grant| grant.answers(asked, now, &runs))?;
        grant.uses = grant.uses.saturating_add(1);
        grant.last_used_at = Some(now);
        let allows = grant.allows();
        if grant.running.as_ref().is_some_and(|running| running.once) {
            let id = grant.id.clone();
            self.remove(&id);
        }
        Some(allows)
    }

    /// The remembered answer that this question has.
    pub fn which(&self, asked: &Asked, now: Timestamp, runs: impl Fn(&Instance) -> bool) -> Option<&str> {
        self.grants.iter().rev().find(|grant| grant.answers(asked, now, &runs)).map(Grant::id)
    }

    /// When the file of this program was allowed for good with another content.
    pub fn allowed_before(&self, asked: &Asked) -> Option<Timestamp> {
        let changed = |grant: &Grant| grant.is_of(asked) && grant.script_sha256 != asked.program.script_sha256;
        let about = |grant: &&Grant| grant.is_for_good() && grant.account == asked.account && changed(grant);
        self.grants.iter().find(about).map(|grant| grant.created_at)
    }

    /// Remembers one. An answer for good replaces the one that it changes.
    pub fn add(&mut self, grant: Grant) {
        self.grants.retain(|old| !grant.replaces(old));
        if self.grants.len() >= LIMIT {
            let oldest = self.grants.iter().position(|old| !old.is_for_good()).unwrap_or_default();
            self.grants.remove(oldest);
        }
        self.grants.push(grant);
    }

    /// Forgets one; gives it, if it was there.
    pub fn remove(&mut self, id: &str) -> Option<Grant> {
        let place = self.grants.iter().position(|grant| grant.id == id)?;
        Some(self.grants.remove(place))
    }

    /// Forgets those whose program has ended, or whose time is up.
    pub fn tidy(&mut self, now: Timestamp, runs: impl Fn(&Instance) -> bool) {
        self.grants.retain(|grant| !grant.is_over(now, &runs));
    }

    /// Forgets all that don't hold for good.
    pub fn forget_running(&mut self) {
        self.grants.retain(Grant::is_for_good);
    }

    /// Forgets those of an account; tells whether one of them held for good.
    pub fn forget_account(&mut self, account: &str) -> bool {
        let before = self.for_good().len();
        self.grants.retain(|grant| grant.account != account);
        self.for_good().len() != before
    }

    /// The one of this id.
    pub fn get(&self, id: &str) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.id == id)
    }

    /// Whether this one is there, and whether it holds for good.
    pub fn holds_for_good(&self, id: &str) -> Option<bool> {
        self.get(id).map(Grant::is_for_good)
    }

    /// Those that hold for good.
    pub fn for_good(&self) -> Vec<Grant> {
        self.grants.iter().filter(|grant| grant.is_for_good()).cloned().collect()
    }

    /// All of them.
    pub fn all(&self) -> &[Grant] {
        &self.grants
    }

    /// The scripts that were answered for good, by the answer's name.
    pub(crate) fn scripts(&self) -> HashMap<String, Script> {
        self.grants.iter().filter_map(|grant| Some((grant.id.clone(), grant.script_as_answered()?))).collect()
    }

    /// As a list shows them, the oldest first, for the accounts that `name` knows.
    pub fn views(&self, name: impl Fn(&Grant) -> Option<String>) -> Vec<GrantView> {
        self.grants.iter().filter_map(|grant| Some(grant.view(name(grant)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(confidence: Confidence) -> Asked {
        let instance = Instance { pid: 7, started: "99".into() };
        Asked {
            kind: PromptKind::Program,
            account: "a".into(),
            profile: "linear".into(),
            server_url: "https://mcp.example/".into(),
            scopes: vec!["read".into()],
            token_expires_at: None,
            program: ProgramView {
                name: Some("bot.py".into()),
                exe: Some("/usr/bin/python3".into()),
                script: Some("/home/ada/bot.py".into()),
                script_sha256: Some("aa".into()),
                confidence,
                ..ProgramView::default()
            },
            instance: Some(instance),
            connection: 0,
            claimed_name: String::new(),
            foreign: false,
        }
    }

    fn now() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().expect("a time")
    }

    fn after(decision: Decision, asked: &Asked) -> Grants {
        let mut grants = Grants::default();
        grants.add(Grant::new("g".into(), asked, decision, now()).expect("remembered"));
        grants
    }

    #[test]
    fn an_answer_for_a_running_program_is_for_that_process_account_server_and_scope_alone() {
        let first = asked(Confidence::PidOnly);
        let mut grants = after(Decision::WhileRunning, &first);
        assert_eq!(grants.answer(&first, now(), |_| true), Some(true));
        let other = |change: &dyn Fn(&mut Asked)| {
            let mut asked = first.clone();
            change(&mut asked);
            asked
        };
        for asked in [
            other(&|asked| asked.instance = Some(Instance { pid: 7, started: "100".into() })),
            other(&|asked| asked.instance = Some(Instance { pid: 8, started: "99".into() })),
            other(&|asked| asked.instance = None),
            other(&|asked| asked.account = "b".into()),
            other(&|asked| asked.server_url = "https://evil.example/".into()),
            other(&|asked| asked.scopes.push("write".into())),
            other(&|asked| asked.program.exe = Some("/tmp/evil".into())),
        ] {
            assert_eq!(grants.answer(&asked, now(), |_| true), None, "{asked:?}");
        }
        assert_eq!(grants.answer(&first, now() + WHILE_RUNNING, |_| true), None);
        assert_eq!(grants.answer(&first, now(), |_| false), None);
        assert_eq!(after(Decision::Deny, &first).answer(&first, now(), |_| true), Some(false));
        assert!(Grant::new("g".into(), &first, Decision::Once, now()).is_none());
    }

    #[test]
    fn a_yes_for_one_call_is_used_up_by_it_however_often_it_was_said_and_not_by_a_look() {
        let first = asked(Confidence::PidOnly);
        let mut grants = Grants::default();
        for id in ["a", "b", "c"] {
            grants.add(Grant::for_one_call(id.into(), &first, now()).expect("remembered"));
        }
        assert_eq!(grants.look(&first, now(), |_| true), Some(true));
        assert_eq!(grants.answer(&first, now(), |_| true), Some(true));
        assert_eq!(grants.answer(&first, now(), |_| true), None);
        grants.add(Grant::for_one_call("d".into(), &first, now()).expect("remembered"));
        assert_eq!(grants.look(&first, now() + NEXT_CALL, |_| true), None);
    }

    #[test]
    fn an_answer_for_good_is_for_the_file_as_it_was_and_outlives_the_process() {
        let first = asked(Confidence::Script);
        let mut grants = after(Decision::Always, &first);
        let mut later = first.clone();
        later.instance = Some(Instance { pid: 1234, started: "5".into() });
        assert_eq!(grants.answer(&later, now(), |_| true), Some(true));
        let mut changed = later.clone();
        changed.program.script_sha256 = Some("bb".into());
        assert_eq!((grants.answer(&changed, now(), |_| true), grants.allowed_before(&changed)), (None, Some(now())));
        let mut open = later.clone();
        open.program.others_can_change = true;
        assert_eq!(grants.answer(&open, now(), |_| true), None);
        later.program.script = None;
        assert_eq!(grants.answer(&later, now(), |_| true), None);
        // What lies in the keyring comes back as what it was.
        let kept = serde_json::to_string(&grants.for_good()).expect("written");
        let back: Vec<Grant> = serde_json::from_str(&kept).expect("read");
        assert_eq!(Grants::with(&back).answer(&first, now(), |_| true), Some(true));
    }

    #[test]
    fn a_signed_program_stays_itself_when_an_update_moves_it_and_another_signer_is_another() {
        let mut first = asked(Confidence::Signed);
        (first.program.script, first.program.script_sha256) = (None, None);
        first.program.signer = Some("Example Ltd: Client".into());
        let mut grants = after(Decision::Always, &first);
        let mut moved = first.clone();
        moved.program.exe = Some(r"C:\Program Files\Example\2.0\client.exe".into());
        assert_eq!(grants.answer(&moved, now(), |_| true), Some(true));
        for signer in [None, Some("Example Ltd: Other".to_owned())] {
            let mut other = first.clone();
            other.program.signer = signer;
            assert_eq!(grants.answer(&other, now(), |_| true), None);
        }
        grants.add(Grant::new("second".into(), &moved, Decision::Always, now()).expect("remembered"));
        assert_eq!(grants.for_good().len(), 1);
    }

    #[test]
    fn only_what_can_be_told_apart_is_offered_an_answer_for_good() {
        let off = |confidence| always_off(&asked(confidence));
        assert_eq!(off(Confidence::Unknown), Some(AlwaysOff::Unidentified));
        assert_eq!(off(Confidence::PidOnly), Some(AlwaysOff::Unidentified));
        assert_eq!(off(Confidence::Hash), Some(AlwaysOff::ReplaceableByUser));
        assert_eq!((off(Confidence::Script), off(Confidence::System)), (None, None));
        let open = ProgramView { others_can_change: true, ..asked(Confidence::Script).program };
        let open = Asked { program: open, ..asked(Confidence::Script) };
        assert_eq!(always_off(&open), Some(AlwaysOff::OthersCanChange));
        assert_eq!(always_off(&Asked { foreign: true, ..asked(Confidence::System) }), Some(AlwaysOff::Unidentified));
    }
}
