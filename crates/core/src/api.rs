//! The words of the protocol, answered: each method is one request to the accounts.

use crate::account::{Account, Authorized, SignedOut, Way};
use crate::accounts::{Accounts, NewAccount};
use crate::browser::Browser;
use crate::clock::now;
use crate::error::Error;
use crate::profile::Settings;
use crate::refresh::Want;
use crate::vault::VaultError;
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::ServerUrl;
use keybearer_oauth::authorization::readable;
use keybearer_protocol::account::{AccountRefresh, AccountSignOut, AccountTest, SignOutReply, TestReply};
use keybearer_protocol::agent::{AgentPing, AgentStatus, AgentStatusReply, AgentStop, VaultState};
use keybearer_protocol::auth::{AuthCancel, AuthComplete, AuthStart, AuthStatus, AuthStatusParams, AuthView};
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::{
    AccountStatus, AccountView, ProfileAdd, ProfileAddParams, ProfileList, ProfileListParams, ProfileListReply,
    ProfileRemove, ProfileRename, ProfileShow,
};
use keybearer_protocol::session::CallerView;
use keybearer_protocol::token::{
    HeaderGet, HeaderGetParams, HeaderReply, RefusalReason, TokenGet, TokenGetParams, TokenInvalidate,
    TokenInvalidateReply, TokenReply,
};
use keybearer_protocol::{Door, ErrorCode, ErrorObject, Method};
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// The most that a page of accounts holds, in bytes: it fits a frame of 64 KiB.
const PAGE: usize = 48 * 1024;
/// The most that a follower waits for a change of a sign-in.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Answers requests.
pub struct Api {
    accounts: Arc<Accounts>,
    started_at: Timestamp,
    stop: Arc<Notify>,
}

/// The names of the methods behind a door, for `session.open`.
pub fn capabilities(door: Door) -> Vec<String> {
    let mut names = Vec::new();
    let mut add = |name: &str, doors: &[Door]| {
        if doors.contains(&door) {
            names.push(name.to_owned());
        }
    };
    macro_rules! each { ($($method:ident)+) => { $(add($method::NAME, $method::DOORS);)+ }; }
    each!(TokenGet HeaderGet TokenInvalidate ProfileAdd ProfileRemove ProfileRename ProfileList ProfileShow
          AuthStart AuthStatus AuthCancel AuthComplete AccountSignOut AccountTest AccountRefresh
          AgentPing AgentStatus AgentStop);
    names
}

impl Api {
    /// The API over these accounts; `stop` is told when somebody asks the agent to stop.
    pub fn new(accounts: Arc<Accounts>, stop: Arc<Notify>) -> Self {
        Api { accounts, started_at: now(), stop }
    }

    /// Answers one request that came through this door.
    pub async fn answer(
        &self,
        door: Door,
        caller: &CallerView,
        name: &str,
        params: Value,
    ) -> Result<Value, ErrorObject> {
        tracing::debug!(method = %readable(name), door = door.name(), pid = caller.pid, "request");
        match name {
            TokenGet::NAME => reply::<TokenGet, _>(door, params, async |p| self.token(caller, p).await).await,
            HeaderGet::NAME => reply::<HeaderGet, _>(door, params, async |p| self.header(caller, p).await).await,
            TokenInvalidate::NAME => {
                reply::<TokenInvalidate, _>(door, params, async |p| {
                    consent(caller)?;
                    let account = self.accounts.find(&p.profile)?;
                    let generation = match p.reason {
                        RefusalReason::Unauthorized => account.invalidate(p.generation).await?,
                        RefusalReason::InsufficientScope => p.generation,
                    };
                    Ok(TokenInvalidateReply { generation })
                })
                .await
            }
            ProfileList::NAME => reply::<ProfileList, _>(door, params, async |p| self.list(caller, p).await).await,
            ProfileShow::NAME => {
                reply::<ProfileShow, _>(door, params, async |p| Ok(self.loaded(&p.profile).await?.detail())).await
            }
            ProfileAdd::NAME => reply::<ProfileAdd, _>(door, params, async |p| self.add(p).await).await,
            ProfileRemove::NAME => {
                reply::<ProfileRemove, _>(door, params, async |p| {
                    self.accounts.remove(&p.profile).await?;
                    Ok(Empty {})
                })
                .await
            }
            ProfileRename::NAME => {
                reply::<ProfileRename, _>(door, params, async |p| Ok(self.accounts.rename(&p.profile, &p.name)?.view()))
                    .await
            }
            AuthStart::NAME => {
                reply::<AuthStart, _>(door, params, async |p| {
                    let browser = (!p.no_open).then(|| Browser::of_caller(&p.environment));
                    let way = Way { callback: p.callback, register_again: p.register_again };
                    self.accounts.find(&p.profile)?.start_sign_in(browser, way).await
                })
                .await
            }
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
                reply::<AccountSignOut, _>(door, params, async |p| {
                    Ok(signed_out(self.accounts.find(&p.profile)?.sign_out().await?))
                })
                .await
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
            AgentPing::NAME => reply::<AgentPing, _>(door, params, async |_| Ok(Empty {})).await,
            AgentStatus::NAME => reply::<AgentStatus, _>(door, params, async |_| Ok(self.status().await)).await,
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

    async fn loaded(&self, target: &str) -> Result<Arc<Account>, Error> {
        let account = self.accounts.find(target)?;
        account.load().await?;
        Ok(account)
    }

    async fn token(&self, caller: &CallerView, params: TokenGetParams) -> Result<TokenReply, Error> {
        consent(caller)?;
        let target = params.profile.or(params.server_url).ok_or(Error::NothingNamed)?;
        let account = self.accounts.find(&target)?;
        let want = Want { min_ttl: SignedDuration::from_secs(params.min_ttl.into()), force: params.force };
        let issued = account.token(want, &params.scopes).await?;
        Ok(TokenReply {
            access_token: issued.access_token,
            token_type: "Bearer".to_owned(),
            expires_at: issued.expires_at,
            scopes: issued.scopes,
            resource: issued.resource,
            profile: account.name(),
            generation: issued.generation,
            from_cache: issued.from_cache,
        })
    }

    async fn header(&self, caller: &CallerView, params: HeaderGetParams) -> Result<HeaderReply, Error> {
        consent(caller)?;
        let target = params.profile.or_else(|| params.url.clone()).ok_or(Error::NothingNamed)?;
        let account = self.accounts.find(&target)?;
        let want = Want { min_ttl: SignedDuration::from_secs(params.min_ttl.into()), force: false };
        let Authorized { url: server, headers, issued } = account.authorized(want).await?;
        if let Some(url) = params.url
            && !url.parse().is_ok_and(|url: ServerUrl| url.is_covered_by(server.as_str()))
        {
            return Err(Error::ResourceMismatch { profile: account.name(), url });
        }
        Ok(HeaderReply {
            headers,
            expires_at: issued.as_ref().and_then(|issued| issued.expires_at),
            profile: account.name(),
            generation: issued.map(|issued| issued.generation),
        })
    }

    async fn list(&self, caller: &CallerView, params: ProfileListParams) -> Result<ProfileListReply, Error> {
        consent(caller)?;
        let after = |account: &Arc<Account>| params.after.as_ref().is_none_or(|after| account.name() > *after);
        let fits = |account: &Arc<Account>| params.server_url.as_ref().is_none_or(|url| account.url().as_str() == url);
        let (mut accounts, mut size) = (Vec::new(), 0);
        let mut asking = true;
        for account in self.accounts.all()?.into_iter().filter(|account| after(account) && fits(account)) {
            // A locked keyring is a state to show, not a reason to show nothing, nor to wait for it again and again.
            asking = asking && account.load().await.is_ok();
            let view = account.view();
            size += serde_json::to_string(&view).map(|text| text.len()).unwrap_or_default();
            if size > PAGE {
                return Ok(ProfileListReply { accounts, more: true });
            }
            accounts.push(view);
        }
        Ok(ProfileListReply { accounts, more: false })
    }

    async fn add(&self, params: ProfileAddParams) -> Result<AccountView, Error> {
        let settings = Settings {
            auth: params.auth,
            client_id: params.client_id,
            scopes: params.scopes,
            header: params.header,
            username: params.username,
        };
        let new = NewAccount { url: params.url, name: params.name, settings, secret: params.secret };
        let account = self.accounts.add(new).await?;
        if let Err(error) = account.load().await {
            tracing::debug!(%error, "a new account can't be read");
        }
        Ok(account.view())
    }

    async fn follow(&self, params: AuthStatusParams) -> Result<AuthView, Error> {
        let account = self.loaded(&params.profile).await?;
        let Some(seen) = params.seen else { return Ok(account.sign_in_view()) };
        let mut changes = account.follow_sign_in();
        let wait = Duration::from_millis(params.wait_ms.into()).min(LONGEST_WAIT);
        // Time running out is an answer as well: nothing changed.
        let _ = tokio::time::timeout(wait, changes.wait_for(|view| view.revision != seen)).await;
        Ok(account.sign_in_view())
    }

    async fn test(&self, target: &str) -> Result<TestReply, Error> {
        let tools = self.accounts.find(target)?.test().await?;
        Ok(TestReply {
            tools: u32::try_from(tools.names.len()).unwrap_or(u32::MAX),
            names: tools.names.into_iter().take(100).map(|name| readable(&name)).collect(),
            protocol: tools.protocol,
            server: tools.server,
        })
    }

    async fn status(&self) -> AgentStatusReply {
        let problem = self.accounts.vault_problem().await;
        if problem.is_none() {
            self.accounts.wake().await;
        }
        let configuration_problem = self.accounts.all().err().map(|error| error.to_string());
        let views: Vec<AccountView> = self.accounts.known().iter().map(|account| account.view()).collect();
        let needs_user = |view: &&AccountView| match view.status {
            AccountStatus::Expiring | AccountStatus::SigningIn | AccountStatus::NeedsSignIn => true,
            AccountStatus::Connected | AccountStatus::Unreachable | AccountStatus::NoSignIn | AccountStatus::Locked => {
                false
            }
        };
        AgentStatusReply {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: self.started_at,
            accounts: u32::try_from(views.len()).unwrap_or(u32::MAX),
            need_user: u32::try_from(views.iter().filter(needs_user).count()).unwrap_or(u32::MAX),
            locked: false,
            prompter: false,
            prompts: 0,
            vault: match problem {
                None => VaultState::Unlocked,
                Some(VaultError::Locked) => VaultState::Locked,
                Some(_) => VaultState::Absent,
            },
            vault_problem: problem.map(|problem| problem.to_string()),
            configuration_problem,
        }
    }
}

/// Policy `same-user`: every program of this user gets tokens, but none that lives in a sandbox, a container or
/// another namespace.
fn consent(caller: &CallerView) -> Result<(), Error> {
    if caller.foreign { Err(Error::ConsentRequired) } else { Ok(()) }
}

/// Runs a method if it stands behind this door: parameters in, reply out.
async fn reply<M: Method, F>(door: Door, params: Value, run: impl FnOnce(M::Params) -> F) -> Result<Value, ErrorObject>
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
    serde_json::to_value(reply).map_err(|_| Error::Internal("a reply can't be written").to_object())
}

fn not_behind(door: Door, method: &str) -> ErrorObject {
    let message = format!("there is no method {} behind the {} door", readable(method), door.name());
    ErrorObject::new(ErrorCode::MethodNotFound, message)
}

fn signed_out(outcome: SignedOut) -> SignOutReply {
    let (revoked, not_revoked_because) = match outcome {
        SignedOut::Revoked => (true, None),
        SignedOut::NothingToRevoke => (false, Some("there were no tokens".to_owned())),
        SignedOut::NotOffered => (false, Some("the authorization server offers no revocation".to_owned())),
        SignedOut::Failed(error) => (false, Some(error.to_string())),
    };
    SignOutReply { revoked, not_revoked_because }
}
