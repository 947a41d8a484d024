//! The panel that shows the tray icon: a `StatusNotifierWatcher`, and the menu behind the icon over `com.canonical.dbusmenu`.

use anyhow::{Context, anyhow};
use keybearer_tests::until::until;
use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use zbus::blocking::{Connection, Proxy, connection};
use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

/// A panel, and what stands on it.
#[derive(Debug)]
pub(crate) struct Panel {
    bus: Connection,
    items: Items,
}

/// Who has put an icon on the panel, and where its object is.
type Items = Arc<Mutex<Vec<(String, String)>>>;

/// A row of a menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    id: i32,
    /// What it says; nothing for a separator.
    pub(crate) label: String,
    /// Whether it can be chosen.
    pub(crate) enabled: bool,
    /// The rows of its submenu.
    pub(crate) rows: Vec<Row>,
}

impl Panel {
    /// A panel on the bus with this address.
    pub(crate) fn new(bus: &str) -> anyhow::Result<Panel> {
        let items = Items::default();
        let bus = connection::Builder::address(bus)?
            .serve_at("/StatusNotifierWatcher", Watcher { items: Arc::clone(&items) })?
            .name("org.kde.StatusNotifierWatcher")?
            .build()
            .context("the session bus takes no panel")?;
        Ok(Panel { bus, items })
    }

    /// The rows of the menu behind the icon that came last.
    pub(crate) fn menu(&self) -> anyhow::Result<Vec<Row>> {
        let (_, layout): (u32, Layout) = self.proxy()?.call("GetLayout", &(0, -1, Vec::<&str>::new()))?;
        Ok(row(&layout).rows)
    }

    /// The rows once they fit.
    pub(crate) fn menu_with(&self, what: &str, fits: impl Fn(&[Row]) -> bool) -> anyhow::Result<Vec<Row>> {
        let mut last = Vec::new();
        until(what, || {
            // Until the icon and its menu are there, there is nobody to ask.
            last = self.menu().unwrap_or_default();
            Ok(fits(&last).then(|| last.clone()))
        })
        .map_err(|error| anyhow!("{error}; the menu is {last:?}"))
    }

    /// Chooses the row with this label, wherever it is in the menu.
    pub(crate) fn choose(&self, label: &str) -> anyhow::Result<()> {
        let rows = self.menu_with(&format!("the row {label:?}"), |rows| find(rows, label).is_some())?;
        let id = find(&rows, label).context("it was there")?.id;
        self.proxy()?.call_method("Event", &(id, "clicked", Value::from(""), 0_u32))?;
        Ok(())
    }

    /// The icon as it is drawn: the item names the file that it lies in.
    pub(crate) fn icon_bytes(&self) -> anyhow::Result<Vec<u8>> {
        Ok(fs::read(self.icon()?)?)
    }

    /// The file of the icon.
    pub(crate) fn icon(&self) -> anyhow::Result<String> {
        let (owner, path) = self.item()?;
        Ok(Proxy::new(&self.bus, owner, path, "org.kde.StatusNotifierItem")?.get_property("IconName")?)
    }

    /// The process that owns a name on the bus.
    pub(crate) fn owner(&self, name: &str) -> anyhow::Result<Option<u32>> {
        let bus = zbus::blocking::fdo::DBusProxy::new(&self.bus)?;
        Ok(bus.get_connection_unix_process_id(name.try_into()?).ok())
    }

    fn item(&self) -> anyhow::Result<(String, String)> {
        until("a tray icon", || Ok(self.items.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()))
    }

    fn proxy(&self) -> anyhow::Result<Proxy<'static>> {
        let (owner, path) = self.item()?;
        let item = Proxy::new(&self.bus, owner.clone(), path, "org.kde.StatusNotifierItem")?;
        let menu: OwnedObjectPath = item.get_property("Menu")?;
        Ok(Proxy::new(&self.bus, owner, menu, "com.canonical.dbusmenu")?)
    }
}

/// The row with this label, in a menu or below it.
pub(crate) fn find<'a>(rows: &'a [Row], label: &str) -> Option<&'a Row> {
    rows.iter().find_map(|row| if row.label == label { Some(row) } else { find(&row.rows, label) })
}

/// The service that icons register with.
struct Watcher {
    items: Items,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, path: String, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        self.items.lock().unwrap_or_else(PoisonError::into_inner).push((sender, path));
    }

    fn register_status_notifier_host(&self, _host: String) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.iter().map(|(sender, path)| format!("{sender}{path}")).collect()
    }
}

/// A row as it travels: id, properties, children.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

fn row((id, properties, children): &Layout) -> Row {
    let label = properties.get("label").and_then(|label| label.downcast_ref::<&str>().ok());
    let enabled = properties.get("enabled").and_then(|enabled| enabled.downcast_ref::<bool>().ok());
    let below = children.iter().filter_map(|child| Layout::try_from(child.try_clone().ok()?).ok());
    Row {
        id: *id,
        // An underscore marks the letter that opens the row by keyboard.
        label: label.unwrap_or_default().replace('_', ""),
        enabled: enabled.unwrap_or(true),
        rows: below.map(|child| row(&child)).collect(),
    }
}
