//! The system's dialog that chooses a file (org.freedesktop.portal.FileChooser), and the person in front of it.

use anyhow::Context;
use keybearer_tests::until::until;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use zbus::blocking::{Connection, connection, fdo::DBusProxy};
use zbus::message::Header;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

/// The dialog on one bus.
#[derive(Debug)]
pub(crate) struct FileDialog {
    open: Open,
    bus: Connection,
}

/// Who waits for an answer, and where it is heard.
type Open = Arc<Mutex<Vec<(String, OwnedObjectPath)>>>;

impl FileDialog {
    /// The dialog on the bus with this address.
    pub(crate) fn new(bus: &str) -> anyhow::Result<FileDialog> {
        let open = Open::default();
        let bus = connection::Builder::address(bus)?
            .serve_at("/org/freedesktop/portal/desktop", Portal { open: Arc::clone(&open) })?
            .name("org.freedesktop.portal.Desktop")?
            .build()
            .context("the session bus takes no portal")?;
        Ok(FileDialog { open, bus })
    }

    /// Once the dialog is open, chooses this file in it, or none.
    pub(crate) fn choose(&self, file: Option<&Path>) -> anyhow::Result<()> {
        let (program, path) =
            until("the dialog for a file", || Ok(self.open.lock().unwrap_or_else(PoisonError::into_inner).pop()))?;
        let uris: Vec<String> = file.iter().map(|path| format!("file://{}", path.display())).collect();
        let answer = (u32::from(file.is_none()), HashMap::from([("uris", Value::from(uris))]));
        let bus = DBusProxy::new(&self.bus)?;
        // Who has heard it leaves the bus. It may have been said before anybody listened.
        until("the dialog to be closed", || {
            let request = "org.freedesktop.portal.Request";
            self.bus.emit_signal(Some(program.as_str()), &path, request, "Response", &answer)?;
            Ok((!bus.name_has_owner(program.as_str().try_into()?)?).then_some(()))
        })
    }
}

struct Portal {
    open: Open,
}

#[zbus::interface(name = "org.freedesktop.portal.FileChooser")]
impl Portal {
    fn open_file(
        &self,
        _parent: String,
        _title: String,
        options: HashMap<String, OwnedValue>,
        #[zbus(header)] header: Header<'_>,
    ) -> zbus::fdo::Result<OwnedObjectPath> {
        self.show(&options, &header)
    }

    fn save_file(
        &self,
        _parent: String,
        _title: String,
        options: HashMap<String, OwnedValue>,
        #[zbus(header)] header: Header<'_>,
    ) -> zbus::fdo::Result<OwnedObjectPath> {
        self.show(&options, &header)
    }
}

impl Portal {
    fn show(&self, options: &HashMap<String, OwnedValue>, header: &Header<'_>) -> zbus::fdo::Result<OwnedObjectPath> {
        let program = header.sender().map(ToString::to_string).unwrap_or_default();
        let token = options.get("handle_token").and_then(|token| token.downcast_ref::<&str>().ok()).unwrap_or("t");
        let name = program.trim_start_matches(':').replace('.', "_");
        let path = ObjectPath::try_from(format!("/org/freedesktop/portal/desktop/request/{name}/{token}"))
            .map_err(|error| zbus::fdo::Error::Failed(error.to_string()))?;
        let path = OwnedObjectPath::from(path);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push((program, path.clone()));
        Ok(path)
    }
}
