//! News for whoever has subscribed: what changed between two looks at the agent. Nobody looks as long as nobody has.
//!
//! Whatever announces a change to windows makes the next look come at once; what changes by itself, as a token that
//! ends or a file that a person edits, is seen a moment later.

use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::consent::Consent;
use crate::error::Error;
use crate::grants::Grant;
use jiff::Timestamp;
use keybearer_protocol::Door;
use keybearer_protocol::auth::AuthPhase;
use keybearer_protocol::events::{Event, Topic};
use keybearer_protocol::profile::{AccountStatus, AccountView};
use keybearer_protocol::rpc::Notice;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, watch};

/// How often there is a look without an announcement.
const GLANCE: Duration = Duration::from_secs(2);
/// How much news waits for a subscriber that is slow to choose its own.
const WAITING: usize = 256;

/// The subscriptions of all connections.
pub struct Events {
    accounts: Arc<Accounts>,
    consent: Arc<Consent>,
    news: broadcast::Sender<Arc<Vec<News>>>,
    subscribed: Mutex<Subscribed>,
}

#[derive(Debug, Default)]
struct Subscribed {
    /// By the number of the connection: what it is subscribed to.
    topics: HashMap<u64, watch::Sender<BTreeSet<Topic>>>,
    /// Whether somebody looks for news.
    is_watched: bool,
}

/// What can be told, to whomever it concerns.
#[derive(Clone, Debug)]
enum News {
    Token { account: String, profile: String, generation: u32, expires_at: Option<Timestamp> },
    Profile { account: String, profile: String, renamed_from: Option<String>, removed: bool },
    Lock { locked: bool },
    Grant { grant: Box<Grant>, profile: String },
    SignInNeeded { profile: String },
    SignInOver { profile: String, signed_in: bool },
    PromptAsked { prompt: String, profile: String },
    PromptEnded { prompt: String },
}

/// What was seen at one look.
#[derive(Clone, Debug, Default)]
struct Look {
    locked: bool,
    /// By their ids.
    accounts: BTreeMap<String, Seen>,
    grants: Vec<Grant>,
    /// Prompts with the accounts that they are about.
    prompts: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
struct Seen {
    view: AccountView,
    /// The number of the tokens, where there are any.
    generation: Option<u32>,
    /// Whether the last sign-in went well, and the count of its changes; none while there is none that is over.
    sign_in: Option<(bool, u32)>,
}

impl Events {
    /// No subscriptions yet.
    pub fn new(accounts: Arc<Accounts>, consent: Arc<Consent>) -> Arc<Events> {
        let news = broadcast::Sender::new(WAITING);
        Arc::new(Events { accounts, consent, news, subscribed: Mutex::default() })
    }

    /// Tells a connection of these topics as well; gives all that it is told of.
    pub fn subscribe(self: &Arc<Self>, door: Door, caller: &Caller, topics: &[Topic]) -> Result<Vec<Topic>, Error> {
        if let Some(topic) = topics.iter().find(|topic| topic.is_for_admins() && door != Door::Admin) {
            return Err(Error::Usage(format!("{} is told behind the admin door alone", word(*topic))));
        }
        let mut subscribed = self.subscribed();
        if let Some(known) = subscribed.topics.get(&caller.connection.number) {
            known.send_modify(|known| known.extend(topics));
            return Ok(known.borrow().iter().copied().collect());
        }
        let wanted: BTreeSet<Topic> = topics.iter().copied().collect();
        let all = wanted.iter().copied().collect();
        if !wanted.is_empty() {
            let known = watch::Sender::new(wanted);
            let topics = known.subscribe();
            subscribed.topics.insert(caller.connection.number, known);
            let news = self.news.subscribe();
            caller.connection.outlet.in_use.store(true, Ordering::Relaxed);
            if !std::mem::replace(&mut subscribed.is_watched, true) {
                tokio::spawn(watch_for_news(self.clone(), self.look()));
            }
            let told = Told { queue: caller.connection.outlet.queue.clone(), seq: 0, lost: None };
            let subscriber = Subscriber { events: self.clone(), door, caller: caller.clone(), topics, told };
            tokio::spawn(subscriber.follow(news));
        }
        Ok(all)
    }

    /// Tells a connection of these topics no more, or of none at all; gives those that are left.
    pub fn unsubscribe(&self, caller: &Caller, topics: Option<&[Topic]>) -> Vec<Topic> {
        let mut subscribed = self.subscribed();
        let Some(known) = subscribed.topics.get(&caller.connection.number) else { return Vec::new() };
        known.send_modify(|known| known.retain(|topic| topics.is_some_and(|named| !named.contains(topic))));
        let left: Vec<Topic> = known.borrow().iter().copied().collect();
        if left.is_empty() {
            // The subscriber ends with the other end of its channel.
            subscribed.topics.remove(&caller.connection.number);
            caller.connection.outlet.in_use.store(false, Ordering::Relaxed);
        }
        left
    }

    fn look(&self) -> Look {
        let seen = self.accounts.known().into_iter().map(|account| {
            let (detail, sign_in) = (account.detail(), account.sign_in_view());
            let generation = detail.received_at.map(|_| detail.generation);
            let sign_in = match sign_in.phase {
                AuthPhase::SignedIn => Some((true, sign_in.revision)),
                AuthPhase::Failed => Some((false, sign_in.revision)),
                AuthPhase::None | AuthPhase::Preparing | AuthPhase::WaitingForBrowser | AuthPhase::Finishing => None,
            };
            let seen = Seen { view: detail.account, generation, sign_in };
            (detail.id, seen)
        });
        let locked = self.accounts.context().lock.is_set();
        Look { locked, accounts: seen.collect(), grants: self.consent.remembered(), prompts: self.consent.asked() }
    }

    fn subscribed(&self) -> MutexGuard<'_, Subscribed> {
        // A panic elsewhere leaves whole values behind: every change is one call.
        self.subscribed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks again and again, as long as there are subscriptions.
async fn watch_for_news(events: Arc<Events>, mut last: Look) {
    let changes = events.accounts.context().changes.clone();
    let mut seen = changes.revision();
    loop {
        let look = events.look().or_as_known(&last);
        let mut news = between(&last, &look);
        // A program that has ended took its answers with it; nobody revoked them.
        news.retain(|one| !matches!(one, News::Grant { grant, .. } if events.consent.is_over(grant)));
        last = look;
        if !news.is_empty() {
            // Whoever has just left needs none.
            let _ = events.news.send(Arc::new(news));
        }
        seen = changes.after(seen, GLANCE).await;
        let mut subscribed = events.subscribed();
        if subscribed.topics.is_empty() {
            subscribed.is_watched = false;
            return;
        }
    }
}

impl Look {
    /// With what was known before of accounts that nothing can be said about: of those that a locked keyring holds, and
    /// of all while the agent is locked.
    fn or_as_known(mut self, before: &Look) -> Look {
        for (account, seen) in &mut self.accounts {
            let Some(known) = before.accounts.get(account) else { continue };
            if self.locked || seen.view.status == AccountStatus::Locked {
                seen.clone_from(known);
            }
            seen.generation = seen.generation.or(known.generation);
        }
        self
    }
}

/// What changed from one look to the next.
fn between(before: &Look, after: &Look) -> Vec<News> {
    let mut news = Vec::new();
    if before.locked != after.locked {
        news.push(News::Lock { locked: after.locked });
    }
    for (account, seen) in &after.accounts {
        match before.accounts.get(account) {
            Some(known) => news.extend(news_of(account, known, seen)),
            None => news.push(profile_news(account, &seen.view, None, false)),
        }
    }
    let gone = before.accounts.iter().filter(|(account, _)| !after.accounts.contains_key(*account));
    news.extend(gone.map(|(account, seen)| profile_news(account, &seen.view, None, true)));
    for grant in before.grants.iter().filter(|grant| !after.grants.iter().any(|kept| kept.id() == grant.id())) {
        let profile = before.accounts.get(grant.account()).map(|seen| seen.view.profile.clone());
        news.extend(profile.map(|profile| News::Grant { grant: Box::new(grant.clone()), profile }));
    }
    for (prompt, profile) in after.prompts.iter().filter(|asked| !before.prompts.contains(asked)) {
        news.push(News::PromptAsked { prompt: prompt.clone(), profile: profile.clone() });
    }
    for (prompt, _) in before.prompts.iter().filter(|asked| !after.prompts.contains(asked)) {
        news.push(News::PromptEnded { prompt: prompt.clone() });
    }
    news
}

/// What changed of one account.
fn news_of(account: &str, before: &Seen, after: &Seen) -> Vec<News> {
    let mut news = Vec::new();
    let (old, new) = (&before.view, &after.view);
    let profile = &new.profile;
    let face = |view: &AccountView| {
        (view.profile.clone(), view.label.clone(), view.server_url.clone(), view.auth, view.status, view.scopes.clone())
    };
    if face(old) != face(new) {
        let renamed_from = (old.profile != new.profile).then(|| old.profile.clone());
        news.push(profile_news(account, new, renamed_from, false));
    }
    // Tokens that were only read now are no news.
    if let (Some(generation), Some(known)) = (after.generation, before.generation)
        && generation != known
    {
        let (account, profile) = (account.to_owned(), profile.clone());
        news.push(News::Token { account, profile, generation, expires_at: new.expires_at });
    }
    // Another name counts as a change of the sign-in as well.
    if let Some((signed_in, _)) = after.sign_in.filter(|_| after.sign_in != before.sign_in && old.profile == *profile) {
        news.push(News::SignInOver { profile: profile.clone(), signed_in });
    }
    let needs_person = |status| matches!(status, AccountStatus::NeedsSignIn | AccountStatus::NeedsMoreAccess);
    if needs_person(new.status) && new.status != old.status {
        news.push(News::SignInNeeded { profile: profile.clone() });
    }
    news
}

fn profile_news(account: &str, view: &AccountView, renamed_from: Option<String>, removed: bool) -> News {
    News::Profile { account: account.to_owned(), profile: view.profile.clone(), renamed_from, removed }
}

/// One connection that is told of some topics.
struct Subscriber {
    events: Arc<Events>,
    door: Door,
    caller: Caller,
    topics: watch::Receiver<BTreeSet<Topic>>,
    told: Told,
}

impl Subscriber {
    /// Passes on what concerns it, until it leaves or unsubscribes.
    async fn follow(mut self, mut news: broadcast::Receiver<Arc<Vec<News>>>) {
        let (mut open, mut topics) = (self.caller.connection.clone(), self.topics.clone());
        // Of an account that is gone nobody can be asked any more whether the program was allowed to use it.
        let mut permitted = self.permitted().await;
        loop {
            tokio::select! {
                biased;
                () = open.closed() => break,
                // Nothing is done when they change: they are read with each piece of news.
                _ = async { while topics.changed().await.is_ok() {} } => break,
                () = self.told.admit() => {}
                told = news.recv() => match told {
                    Ok(several) => {
                        for one in several.iter() {
                            if self.concerns(one, &permitted).await {
                                self.told.tell(one);
                            }
                        }
                        permitted = self.permitted().await;
                    }
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
                        self.told.lose(missed);
                    }
                    Err(broadcast::error::RecvError::Closed) => break,
                },
            }
        }
        let mut subscribed = self.events.subscribed();
        // It may have subscribed anew meanwhile.
        if !self.caller.connection.is_open() {
            subscribed.topics.remove(&self.caller.connection.number);
        }
    }

    /// The accounts that a program may use now.
    async fn permitted(&self) -> HashSet<String> {
        let mut permitted = HashSet::new();
        if self.door == Door::Programs {
            for account in self.events.accounts.known() {
                if self.events.consent.is_permitted(&self.caller, &account).await {
                    permitted.insert(account.id().to_owned());
                }
            }
        }
        permitted
    }

    /// Whether this connection is to be told: its topic, and for a program an account that it may use.
    async fn concerns(&self, news: &News, permitted: &HashSet<String>) -> bool {
        if !self.topics.borrow().contains(&topic(news)) {
            return false;
        }
        let account = match news {
            News::Token { account, .. } | News::Profile { account, .. } => account,
            News::Grant { grant, .. } => {
                return self.door == Door::Admin || grant.is_of_caller(&self.caller.view);
            }
            News::Lock { .. }
            | News::SignInNeeded { .. }
            | News::SignInOver { .. }
            | News::PromptAsked { .. }
            | News::PromptEnded { .. } => return true,
        };
        if self.door == Door::Admin {
            return true;
        }
        match self.events.accounts.with_id(account) {
            Some(known) if self.events.consent.is_permitted(&self.caller, &known).await => true,
            _ => matches!(news, News::Profile { removed: true, .. }) && permitted.contains(account),
        }
    }
}

/// What one connection was told and what it was not, by their numbers.
struct Told {
    queue: mpsc::Sender<Notice>,
    /// The number of the last.
    seq: u32,
    /// The first and the last that found no room.
    lost: Option<(u32, u32)>,
}

impl Told {
    fn tell(&mut self, news: &News) {
        // What comes after a loss comes after its notice.
        if self.lost.is_some() || self.queue.try_send(event(news, self.seq + 1).into()).is_err() {
            return self.lose(1);
        }
        self.seq += 1;
    }

    fn lose(&mut self, count: u32) {
        let first = self.lost.map_or(self.seq + 1, |(first, _)| first);
        self.seq = self.seq.saturating_add(count);
        self.lost = Some((first, self.seq));
    }

    /// Tells of a loss as soon as there is room; without one, this never ends.
    async fn admit(&mut self) {
        let Some((from, to)) = self.lost else { return std::future::pending().await };
        // An error means that the connection has ended, which its subscriber learns in another way.
        let Ok(room) = self.queue.reserve().await else { return std::future::pending().await };
        room.send(Event::Lost { from, to }.into());
        self.lost = None;
    }
}

fn topic(news: &News) -> Topic {
    match news {
        News::Token { .. } => Topic::TokenRotated,
        News::Profile { .. } => Topic::ProfileChanged,
        News::Lock { .. } => Topic::LockChanged,
        News::Grant { .. } => Topic::GrantRevoked,
        News::SignInNeeded { .. } => Topic::AuthRequired,
        News::SignInOver { .. } => Topic::AuthCompleted,
        News::PromptAsked { .. } | News::PromptEnded { .. } => Topic::Prompt,
    }
}

fn event(news: &News, seq: u32) -> Event {
    match news.clone() {
        News::Token { profile, generation, expires_at, .. } => {
            Event::TokenRotated { seq, profile, generation, expires_at }
        }
        News::Profile { profile, renamed_from, removed, .. } => {
            Event::ProfileChanged { seq, profile, renamed_from, removed }
        }
        News::Lock { locked } => Event::LockChanged { seq, locked },
        News::Grant { grant, profile } => Event::GrantRevoked { seq, grant: grant.id().to_owned(), profile },
        News::SignInNeeded { profile } => Event::AuthRequired { seq, profile },
        News::SignInOver { profile, signed_in } => Event::AuthCompleted { seq, profile, signed_in },
        News::PromptAsked { prompt, profile } => Event::PromptAsked { seq, prompt, profile },
        News::PromptEnded { prompt } => Event::PromptEnded { seq, prompt },
    }
}

/// A topic as it is written.
fn word(topic: Topic) -> String {
    serde_json::to_value(topic).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_protocol::profile::AuthType;

    fn look(status: AccountStatus, generation: Option<u32>) -> Look {
        let view = AccountView {
            profile: "linear".into(),
            label: "linear".into(),
            server_url: "https://mcp.example/".into(),
            auth: AuthType::Auto,
            status,
            expires_at: None,
            scopes: Vec::new(),
            unreachable_since: None,
        };
        let seen = Seen { view, generation, sign_in: None };
        Look { accounts: BTreeMap::from([("a".to_owned(), seen)]), ..Look::default() }
    }

    fn topics(before: &Look, after: &Look) -> Vec<Topic> {
        between(before, after).iter().map(topic).collect()
    }

    #[test]
    fn what_a_lock_hides_and_what_is_only_read_again_is_no_news() {
        let before = look(AccountStatus::Connected, Some(3));
        let locked = Look { locked: true, ..look(AccountStatus::Locked, None) }.or_as_known(&before);
        assert_eq!(topics(&before, &locked), [Topic::LockChanged]);
        let unread = look(AccountStatus::Locked, None).or_as_known(&locked);
        assert_eq!(topics(&locked, &unread), [Topic::LockChanged]);
        let read = look(AccountStatus::Connected, Some(3)).or_as_known(&unread);
        assert_eq!(topics(&unread, &read), []);
        // An agent that has just started has read nothing yet.
        assert_eq!(topics(&look(AccountStatus::Connected, None), &before), []);
        let renewed = look(AccountStatus::Connected, Some(4));
        assert_eq!(topics(&read, &renewed), [Topic::TokenRotated]);
        let ended = look(AccountStatus::NeedsSignIn, Some(4));
        assert_eq!(topics(&renewed, &ended), [Topic::ProfileChanged, Topic::AuthRequired]);
        assert_eq!(topics(&ended, &Look::default()), [Topic::ProfileChanged]);
    }

    #[tokio::test]
    async fn whoever_is_too_slow_learns_which_numbers_were_lost_before_what_comes_next() {
        let (queue, mut told) = mpsc::channel(2);
        let mut numbers = Told { queue, seq: 0, lost: None };
        let news = News::Lock { locked: true };
        for _ in 0..5 {
            numbers.tell(&news);
        }
        assert_eq!(told.recv().await.expect("the first").params["seq"], 1);
        // There is room, and still the loss comes first.
        numbers.tell(&news);
        numbers.admit().await;
        assert_eq!(told.recv().await.expect("the second").params["seq"], 2);
        numbers.tell(&news);
        let lost = told.recv().await.expect("the loss");
        assert_eq!(
            (lost.method.as_str(), &lost.params["from"], &lost.params["to"]),
            ("events.lost", &3.into(), &6.into())
        );
        assert_eq!(told.recv().await.expect("the next").params["seq"], 7);
    }
}
