//! Settings: how Keybearer looks and behaves.

use crate::auth::CallbackKind;
use crate::method::{Empty, method};
use serde::{Deserialize, Serialize};

method!(
    /// The settings as they are.
    SettingsGet, "settings.get", [Admin], Empty => Settings
);
method!(
    /// Changes those that are named. What guards less, of `approval` and `auto_lock`, only on the prompter's connection
    /// once a desktop has registered.
    SettingsSet, "settings.set", [Admin], SettingsSetParams => Settings
);

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Settings {
    /// The window's language; absent means the system's.
    pub language: Option<Language>,
    /// The window's theme.
    pub theme: Theme,
    /// Whether the desktop stays in the tray when its window is closed.
    pub keep_running: bool,
    /// How browsers come back; absent means that Keybearer chooses.
    pub callback: Option<CallbackKind>,
    /// Where Keybearer's client metadata document lies, if one is hosted.
    pub client_metadata_url: Option<String>,
    /// Who gets tokens without being asked about.
    pub approval: Approval,
    /// When Keybearer locks by itself.
    pub auto_lock: AutoLock,
    /// What can't be seen of what it is to lock at.
    pub unseen: Unseen,
}

/// Parameters of `settings.set`: what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SettingsSetParams {
    /// The window's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<LanguageChoice>,
    /// The window's theme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
    /// Whether the desktop stays in the tray when its window is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_running: Option<bool>,
    /// How browsers come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<CallbackChoice>,
    /// Where Keybearer's client metadata document lies; an empty one means nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_metadata_url: Option<String>,
    /// Who gets tokens without being asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// When Keybearer locks by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_lock: Option<AutoLockChange>,
}

/// The languages of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    SimplifiedChinese,
}

/// A language, or the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum LanguageChoice {
    /// The system's.
    #[serde(rename = "system")]
    System,
    /// English.
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    SimplifiedChinese,
}

/// The themes of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// The system's.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// A way back from the browser, or Keybearer's own choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum CallbackChoice {
    /// Keybearer chooses.
    Auto,
    /// The custom scheme.
    DeepLink,
    /// The loopback address.
    Loopback,
}

/// Who gets tokens without being asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Every program of this user outside sandboxes: for machines without a desktop.
    #[default]
    SameUser,
    /// Nobody: a person is asked about each program. In force for good once a desktop has registered as prompter.
    Ask,
}

/// When Keybearer locks by itself: never, unless a person chose so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AutoLock {
    /// After so many seconds without a sign of the person; absent means that no time is too long.
    pub after_secs: Option<u32>,
    /// When the screen locks.
    pub with_screen: bool,
    /// Before the computer sleeps.
    pub before_sleep: bool,
}

/// A change of [`AutoLock`]: what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AutoLockChange {
    /// After so many seconds without a sign of the person; 0 means that no time is too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_secs: Option<u32>,
    /// When the screen locks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_screen: Option<bool>,
    /// Before the computer sleeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_sleep: Option<bool>,
}

/// Why what Keybearer is to lock at can't be seen here; absent where it can, or isn't wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Unseen {
    /// Why nothing is heard of the screen.
    pub screen: Option<String>,
    /// Why nothing is heard of sleep, or only as it begins.
    pub sleep: Option<String>,
}
