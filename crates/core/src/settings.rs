//! Settings that people may read, edit and sync: `settings.json`. What guards tokens isn't among them.

use crate::error::Error;
use crate::home::{Home, replace};
use keybearer_oauth::client_metadata::DocumentAddress;
use keybearer_protocol::auth::CallbackKind;
use keybearer_protocol::settings::{Language, LogDetail, Theme};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// The settings in the file. What this version doesn't know is kept as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Preferences {
    /// The window's language; absent means the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The window's theme.
    #[serde(default)]
    pub theme: Theme,
    /// Whether the desktop stays in the tray when its window is closed; absent means yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_running: Option<bool>,
    /// How browsers come back; absent means that Keybearer chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<CallbackKind>,
    /// Where our client metadata document lies, if one is hosted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_metadata_url: Option<String>,
    /// The program that sign-ins open, as the name of its desktop entry; absent means the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// How much the log tells.
    #[serde(default)]
    pub log_detail: LogDetail,
    /// The port of the gateway, once a client was told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_port: Option<u16>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// `settings.json`, read whenever it is asked: people edit it.
#[derive(Debug)]
pub struct SettingsFile {
    path: PathBuf,
    /// What the environment says of the client metadata document; it goes before the file.
    metadata_document: Option<String>,
    /// Held from reading to writing.
    changing: Mutex<()>,
    /// How much the log tells, as the file said when it was last read.
    log_detail: watch::Sender<LogDetail>,
}

impl SettingsFile {
    /// The file of this home; nothing is read yet.
    pub fn new(home: &Home) -> SettingsFile {
        let (metadata_document, changing, log_detail) = Default::default();
        SettingsFile { path: home.settings_file(), metadata_document, changing, log_detail }
    }

    /// The same with what the environment says of the client metadata document, if it does.
    pub fn with_metadata_document(self, metadata_document: Option<String>) -> SettingsFile {
        SettingsFile { metadata_document, ..self }
    }

    /// Where our client metadata document lies, if one is hosted. An address that can't be one is an error: authorization
    /// servers would refuse it in the browser, where nobody sees it from here.
    pub fn metadata_document(&self) -> Result<Option<DocumentAddress>, Error> {
        let named = match &self.metadata_document {
            Some(address) => Some(address.clone()),
            None => self.read()?.client_metadata_url,
        };
        Ok(named.map(|address| address.parse()).transpose()?)
    }

    /// The settings as they are; no file means the defaults.
    pub fn read(&self) -> Result<Preferences, Error> {
        let preferences: Preferences = match std::fs::read(&self.path) {
            Ok(content) => serde_json::from_slice(&content).map_err(|error| self.broken(&error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Preferences::default(),
            Err(error) => return Err(self.unusable(&error)),
        };
        let told = preferences.log_detail;
        self.log_detail.send_if_modified(|known| std::mem::replace(known, told) != told);
        Ok(preferences)
    }

    /// How much the log is to tell, and each change of that as it is seen. A file that can't be read says nothing of it.
    pub fn log_detail(&self) -> watch::Receiver<LogDetail> {
        let _ = self.read();
        self.log_detail.subscribe()
    }

    /// Changes them. A file that can't be read is left alone.
    pub fn change(&self, change: impl FnOnce(&mut Preferences)) -> Result<(), Error> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut preferences = self.read()?;
        change(&mut preferences);
        let content = serde_json::to_vec_pretty(&preferences).map_err(|_| Error::Internal("settings"))?;
        replace(&self.path, &content).map_err(|error| self.unusable(&error))?;
        self.read().map(drop)
    }

    fn broken(&self, error: &serde_json::Error) -> Error {
        Error::SettingsBroken { path: self.path.clone(), line: error.line(), column: error.column() }
    }

    fn unusable(&self, error: &std::io::Error) -> Error {
        Error::SettingsUnusable { path: self.path.clone(), cause: error.to_string() }
    }
}
