//! What happened: told to the record by whoever answers a request, and read from it for a person.

use super::{Api, PAGE, wait};
use crate::account::{Account, Issued, because};
use crate::activity::{self, Activity, Call, Wanted};
use crate::caller::Caller;
use crate::clock::now;
use crate::error::Error;
use crate::grants::{Asked, Grant};
use crate::keys::Key;
use crate::shown;
use crate::timeline::{self, Present};
use keybearer_oauth::readable::readable;
use keybearer_protocol::Method;
use keybearer_protocol::activity::{
    ActivityEntry, ActivityFilter, ActivityFollowParams, ActivityFollowReply, ActivityKind, ActivityListParams,
    ActivityListReply, ActivitySetAsideReply, ActivityVerifyReply,
};
use keybearer_protocol::prompt::Decision;
use keybearer_protocol::session::CallerView;
use keybearer_protocol::timeline::Timeline;
use keybearer_protocol::token::{HeaderGet, TokenGet};
use serde_json::Value;

/// The most rows that a day is made of, the newest; and their length in bytes.
const DAY: u32 = 2000;
const DAY_BYTES: usize = 2 * 1024 * 1024;

impl Api {
    pub(super) async fn activity(&self, params: ActivityListParams) -> Result<ActivityListReply, Error> {
        let limit = params.limit.unwrap_or(u32::MAX).max(1);
        let page = self.record().list(self.wanted(params.filter), params.before, limit, PAGE).await?;
        Ok(ActivityListReply { rows: page.rows, more: page.more, newest: page.seen })
    }

    pub(super) async fn follow_activity(&self, params: ActivityFollowParams) -> Result<ActivityFollowReply, Error> {
        let wanted = self.wanted(params.filter);
        let page = self.record().follow(wanted, params.seen, wait(params.wait_ms), PAGE).await?;
        Ok(ActivityFollowReply { rows: page.rows, seen: page.seen, more: page.more })
    }

    /// The last day of an account's tokens.
    pub(super) async fn timeline(&self, target: &str) -> Result<Timeline, Error> {
        let account = self.loaded(target).await?;
        let detail = account.detail();
        let present = Present {
            received_at: detail.received_at,
            expires_at: detail.account.expires_at,
            renews_at: detail.renews_at,
        };
        let rows = self.last_day(Some(account.id().to_owned()), &timeline::KINDS).await?;
        let sleeps = self.last_day(None, &[ActivityKind::Slept]).await?;
        Ok(timeline::timeline(&rows, &sleeps, present, now()))
    }

    /// The rows of these kinds, the oldest first, with one that is older than a day: what it tells may hold within.
    async fn last_day(&self, account: Option<String>, kinds: &[ActivityKind]) -> Result<Vec<ActivityEntry>, Error> {
        let wanted = Wanted { account, profile: None, program: None, kinds: names(kinds) };
        let page = self.record().list(wanted, None, DAY, DAY_BYTES).await?;
        let since = timeline::since(now());
        let mut rows: Vec<ActivityEntry> = page.rows.into_iter().map(|row| row.entry).collect();
        let older = rows.iter().position(|row| row.at < since && row.kind != ActivityKind::RefreshFailed);
        rows.truncate(older.map_or(rows.len(), |place| place + 1));
        // Clocks are set: the order of the record is not always that of time.
        rows.sort_by_key(|row| row.at);
        Ok(rows)
    }

    pub(super) async fn verify_activity(&self) -> Result<ActivityVerifyReply, Error> {
        let look = self.record().verify().await?;
        Ok(ActivityVerifyReply {
            rows: look.rows,
            first: look.first,
            last: look.last,
            hash: look.hash,
            problem: look.problem.map(|problem| problem.to_string()),
        })
    }

    pub(super) async fn set_activity_aside(&self, caller: &Caller) -> Result<ActivitySetAsideReply, Error> {
        let file = self.record().set_aside(caller).await?;
        Ok(ActivitySetAsideReply { file: file.map(|file| file.display().to_string()) })
    }

    /// A caller got no further than to connect, for a reason with this stable name.
    pub fn note_turned_away(&self, caller: &CallerView, cause: &str) {
        let kind = ActivityKind::ConnectionRefused;
        // Those of no known program are one to whoever reads.
        let call = Call { caller, connection: 0, kind, account: "", generation: 0, outcome: cause };
        self.record().call(&call, || {
            let (caller, cause) = (Some(activity::stranger(caller)), Some(cause.to_owned()));
            ActivityEntry { caller, cause, ..ActivityEntry::new(kind, now()) }
        });
    }

    /// A program got what it asked for. Of equal calls nothing is made but a count.
    pub(super) fn note_given(
        &self,
        kind: ActivityKind,
        caller: &Caller,
        account: &Account,
        issued: Option<&Issued>,
        asked: Option<&Asked>,
        reason: Option<&str>,
    ) {
        let generation = issued.map_or(0, |issued| issued.generation);
        let outcome = if issued.is_none_or(|issued| issued.from_cache) { "at_hand" } else { "renewed" };
        let (view, connection) = (&caller.view, caller.connection.number);
        let call = Call { caller: view, connection, kind, account: account.id(), generation, outcome };
        self.record().call(&call, || ActivityEntry {
            scopes: issued.map(|issued| shown::scopes(&issued.scopes)).unwrap_or_default(),
            resource: issued.and_then(|issued| issued.resource.as_deref()).map(shown::text),
            grant: asked.and_then(|asked| self.consent.grant_of(asked)),
            caller: Some(activity::caller(caller)),
            from_cache: issued.map(|issued| issued.from_cache),
            expires_at: issued.and_then(|issued| issued.expires_at),
            token_sha256: issued.map(|issued| activity::mark(&issued.access_token)),
            reason: reason.map(shown::claim),
            ..account.happened(kind)
        });
    }

    /// A program got nothing.
    pub(super) fn note_refused(&self, caller: &Caller, target: Option<&str>, reason: Option<&str>, error: &Error) {
        let account = target.and_then(|target| self.accounts.find(target).ok());
        let id = account.as_ref().map_or("", |account| account.id());
        let outcome = error.to_object().data.name;
        let (view, connection, kind) = (&caller.view, caller.connection.number, ActivityKind::Refused);
        let call = Call { caller: view, connection, kind, account: id, generation: 0, outcome: &outcome };
        self.record().call(&call, || {
            let entry = match &account {
                Some(account) => account.happened(kind),
                None => ActivityEntry {
                    profile: target.map(|target| shown::text(&readable(target))),
                    ..ActivityEntry::new(kind, now())
                },
            };
            let (caller, reason) = (Some(activity::caller(caller)), reason.map(shown::claim));
            because(error, ActivityEntry { caller, reason, ..entry })
        });
    }

    /// The same while nothing is given out at all.
    pub(super) fn note_locked_out(&self, caller: &Caller, method: &str, params: &Value) {
        if [TokenGet::NAME, HeaderGet::NAME].contains(&method) {
            let text = |name: &str| params.get(name).and_then(Value::as_str);
            let target = text("profile").or(text("server_url")).or(text("url"));
            self.note_refused(caller, target, text("reason"), &Error::Locked);
        }
    }

    /// Something happened because this caller wanted it.
    pub(super) fn note(&self, caller: &Caller, entry: ActivityEntry) {
        self.record().add(ActivityEntry { caller: Some(activity::caller(caller)), ..entry });
    }

    /// What guards the tokens was changed, in a way that has this word.
    pub(super) fn note_protection(&self, caller: &Caller, account: Option<&Account>, word: &str) {
        let kind = ActivityKind::ProtectionChanged;
        let entry = account.map_or_else(|| ActivityEntry::new(kind, now()), |account| account.happened(kind));
        self.note(caller, ActivityEntry { cause: Some(word.to_owned()), ..entry });
    }

    /// Something of this kind happened to a remembered answer.
    pub(super) fn note_grant(&self, kind: ActivityKind, caller: &Caller, grant: &Grant) {
        let account = self.accounts.with_id(grant.account());
        let view = grant.view(account.map(|account| account.name()).unwrap_or_default());
        self.note(
            caller,
            ActivityEntry {
                profile: Some(view.profile).filter(|name| !name.is_empty()),
                account: Some(grant.account().to_owned()),
                decision: Some(view.decision),
                grant: Some(view.grant),
                cause: Some(shown::text(&view.program)).filter(|program| !program.is_empty()),
                ..ActivityEntry::new(kind, now())
            },
        );
    }

    pub(super) fn note_key_removed(&self, caller: &Caller, key: &Key) {
        let account = self.accounts.with_id(key.account());
        self.note(
            caller,
            ActivityEntry {
                profile: account.map(|account| account.name()),
                account: Some(key.account().to_owned()),
                decision: Some(Decision::Always),
                grant: Some(key.id().to_owned()),
                cause: Some(shown::text(key.client())),
                ..ActivityEntry::new(ActivityKind::GrantRevoked, now())
            },
        );
    }

    fn record(&self) -> &Activity {
        &self.accounts.context().activity
    }

    /// What a filter means: an account that is there is looked for under all its names.
    fn wanted(&self, filter: ActivityFilter) -> Wanted {
        let account = filter.profile.as_deref().and_then(|name| self.accounts.find(name).ok());
        Wanted {
            profile: filter.profile.filter(|_| account.is_none()),
            account: account.map(|account| account.id().to_owned()),
            program: filter.program,
            kinds: names(&filter.kinds),
        }
    }
}

/// What these kinds are called in the record.
fn names(kinds: &[ActivityKind]) -> Vec<String> {
    kinds.iter().filter_map(|kind| serde_json::to_value(kind).ok()?.as_str().map(str::to_owned)).collect()
}
