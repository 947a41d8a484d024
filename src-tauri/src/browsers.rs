//! The browsers of this computer, for a person to choose from. Only Linux desktops tell them; elsewhere the system's own way
//! is the only one.

use serde::Serialize;

/// A browser that sign-ins can open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct BrowserChoice {
    /// The name of its desktop entry.
    pub entry: String,
    /// What people call it.
    pub name: String,
}

/// What there is to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, specta::Type)]
pub struct Browsers {
    /// What the system's own is called, if it tells.
    pub system: Option<String>,
    /// All of them, by name.
    pub all: Vec<BrowserChoice>,
}

/// Those that are there now.
#[cfg(target_os = "linux")]
pub fn look() -> Browsers {
    use keybearer_desktop_entry::browsers;
    let all = browsers::all().into_iter().map(|browser| BrowserChoice { entry: browser.entry, name: browser.name });
    Browsers { system: browsers::of_system().map(|browser| browser.name), all: all.collect() }
}

/// None can be told.
#[cfg(not(target_os = "linux"))]
pub fn look() -> Browsers {
    Browsers::default()
}
