//! Linux: the screen saver on the session bus, systemd's logind on the system bus.
//!
//! A thread of its own listens, as the vault's does: zbus stands on async-io here, and would panic on tokio's threads. As
//! long as nothing is wanted it sleeps, and has no connection.

use super::{Delay, Heard, News, Unseen, Wanted};
use async_io::{Timer, block_on};
use futures_lite::{FutureExt, StreamExt, future, stream};
use std::collections::HashMap;
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use zbus::fdo::DBusProxy;
use zbus::match_rule;
use zbus::message::Type;
use zbus::zvariant::{OwnedFd, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, MatchRule, Message, MessageStream, Proxy};

/// Keeps the computer awake as long as the file is open.
pub(super) type Inhibitor = OwnedFd;

/// How long a source that wasn't there is left alone.
const REST: Duration = Duration::from_secs(10);
/// The same of one that is gone.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a bus may take to answer.
const LIMIT: Duration = Duration::from_secs(2);

/// How the interface's name ends with every desktop: `org.freedesktop.ScreenSaver`, which KDE has, `org.gnome.ScreenSaver`,
/// `org.cinnamon.ScreenSaver` and others.
const SCREEN_SAVER: &str = ".ScreenSaver";
/// Names of logind (org.freedesktop.login1(5)).
const LOGIN: &str = "org.freedesktop.login1";
const LOGIN_PATH: &str = "/org/freedesktop/login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";
const SESSIONS: &str = "/org/freedesktop/login1/session";

pub(super) fn listen(wanted: watch::Receiver<Wanted>, heard: watch::Sender<Heard>, news: mpsc::Sender<News>) {
    let ear = Ear { heard, news };
    let spawned = thread::Builder::new().name("presence".to_owned()).spawn(move || block_on(ear.listen(wanted)));
    if let Err(error) = spawned {
        tracing::error!(%error, "screen and sleep can't be listened for");
    }
}

/// GNOME's compositor counts; no other desktop tells it to any program in a way that can be relied on.
pub(super) async fn untouched_for() -> Option<Duration> {
    let (tell, told) = oneshot::channel();
    let asking = async move {
        let session = Connection::session().await.ok()?;
        let (name, path) = ("org.gnome.Mutter.IdleMonitor", "/org/gnome/Mutter/IdleMonitor/Core");
        let answer = session.call_method(Some(name), path, Some(name), "GetIdletime", &()).await.ok()?;
        answer.body().deserialize::<u64>().ok().map(Duration::from_millis)
    };
    let spawned = thread::Builder::new().name("idleness".to_owned()).spawn(move || {
        // Whoever asked may have left.
        let _ = tell.send(block_on(asking.or(after(LIMIT, None))));
    });
    spawned.ok()?;
    told.await.ok().flatten()
}

async fn after<T>(time: Duration, then: T) -> T {
    Timer::after(time).await;
    then
}

/// What comes from one source; none when it is gone.
type Source = stream::Boxed<Option<News>>;

struct Ear {
    heard: watch::Sender<Heard>,
    news: mpsc::Sender<News>,
}

impl Ear {
    /// Listens for what is wanted, until nobody is left who could want anything.
    async fn listen(self, mut wanted: watch::Receiver<Wanted>) {
        loop {
            let now = *wanted.borrow_and_update();
            let listening = async {
                self.attend(now).await;
                true
            };
            if !listening.or(async { wanted.changed().await.is_ok() }).await {
                return;
            }
        }
    }

    /// Listens for this until a source is gone, or it is time to look again for one that wasn't there.
    async fn attend(&self, wanted: Wanted) {
        let (screen, login) = future::zip(open(wanted.screen, screen()), open(wanted.screen, login())).await;
        let sleep = open(wanted.sleep, sleep()).await;
        let problem = |source: &Option<Result<_, String>>| source.as_ref()?.as_ref().err().cloned();
        let unseen = Unseen {
            // Either tells of the screen.
            screen: problem(&screen).zip(problem(&login)).map(|(one, other)| format!("{one}, and {other}")),
            sleep: problem(&sleep),
        };
        self.heard.send_replace(Heard { wanted, unseen });
        let mut all = followed(screen).or(followed(login)).or(followed(sleep));
        while let Some(Some(news)) = all.next().await {
            if self.news.send(news).await.is_err() {
                return;
            }
        }
    }
}

/// Opens a source if it is wanted, in time.
async fn open(
    is_wanted: bool,
    opening: impl Future<Output = Result<Source, String>>,
) -> Option<Result<Source, String>> {
    if !is_wanted {
        return None;
    }
    Some(opening.or(after(LIMIT, Err("a bus doesn't answer".to_owned()))).await)
}

/// The source to its end. One that wasn't there ends after a while, and one that isn't wanted never.
fn followed(source: Option<Result<Source, String>>) -> Source {
    match source {
        None => stream::pending().boxed(),
        Some(Err(_)) => stream::once_future(after(REST, None)).boxed(),
        // A bus that ends at once isn't asked again and again.
        Some(Ok(source)) => source.chain(stream::once_future(after(PAUSE, None))).boxed(),
    }
}

/// The screen saver of the desktop.
async fn screen() -> Result<Source, String> {
    let session = Connection::session().await.map_err(|error| format!("this session has no D-Bus ({error})"))?;
    let names = DBusProxy::new(&session).await.map_err(unheard)?.list_names().await.map_err(unheard)?;
    if !names.iter().any(|name| name.ends_with(SCREEN_SAVER)) {
        return Err("no program of this session tells that the screen locks".to_owned());
    }
    let rule = signal("ActiveChanged").map_err(unheard)?.build();
    let signals = MessageStream::for_match_rule(rule, &session, None).await.map_err(unheard)?;
    let locked = |message: Message| {
        let of_screen = message.header().interface().is_some_and(|interface| interface.ends_with(SCREEN_SAVER));
        (of_screen && message.body().deserialize().unwrap_or(false)).then_some(Some(News::ScreenLocked))
    };
    Ok(signals.filter_map(Result::ok).filter_map(locked).boxed())
}

/// What logind says of this user's sessions: that one is to lock, and that one is locked.
async fn login() -> Result<Source, String> {
    let system = login_bus().await?;
    let of_session = |member| signal(member)?.sender(LOGIN)?.path_namespace(SESSIONS);
    let asked = of_session("Lock").map_err(unheard)?.interface(SESSION).map_err(unheard)?.build();
    let changed = of_session("PropertiesChanged").map_err(unheard)?.arg(0, SESSION).map_err(unheard)?.build();
    let asked = MessageStream::for_match_rule(asked, &system, None).await.map_err(unheard)?;
    let changed = MessageStream::for_match_rule(changed, &system, None).await.map_err(unheard)?;
    let locking = changed.filter(|message| message.as_ref().is_ok_and(says_locked));
    let ours = asked.or(locking).filter_map(Result::ok).then(move |message| {
        let system = system.clone();
        async move { is_ours(&system, &message).await.unwrap_or(false).then_some(Some(News::ScreenLocked)) }
    });
    Ok(ours.filter_map(|news| news).boxed())
}

/// Whether a change of a session's properties says that it is locked.
fn says_locked(message: &Message) -> bool {
    let body = message.body();
    let changed = body.deserialize::<(&str, HashMap<&str, Value<'_>>, Vec<&str>)>();
    changed.is_ok_and(|(_, changed, _)| matches!(changed.get("LockedHint"), Some(Value::Bool(true))))
}

/// Whether the session that a signal is about is one of this user.
async fn is_ours(system: &Connection, message: &Message) -> zbus::Result<bool> {
    let header = message.header();
    let Some(path) = header.path() else { return Ok(false) };
    let session = Proxy::new(system, LOGIN, path, SESSION).await?;
    let (user, _): (u32, OwnedObjectPath) = session.get_property::<OwnedValue>("User").await?.try_into()?;
    Ok(user == rustix::process::getuid().as_raw())
}

/// What logind says of sleep, which waits for whoever has asked for it.
async fn sleep() -> Result<Source, String> {
    let system = login_bus().await?;
    let rule = signal("PrepareForSleep").and_then(|rule| rule.sender(LOGIN)?.interface(MANAGER)).map_err(unheard)?;
    let signals = MessageStream::for_match_rule(rule.build(), &system, None).await.map_err(unheard)?;
    let inhibitor = inhibit(&system).await.map_err(|error| format!("the system doesn't wait for it ({error})"))?;
    let coming = stream::unfold((signals, system, Some(inhibitor)), |(mut signals, system, mut inhibitor)| async {
        loop {
            match signals.next().await?.ok()?.body().deserialize().ok()? {
                true => {
                    let delay = Delay { _inhibitor: inhibitor.take() };
                    return Some((Some(News::Sleep(delay)), (signals, system, inhibitor)));
                }
                // Awake again: the next sleep is to wait as well.
                false => inhibitor = inhibit(&system).await.ok(),
            }
        }
    });
    Ok(coming.boxed())
}

/// Makes sleep wait until the file is closed, for as long as the system bears it (five seconds, usually).
async fn inhibit(system: &Connection) -> zbus::Result<Inhibitor> {
    let why = ("sleep", "Keybearer", "Locks before the computer sleeps", "delay");
    let answer = system.call_method(Some(LOGIN), LOGIN_PATH, Some(MANAGER), "Inhibit", &why).await?;
    answer.body().deserialize()
}

/// The system bus with logind on it.
async fn login_bus() -> Result<Connection, String> {
    let system = Connection::system().await.map_err(|error| format!("this system has no D-Bus ({error})"))?;
    let bus = DBusProxy::new(&system).await.map_err(unheard)?;
    // It may sleep until it is called.
    let wakes = bus.list_activatable_names().await.map_err(unheard)?;
    let runs = bus.list_names().await.map_err(unheard)?;
    match runs.iter().chain(&wakes).any(|name| name.as_str() == LOGIN) {
        true => Ok(system),
        false => Err("this system has no logind".to_owned()),
    }
}

fn signal(member: &'static str) -> zbus::Result<match_rule::Builder<'static>> {
    MatchRule::builder().msg_type(Type::Signal).member(member)
}

fn unheard(error: impl std::fmt::Display) -> String {
    format!("a bus can't be listened to ({error})")
}
