//! Settings: how Keybearer looks and behaves.

use crate::auth::CallbackKind;
use crate::method::{Empty, method};
use serde::{Deserialize, Serialize};

method!(
    /// The settings as they are.
    SettingsGet, "settings.get", [Admin], Empty => Settings
);
method!(
    /// Changes those that are named. What guards less, of `approval`, `changed_programs` and `auto_lock`, only on the
    /// prompter's connection once a desktop has registered.
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
    /// The program that sign-ins open, as the name of its desktop entry; absent means the system's.
    pub browser: Option<String>,
    /// How much the log tells.
    pub log_detail: LogDetail,
    /// Who gets tokens without being asked about.
    pub approval: Approval,
    /// What is done where an answer for good was for another content of the program's file.
    pub changed_programs: ChangedPrograms,
    /// Seconds after which a question that nobody has answered means no.
    pub answer_within_secs: u32,
    /// When Keybearer locks by itself.
    pub auto_lock: AutoLock,
    /// What can't be seen of what it is to lock at.
    pub unseen: Unseen,
}

/// How long a person may take to answer, in seconds, unless they chose another time.
pub const USUAL_ANSWER_TIME: u32 = 60;
/// The shortest time that can be chosen for that.
pub const SHORTEST_ANSWER_TIME: u32 = 10;
/// The longest one: whoever asks waits as long.
pub const LONGEST_ANSWER_TIME: u32 = 120;

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
    /// The program that sign-ins open, as the name of its desktop entry; an empty one means the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// How much the log tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_detail: Option<LogDetail>,
    /// Who gets tokens without being asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What is done where an answer for good was for another content of the program's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_programs: Option<ChangedPrograms>,
    /// Seconds after which a question that nobody has answered means no: 10 to 120.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_within_secs: Option<u32>,
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

/// What is done where an answer for good was for another content of the program's file, as after an update of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ChangedPrograms {
    /// A person is asked again.
    #[default]
    Ask,
    /// It gets nothing until that answer is taken back.
    Deny,
}

/// How much the log tells. Secrets are in neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum LogDetail {
    /// What starts, ends and goes wrong.
    #[default]
    Normal,
    /// Each request as well.
    Detailed,
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
