//! `UNUserNotificationCenter` of macOS, which takes notifications from bundled apps alone.

use crate::notification::words::Notice;
use crate::notification::{Heard, Place};
use mac_usernotifications::{Action, Notification, close_delivered};
use std::sync::Arc;

/// The key of the button.
const BUTTON: &str = "button";

/// The notification center.
pub(in crate::notification) struct Center {
    heard: Arc<dyn Fn(Place, Heard) + Send + Sync>,
}

impl Center {
    /// Tells `heard` what the user does.
    pub(in crate::notification) fn new(heard: impl Fn(Place, Heard) + Send + Sync + 'static) -> Center {
        Center { heard: Arc::new(heard) }
    }

    /// Shows it in place of what is there.
    pub(in crate::notification) fn show(&self, place: Place, notice: &Notice) {
        let Notice { title, body, button, .. } = notice;
        let notification = Notification::new().id(id(place)).title(title).message(body);
        let notification = notification.action(Action::button(BUTTON, *button));
        let heard = Arc::clone(&self.heard);
        tauri::async_runtime::spawn(async move {
            // Where notifications aren't allowed, the tray must do.
            let Ok(shown) = notification.send().await else { return };
            match shown.response().await {
                Ok(response) if response.is_dismiss_action() => heard(place, Heard::Dismissed),
                Ok(_) => heard(place, Heard::Chosen),
                // It was replaced or taken away.
                Err(_) => {}
            }
        });
    }

    /// Takes away what is there.
    pub(in crate::notification) fn withdraw(&self, place: Place) {
        tauri::async_runtime::spawn(close_delivered(id(place)));
    }
}

fn id(place: Place) -> &'static str {
    match place {
        Place::Accounts => "accounts",
        Place::Questions => "questions",
    }
}
