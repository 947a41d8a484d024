//! All accounts, found by name or address.

use crate::account::{Account, Context, Unread};
use crate::activity::Activity;
use crate::assertion_file;
use crate::busy::Busy;
use crate::callback::{Arrival, Callbacks, Page};
use crate::changes::Changes;
use crate::error::Error;
use crate::flight::Flight;
use crate::home::Home;
use crate::journal::Journal;
use crate::lock::Lock;
use crate::profile::{Profile, ProfileError, ProfileStore, Removed, Settings, suggest_like, suggest_name};
use crate::redirect::{Redirects, kind_of};
use crate::schedule::Schedule;
use crate::settings::SettingsFile;
use crate::transfer::Carried;
use crate::upstream::Upstream;
use crate::vault::record::Record;
use crate::vault::{Vault, VaultError};
use crate::worker::Workers;
use keybearer_oauth::ServerUrl;
use keybearer_oauth::assertion::claims;
use keybearer_oauth::authorization::{Callback, CallbackError};
use keybearer_oauth::registration::Credential;
use keybearer_oauth::signing_key::SigningKey;
use keybearer_protocol::auth::AuthView;
use keybearer_protocol::exception::Exception;
use keybearer_protocol::profile::AuthType;
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// How few accounts are read one by one.
const FEW: usize = 8;

/// The accounts of one home.
pub struct Accounts {
    context: Arc<Context>,
    book: Mutex<Book>,
    /// The one reading of all accounts that may run.
    reading: Flight<Result<(), Error>>,
}

/// The profiles and the account of each.
struct Book {
    context: Arc<Context>,
    profiles: ProfileStore,
    /// What the last good reading of the profiles had, sorted by name.
    listed: Vec<Listed>,
    /// All accounts that ever were, by id. They stay for good, also while their entry is out of the file: an editor may just
    /// be moving it, and two accounts of one id would renew one token twice.
    accounts: BTreeMap<String, Arc<Account>>,
}

/// An account as it stands in the file.
struct Listed {
    profile: Arc<Profile>,
    account: Arc<Account>,
}

impl Book {
    /// Reads the profiles if they changed, and gives each its account. While they can't be read, those of before stay.
    fn sync(&mut self) -> Result<(), Error> {
        if let Some(profiles) = self.profiles.news()? {
            self.listed = profiles.into_iter().map(|profile| self.follow(profile)).collect();
            self.listed.sort_unstable_by(|a, b| a.profile.name.cmp(&b.profile.name));
            self.context.changes.announce();
        }
        Ok(())
    }

    fn follow(&mut self, profile: Profile) -> Listed {
        if let Some(account) = self.accounts.get(&profile.id) {
            account.set_profile(profile);
            return Listed { profile: account.profile(), account: account.clone() };
        }
        let account = Account::new(self.context.clone(), profile);
        self.accounts.insert(account.id().to_owned(), account.clone());
        Listed { profile: account.profile(), account }
    }

    /// Changes the profiles, and the accounts with them.
    fn change<T>(&mut self, change: impl FnOnce(&mut ProfileStore) -> Result<T, ProfileError>) -> Result<T, Error> {
        let changed = change(&mut self.profiles)?;
        if let Err(error) = self.sync() {
            tracing::debug!(%error, "the profiles can't be read after a change");
        }
        Ok(changed)
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.listed.binary_search_by(|listed| listed.profile.name.as_str().cmp(name))
    }

    /// The accounts with this address; or else those whose address differs by the slash at its end.
    fn at(&self, url: &ServerUrl) -> Vec<&Listed> {
        let found = |same: &dyn Fn(&ServerUrl) -> bool| -> Vec<&Listed> {
            self.listed.iter().filter(|listed| same(&listed.profile.url)).collect()
        };
        let exact = found(&|other| other.same_server(url));
        let trimmed = |url: &ServerUrl| url.url().as_str().trim_end_matches('/').to_owned();
        if exact.is_empty() { found(&|other| trimmed(other) == trimmed(url)) } else { exact }
    }
}

/// What a new account is made of.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The server's address, as typed.
    pub url: String,
    /// The name; made from the address where absent.
    pub name: Option<String>,
    /// How it authorizes itself.
    pub settings: Settings,
    /// What is accepted of its authorization server.
    pub exceptions: Vec<Exception>,
    /// The fixed credential, the workload's JWT, or the secret of a client that was registered by hand.
    pub secret: Option<SecretString>,
    /// The person's ID token.
    pub subject_token: Option<SecretString>,
}

/// What came of accounts from another computer.
#[derive(Default)]
pub struct Brought {
    /// Those that were added.
    pub added: Vec<Arc<Account>>,
    /// How many of them with what signs them in.
    pub signed_in: usize,
    /// How many were here already.
    pub known: usize,
}

/// What is to change about how an account authorizes itself.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// A client ID that was registered by hand; an empty one means that Keybearer finds one again.
    pub client_id: Option<String>,
    /// The authorization server to sign in at; an empty one means one that the server names.
    pub issuer: Option<String>,
    /// The redirect address that the client was registered with; an empty one means one of ours.
    pub redirect_uri: Option<String>,
    /// The scopes to ask for; none means those that the server names.
    pub scopes: Option<Vec<String>>,
    /// What the user adds to authorization requests, beside what there is; an empty one is taken away.
    pub parameters: BTreeMap<String, String>,
    /// Whether to leave `resource` out of all requests.
    pub omit_resource: Option<bool>,
    /// What is accepted of its authorization server, beside what was; none takes all of that back.
    pub exceptions: Option<Vec<Exception>>,
    /// The fixed credential, the workload's JWT, or the client's secret.
    pub secret: Option<SecretString>,
    /// The person's ID token.
    pub subject_token: Option<SecretString>,
}

/// An account that was removed, as it can be put back.
#[derive(Clone, Debug)]
pub struct Gone {
    /// Its id.
    pub id: String,
    /// Its entry in the file.
    entry: Removed,
    /// What the keyring held, if that could be read.
    pub record: Option<Record>,
}

impl Gone {
    /// What it was called.
    pub fn name(&self) -> &str {
        self.entry.name()
    }
}

impl Accounts {
    /// Opens the accounts of a home. Nothing is asked of keyring or network yet.
    pub fn open(
        home: &Home,
        upstream: Arc<dyn Upstream>,
        metadata_document: Option<String>,
        workers: Workers,
    ) -> Result<Arc<Self>, Error> {
        let (callbacks, arrivals) = Callbacks::new();
        let (vault, journal) = (Vault::start(home)?, Journal::new(home));
        let (redirects, settings) =
            (Redirects::open(home), SettingsFile::new(home).with_metadata_document(metadata_document));
        let (lock, changes, busy) = (Lock::default(), Changes::default(), Busy::default());
        let context = Context {
            vault,
            journal,
            workers,
            callbacks,
            redirects,
            settings,
            upstream,
            lock,
            activity: Activity::start(home, changes.clone()),
            changes,
            busy,
            schedule: Schedule::default(),
        };
        let context = Arc::new(context);
        let profiles = ProfileStore::new(home.servers_file());
        let book = Book { context: context.clone(), profiles, listed: Vec::new(), accounts: BTreeMap::new() };
        let accounts = Arc::new(Accounts { context, book: Mutex::new(book), reading: Flight::default() });
        tokio::spawn(receive(Arc::downgrade(&accounts), arrivals));
        Ok(accounts)
    }

    /// Reads what the keyring has, so that sign-ins from before a restart go on.
    pub async fn wake(self: &Arc<Self>) {
        if let Err(error) = self.load().await {
            tracing::warn!(%error, "the accounts can't be read");
        }
    }

    /// Makes sure that all accounts were read, as far as they can be. All who ask at one time share the way. An error is
    /// everybody's trouble.
    pub async fn load(self: &Arc<Self>) -> Result<(), Error> {
        let read = self.reading.join(|| self.clone().load_now()).await;
        read.unwrap_or(Err(Error::Internal("the reading of the accounts ended without a result")))
    }

    async fn load_now(self: Arc<Self>) -> Result<(), Error> {
        let accounts = self.known();
        match self.load_in_one_go(&accounts).await {
            Err(error) if !is_one_accounts(&error) => return Err(error),
            Ok(()) | Err(_) => {}
        }
        // One by one what is left: nobody is taken for signed out because a listing of the keyring doesn't show everything.
        for account in &accounts {
            match account.load().await {
                Err(error) if !is_one_accounts(&error) => return Err(error),
                Err(error) => tracing::warn!(%error, account = account.id(), "an account can't be read"),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Reads those that weren't read yet, if they are many. Whoever asks for one meanwhile doesn't wait for the others.
    async fn load_in_one_go(&self, accounts: &[Arc<Account>]) -> Result<(), Error> {
        let unread: HashMap<&str, (&Arc<Account>, Unread)> =
            accounts.iter().filter_map(|account| Some((account.id(), (account, account.unread()?)))).collect();
        if unread.len() <= FEW {
            return Ok(());
        }
        let records = tokio::select! {
            biased;
            () = self.context.lock.falls() => return Err(Error::Locked),
            records = self.context.vault.read_all(|id| unread.contains_key(id)) => records?,
        };
        for (id, record) in records {
            if let (Some((account, unread)), Ok(record)) = (unread.get(id.as_str()), record) {
                account.take(*unread, record).await;
            }
        }
        Ok(())
    }

    /// Begins no more renewals ahead of time, and returns when nothing is under way that a stop would cut off, and the vault
    /// is closed.
    pub async fn done(&self) {
        self.context.schedule.close();
        self.context.busy.done().await;
        self.context.activity.close().await;
        self.context.vault.lock().await;
    }

    /// What all accounts share.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The account with this id, if there is one.
    pub fn with_id(&self, id: &str) -> Option<Arc<Account>> {
        self.book().accounts.get(id).cloned()
    }

    /// All that this agent has ever read of, also those that are out of the file for the moment.
    pub fn ever_known(&self) -> Vec<Arc<Account>> {
        self.book().accounts.values().cloned().collect()
    }

    /// Drops all that is secret out of memory, also of accounts that are out of the file for the moment. One that is
    /// busy with a server or the keyring is waited for by nobody: it follows when it is done.
    pub fn put_away(&self) {
        for account in self.ever_known() {
            if !account.put_away_if_free() {
                tokio::spawn(async move { account.put_away().await });
            }
        }
    }

    /// What is wrong with `servers.json`.
    pub fn problem(&self) -> Option<Error> {
        self.book().sync().err()
    }

    /// The accounts, sorted by name, from behind this name on. A broken `servers.json` is an error here.
    pub fn after(&self, name: Option<&str>) -> Result<Vec<Arc<Account>>, Error> {
        let mut book = self.book();
        book.sync()?;
        let first = name.map_or(0, |name| book.position(name).map_or_else(|place| place, |place| place + 1));
        Ok(book.listed[first..].iter().map(|listed| listed.account.clone()).collect())
    }

    /// The account of this name or, where only one has it, of this address.
    pub fn find(&self, target: &str) -> Result<Arc<Account>, Error> {
        let mut book = self.book();
        let synced = book.sync();
        if let Ok(place) = book.position(target) {
            return Ok(book.listed[place].account.clone());
        }
        let named = target.parse().map(|url| book.at(&url)).unwrap_or_default();
        match named.as_slice() {
            [listed] => Ok(listed.account.clone()),
            // What isn't there may be just what can't be read.
            [] => Err(synced.err().unwrap_or_else(|| ProfileError::NotFound(target.to_owned()).into())),
            several => {
                let names = several.iter().map(|listed| listed.profile.name.clone()).collect();
                Err(Error::Ambiguous { url: target.to_owned(), names })
            }
        }
    }

    /// Adds an account. If its secret can't be kept, nothing is added. Goes on when its caller leaves.
    pub async fn add(self: &Arc<Self>, new: NewAccount) -> Result<Arc<Account>, Error> {
        let accounts = self.clone();
        self.context.busy.to_the_end(async move { accounts.add_now(new).await }).await
    }

    async fn add_now(&self, new: NewAccount) -> Result<Arc<Account>, Error> {
        let url: ServerUrl = new.url.parse().map_err(ProfileError::from)?;
        let (secret, subject_token) = (new.secret.as_ref(), new.subject_token.as_ref());
        check_settings(&new.settings, secret)?;
        check_options(&new.settings, &new.exceptions)?;
        check_assertions(&new.settings, secret, subject_token)?;
        if secret.or(subject_token).is_some() || !new.exceptions.is_empty() {
            self.context.vault.probe().await?;
        }
        let account = self.write_profile(url, &new)?;
        if let Err(error) = keep(&account, new.secret, new.subject_token, &new.exceptions).await {
            self.book().change(|profiles| profiles.remove(&account.name()))?;
            return Err(error);
        }
        Ok(account)
    }

    fn write_profile(&self, url: ServerUrl, new: &NewAccount) -> Result<Arc<Account>, Error> {
        let mut book = self.book();
        book.sync()?;
        let suggested = || suggest_name(&url, |name| book.position(name).is_ok());
        let name = new.name.clone().unwrap_or_else(suggested);
        let profile = book.change(|profiles| profiles.add(&name, url.clone(), new.settings.clone()))?;
        book.accounts.get(&profile.id).cloned().ok_or(Error::Internal("a profile without an account"))
    }

    /// Removes an account and what the keyring holds for it. If one of them can't be removed, both stay. Goes on when
    /// its caller leaves.
    pub async fn remove(self: &Arc<Self>, name: &str) -> Result<Gone, Error> {
        let (accounts, account) = (self.clone(), self.find(name)?);
        self.context.busy.to_the_end(async move { accounts.remove_now(&account).await }).await
    }

    async fn remove_now(&self, account: &Arc<Account>) -> Result<Gone, Error> {
        let entry = self.book().change(|profiles| profiles.remove(&account.name()))?;
        match account.forget().await {
            Ok(record) => {
                self.book().accounts.remove(account.id());
                Ok(Gone { id: account.id().to_owned(), entry, record })
            }
            Err(error) => {
                self.book().change(|profiles| profiles.put_back(entry))?;
                Err(error)
            }
        }
    }

    /// Brings a removed account back whole, under its id. If what the keyring held can't be kept, it stays removed. Goes on
    /// when its caller leaves.
    pub async fn put_back(self: &Arc<Self>, gone: Gone) -> Result<Arc<Account>, Error> {
        let accounts = self.clone();
        self.context.busy.to_the_end(async move { accounts.put_back_now(gone).await }).await
    }

    async fn put_back_now(&self, gone: Gone) -> Result<Arc<Account>, Error> {
        if gone.record.is_some() {
            self.context.vault.probe().await?;
        }
        let account = {
            let mut book = self.book();
            book.sync()?;
            if book.position(gone.entry.name()).is_ok() {
                return Err(ProfileError::Exists(gone.entry.name().to_owned()).into());
            }
            book.change(|profiles| profiles.put_back(gone.entry))?;
            book.accounts.get(&gone.id).cloned().ok_or(Error::Internal("a profile without an account"))?
        };
        if let Some(record) = gone.record
            && let Err(error) = account.keep_again(record).await
        {
            self.book().change(|profiles| profiles.remove(&account.name()))?;
            return Err(error);
        }
        Ok(account)
    }

    /// All accounts for another computer, and if `signed_in`, with what signs them in.
    pub async fn carried(&self, signed_in: bool) -> Result<Vec<Carried>, Error> {
        let mut all = Vec::new();
        for account in self.after(None)? {
            let record = if signed_in { account.portable().await? } else { None };
            all.push(Carried::of(&account.profile(), record));
        }
        Ok(all)
    }

    /// Adds accounts from another computer. One of the same name and address is here already, and stays as it is. What was
    /// added before something failed stays: the same again goes on from there. Goes on when its caller leaves.
    pub async fn bring(self: &Arc<Self>, all: Vec<Carried>) -> Result<Brought, Error> {
        let accounts = self.clone();
        self.context.busy.to_the_end(async move { accounts.bring_now(all).await }).await
    }

    async fn bring_now(&self, all: Vec<Carried>) -> Result<Brought, Error> {
        if all.iter().any(|carried| carried.record.is_some()) {
            self.context.vault.probe().await?;
        }
        let mut brought = Brought::default();
        for Carried { name, url, settings, record } in all {
            let known = self.after(None)?;
            if known.iter().any(|account| account.name() == name && account.url().same_server(&url)) {
                brought.known += 1;
                continue;
            }
            let name = suggest_like(&name, &url, |name| known.iter().any(|account| account.name() == name));
            let new = NewAccount {
                url: url.to_string(),
                name: Some(name),
                settings,
                exceptions: Vec::new(),
                secret: None,
                subject_token: None,
            };
            let account = self.write_profile(url, &new)?;
            if let Some(record) = record {
                brought.signed_in += usize::from(record.signs_in());
                if let Err(error) = account.keep_portable(record).await {
                    self.book().change(|profiles| profiles.remove(&account.name()))?;
                    return Err(error);
                }
            }
            brought.added.push(account);
        }
        Ok(brought)
    }

    /// Changes how an account authorizes itself; what is absent stays. An open sign-in would go on with what it began
    /// with, so it ends. Goes on when its caller leaves.
    pub async fn update(self: &Arc<Self>, name: &str, change: Change) -> Result<Arc<Account>, Error> {
        let (accounts, account) = (self.clone(), self.find(name)?);
        self.context.busy.to_the_end(async move { accounts.update_now(account, change).await }).await
    }

    async fn update_now(&self, account: Arc<Account>, change: Change) -> Result<Arc<Account>, Error> {
        let given = |secret: &SecretString| !secret.expose_secret().is_empty();
        let (secret, subject_token) = (change.secret.filter(given), change.subject_token.filter(given));
        let before = account.settings();
        let after = Settings {
            client_id: changed(change.client_id.as_deref(), &before.client_id),
            // What was said of the client before is not said of the next.
            issuer: match change.client_id {
                Some(_) => changed(change.issuer.as_deref(), &None),
                None => changed(change.issuer.as_deref(), &before.issuer),
            },
            redirect_uri: match change.client_id {
                Some(_) => changed(change.redirect_uri.as_deref(), &None),
                None => changed(change.redirect_uri.as_deref(), &before.redirect_uri),
            },
            scopes: change.scopes.unwrap_or_else(|| before.scopes.clone()),
            parameters: before.parameters.with(change.parameters)?,
            omit_resource: change.omit_resource.unwrap_or(before.omit_resource),
            ..before.clone()
        };
        // A secret belongs to the client that it came with, and to no other.
        let is_oauth = before.auth.has_client_secret();
        let outlived = is_oauth && secret.is_none() && after.client_id != before.client_id;
        if let Some(secret) = &secret {
            check_settings(&after, Some(secret))?;
        }
        check_options(&after, change.exceptions.as_deref().unwrap_or_default())?;
        if subject_token.is_some() || (secret.is_some() && after.auth == AuthType::Workload) {
            check_assertions(&after, secret.as_ref(), subject_token.as_ref())?;
        }
        if secret.is_some() || subject_token.is_some() || outlived || change.exceptions.is_some() {
            self.context.vault.probe().await?;
        }
        if after != before {
            self.book().change(|profiles| profiles.set(&account.name(), &after))?;
        }
        // It would go on with what it began with; without an open one there is none to end.
        let _ = account.cancel_sign_in().await;
        if outlived {
            account.drop_secret().await?;
        }
        if change.exceptions.as_ref().is_some_and(Vec::is_empty) {
            account.accept_nothing().await?;
        }
        keep(&account, secret, subject_token, &change.exceptions.unwrap_or_default()).await?;
        Ok(account)
    }

    /// Gives an account another name.
    pub fn rename(&self, name: &str, new: &str) -> Result<Arc<Account>, Error> {
        let account = self.find(name)?;
        self.book().change(|profiles| profiles.rename(&account.name(), new))?;
        Ok(account)
    }

    /// The one entry of every callback, whoever brings it. Trouble with other accounts doesn't hold it up.
    pub async fn complete(self: &Arc<Self>, url: &SecretString) -> Result<AuthView, Error> {
        self.context.lock.check()?;
        let callback = Callback::parse(url.expose_secret())?;
        let owner = || self.known().into_iter().find(|account| account.owns(&callback));
        let account = match owner() {
            Some(account) => account,
            None => {
                self.wake().await;
                owner().ok_or(CallbackError::StateMismatch)?
            }
        };
        account.complete_sign_in(&callback).await
    }

    /// What is wrong with the keyring, by a real try.
    pub async fn vault_problem(&self) -> Option<VaultError> {
        self.context.vault.probe().await.err()
    }

    /// The accounts of the last good reading of the profiles.
    pub fn known(&self) -> Vec<Arc<Account>> {
        let mut book = self.book();
        if let Err(error) = book.sync() {
            tracing::debug!(%error, "the profiles can't be read now");
        }
        book.listed.iter().map(|listed| listed.account.clone()).collect()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic elsewhere leaves whole values behind: the next reading puts the rest right.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this is one account's own trouble, as a bad item is; a keyring that doesn't answer is everybody's.
fn is_one_accounts(error: &Error) -> bool {
    matches!(error, Error::Vault(VaultError::Unreadable(_)))
}

/// Keeps what belongs into the keyring.
async fn keep(
    account: &Arc<Account>,
    secret: Option<SecretString>,
    subject_token: Option<SecretString>,
    exceptions: &[Exception],
) -> Result<(), Error> {
    if let Some(secret) = secret {
        account.keep_secret(secret).await?;
    }
    if let (Some(token), Some(provider)) = (subject_token, account.settings().identity_provider) {
        account.keep_subject(token, provider.issuer).await?;
    }
    if !exceptions.is_empty() {
        account.accept(exceptions).await?;
    }
    Ok(())
}

/// A text after a change: absent it stays, and an empty one takes it away.
fn changed(change: Option<&str>, before: &Option<String>) -> Option<String> {
    match change {
        Some(text) => Some(text.to_owned()).filter(|text| !text.is_empty()),
        None => before.clone(),
    }
}

/// Whether what belongs to a sign-in is for an account that has one.
fn check_options(settings: &Settings, exceptions: &[Exception]) -> Result<(), Error> {
    let has_some = settings.issuer.is_some() || !settings.parameters.is_empty() || settings.omit_resource;
    if (has_some || !exceptions.is_empty()) && !settings.auth.signs_in() {
        let complaint =
            "this account doesn't sign in, so --issuer, --parameter, --no-resource and --accept are not for it";
        return Err(Error::Usage(complaint.to_owned()));
    }
    let complaint = if settings.issuer.as_ref().is_some_and(|issuer| issuer.parse::<ServerUrl>().is_err()) {
        "--issuer takes the https address of an authorization server"
    } else if settings.redirect_uri.is_some() && settings.client_id.is_none() {
        "--redirect-uri belongs to a --client-id"
    } else if settings.redirect_uri.as_ref().is_some_and(|uri| kind_of(uri).is_none()) {
        "a redirect address leads to a port of this machine: http://localhost:PORT/PATH or http://127.0.0.1:PORT/PATH"
    } else {
        return Ok(());
    };
    Err(Error::Usage(complaint.to_owned()))
}

/// Whether the options fit the type, and none is missing.
fn check_settings(settings: &Settings, secret: Option<&SecretString>) -> Result<(), Error> {
    let has_secret = secret.is_some();
    let needs_secret = match settings.auth {
        AuthType::Bearer | AuthType::Header | AuthType::Basic | AuthType::ClientCredentials => true,
        AuthType::Auto
        | AuthType::Oauth
        | AuthType::Device
        | AuthType::Workload
        | AuthType::Enterprise
        | AuthType::None => false,
    };
    let complaint = if needs_secret && !has_secret {
        "this type needs a secret: pipe it in with --secret-stdin"
    } else if has_secret && !needs_secret && settings.client_id.is_none() && settings.auth != AuthType::Workload {
        "a secret needs --auth bearer, header or basic, or a --client-id that it belongs to"
    } else if settings.auth == AuthType::ClientCredentials && settings.client_id.is_none() {
        "--auth client-credentials needs the --client-id that was registered"
    } else if (settings.auth == AuthType::Header) != settings.header.is_some() {
        "--auth header and --header NAME belong together"
    } else if (settings.auth == AuthType::Basic) != settings.username.is_some() {
        "--auth basic and --username NAME belong together"
    } else if settings.header.as_ref().is_some_and(|name| name.parse::<http::HeaderName>().is_err()) {
        "that can't be a header's name"
    } else {
        return check_secret(settings, secret);
    };
    Err(Error::Usage(complaint.to_owned()))
}

/// Whether a client's private key can sign, so that it is known before a sign-in fails by it.
fn check_secret(settings: &Settings, secret: Option<&SecretString>) -> Result<(), Error> {
    let secret = secret.filter(|_| settings.auth.has_client_secret());
    if let Some(Credential::PrivateKey(pem)) = secret.cloned().map(Credential::of) {
        SigningKey::from_pem(&pem)?;
    }
    Ok(())
}

/// Whether there is what stands for a workload or a person, in one place, and nothing of that where none is needed.
fn check_assertions(
    settings: &Settings,
    secret: Option<&SecretString>,
    subject_token: Option<&SecretString>,
) -> Result<(), Error> {
    let (is_workload, is_enterprise) = (settings.auth == AuthType::Workload, settings.auth == AuthType::Enterprise);
    let brought = if is_workload { secret } else { subject_token };
    let complaint = match (&settings.assertion_file, &settings.identity_provider) {
        (Some(_), _) if !is_workload && !is_enterprise => "--assertion-file is for --auth workload and enterprise",
        (_, Some(_)) if !is_enterprise => "--idp is for --auth enterprise",
        _ if subject_token.is_some() && !is_enterprise => "a person's ID token is for --auth enterprise",
        (Some(_), _) if brought.is_some() => "either a file keeps the token, or the keyring: bring one of them",
        (None, _) if is_workload && brought.is_none() => {
            "--auth workload needs the --assertion-file that holds the workload's JWT, or the JWT by --secret-stdin"
        }
        (_, None) if is_enterprise => "--auth enterprise needs --idp and --idp-client-id",
        _ if is_enterprise && settings.client_id.is_none() => {
            "--auth enterprise needs the --client-id that was registered at the server's own authorization server"
        }
        (None, _) if is_enterprise && brought.is_none() => {
            "--auth enterprise needs your ID token: by --assertion-file or by --subject-token-stdin"
        }
        (file, provider) => {
            file.as_deref().map(assertion_file::check).transpose()?;
            let addresses = provider.iter().flat_map(|it| [Some(&it.issuer), it.token_endpoint.as_ref()]).flatten();
            for address in addresses {
                address.parse::<ServerUrl>().map_err(ProfileError::from)?;
            }
            if let Some(assertion) = brought.filter(|_| is_workload || is_enterprise) {
                claims(assertion).map_err(|error| Error::Usage(error.to_string()))?;
            }
            return Ok(());
        }
    };
    Err(Error::Usage(complaint.to_owned()))
}

/// Takes callbacks from the loopback ports.
async fn receive(accounts: std::sync::Weak<Accounts>, mut arrivals: mpsc::Receiver<Arrival>) {
    while let (Some(Arrival { url, outcome }), Some(accounts)) = (arrivals.recv().await, accounts.upgrade()) {
        tokio::spawn(async move {
            // The browser may be gone; the sign-in is over all the same.
            let _ = outcome.send(page(&accounts.complete(&url).await));
        });
    }
}

fn page(outcome: &Result<AuthView, Error>) -> Page {
    match outcome {
        Ok(view) => Page {
            title: "Signed in".to_owned(),
            text: format!("Keybearer has access for {}. You can close this page.", view.profile),
            good: true,
        },
        Err(error) => {
            let object = error.to_object();
            let action = object.data.action.map(|action| format!(" What to do: {action}.")).unwrap_or_default();
            Page { title: "Not signed in".to_owned(), text: format!("{}.{action}", object.message), good: false }
        }
    }
}
