//! One account: a profile with its sign-in state. Its tokens and its sign-in stand in the files below.

/// What a person has accepted of an account's authorization server.
mod exceptions;
/// What the record of activity is told of an account.
mod happened;
/// Whether a server has moved to another authorization server.
mod moved;
/// Removing an account, and bringing it back.
mod removal;
/// When tokens are renewed.
mod renewal;
/// From a server's address to tokens, with the user's browser between.
mod sign_in;
/// Giving tokens back.
mod sign_out;
/// Asking with a grant that is good once.
mod single_use;
/// Handing out tokens.
mod tokens;
/// The refresh transaction.
mod transaction;
/// Tokens that are granted without a person.
mod unattended;

pub use happened::because;
pub use sign_in::Way;
pub use sign_out::{SignedOut, give_back};
pub use tokens::{Authorized, Issued};

use crate::activity::Activity;
use crate::busy::Busy;
use crate::callback::{Callbacks, Port};
use crate::changes::Changes;
use crate::clock::now;
use crate::error::Error;
use crate::flight::Flight;
use crate::journal::Journal;
use crate::lock::Lock;
use crate::more_access::MoreAccess;
use crate::profile::{Profile, Settings};
use crate::progress::Progress;
use crate::redirect::{Redirects, kind_of};
use crate::refresh::is_usable;
use crate::schedule::Schedule;
use crate::settings::SettingsFile;
use crate::upstream::Upstream;
use crate::vault::Vault;
use crate::vault::record::{Record, SecretRecord, SubjectRecord, TokenRecord};
use crate::worker::Workers;
use jiff::{SignedDuration, Timestamp};
use keybearer_oauth::ServerUrl;
use keybearer_oauth::dpop::{DpopKey, Nonces, Prover};
use keybearer_oauth::readable::readable;
use keybearer_oauth::registration::RegistrationOrigin;
use keybearer_protocol::profile::{
    AccountDetail, AccountStatus, AccountView, AuthType, LastTest, RegistrationKind, Transport,
};
use keybearer_protocol::{ErrorCode, ErrorObject};
use renewal::Renewal;
use secrecy::SecretString;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// What all accounts share.
pub struct Context {
    /// The keyring.
    pub vault: Vault,
    /// What was asked and not brought to its end.
    pub journal: Journal,
    /// Asks for tokens.
    pub workers: Workers,
    /// Where browsers come back to.
    pub callbacks: Callbacks,
    /// How they come back.
    pub redirects: Redirects,
    /// What the user chose for all accounts.
    pub settings: SettingsFile,
    /// Speaks MCP.
    pub upstream: Arc<dyn Upstream>,
    /// Whether anything is read from the keyring, or given out.
    pub lock: Lock,
    /// What happened.
    pub activity: Activity,
    /// Tells windows.
    pub changes: Changes,
    /// What the agent waits for before it ends.
    pub busy: Busy,
    /// When which account is to be renewed.
    pub schedule: Schedule,
}

/// One account.
pub struct Account {
    context: Arc<Context>,
    id: String,
    /// Never held across an await: whoever wants a token that is at hand waits for nobody.
    state: Mutex<State>,
    /// Held by whoever changes the keyring item, from its reading to its writing.
    changing: tokio::sync::Mutex<()>,
    /// The one refresh that may run.
    refreshing: Flight<Result<(), Error>>,
    progress: Progress,
    /// What its servers want in the next proof.
    nonces: Nonces,
    /// How many sign-ins there have been: each gets its number.
    sign_ins: AtomicU64,
}

struct State {
    profile: Arc<Profile>,
    /// What the keyring holds for this profile's server; `None` until it could be read.
    record: Option<Record>,
    /// How often it was read.
    readings: u32,
    /// The account was removed: nothing of it is written any more.
    removed: bool,
    /// The generation that the server was reported to refuse.
    refused: Option<u32>,
    /// Newer tokens are in the journal, since the keyring didn't take them yet: the ones here are given out only while they
    /// don't come.
    outdated: bool,
    /// What is known of the current set's use and renewal.
    renewal: Renewal,
    last_error: Option<ErrorObject>,
    /// Since when server or authorization server don't answer, as long as that is the last error.
    unreachable_since: Option<Timestamp>,
    /// What the server wants beyond the sign-in.
    more_access: MoreAccess,
    /// The authorization server that the last sign-in looked at, by the name that it was looked up by.
    looked_up: Option<String>,
    /// The last real `tools/list`.
    last_test: Option<LastTest>,
    /// How the server was spoken to in it.
    transport: Option<Transport>,
    /// The open sign-in; whatever else follows one asks first whether it is still this one.
    sign_in: Option<OpenSignIn>,
}

impl State {
    /// What went wrong last, or that it went well.
    fn note_error(&mut self, error: Option<ErrorObject>) {
        let is_unreachable = error.as_ref().is_some_and(|error| error.known_code() == ErrorCode::ProviderUnreachable);
        self.unreachable_since = is_unreachable.then(|| self.unreachable_since.unwrap_or_else(now));
        self.last_error = error;
    }
}

/// The parts of an open sign-in that live in this process.
struct OpenSignIn {
    /// Tells it from earlier and later ones.
    number: u64,
    task: AbortHandle,
    /// How it is to go.
    way: Way,
    /// Keeps the port open.
    port: Option<Arc<Port>>,
}

impl Drop for OpenSignIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// That an account wasn't read yet, or is put away: good until it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    /// How often it was read before.
    readings: u32,
}

/// How an account authorizes itself, once that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Oauth,
    Bearer,
    Header,
    Basic,
    Open,
}

/// A token that can't be renewed is shown as expiring this long before its end.
const EXPIRING: SignedDuration = SignedDuration::from_mins(10);

impl Account {
    /// The account of this profile; nothing is read yet.
    pub fn new(context: Arc<Context>, profile: Profile) -> Arc<Account> {
        Arc::new(Account {
            id: profile.id.clone(),
            progress: Progress::new(&profile.name, context.changes.clone()),
            context,
            state: Mutex::new(State {
                profile: Arc::new(profile),
                record: None,
                readings: 0,
                removed: false,
                refused: None,
                outdated: false,
                renewal: Renewal::new(),
                last_error: None,
                unreachable_since: None,
                more_access: MoreAccess::default(),
                looked_up: None,
                last_test: None,
                transport: None,
                sign_in: None,
            }),
            changing: tokio::sync::Mutex::new(()),
            refreshing: Flight::default(),
            nonces: Nonces::default(),
            sign_ins: AtomicU64::new(0),
        })
    }

    /// The immutable id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The profile's name.
    pub fn name(&self) -> String {
        self.state().profile.name.clone()
    }

    /// The profile.
    pub fn profile(&self) -> Arc<Profile> {
        self.state().profile.clone()
    }

    /// The server.
    pub fn url(&self) -> ServerUrl {
        self.state().profile.url.clone()
    }

    /// How it authorizes itself.
    pub fn settings(&self) -> Settings {
        self.state().profile.settings.clone()
    }

    /// The profile was edited. With another address, whatever was read for the old one is put away: the keyring item
    /// is bound to it, and only a new sign-in replaces it. An open sign-in was for the old address, and ends.
    pub fn set_profile(&self, profile: Profile) {
        let mut state = self.state();
        if *state.profile == profile {
            return;
        }
        if !state.profile.url.same_server(&profile.url) {
            (state.record, state.refused) = (None, None);
            (state.last_test, state.transport) = (None, None);
            state.note_error(None);
            (state.more_access, state.looked_up) = (MoreAccess::default(), None);
            if state.sign_in.take().is_some() {
                self.progress.fail(Error::Cancelled.to_object());
            }
        }
        if state.profile.settings.issuer != profile.settings.issuer {
            state.looked_up = None;
        }
        if state.profile.name != profile.name {
            self.progress.rename(&profile.name);
        }
        state.profile = Arc::new(profile);
        self.reschedule(&state);
        self.context.changes.announce();
    }

    /// Makes sure that the keyring was read. A sign-in or refresh that was cut off with an earlier agent goes on.
    pub async fn load(self: &Arc<Self>) -> Result<(), Error> {
        self.context.lock.check()?;
        if self.is_loaded() {
            return Ok(());
        }
        let _changing = self.changing.lock().await;
        if self.is_loaded() {
            return Ok(());
        }
        let profile = self.state().profile.clone();
        let kept = self.context.vault.read(&self.id).await?;
        // The lock may have fallen while the keyring was read.
        self.context.lock.check()?;
        self.take_up(kept, &profile.url).await;
        Ok(())
    }

    /// Says so if the keyring wasn't read.
    pub fn unread(&self) -> Option<Unread> {
        let state = self.state();
        state.record.is_none().then_some(Unread { readings: state.readings })
    }

    /// Takes what was read with the records of others, unless this account was read meanwhile: whoever did that may have
    /// changed it.
    pub async fn take(self: &Arc<Self>, unread: Unread, record: Record) {
        // Whoever holds this has read it, or is about to.
        let Ok(_changing) = self.changing.try_lock() else { return };
        if self.context.lock.check().is_ok() && self.unread() == Some(unread) {
            self.take_up(Some(record), &self.profile().url).await;
        }
    }

    /// Goes on from what the keyring holds. Whoever calls this holds `changing`.
    async fn take_up(self: &Arc<Self>, kept: Option<Record>, url: &ServerUrl) {
        self.adopt(kept, url);
        self.resume_refresh();
        self.resume_sign_in().await;
    }

    /// Keeps the secret that the user brought.
    pub async fn keep_secret(self: &Arc<Self>, value: SecretString) -> Result<(), Error> {
        self.load().await?;
        let _changing = self.changing.lock().await;
        let mut record = self.record()?;
        record.secret = Some(SecretRecord { value, auth: self.state().profile.settings.auth, issuer: None });
        record.generation += 1;
        self.commit(record).await
    }

    /// Keeps the ID token that the user brought, for this identity provider.
    pub async fn keep_subject(self: &Arc<Self>, id_token: SecretString, issuer: String) -> Result<(), Error> {
        self.load().await?;
        let _changing = self.changing.lock().await;
        let subject = Some(SubjectRecord { id_token, issuer });
        self.commit(Record { subject, ..self.record()? }).await
    }

    /// What can be taken to another computer of what the keyring has; nothing, where there is nothing of use there.
    pub async fn portable(self: &Arc<Self>) -> Result<Option<Record>, Error> {
        self.load().await?;
        let _changing = self.changing.lock().await;
        Ok(self.record()?.portable())
    }

    /// Keeps what came from another computer. It is for this server alone, or else nothing is kept.
    pub async fn keep_portable(self: &Arc<Self>, record: Record) -> Result<(), Error> {
        self.load().await?;
        let _changing = self.changing.lock().await;
        let before = self.record()?;
        match record.portable().filter(|record| fits(record, &self.url())) {
            Some(record) => self.commit(Record { generation: before.generation + 1, ..record }).await,
            None => Ok(()),
        }
    }

    /// Forgets the secret of a client that is not used any more.
    pub async fn drop_secret(self: &Arc<Self>) -> Result<(), Error> {
        self.load().await?;
        let _changing = self.changing.lock().await;
        let record = self.record()?;
        if record.secret.is_none() {
            return Ok(());
        }
        self.commit(Record { secret: None, ..record }).await
    }

    /// Drops what was read from the keyring out of memory, unless something is under way that still needs it; whether it
    /// is dropped. [`Account::load`] reads it again. An open sign-in ends here, and goes on from what the keyring has of it.
    pub fn put_away_if_free(&self) -> bool {
        let Ok(_changing) = self.changing.try_lock() else { return false };
        self.drop_record();
        true
    }

    /// The same once nothing is under way, if it is still locked then.
    pub async fn put_away(&self) {
        let _changing = self.changing.lock().await;
        if self.context.lock.is_set() {
            self.drop_record();
        }
    }

    fn drop_record(&self) {
        let mut state = self.state();
        if state.sign_in.take().is_some() {
            self.progress.fail(Error::Locked.to_object());
        }
        state.record = None;
        self.reschedule(&state);
    }

    /// How it is.
    pub fn status(&self) -> AccountStatus {
        status(&self.state())
    }

    /// The account as a list shows it.
    pub fn view(&self) -> AccountView {
        let state = self.state();
        let tokens = state.record.as_ref().and_then(|record| record.tokens.as_ref());
        let status = status(&state);
        AccountView {
            profile: state.profile.name.clone(),
            label: state.profile.name.clone(),
            server_url: state.profile.url.to_string(),
            auth: state.profile.settings.auth,
            status,
            expires_at: tokens.and_then(|tokens| tokens.expires_at),
            scopes: tokens.map(|tokens| tokens.scopes.clone()).unwrap_or_default(),
            unreachable_since: state.unreachable_since.filter(|_| status == AccountStatus::Unreachable),
        }
    }

    /// All that is not secret about the account.
    pub fn detail(&self) -> AccountDetail {
        let account = self.view();
        let state = self.state();
        let record = state.record.as_ref();
        let tokens = record.and_then(|record| record.tokens.as_ref());
        let registration = record.and_then(|record| record.registration.as_ref());
        AccountDetail {
            account,
            id: self.id.clone(),
            resource: tokens.map(|tokens| readable(&tokens.resource)),
            issuer: tokens.map(|tokens| readable(&tokens.issuer)),
            client_id: registration.map(|registration| readable(&registration.client_id)).filter(|id| !id.is_empty()),
            registration: registration.map(|registration| match registration.origin {
                RegistrationOrigin::PreRegistered => RegistrationKind::PreRegistered,
                RegistrationOrigin::MetadataDocument => RegistrationKind::MetadataDocument,
                RegistrationOrigin::Dynamic => RegistrationKind::Dynamic,
            }),
            callback: registration.and_then(|registration| kind_of(registration.redirect_uris.first()?)),
            header: state.profile.settings.header.clone(),
            username: state.profile.settings.username.clone(),
            assertion_file: state.profile.settings.assertion_file.as_ref().map(|path| path.display().to_string()),
            identity_provider: state.profile.settings.identity_provider.clone(),
            received_at: tokens.map(|tokens| tokens.received_at),
            renews_at: state.deadline(&self.id).map(|deadline| deadline.at),
            signed_in_as: tokens.and_then(|tokens| tokens.signed_in_as.clone()),
            transport: state.transport,
            last_test: state.last_test.clone(),
            renewable: tokens.is_some_and(TokenRecord::is_renewable),
            generation: record.map(|record| record.generation).unwrap_or_default(),
            signed_in_at: tokens.map(|tokens| tokens.signed_in_at),
            last_error: state.last_error.clone(),
            wanted_scopes: state.more_access.lacking(),
            parameters: state.profile.settings.parameters.clone().into(),
            omit_resource: state.profile.settings.omit_resource,
            exceptions: record.iter().flat_map(|record| &record.exceptions).map(|kept| kept.exception).collect(),
            // Consent says, which knows of programs.
            approval: None,
        }
    }

    /// Takes what the keyring holds, if it fits this server, or else what it holds for an address before that. What
    /// fits neither is carried along, so that an address typed wrong costs nothing until a new sign-in has worked.
    /// Generations go on counting, so that none ever means two token sets.
    fn adopt(&self, kept: Option<Record>, url: &ServerUrl) {
        let generation = kept.as_ref().map(|record| record.generation).unwrap_or_default();
        let record = match kept {
            None => Record::new(url.as_str()),
            Some(record) if fits(&record, url) => record,
            Some(Record { displaced: Some(before), .. }) if fits(&before, url) => *before,
            Some(mut record) => {
                let before = record.displaced.take().filter(|_| record.tokens.is_none());
                let displaced = before.unwrap_or_else(|| Box::new(record));
                Record { displaced: Some(displaced), ..Record::new(url.as_str()) }
            }
        };
        let mut state = self.state();
        state.record = Some(Record { generation, ..record });
        state.readings = state.readings.wrapping_add(1);
        state.renewal.follow(generation);
        self.reschedule(&state);
        self.context.changes.announce();
    }

    /// Writes the record to the keyring, then lets others see it; if it can't be written, all stays as it was. Whoever
    /// calls this holds `changing`. An open sign-in that was ended meanwhile stays ended.
    async fn commit(&self, mut record: Record) -> Result<(), Error> {
        self.write(&record).await?;
        let mut state = self.state();
        if state.record.as_ref().is_none_or(|known| known.pending.is_none()) {
            record.pending = None;
        }
        self.publish(&mut state, record);
        self.context.changes.announce();
        Ok(())
    }

    /// The same for a sign-in that begins to wait.
    async fn commit_pending(&self, record: Record) -> Result<(), Error> {
        self.write(&record).await?;
        self.publish(&mut self.state(), record);
        Ok(())
    }

    /// Lets others see a record. The address may have been edited meanwhile: then the record is kept, and not used.
    fn publish(&self, state: &mut State, record: Record) {
        if fits(&record, &state.profile.url) {
            state.refused = state.refused.filter(|refused| *refused == record.generation);
            state.renewal.follow(record.generation);
            (state.outdated, state.record) = (false, Some(record));
            self.reschedule(state);
        }
    }

    async fn write(&self, record: &Record) -> Result<(), Error> {
        if self.state().removed {
            return Err(Error::Removed);
        }
        Ok(self.context.vault.write(&self.id, record).await?)
    }

    fn is_loaded(&self) -> bool {
        self.state().record.is_some()
    }

    /// The record, which [`Account::load`] has read. It is gone again if the address was edited since: an empty one in
    /// its place would be written over what the keyring holds.
    fn record(&self) -> Result<Record, Error> {
        let state = self.state();
        state.record.clone().ok_or_else(|| Error::Edited(state.profile.name.clone()))
    }

    /// Proves that this account holds a key, if there is one.
    fn prover(&self, key: Option<&DpopKey>) -> Option<Prover> {
        key.map(|key| Prover { key: key.clone(), nonces: self.nonces.clone() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves whole values behind: every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, error: Option<&Error>) {
        self.state().note_error(error.map(Error::to_object));
        self.context.changes.announce();
    }
}

/// Whether the record belongs to this server: bound to its address, and its tokens to a resource that covers it.
fn fits(record: &Record, url: &ServerUrl) -> bool {
    let same = record.url.parse::<ServerUrl>().is_ok_and(|bound| bound.same_server(url));
    same && record.tokens.as_ref().is_none_or(|tokens| url.is_covered_by(&tokens.resource))
}

fn status(state: &State) -> AccountStatus {
    let Some(record) = &state.record else { return AccountStatus::Locked };
    if state.sign_in.is_some() {
        return AccountStatus::SigningIn;
    }
    let status = settled_status(state, record);
    if state.unreachable_since.is_some() && matches!(status, AccountStatus::Connected | AccountStatus::NoSignIn) {
        return AccountStatus::Unreachable;
    }
    if status == AccountStatus::Connected && state.more_access.needs_sign_in() {
        return AccountStatus::NeedsMoreAccess;
    }
    status
}

/// The state of an account whose keyring item was read and which has no sign-in open.
fn settled_status(state: &State, record: &Record) -> AccountStatus {
    match means(&state.profile, record) {
        Means::Open => AccountStatus::NoSignIn,
        Means::Bearer | Means::Header | Means::Basic if fixed_secret(&state.profile, record).is_some() => {
            AccountStatus::Connected
        }
        Means::Bearer | Means::Header | Means::Basic => AccountStatus::NeedsSignIn,
        Means::Oauth => match &record.tokens {
            Some(tokens) => status_of(tokens, state.refused == Some(record.generation)),
            None => AccountStatus::NeedsSignIn,
        },
    }
}

/// The fixed credential, if it was given for the type that the profile has now.
fn fixed_secret<'a>(profile: &Profile, record: &'a Record) -> Option<&'a SecretString> {
    let secret = record.secret.as_ref().filter(|secret| secret.auth == profile.settings.auth);
    secret.map(|secret| &secret.value)
}

fn means(profile: &Profile, record: &Record) -> Means {
    match profile.settings.auth {
        AuthType::Auto if record.open => Means::Open,
        AuthType::Auto
        | AuthType::Oauth
        | AuthType::Device
        | AuthType::ClientCredentials
        | AuthType::Workload
        | AuthType::Enterprise => Means::Oauth,
        AuthType::Bearer => Means::Bearer,
        AuthType::Header => Means::Header,
        AuthType::Basic => Means::Basic,
        AuthType::None => Means::Open,
    }
}

fn status_of(tokens: &TokenRecord, refused: bool) -> AccountStatus {
    let renewable = tokens.is_renewable();
    // Of a set that was refused, the server may end the rest at any time.
    let is_near = || tokens.expires_at.is_some_and(|end| end.duration_since(now()) <= EXPIRING);
    let soon = tokens.refresh_rejected.is_some() || is_near();
    match (renewable, is_usable(now(), tokens, refused), soon) {
        (true, _, _) | (false, true, false) => AccountStatus::Connected,
        (false, true, true) => AccountStatus::Expiring,
        (false, false, _) => AccountStatus::NeedsSignIn,
    }
}
