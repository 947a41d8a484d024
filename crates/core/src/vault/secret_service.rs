//! The keyring of a Linux desktop: the Secret Service on the session bus, which gnome-keyring, KWallet or KeePassXC
//! offers.
//!
//! No job takes longer than two seconds, whether the keyring is slow or a person in front of its dialog, and whether or not
//! it has to be connected anew; half a second more goes into naming the program. A dialog stays on the screen after that, and no second one comes beside it; who asks meanwhile hears that the keyring is locked. The
//! keyring may still carry out a call that was given up, but never after a later one: it answers a connection in order.

use super::VaultError;
use super::keeper::Keeper;
use super::protection;
use super::store::{Found, PROBE, Place, Store, is_key_item};
use async_io::{Timer, block_on};
use futures_lite::{FutureExt, StreamExt, future};
use futures_util::future::join_all;
use keybearer_oauth::readable::readable;
use keybearer_protocol::vault::{KeyringView, VaultKind};
use secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::time::{Duration, Instant};
use zbus::names::BusName;
use zbus::zvariant::{OwnedObjectPath, Value};
use zeroize::Zeroizing;

/// The attribute `service` of every item.
const SERVICE: &str = "keybearer";

/// How long one job may take; less than the patience of who waits for it, who then hears why.
const LIMIT: Duration = Duration::from_secs(2);
/// How long the bus may take to name the keyring's program.
const NAMING: Duration = Duration::from_millis(500);
/// How long no dialog is opened after a person has closed one.
const REST: Duration = Duration::from_secs(30);

/// Names of the specification of the Secret Service.
const BUS_NAME: &str = "org.freedesktop.secrets";
const BUS_PATH: &str = "/org/freedesktop/secrets";
/// Where the specification has no object.
const NOTHING: &str = "/";
const CONTENT_TYPE: &str = "application/octet-stream";

/// A connection to the keyring, made when first needed and again after it broke.
pub(super) struct Keyring {
    home_id: String,
    service: Option<Service>,
    dialog: Dialog,
}

/// Why a job wasn't done.
enum Trouble {
    /// It is locked, and no person has unlocked it yet.
    Locked,
    /// It has no default collection.
    NoCollection,
    /// It didn't answer in time.
    Silent,
    /// There is no session bus.
    NoBus(zbus::Error),
    /// Anything else; a new connection may help.
    Service(Error),
}

impl Keyring {
    pub(super) fn new(home_id: String) -> Self {
        Keyring { home_id, service: None, dialog: Dialog::Closed }
    }

    /// One that opens no dialog: locked is locked.
    pub(super) fn without_dialog(home_id: String) -> Self {
        Keyring { home_id, service: None, dialog: Dialog::Unwanted }
    }

    /// Runs `job` on the service. A broken connection is made anew once: keyrings restart.
    fn with_service<T>(
        &mut self,
        job: impl AsyncFn(&Service, &mut Dialog) -> Result<T, Trouble>,
    ) -> Result<T, VaultError> {
        let (was_open, end) = (self.service.is_some(), Instant::now() + LIMIT);
        let outcome = match self.try_service(&job, end) {
            Err(Trouble::NoBus(_) | Trouble::Service(_)) if was_open => {
                self.service = None;
                self.dialog.close(Ended::Gone);
                self.try_service(&job, end)
            }
            outcome => outcome,
        };
        outcome.map_err(|trouble| self.explain(trouble))
    }

    fn try_service<T>(
        &mut self,
        job: impl AsyncFn(&Service, &mut Dialog) -> Result<T, Trouble>,
        end: Instant,
    ) -> Result<T, Trouble> {
        let Keyring { home_id, service, dialog } = self;
        let job = async {
            let service = match service {
                Some(service) => service,
                None => service.insert(Service::open(home_id).await?),
            };
            job(service, dialog).await
        };
        let outcome = in_time(job, end);
        // The person hasn't answered yet.
        if matches!((&outcome, &self.dialog), (Err(Trouble::Silent), Dialog::Open(_))) {
            return Err(Trouble::Locked);
        }
        outcome
    }

    fn explain(&self, trouble: Trouble) -> VaultError {
        match trouble {
            Trouble::Locked => VaultError::Locked(self.keeper()),
            Trouble::NoCollection => VaultError::NoCollection(self.keeper()),
            Trouble::Silent => VaultError::Silent,
            Trouble::NoBus(error) => VaultError::Absent(format!("this session has no D-Bus: {error}")),
            Trouble::Service(Error::Zbus(zbus::Error::MethodError(name, ..)))
                if name == "org.freedesktop.DBus.Error.ServiceUnknown" =>
            {
                VaultError::Absent("no program in this session offers one".to_owned())
            }
            Trouble::Service(error) => VaultError::Absent(error.to_string()),
        }
    }

    /// The program that offers the service, if the bus tells in time.
    fn keeper(&self) -> Keeper {
        self.service
            .as_ref()
            .and_then(|service| in_time(service.keeper(), Instant::now() + NAMING).ok())
            .unwrap_or(Keeper::Other)
    }
}

impl Store for Keyring {
    fn kind(&self) -> VaultKind {
        VaultKind::Keyring
    }

    fn probe(&mut self) -> Result<(), VaultError> {
        if self.with_service(async |service, dialog| service.probe(dialog).await)? {
            Ok(())
        } else {
            Err(VaultError::NotKept)
        }
    }

    fn read(&mut self, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.with_service(async |service, dialog| service.read(dialog, id).await)
    }

    fn write(&mut self, id: &str, secret: &[u8]) -> Result<(), VaultError> {
        self.with_service(async |service, dialog| service.write(dialog, id, secret).await)
    }

    fn delete(&mut self, id: &str) -> Result<(), VaultError> {
        self.with_service(async |service, dialog| service.delete(dialog, id).await)
    }

    fn known_as(&mut self) -> Option<KeyringView> {
        let program = self.keeper().name().map(str::to_owned);
        let label = self.with_service(async |service, _| Ok(service.collection_label().await?)).ok();
        let collection = label.map(|label| readable(&label)).filter(|label| !label.is_empty());
        Some(KeyringView { program, collection })
    }

    fn find_all(&mut self) -> Result<Vec<Place>, VaultError> {
        self.with_service(async |service, dialog| service.find_all(dialog).await)
    }

    fn read_at(&mut self, places: &[Place]) -> Result<Vec<Found>, VaultError> {
        self.with_service(async |service, _| service.read_at(places).await)
    }
}

/// What comes of a job that may take until then.
fn in_time<T>(job: impl Future<Output = Result<T, Trouble>>, end: Instant) -> Result<T, Trouble> {
    let too_late = async {
        Timer::at(end).await;
        Err(Trouble::Silent)
    };
    block_on(job.or(too_late))
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keyring").field("home_id", &self.home_id).finish_non_exhaustive()
    }
}

/// The Secret Service, with a session in which secrets are encrypted on the bus.
struct Service {
    home_id: String,
    bus: zbus::Connection,
    secrets: SecretService<'static>,
}

impl Service {
    async fn open(home_id: &str) -> Result<Service, Trouble> {
        let bus = zbus::Connection::session().await.map_err(Trouble::NoBus)?;
        let secrets = SecretService::connect_with_existing(EncryptionType::Dh, bus.clone()).await?;
        Ok(Service { home_id: home_id.to_owned(), bus, secrets })
    }

    /// Writes, reads and deletes an item; whether it came back as it was. A keyring that asks a person before it
    /// deletes anything isn't made to: there the item stays, and is read the next time.
    async fn probe(&self, dialog: &mut Dialog) -> Result<bool, Trouble> {
        const CONTENT: &[u8] = b"probe";
        if self.read(dialog, PROBE).await?.is_some_and(|kept| *kept == CONTENT) {
            return Ok(true);
        }
        self.write(dialog, PROBE, CONTENT).await?;
        let kept = self.read(dialog, PROBE).await?;
        for item in self.find(dialog, PROBE).await? {
            let object = item.item_path;
            let answer = self.call(&object, "org.freedesktop.Secret.Item", "Delete", &()).await?;
            let question: OwnedObjectPath = answer.body().deserialize()?;
            if question.as_str() != NOTHING {
                self.call(&question, "org.freedesktop.Secret.Prompt", "Dismiss", &()).await?;
            }
        }
        Ok(kept.is_some_and(|kept| *kept == CONTENT))
    }

    async fn read(&self, dialog: &mut Dialog, id: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Trouble> {
        let Some(item) = latest(self.find(dialog, id).await?).await? else { return Ok(None) };
        Ok(Some(Zeroizing::new(item.get_secret().await?)))
    }

    async fn write(&self, dialog: &mut Dialog, id: &str, secret: &[u8]) -> Result<(), Trouble> {
        let items = self.find(dialog, id).await?;
        for item in &items {
            item.set_secret(secret, CONTENT_TYPE).await?;
        }
        if !items.is_empty() {
            return Ok(());
        }
        let user = self.user(id);
        let mut attributes = attributes(&user);
        attributes.insert("home", &self.home_id);
        // What people see in their keyring's own window.
        let label = match id {
            PROBE => "Keybearer probe",
            protection::ITEM => "Keybearer protection",
            id if is_key_item(id) => "Keybearer vault key",
            _ => "Keybearer account",
        };
        let collection = self.collection(dialog).await?;
        collection.create_item(label, attributes, secret, true, CONTENT_TYPE).await?;
        Ok(())
    }

    async fn delete(&self, dialog: &mut Dialog, id: &str) -> Result<(), Trouble> {
        for item in self.find(dialog, id).await? {
            item.delete().await?;
        }
        Ok(())
    }

    async fn find_all(&self, dialog: &mut Dialog) -> Result<Vec<Place>, Trouble> {
        let home = HashMap::from([("service", SERVICE), ("home", self.home_id.as_str())]);
        let items = self.search(dialog, home).await?;
        Ok(items.into_iter().map(|item| Place(item.item_path.to_string())).collect())
    }

    /// Asks for all at once, so that it takes as long as the keyring does and not as long as all the ways to it.
    async fn read_at(&self, places: &[Place]) -> Result<Vec<Found>, Trouble> {
        let found = join_all(places.iter().map(|place| self.read_one(place))).await;
        found.into_iter().filter_map(Result::transpose).collect()
    }

    /// What lies there, if it is still there.
    async fn read_one(&self, place: &Place) -> Result<Option<Found>, Trouble> {
        let item = self.secrets.get_item_by_path(OwnedObjectPath::try_from(place.0.as_str())?).await?;
        let (attributes, secret) = (item.get_attributes().await, item.get_secret().await);
        if matches!((&attributes, &secret), (Err(error), _) | (_, Err(error)) if is_gone(error)) {
            return Ok(None);
        }
        let (attributes, content) = (attributes?, Zeroizing::new(secret?));
        let user = attributes.get("username").and_then(|user| user.strip_prefix(&self.home_id)?.strip_prefix('.'));
        // One whose name isn't ours is nobody's.
        Ok(Some(Found { id: user.unwrap_or(PROBE).to_owned(), content }))
    }

    /// The items of this id: more than one only where the person has made a copy, which is then written and deleted with
    /// the other.
    async fn find(&self, dialog: &mut Dialog, id: &str) -> Result<Vec<Item<'_>>, Trouble> {
        let user = self.user(id);
        self.search(dialog, attributes(&user)).await
    }

    async fn search(&self, dialog: &mut Dialog, attributes: HashMap<&str, &str>) -> Result<Vec<Item<'_>>, Trouble> {
        // While it is locked, KeePassXC keeps a search waiting for the person, or shows nothing of what it has.
        self.collection(dialog).await?;
        let mut found = self.secrets.search_items(attributes).await?;
        if !found.locked.is_empty() {
            let locked: Vec<_> = found.locked.iter().map(|item| &item.item_path).collect();
            self.unlock(dialog, &locked).await?;
            found.unlocked.append(&mut found.locked);
        }
        Ok(found.unlocked)
    }

    /// The collection that new items go to, unlocked.
    async fn collection(&self, dialog: &mut Dialog) -> Result<Collection<'_>, Trouble> {
        let collection = match self.secrets.get_default_collection().await {
            Err(Error::NoResult) => return Err(Trouble::NoCollection),
            found => found?,
        };
        if collection.is_locked().await? {
            self.unlock(dialog, &[&collection.collection_path]).await?;
        }
        Ok(collection)
    }

    /// What the collection that new items go to is called, locked or not.
    async fn collection_label(&self) -> Result<String, Trouble> {
        Ok(self.secrets.get_default_collection().await?.get_label().await?)
    }

    /// Has the keyring ask the person to unlock these objects, unless it does so already or was told no.
    async fn unlock(&self, dialog: &mut Dialog, objects: &[&OwnedObjectPath]) -> Result<(), Trouble> {
        if dialog.stands_in_the_way().await {
            return Err(Trouble::Locked);
        }
        let service = OwnedObjectPath::try_from(BUS_PATH)?;
        let answer = self.call(&service, "org.freedesktop.Secret.Service", "Unlock", &(objects,)).await?;
        let (_, question): (Vec<OwnedObjectPath>, OwnedObjectPath) = answer.body().deserialize()?;
        if question.as_str() == NOTHING {
            return Ok(());
        }
        // A question that is put to nobody goes with this connection.
        if matches!(dialog, Dialog::Unwanted) {
            return Err(Trouble::Locked);
        }
        match dialog.open(ask(self.bus.clone(), question)).await {
            Ended::Agreed => Ok(()),
            Ended::Refused | Ended::Gone => Err(Trouble::Locked),
        }
    }

    async fn keeper(&self) -> Result<Keeper, Trouble> {
        let bus = zbus::fdo::DBusProxy::new(&self.bus).await?;
        let name = BusName::from_static_str(BUS_NAME).map_err(zbus::Error::from)?;
        let process = bus.get_connection_unix_process_id(name).await.map_err(Error::from)?;
        Ok(Keeper::of_process(std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim_end()))
    }

    async fn call<B>(
        &self,
        object: &OwnedObjectPath,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<zbus::Message, Trouble>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        Ok(self.bus.call_method(Some(BUS_NAME), object, Some(interface), method, body).await?)
    }

    fn user(&self, id: &str) -> String {
        format!("{}.{id}", self.home_id)
    }
}

/// What an item is found by.
fn attributes(user: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", user)])
}

/// Whether an item isn't there any more, in the words of each keyring.
fn is_gone(error: &Error) -> bool {
    const WORDS: [&str; 3] = [
        "org.freedesktop.Secret.Error.NoSuchObject",
        "org.freedesktop.DBus.Error.UnknownObject",
        "org.freedesktop.DBus.Error.UnknownMethod",
    ];
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open, and the rest is one case for us")]
    match error {
        Error::NoResult => true,
        Error::Zbus(zbus::Error::MethodError(name, ..)) => WORDS.contains(&name.as_str()),
        Error::Zbus(zbus::Error::FDO(error)) => {
            matches!(**error, zbus::fdo::Error::UnknownObject(_) | zbus::fdo::Error::UnknownMethod(_))
        }
        _ => false,
    }
}

async fn latest(mut items: Vec<Item<'_>>) -> Result<Option<Item<'_>>, Trouble> {
    if items.len() < 2 {
        return Ok(items.pop());
    }
    let mut latest = None;
    for item in items {
        let modified = item.get_modified().await?;
        if latest.as_ref().is_none_or(|(other, _)| modified > *other) {
            latest = Some((modified, item));
        }
    }
    Ok(latest.map(|(_, item)| item))
}

/// The keyring's dialog, which asks a person to unlock it.
enum Dialog {
    /// Never to be opened.
    Unwanted,
    Closed,
    /// On the screen, with its end to come.
    Open(Pin<Box<dyn Future<Output = Ended> + Send>>),
    /// The person closed it at this time.
    Refused(Instant),
}

/// How a dialog ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Agreed,
    Refused,
    /// With the keyring that showed it.
    Gone,
}

impl Dialog {
    /// Whether the keyring mustn't be asked to unlock itself: a person is being asked, or has just said no.
    async fn stands_in_the_way(&mut self) -> bool {
        if let Dialog::Open(end) = self
            && let Some(ended) = future::poll_once(end).await
        {
            self.close(ended);
        }
        match self {
            Dialog::Unwanted | Dialog::Closed => false,
            Dialog::Open(_) => true,
            Dialog::Refused(at) => at.elapsed() < REST,
        }
    }

    /// Opens one and waits for its end. Whoever stops to wait leaves it open.
    async fn open(&mut self, end: impl Future<Output = Ended> + Send + 'static) -> Ended {
        *self = Dialog::Open(Box::pin(end));
        let ended = if let Dialog::Open(end) = self { end.await } else { Ended::Gone };
        self.close(ended);
        ended
    }

    fn close(&mut self, ended: Ended) {
        *self = match (&self, ended) {
            (Dialog::Unwanted, _) => Dialog::Unwanted,
            (_, Ended::Refused) => Dialog::Refused(Instant::now()),
            (_, Ended::Agreed | Ended::Gone) => Dialog::Closed,
        };
    }
}

/// Shows a dialog of the keyring, to its end.
async fn ask(bus: zbus::Connection, question: OwnedObjectPath) -> Ended {
    let shown = async {
        let prompt = zbus::Proxy::new(&bus, BUS_NAME, question, "org.freedesktop.Secret.Prompt").await?;
        let (mut ends, mut owners) = (prompt.receive_signal("Completed").await?, prompt.receive_owner_changed().await?);
        prompt.call_method("Prompt", &("",)).await?;
        let ended = async {
            let Some(signal) = ends.next().await else { return Ok(Ended::Gone) };
            let (dismissed, _) = signal.body().deserialize::<(bool, Value<'_>)>()?;
            Ok::<_, zbus::Error>(if dismissed { Ended::Refused } else { Ended::Agreed })
        };
        let gone = async {
            owners.next().await;
            Ok(Ended::Gone)
        };
        ended.or(gone).await
    };
    shown.await.unwrap_or(Ended::Gone)
}

impl From<Error> for Trouble {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open, and the rest is one case for us")]
    fn from(error: Error) -> Self {
        match error {
            Error::Locked | Error::Prompt => Trouble::Locked,
            Error::Zbus(zbus::Error::MethodError(name, ..)) if name == "org.freedesktop.Secret.Error.IsLocked" => {
                Trouble::Locked
            }
            error => Trouble::Service(error),
        }
    }
}

impl From<zbus::Error> for Trouble {
    fn from(error: zbus::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<zbus::zvariant::Error> for Trouble {
    fn from(error: zbus::zvariant::Error) -> Self {
        Error::from(error).into()
    }
}
