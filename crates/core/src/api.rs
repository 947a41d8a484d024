//! The words of the protocol, answered: each method is one request to the accounts.

/// What happened, told to the record and read from it.
mod activity;
/// The MCP clients on this computer.
mod clients;
/// What a window asks beside the accounts.
mod desktop;
/// Connections that become a pipe to a server.
mod bridge;
/// The keys of the gateway.
mod gateway;
/// Callers that are no program of this user by themselves.
mod guests;
/// One program's way to one account's server.
mod pass;
/// Accounts in a file, for another computer.
mod transfer;
/// Where everything lies.
mod vault;

pub use gateway::{GATEWAY_PORTS, KEY_HEADER};
pub use pass::Pass;

use crate::account::{Account, Authorized, SignedOut, Way};
use crate::accounts::{Accounts, Change, NewAccount};
use crate::activity::mark;
use crate::browser::Browser;
use crate::caller::{Caller, Standing};
use crate::clients::ClientFiles;
use crate::clock::now;
use crate::consent::{Asking, Consent};
use crate::error::Error;
use crate::events::Events;
use crate::grants::Asked;
use crate::locking::Locking;
use crate::profile::Settings;
use crate::refresh::Want;
use crate::repeats::Repeats;
use crate::undo::{WayBack, WaysBack};
use crate::upstream::{Access, Headers};
use desktop::Glance;
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::ServerUrl;
use keybearer_oauth::challenge::Challenge;
use keybearer_oauth::dpop::is_about_proof;
use keybearer_oauth::readable::readable;
use keybearer_protocol::account::{
    AccountApproval, AccountCopyToken, AccountRefresh, AccountSignOut, AccountTest, AccountTools, CopiedToken,
    SignOutReply, TestReply, ToolsReply,
};
use keybearer_protocol::activity::{
    ActivityEntry, ActivityFollow, ActivityKind, ActivityList, ActivitySetAside, ActivityVerify,
};
use keybearer_protocol::agent::{
    AgentLock, AgentPause, AgentPing, AgentResume, AgentStatus, AgentStop, AgentUnlock, AgentWatch, StartedBy,
};
use keybearer_protocol::auth::{
    AuthCancel, AuthComplete, AuthStart, AuthStartParams, AuthStatus, AuthStatusParams, AuthView,
};
use keybearer_protocol::clients::{ClientsApply, ClientsPreview, ClientsScan, ClientsServers, ClientsUndo};
use keybearer_protocol::events::{EventsReply, EventsSubscribe, EventsUnsubscribe};
use keybearer_protocol::gateway::{GatewayAddKey, GatewayStatus};
use keybearer_protocol::grant::{
    GrantList, GrantRequest, GrantRequestParams, GrantRequestReply, GrantRestore, GrantRevoke,
};
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::{
    AccountDetail, AccountView, ProfileAdd, ProfileAddParams, ProfileList, ProfileListParams, ProfileListReply,
    ProfileRemove, ProfileRename, ProfileRestore, ProfileShow, ProfileUpdate, ProfileUpdateParams,
};
use keybearer_protocol::prompt::{PromptAnswer, PromptNext, PromptRegister};
use keybearer_protocol::restricted::{RestrictedAllow, RestrictedDisallow, RestrictedList};
use keybearer_protocol::session::SessionDelegate;
use keybearer_protocol::settings::{SettingsGet, SettingsSet};
use keybearer_protocol::timeline::AccountTimeline;
use keybearer_protocol::token::{
    HeaderGet, HeaderGetParams, HeaderReply, RefusalReason, TokenGet, TokenGetParams, TokenInvalidate,
    TokenInvalidateParams, TokenInvalidateReply, TokenReply,
};
use keybearer_protocol::transfer::{TransferExport, TransferImport};
use keybearer_protocol::undo::Undoable;
use keybearer_protocol::vault::{VaultMove, VaultPassphrase, VaultStatus};
use keybearer_protocol::{Door, ErrorCode, ErrorObject, Method};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// The most that a page of accounts holds, in bytes: it fits a frame of 64 KiB.
const PAGE: usize = 48 * 1024;
/// How often what is given may turn out to be something else than what was asked about.
const TRIES: usize = 3;
/// The most that a method of HTTP holds, in bytes.
const METHOD_LIMIT: usize = 32;
/// The most that a follower waits for a change of a sign-in.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Answers requests.
pub struct Api {
    accounts: Arc<Accounts>,
    consent: Arc<Consent>,
    clients: Arc<dyn ClientFiles>,
    ways_back: Arc<WaysBack>,
    locking: Arc<Locking>,
    events: Arc<Events>,
    started_at: Timestamp,
    started_by: StartedBy,
    stop: Arc<Notify>,
    repeats: Repeats,
    /// What a window would have shown at the last look.
    glanced: Mutex<Glance>,
}

/// The names of the methods on a connection that was handed on, for `session.open`.
pub fn inherited_capabilities() -> Vec<String> {
    guests::INHERITED.map(str::to_owned).into()
}

impl Api {
    /// The API over these accounts; `stop` is told when somebody asks the agent to stop.
    pub fn new(
        accounts: Arc<Accounts>,
        consent: Consent,
        clients: Arc<dyn ClientFiles>,
        started_by: StartedBy,
        stop: Arc<Notify>,
    ) -> Self {
        let consent = Arc::new(consent);
        let ways_back = WaysBack::new(accounts.clone());
        let locking = Locking::start(accounts.clone(), consent.clone(), ways_back.clone());
        let events = Events::new(accounts.clone(), consent.clone());
        let (repeats, glanced) = Default::default();
        Api {
            accounts,
            consent,
            clients,
            ways_back,
            locking,
            events,
            started_at: now(),
            started_by,
            stop,
            repeats,
            glanced,
        }
    }

    /// Answers one request that came through this door.
    pub async fn answer(
        &self,
        door: Door,
        caller: &Caller,
        name: &str,
        params: Value,
    ) -> Result<Box<RawValue>, ErrorObject> {
        tracing::debug!(method = %readable(name), door = door.name(), pid = caller.view.pid, "request");
        let guest = self.guest(door, caller);
        let caller = guest.as_ref().unwrap_or(caller);
        let params = self.for_guest(caller, name, params)?;
        if door == Door::Admin && !is_question(name) {
            self.locking.notice();
        }
        if answers_while_locked(name) {
            return self.answer_open(door, caller, name, params).await;
        }
        // A keyring that can't tell keeps its own secrets; what needs them will say so.
        if matches!(self.consent.is_locked().await, Ok(true)) {
            self.note_locked_out(caller, name, &params);
            return Err(Error::Locked.to_object());
        }
        let answer = self.until_locked(self.answer_open(door, caller, name, params)).await;
        answer.unwrap_or_else(|| Err(Error::Locked.to_object()))
    }

    /// What comes of this, unless the lock falls: whoever waits for a server or a person then waits no longer, and gets
    /// nothing. What is ready at once waits for nothing.
    async fn until_locked<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let lock = &self.accounts.context().lock;
        let done = tokio::select! {
            biased;
            done = work => Some(done),
            () = lock.falls() => None,
        };
        done.filter(|_| !lock.is_set())
    }

    /// Answers a request that no lock stands in the way of.
    async fn answer_open(
        &self,
        door: Door,
        caller: &Caller,
        name: &str,
        params: Value,
    ) -> Result<Box<RawValue>, ErrorObject> {
        match name {
            TokenGet::NAME => reply::<TokenGet, _>(door, params, async |p| self.token(caller, p).await).await,
            HeaderGet::NAME => reply::<HeaderGet, _>(door, params, async |p| self.header(caller, p).await).await,
            // These are asked again and again: they needn't carry the room that the others take.
            _ => Box::pin(self.answer_other(door, caller, name, params)).await,
        }
    }

    /// Answers what is asked less often.
    #[expect(clippy::too_many_lines, reason = "a table: one arm for each method")]
    async fn answer_other(
        &self,
        door: Door,
        caller: &Caller,
        name: &str,
        params: Value,
    ) -> Result<Box<RawValue>, ErrorObject> {
        match name {
            TokenInvalidate::NAME => {
                reply::<TokenInvalidate, _>(door, params, async |p| self.invalidate(caller, p).await).await
            }
            ProfileList::NAME => {
                reply::<ProfileList, _>(door, params, async |p| self.list(door, caller, p).await).await
            }
            ProfileShow::NAME => {
                reply::<ProfileShow, _>(door, params, async |p| self.detail(&*self.loaded(&p.profile).await?).await)
                    .await
            }
            ProfileAdd::NAME => reply::<ProfileAdd, _>(door, params, async |p| self.add(caller, p).await).await,
            ProfileUpdate::NAME => {
                reply::<ProfileUpdate, _>(door, params, async |p| self.update(caller, p).await).await
            }
            ProfileRemove::NAME => {
                reply::<ProfileRemove, _>(door, params, async |p| self.remove(caller, &p.profile).await).await
            }
            ProfileRestore::NAME => {
                reply::<ProfileRestore, _>(door, params, async |p| self.restore(caller, p.undo).await).await
            }
            ProfileRename::NAME => {
                reply::<ProfileRename, _>(door, params, async |p| self.rename(caller, &p.profile, &p.name)).await
            }
            AuthStart::NAME => reply::<AuthStart, _>(door, params, async |p| self.start(p).await).await,
            AuthStatus::NAME => reply::<AuthStatus, _>(door, params, async |p| self.follow(p).await).await,
            AuthCancel::NAME => {
                reply::<AuthCancel, _>(door, params, async |p| {
                    self.accounts.find(&p.profile)?.cancel_sign_in().await?;
                    Ok(Empty {})
                })
                .await
            }
            AuthComplete::NAME => {
                reply::<AuthComplete, _>(door, params, async |p| self.accounts.complete(&p.url).await).await
            }
            AccountSignOut::NAME => {
                reply::<AccountSignOut, _>(door, params, async |p| self.sign_out(caller, &p.profile).await).await
            }
            AccountTest::NAME => reply::<AccountTest, _>(door, params, async |p| self.test(&p.profile).await).await,
            AccountRefresh::NAME => {
                reply::<AccountRefresh, _>(door, params, async |p| {
                    let account = self.accounts.find(&p.profile)?;
                    account.renew_now().await?;
                    Ok(account.view())
                })
                .await
            }
            AccountTools::NAME => reply::<AccountTools, _>(door, params, async |p| self.tools(&p.profile).await).await,
            AccountCopyToken::NAME => {
                reply::<AccountCopyToken, _>(door, params, async |p| self.copy_token(caller, &p.profile).await).await
            }
            AccountApproval::NAME => {
                reply::<AccountApproval, _>(door, params, async |p| self.choose_approval(caller, p).await).await
            }
            AccountTimeline::NAME => {
                reply::<AccountTimeline, _>(door, params, async |p| self.timeline(&p.profile).await).await
            }
            PromptRegister::NAME => {
                reply::<PromptRegister, _>(door, params, async |_| self.register(caller).await).await
            }
            PromptNext::NAME => reply::<PromptNext, _>(door, params, async |p| self.prompts(caller, p).await).await,
            PromptAnswer::NAME => {
                reply::<PromptAnswer, _>(door, params, async |p| self.answer_prompt(caller, p).await).await
            }
            GrantRequest::NAME => {
                reply::<GrantRequest, _>(door, params, async |p| self.request_grant(caller, p).await).await
            }
            GrantList::NAME => reply::<GrantList, _>(door, params, async |p| self.grants(door, caller, p).await).await,
            GrantRevoke::NAME => {
                reply::<GrantRevoke, _>(door, params, async |p| self.revoke(door, caller, &p.grant).await).await
            }
            GrantRestore::NAME => {
                reply::<GrantRestore, _>(door, params, async |p| self.restore_grant(caller, &p.undo).await).await
            }
            SessionDelegate::NAME => {
                reply::<SessionDelegate, _>(door, params, async |p| self.delegate(caller, p).await).await
            }
            RestrictedList::NAME => reply::<RestrictedList, _>(door, params, async |_| self.restricted().await).await,
            RestrictedAllow::NAME => {
                reply::<RestrictedAllow, _>(door, params, async |p| self.restrict(caller, &p.profile, true).await).await
            }
            RestrictedDisallow::NAME => {
                reply::<RestrictedDisallow, _>(door, params, async |p| self.restrict(caller, &p.profile, false).await)
                    .await
            }
            GatewayStatus::NAME => reply::<GatewayStatus, _>(door, params, async |_| self.gateway().await).await,
            GatewayAddKey::NAME => {
                reply::<GatewayAddKey, _>(door, params, async |p| self.add_key(caller, p).await).await
            }
            ClientsScan::NAME => reply::<ClientsScan, _>(door, params, async |p| self.scan_clients(p).await).await,
            ClientsServers::NAME => {
                reply::<ClientsServers, _>(door, params, async |p| self.servers_of_clients(p).await).await
            }
            ClientsPreview::NAME => {
                reply::<ClientsPreview, _>(door, params, async |p| self.preview_client(p).await).await
            }
            ClientsApply::NAME => {
                reply::<ClientsApply, _>(door, params, async |p| self.apply_client(caller, p).await).await
            }
            ClientsUndo::NAME => {
                reply::<ClientsUndo, _>(door, params, async |p| self.undo_client(caller, p).await).await
            }
            EventsSubscribe::NAME => {
                reply::<EventsSubscribe, _>(door, params, async |p| {
                    Ok(EventsReply { topics: self.events.subscribe(door, caller, &p.topics)? })
                })
                .await
            }
            EventsUnsubscribe::NAME => {
                reply::<EventsUnsubscribe, _>(door, params, async |p| {
                    Ok(EventsReply { topics: self.events.unsubscribe(caller, p.topics.as_deref()) })
                })
                .await
            }
            SettingsGet::NAME => reply::<SettingsGet, _>(door, params, async |_| self.settings().await).await,
            SettingsSet::NAME => {
                reply::<SettingsSet, _>(door, params, async |p| self.change_settings(caller, p).await).await
            }
            AgentPing::NAME => reply::<AgentPing, _>(door, params, async |_| Ok(Empty {})).await,
            AgentStatus::NAME => reply::<AgentStatus, _>(door, params, async |_| Ok(self.status().await)).await,
            AgentWatch::NAME => reply::<AgentWatch, _>(door, params, async |p| Ok(self.watch(p).await)).await,
            AgentLock::NAME => reply::<AgentLock, _>(door, params, async |_| Ok(self.lock(caller).await)).await,
            AgentUnlock::NAME => reply::<AgentUnlock, _>(door, params, async |p| self.unlock(caller, p).await).await,
            AgentPause::NAME => reply::<AgentPause, _>(door, params, async |p| self.pause(caller, p).await).await,
            AgentResume::NAME => reply::<AgentResume, _>(door, params, async |_| self.resume(caller).await).await,
            TransferExport::NAME => {
                reply::<TransferExport, _>(door, params, async |p| self.export(caller, p).await).await
            }
            TransferImport::NAME => {
                reply::<TransferImport, _>(door, params, async |p| self.import(caller, p).await).await
            }
            VaultStatus::NAME => reply::<VaultStatus, _>(door, params, async |_| Ok(self.vault_status().await)).await,
            VaultMove::NAME => reply::<VaultMove, _>(door, params, async |p| self.move_vault(caller, p).await).await,
            VaultPassphrase::NAME => {
                reply::<VaultPassphrase, _>(door, params, async |p| self.change_passphrase(caller, p).await).await
            }
            ActivityList::NAME => reply::<ActivityList, _>(door, params, async |p| self.activity(p).await).await,
            ActivityFollow::NAME => {
                reply::<ActivityFollow, _>(door, params, async |p| self.follow_activity(p).await).await
            }
            ActivityVerify::NAME => {
                reply::<ActivityVerify, _>(door, params, async |_| self.verify_activity().await).await
            }
            ActivitySetAside::NAME => {
                reply::<ActivitySetAside, _>(door, params, async |_| self.set_activity_aside(caller).await).await
            }
            AgentStop::NAME => {
                reply::<AgentStop, _>(door, params, async |_| {
                    self.stop.notify_one();
                    Ok(Empty {})
                })
                .await
            }
            other => Err(not_behind(door, other)),
        }
    }

    /// Reads what the keyring has, so that sign-ins from before a restart go on; of a locked agent, nothing.
    pub async fn wake(&self) {
        if matches!(self.consent.is_locked().await, Ok(false)) {
            self.accounts.wake().await;
        }
    }

    /// What can still be taken back now is brought to its end: the agent stops.
    pub fn end_ways_back(&self) {
        self.ways_back.end_all();
    }

    async fn loaded(&self, target: &str) -> Result<Arc<Account>, Error> {
        let account = self.accounts.find(target)?;
        account.load().await?;
        Ok(account)
    }

    async fn token(&self, caller: &Caller, params: TokenGetParams) -> Result<TokenReply, Error> {
        let target = params.profile.as_deref().or(params.server_url.as_deref());
        let named = target.ok_or(Error::NothingNamed)?;
        let given = self.consent.unless_paused(self.token_of(caller, named, &params)).await;
        given.inspect_err(|error| self.note_refused(caller, target, params.reason.as_deref(), error))
    }

    async fn token_of(&self, caller: &Caller, target: &str, params: &TokenGetParams) -> Result<TokenReply, Error> {
        let want = Want { min_ttl: SignedDuration::from_secs(params.min_ttl.into()), force: params.force };
        let asking = Asking::of(params.interactive, params.wait);
        for _ in 0..TRIES {
            let account = self.named(caller, target).await?;
            // Nobody is asked about a token that there is none of.
            account.check_token()?;
            let asked = self.consent.permit(caller, &account, asking).await?;
            let issued = account.token(want, &params.scopes).await?;
            if !asked.as_ref().is_none_or(|asked| asked.covers(issued.url.as_str(), &issued.scopes)) {
                continue;
            }
            // While somebody was asked, another sign-in may have ended.
            if issued.prover.is_some() {
                return Err(Error::TokenBound(account.name()));
            }
            account.note_use(issued.generation);
            let reason = params.reason.as_deref();
            self.note_given(ActivityKind::TokenGiven, caller, &account, Some(&issued), asked.as_ref(), reason);
            return Ok(TokenReply {
                access_token: issued.access_token,
                token_type: "Bearer".to_owned(),
                expires_at: issued.expires_at,
                scopes: issued.scopes,
                resource: issued.resource,
                profile: account.name(),
                generation: issued.generation,
                from_cache: issued.from_cache,
                extra: issued.extra,
            });
        }
        Err(Error::Edited(target.to_owned()))
    }

    /// The token that a person wants on the clipboard: for the desktop that asks people, and for nobody else.
    async fn copy_token(&self, caller: &Caller, target: &str) -> Result<CopiedToken, Error> {
        let issued = self.consent.unless_paused(async {
            self.consent.check_prompter(caller)?;
            let account = self.loaded(target).await?;
            account.check_token()?;
            let issued = account.token(Want::default(), &[]).await?;
            // Alone it opens nothing.
            if issued.prover.is_some() { Err(Error::TokenBound(account.name())) } else { Ok((account, issued)) }
        });
        let (account, issued) =
            issued.await.inspect_err(|error| self.note_refused(caller, Some(target), None, error))?;
        let kind = ActivityKind::TokenCopied;
        let token_sha256 = Some(mark(&issued.access_token));
        let entry = ActivityEntry { expires_at: issued.expires_at, token_sha256, ..account.happened(kind) };
        self.note(caller, entry);
        Ok(CopiedToken { access_token: issued.access_token })
    }

    async fn header(&self, caller: &Caller, params: HeaderGetParams) -> Result<HeaderReply, Error> {
        let target = params.profile.as_deref().or(params.url.as_deref());
        let named = target.ok_or(Error::NothingNamed)?;
        let given = self.consent.unless_paused(self.header_of(caller, named, &params)).await;
        given.inspect_err(|error| self.note_refused(caller, target, params.reason.as_deref(), error))
    }

    async fn header_of(&self, caller: &Caller, target: &str, params: &HeaderGetParams) -> Result<HeaderReply, Error> {
        let want = Want { min_ttl: SignedDuration::from_secs(params.min_ttl.into()), force: false };
        let asking = Asking::of(params.interactive, params.wait);
        for _ in 0..TRIES {
            let account = self.named(caller, target).await?;
            // Nobody is asked, and nothing renewed, for headers that would go elsewhere.
            let url = destination(&account, &account.profile().url, params.url.as_deref())?;
            let asked = self.consent.permit(caller, &account, asking).await?;
            let authorized = account.authorized(want, &params.scopes).await?;
            if !is_as_asked(asked.as_ref(), &authorized) {
                continue;
            }
            let authorized = match params.repeat_means_refused && self.is_repeated(caller, &account, &authorized) {
                true => better(&account, authorized, &params.scopes, asked.as_ref()).await,
                false => authorized,
            };
            let Authorized { url: server, access, issued } = authorized;
            // It may have been edited meanwhile.
            destination(&account, &server, params.url.as_deref())?;
            let headers = headers(&account, &access, url.as_ref(), params)?;
            issued.iter().for_each(|issued| account.note_use(issued.generation));
            let reason = params.reason.as_deref();
            self.note_given(ActivityKind::HeaderGiven, caller, &account, issued.as_ref(), asked.as_ref(), reason);
            return Ok(HeaderReply {
                headers,
                expires_at: issued.as_ref().and_then(|issued| issued.expires_at),
                profile: account.name(),
                generation: issued.map(|issued| issued.generation),
            });
        }
        Err(Error::Edited(target.to_owned()))
    }

    /// Whether a program is about to get what it got a moment ago.
    fn is_repeated(&self, caller: &Caller, account: &Account, given: &Authorized) -> bool {
        let (Some(issued), Some(program)) = (&given.issued, caller.instance()) else { return false };
        self.repeats.is_refusal(account.id(), &program, issued.generation)
    }

    /// The account that a program names, read: what a person is asked about is what the keyring has.
    async fn named(&self, caller: &Caller, target: &str) -> Result<Arc<Account>, Error> {
        let account = self.find_for(caller, target).await?;
        account.load().await?;
        Ok(account)
    }

    /// The account that a program names. Of several with one address it is told of those alone that it may use.
    async fn find_for(&self, caller: &Caller, target: &str) -> Result<Arc<Account>, Error> {
        match &caller.standing {
            Standing::Program => {}
            Standing::Key(_) => return self.find_for_key(caller, target).await,
            Standing::Inherited | Standing::Restricted => return self.find_for_guest(caller, target).await,
        }
        let (url, names) = match self.accounts.find(target) {
            Err(Error::Ambiguous { url, names }) => (url, names),
            found => return found,
        };
        let mut permitted = Vec::new();
        for account in names.iter().filter_map(|name| self.accounts.find(name).ok()) {
            if self.consent.is_permitted(caller, &account).await {
                permitted.push(account);
            }
        }
        match permitted.as_slice() {
            [account] => Ok(account.clone()),
            several => Err(Error::Ambiguous { url, names: several.iter().map(|account| account.name()).collect() }),
        }
    }

    async fn invalidate(&self, caller: &Caller, params: TokenInvalidateParams) -> Result<TokenInvalidateReply, Error> {
        let account = self.named(caller, &params.profile).await?;
        self.consent.permit_report(caller, &account).await?;
        let challenge = params.www_authenticate.as_deref().and_then(|line| Challenge::for_token([line]));
        if params.reason == RefusalReason::Unauthorized {
            if challenge.as_ref().is_some_and(is_about_proof) {
                return Ok(TokenInvalidateReply { generation: params.generation, scopes: Vec::new() });
            }
            let generation = account.invalidate(params.generation).await?;
            return Ok(TokenInvalidateReply { generation, scopes: Vec::new() });
        }
        let scopes = match challenge {
            Some(challenge) => account.report_lack(params.generation, &challenge).await?,
            None => Vec::new(),
        };
        Ok(TokenInvalidateReply { generation: params.generation, scopes })
    }

    /// Asks a person ahead of the first token, and gives out none.
    async fn request_grant(&self, caller: &Caller, params: GrantRequestParams) -> Result<GrantRequestReply, Error> {
        let account = self.named(caller, &params.profile).await?;
        account.check_scopes(&params.scopes)?;
        let grant = self.consent.request(caller, &account, Asking::of(true, params.wait)).await?;
        let AccountView { profile, scopes, .. } = account.view();
        Ok(GrantRequestReply { profile, scopes, grant })
    }

    /// The accounts; for programs, those that they may use, and how many others there are.
    async fn list(&self, door: Door, caller: &Caller, params: ProfileListParams) -> Result<ProfileListReply, Error> {
        let fits =
            |account: &Arc<Account>| params.server_url.as_ref().is_none_or(|url| account.profile().url.as_str() == url);
        // A locked keyring is a state to show, not a reason to show nothing, nor to wait for it again and again.
        let mut asking = params.server_url.is_some() || self.accounts.load().await.is_ok();
        let (mut accounts, mut size, mut hidden) = (Vec::new(), 0, 0);
        for account in self.accounts.after(params.after.as_deref())?.into_iter().filter(fits) {
            asking = asking && account.load().await.is_ok();
            if door == Door::Programs && !self.consent.is_permitted(caller, &account).await {
                hidden += 1;
                continue;
            }
            let view = account.view();
            size += serde_json::to_string(&view).map(|text| text.len()).unwrap_or_default();
            if size > PAGE {
                return Ok(ProfileListReply { accounts, hidden, more: true });
            }
            accounts.push(view);
        }
        Ok(ProfileListReply { accounts, hidden, more: false })
    }

    async fn add(&self, caller: &Caller, params: ProfileAddParams) -> Result<AccountView, Error> {
        let has_exceptions = !params.exceptions.is_empty();
        if has_exceptions {
            self.consent.check_weakening(caller).await?;
        }
        let settings = Settings {
            auth: params.auth,
            client_id: params.client_id,
            issuer: params.issuer,
            redirect_uri: params.redirect_uri,
            scopes: params.scopes,
            parameters: params.parameters.try_into()?,
            omit_resource: params.omit_resource,
            header: params.header,
            username: params.username,
            assertion_file: params.assertion_file.map(PathBuf::from),
            identity_provider: params.identity_provider,
        };
        let ProfileAddParams { url, name, exceptions, secret, subject_token, .. } = params;
        let new = NewAccount { url, name, settings, exceptions, secret, subject_token };
        let account = self.accounts.add(new).await?;
        if let Err(error) = account.load().await {
            tracing::debug!(%error, "a new account can't be read");
        }
        self.note(caller, account.happened(ActivityKind::AccountAdded));
        if has_exceptions {
            self.note_protection(caller, Some(&account), "exceptions_accepted");
        }
        Ok(account.view())
    }

    async fn update(&self, caller: &Caller, params: ProfileUpdateParams) -> Result<AccountDetail, Error> {
        if let Some(exceptions) = params.exceptions.as_ref().filter(|given| !given.is_empty()) {
            // Another authorization server is another one to be accepted.
            let is_moved = params.issuer.is_some() || params.client_id.is_some();
            if is_moved || self.accounts.find(&params.profile)?.would_relax(exceptions).await? {
                self.consent.check_weakening(caller).await?;
            }
        }
        let has_exceptions = params.exceptions.as_ref().is_some_and(|given| !given.is_empty());
        let change = Change {
            client_id: params.client_id,
            issuer: params.issuer,
            redirect_uri: params.redirect_uri,
            scopes: params.scopes,
            parameters: params.parameters,
            omit_resource: params.omit_resource,
            exceptions: params.exceptions,
            secret: params.secret,
            subject_token: params.subject_token,
        };
        let account = self.accounts.update(&params.profile, change).await?;
        self.note(caller, account.happened(ActivityKind::AccountChanged));
        if has_exceptions {
            self.note_protection(caller, Some(&account), "exceptions_accepted");
        }
        self.detail(&account).await
    }

    /// All that isn't secret about an account.
    async fn detail(&self, account: &Account) -> Result<AccountDetail, Error> {
        // Without the keyring nothing was chosen that anybody knows of.
        let approval = self.consent.approval_of(account).await.unwrap_or_default();
        Ok(AccountDetail { approval, ..account.detail() })
    }

    fn rename(&self, caller: &Caller, target: &str, name: &str) -> Result<AccountView, Error> {
        let account = self.accounts.rename(target, name)?;
        let cause = Some("renamed".to_owned());
        self.note(caller, ActivityEntry { cause, ..account.happened(ActivityKind::AccountChanged) });
        Ok(account.view())
    }

    async fn remove(&self, caller: &Caller, target: &str) -> Result<Undoable, Error> {
        let account = self.accounts.find(target)?;
        let gone = Box::new(self.accounts.remove(target).await?);
        self.note(caller, account.happened(ActivityKind::AccountRemoved));
        let answers = self.consent.forget_account(account.id()).await;
        Ok(Undoable { undo: Some(self.ways_back.keep(WayBack::Account { gone, answers })) })
    }

    /// Brings a removed account back whole.
    async fn restore(&self, caller: &Caller, undo: String) -> Result<AccountView, Error> {
        self.consent.check_weakening(caller).await?;
        let way = self.ways_back.take(&undo, |way| matches!(way, WayBack::Account { .. }));
        let Some(WayBack::Account { gone, answers }) = way else { return Err(Error::NoWayBack) };
        let account = match self.accounts.put_back(gone.as_ref().clone()).await {
            Ok(account) => account,
            Err(error) => {
                self.ways_back.keep_as(undo, WayBack::Account { gone, answers });
                return Err(error);
            }
        };
        if let Err(error) = self.consent.remember_account(account.id(), answers).await {
            tracing::warn!(%error, "what was said about an account wasn't brought back with it");
        }
        self.note(caller, account.happened(ActivityKind::AccountRestored));
        Ok(account.view())
    }

    async fn sign_out(&self, caller: &Caller, target: &str) -> Result<SignOutReply, Error> {
        let account = self.accounts.find(target)?;
        let outcome = account.sign_out().await?;
        self.consent.end_inherited(account.id());
        let cause = Some(if matches!(outcome, SignedOut::Revoked) { "revoked" } else { "not_revoked" }.to_owned());
        self.note(caller, ActivityEntry { cause, ..account.happened(ActivityKind::SignedOut) });
        Ok(signed_out(outcome))
    }

    async fn start(&self, params: AuthStartParams) -> Result<AuthView, Error> {
        let chosen = self.accounts.context().settings.read().ok().and_then(|preferences| preferences.browser);
        let browser = (!params.no_open).then(|| Browser::of_caller(&params.environment).choosing(chosen));
        let way = Way { callback: params.callback, device: params.device, register_again: params.register_again };
        self.accounts.find(&params.profile)?.start_sign_in(browser, way).await
    }

    async fn follow(&self, params: AuthStatusParams) -> Result<AuthView, Error> {
        let account = self.loaded(&params.profile).await?;
        let Some(seen) = params.seen else { return Ok(account.sign_in_view()) };
        let mut changes = account.follow_sign_in();
        // Time running out is an answer as well: nothing changed.
        let _ = tokio::time::timeout(wait(params.wait_ms), changes.wait_for(|view| view.revision != seen)).await;
        Ok(account.sign_in_view())
    }

    async fn tools(&self, target: &str) -> Result<ToolsReply, Error> {
        let all = self.accounts.find(target)?.test().await?.tools;
        let mut size = 0;
        let fits = all.iter().take_while(|tool| {
            size += serde_json::to_string(tool).map(|text| text.len() + 1).unwrap_or_default();
            size <= PAGE
        });
        let page = fits.count();
        Ok(ToolsReply { more: page < all.len(), tools: all.into_iter().take(page).collect() })
    }

    async fn test(&self, target: &str) -> Result<TestReply, Error> {
        let tools = self.accounts.find(target)?.test().await?;
        Ok(TestReply {
            tools: u32::try_from(tools.tools.len()).unwrap_or(u32::MAX),
            names: tools.tools.into_iter().take(100).map(|tool| tool.name).collect(),
            protocol: tools.protocol,
            server: tools.server,
        })
    }
}

/// Runs a method if it stands behind this door: parameters in, reply out.
async fn reply<M: Method, F>(
    door: Door,
    params: Value,
    run: impl FnOnce(M::Params) -> F,
) -> Result<Box<RawValue>, ErrorObject>
where
    F: Future<Output = Result<M::Reply, Error>>,
{
    if !M::DOORS.contains(&door) {
        return Err(not_behind(door, M::NAME));
    }
    // The parser's words may quote a secret out of the parameters, so only its kind of complaint is told.
    let params = serde_json::from_value(params)
        .map_err(|_| ErrorObject::new(ErrorCode::InvalidParams, format!("the parameters don't fit {}", M::NAME)))?;
    let reply = run(params).await.map_err(|error| error.to_object())?;
    to_raw_value(&reply).map_err(|_| Error::Internal("a reply can't be written").to_object())
}

/// The address of a program's request, if it names one: it has to be one of this server's.
fn destination(account: &Account, server: &ServerUrl, url: Option<&str>) -> Result<Option<ServerUrl>, Error> {
    let Some(url) = url else { return Ok(None) };
    let own = url.parse::<ServerUrl>().ok().filter(|url| url.is_covered_by(server.as_str()));
    let elsewhere = || Error::ResourceMismatch { profile: account.name(), url: url.to_owned() };
    own.ok_or_else(elsewhere).map(Some)
}

/// The headers of the request that a program is about to make. A proof needs to know it whole (RFC 9449 §4.2).
fn headers(
    account: &Account,
    access: &Access,
    url: Option<&ServerUrl>,
    params: &HeaderGetParams,
) -> Result<Headers, Error> {
    let prover = match access {
        Access::Headers(headers) => return Ok(headers.clone()),
        Access::Bound { prover, .. } => prover,
    };
    let (Some(url), Some(method)) = (url, &params.method) else { return Err(Error::ProofForNothing(account.name())) };
    if method.is_empty() || method.len() > METHOD_LIMIT || !method.bytes().all(|c| c.is_ascii_alphabetic() || c == b'-')
    {
        return Err(Error::Usage(format!("{method} is no method of HTTP")));
    }
    if let Some(nonce) = &params.nonce
        && !prover.nonces.remember(url.url(), nonce)
    {
        return Err(Error::Usage("that is no nonce of a server (RFC 9449 §8.1)".to_owned()));
    }
    Ok(access.headers(method, url.url())?)
}

/// What is fresher than this, if it can be had now: that it was refused is no more than a guess.
async fn better(account: &Arc<Account>, given: Authorized, scopes: &[String], asked: Option<&Asked>) -> Authorized {
    let renewed = account.authorized(Want { force: true, ..Want::default() }, scopes).await;
    renewed.ok().filter(|renewed| is_as_asked(asked, renewed)).unwrap_or(given)
}

/// Whether what is about to be given is what a person was asked about: while they thought, or the token was renewed,
/// address and scopes of the account may have changed.
fn is_as_asked(asked: Option<&Asked>, given: &Authorized) -> bool {
    let scopes = given.issued.as_ref().map(|issued| issued.scopes.as_slice()).unwrap_or_default();
    asked.is_none_or(|asked| asked.covers(given.url.as_str(), scopes))
}

/// What can be asked of a locked agent: how it is, and what unlocks it.
fn answers_while_locked(method: &str) -> bool {
    const FREE: [&str; 13] = [
        EventsSubscribe::NAME,
        EventsUnsubscribe::NAME,
        VaultStatus::NAME,
        AgentPing::NAME,
        AgentStatus::NAME,
        AgentWatch::NAME,
        AgentLock::NAME,
        AgentUnlock::NAME,
        AgentStop::NAME,
        PromptRegister::NAME,
        PromptNext::NAME,
        SettingsGet::NAME,
        SettingsSet::NAME,
    ];
    FREE.contains(&method)
}

/// What a window asks by itself, and a command that is run again and again. All else that comes through the admin door is
/// a sign of the person; what programs ask for is none, for they work on when nobody is there.
fn is_question(method: &str) -> bool {
    const QUESTIONS: [&str; 19] = [
        EventsSubscribe::NAME,
        EventsUnsubscribe::NAME,
        AgentPing::NAME,
        AgentStatus::NAME,
        AgentWatch::NAME,
        PromptRegister::NAME,
        PromptNext::NAME,
        SettingsGet::NAME,
        ProfileList::NAME,
        ProfileShow::NAME,
        GrantList::NAME,
        RestrictedList::NAME,
        GatewayStatus::NAME,
        ClientsScan::NAME,
        ClientsServers::NAME,
        ActivityList::NAME,
        ActivityFollow::NAME,
        AccountTimeline::NAME,
        AuthStatus::NAME,
    ];
    QUESTIONS.contains(&method)
}

/// As long as a caller wants to wait for news, and no longer than anybody may.
fn wait(milliseconds: u32) -> Duration {
    Duration::from_millis(milliseconds.into()).min(LONGEST_WAIT)
}

fn not_behind(door: Door, method: &str) -> ErrorObject {
    let message = format!("there is no method {} behind the {} door", readable(method), door.name());
    ErrorObject::new(ErrorCode::MethodNotFound, message)
}

fn signed_out(outcome: SignedOut) -> SignOutReply {
    let (revoked, not_revoked_because) = match outcome {
        SignedOut::Revoked => (true, None),
        SignedOut::RefreshTokenRevoked => {
            (true, Some("the authorization server can't take back the access token, which ends by itself".to_owned()))
        }
        SignedOut::NothingToRevoke => (false, Some("there were no tokens".to_owned())),
        SignedOut::NotOffered => (false, Some("the authorization server offers no revocation".to_owned())),
        SignedOut::Failed(error) => (false, Some(readable(&error.to_string()))),
    };
    SignOutReply { revoked, not_revoked_because }
}
