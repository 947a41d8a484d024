//! What the page is told unasked: typed events, and what it missed while there was no page.

use crate::{known, windows};
use keybearer_protocol::ErrorObject;
use serde::{Deserialize, Serialize};
use specta::Type;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tauri::{AppHandle, Manager};
use tauri_specta::Event;

/// Something that a window shows has changed: read it again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Type, Event)]
pub struct Changed {
    /// Counts the changes since the desktop started.
    pub revision: u32,
}

/// The user wants to see a page of the main window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, Event)]
pub struct OpenPage {
    /// Which.
    pub page: Page,
    /// The account, for its page.
    pub profile: Option<String>,
}

/// The pages of the main window that can be asked for from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Page {
    /// One account.
    Account,
    /// The way to add a server.
    Add,
    /// The settings.
    Settings,
    /// All accounts.
    List,
}

/// Something that the user asked for outside the page went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type, Event)]
pub struct Notice(pub ErrorObject);

/// What came for the main window before its page could listen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Opening {
    /// The page to begin with, if one was asked for.
    pub page: Option<OpenPage>,
    /// What went wrong, if something did.
    pub notice: Option<Notice>,
}

impl OpenPage {
    /// The page of an account.
    pub fn account(profile: impl Into<String>) -> OpenPage {
        OpenPage { page: Page::Account, profile: Some(profile.into()) }
    }

    /// A page that is not about one account.
    pub fn of(page: Page) -> OpenPage {
        OpenPage { page, profile: None }
    }
}

/// Keeps what a page would miss: one that is still loading hears no event.
#[derive(Debug, Default)]
pub struct Inbox {
    revision: AtomicU32,
    missed: Mutex<Missed>,
}

#[derive(Debug, Default)]
struct Missed {
    /// Whether the page has asked for what it missed, and so listens.
    listens: bool,
    opening: Opening,
}

impl Inbox {
    /// What the page missed, once. From now on it listens.
    pub fn take(&self) -> Opening {
        let mut missed = self.missed();
        missed.listens = true;
        std::mem::take(&mut missed.opening)
    }

    /// The page is gone.
    pub fn forget_page(&self) {
        *self.missed() = Missed::default();
    }

    fn keep(&self, keep: impl FnOnce(&mut Opening)) {
        let mut missed = self.missed();
        if !missed.listens {
            keep(&mut missed.opening);
        }
    }

    fn missed(&self) -> MutexGuard<'_, Missed> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells windows, tray and notifications that something changed.
pub fn tell(app: &AppHandle) {
    let revision = app.state::<Inbox>().revision.fetch_add(1, Ordering::Relaxed) + 1;
    // A window that can't be told reads everything anew when it is opened.
    let _ = Changed { revision }.emit(app);
    known::changed(app);
}

/// Shows the main window at this page.
pub fn open(app: &AppHandle, page: OpenPage) {
    app.state::<Inbox>().keep(|opening| opening.page = Some(page.clone()));
    windows::show_main(app);
    let _ = page.emit_to(app, windows::MAIN);
}

/// Shows the main window with what went wrong.
pub fn notify(app: &AppHandle, error: ErrorObject) {
    mention(app, error);
    windows::show_main(app);
}

/// Says in the main window what went wrong; a user who has it closed isn't bothered.
pub fn mention(app: &AppHandle, error: ErrorObject) {
    let notice = Notice(error);
    app.state::<Inbox>().keep(|opening| opening.notice = Some(notice.clone()));
    let _ = notice.emit_to(app, windows::MAIN);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gets_what_it_missed_once_and_hears_the_rest() {
        let inbox = Inbox::default();
        let list = || OpenPage::of(Page::List);
        let put = || inbox.keep(|opening| opening.page = Some(list()));
        put();
        assert_eq!(inbox.take().page, Some(list()));
        put();
        assert_eq!(inbox.take(), Opening::default(), "it listens, and has heard of it");
        inbox.forget_page();
        put();
        assert_eq!(inbox.take().page, Some(list()), "the next page was not there yet");
    }
}
