//! A stand-in for the service that shows notifications, `org.freedesktop.Notifications`, and for the person who reads them.

use anyhow::{Context, anyhow};
use keybearer_tests::until::until;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zbus::blocking::{Connection, connection};
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What is shown on the screen's edge.
#[derive(Debug)]
pub(crate) struct Notices {
    bus: Connection,
    shown: Shown,
}

type Shown = Arc<Mutex<Board>>;

/// All notifications that are there, and how many there ever were.
#[derive(Debug, Default)]
struct Board {
    last: u32,
    notices: BTreeMap<u32, Notice>,
}

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    id: u32,
    /// Its first line.
    pub(crate) title: String,
    /// What stands below.
    pub(crate) body: String,
    /// The label of its button.
    pub(crate) button: String,
}

impl Notices {
    /// The service on the bus with this address.
    pub(crate) fn new(bus: &str) -> anyhow::Result<Notices> {
        let shown = Shown::default();
        let bus = connection::Builder::address(bus)?
            .serve_at(PATH, Service { shown: Arc::clone(&shown) })?
            .name(SERVICE)?
            .build()
            .context("the session bus takes no notifications")?;
        Ok(Notices { bus, shown })
    }

    /// The notifications that are there now.
    pub(crate) fn all(&self) -> Vec<Notice> {
        board(&self.shown).notices.values().cloned().collect()
    }

    /// The one notification that is there, once it has this title.
    pub(crate) fn only(&self, title: &str) -> anyhow::Result<Notice> {
        let mut last = Vec::new();
        until(&format!("the notification {title:?}"), || {
            last = self.all();
            Ok(last.first().filter(|first| last.len() == 1 && first.title == title).cloned())
        })
        .map_err(|error| anyhow!("{error}; there are {last:?}"))
    }

    /// Waits until no notification is there.
    pub(crate) fn none(&self) -> anyhow::Result<()> {
        until("the end of all notifications", || Ok(self.all().is_empty().then_some(())))
            .map_err(|error| anyhow!("{error}; there are {:?}", self.all()))
    }

    /// Presses its button; it goes with that.
    pub(crate) fn press(&self, notice: &Notice) -> anyhow::Result<()> {
        board(&self.shown).notices.remove(&notice.id).context("it is gone")?;
        self.bus.emit_signal(None::<&str>, PATH, SERVICE, "ActionInvoked", &(notice.id, "button"))?;
        // As GNOME has it: pressing is putting away, too.
        Ok(self.bus.emit_signal(None::<&str>, PATH, SERVICE, "NotificationClosed", &(notice.id, 2_u32))?)
    }

    /// Puts it away unanswered.
    pub(crate) fn dismiss(&self, notice: &Notice) -> anyhow::Result<()> {
        board(&self.shown).notices.remove(&notice.id).context("it is gone")?;
        Ok(self.bus.emit_signal(None::<&str>, PATH, SERVICE, "NotificationClosed", &(notice.id, 2_u32))?)
    }
}

struct Service {
    shown: Shown,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    fn get_capabilities(&self) -> Vec<String> {
        ["actions", "body", "body-markup"].map(str::to_owned).into()
    }

    #[expect(clippy::too_many_arguments, reason = "the specification has that many")]
    fn notify(
        &self,
        _app: &str,
        replaces: u32,
        _icon: &str,
        title: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expires: i32,
    ) -> u32 {
        let mut board = board(&self.shown);
        board.last += 1;
        let id = if board.notices.contains_key(&replaces) { replaces } else { board.last };
        let button = actions.chunks(2).find(|action| action.first().is_some_and(|key| key == "button"));
        let button = button.and_then(|action| action.get(1)).cloned().unwrap_or_default();
        board.notices.insert(id, Notice { id, title, body, button });
        id
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<()> {
        let known = board(&self.shown).notices.remove(&id);
        if known.is_some() {
            // 3: by the one that showed it.
            Self::notification_closed(&emitter, id, 3).await?;
        }
        Ok(())
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        let [name, vendor, version, specification] = ["stand-in", "tests", "1", "1.2"].map(str::to_owned);
        (name, vendor, version, specification)
    }

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

fn board(shown: &Shown) -> MutexGuard<'_, Board> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}
