//! The toasts of Windows.

use crate::notification::words::Notice;
use crate::notification::{Heard, Place};
use std::sync::Arc;
use windows::Data::Xml::Dom::XmlDocument;
use windows::Foundation::TypedEventHandler;
use windows::UI::Notifications::{
    ToastDismissalReason, ToastDismissedEventArgs, ToastNotification, ToastNotificationManager,
};
use windows::core::{HSTRING, IInspectable, Ref, Result};
use windows_registry::CURRENT_USER;

/// By which Windows knows the app: the installer's shortcut has the same.
const APP: &str = "app.keybearer.desktop";

/// The action center.
pub(in crate::notification) struct Center {
    heard: Arc<dyn Fn(Place, Heard) + Send + Sync>,
}

impl Center {
    /// Tells `heard` what the user does.
    pub(in crate::notification) fn new(heard: impl Fn(Place, Heard) + Send + Sync + 'static) -> Center {
        // Toasts of an app without a name are not shown.
        let _ = CURRENT_USER
            .create(format!(r"Software\Classes\AppUserModelId\{APP}"))
            .and_then(|key| key.set_string("DisplayName", "Keybearer"));
        Center { heard: Arc::new(heard) }
    }

    /// Shows it in place of what is there. Where toasts are switched off, the tray must do.
    pub(in crate::notification) fn show(&self, place: Place, notice: &Notice) {
        let _ = self.toast(place, notice);
    }

    /// Takes away what is there.
    pub(in crate::notification) fn withdraw(&self, place: Place) {
        let _ = ToastNotificationManager::History()
            .and_then(|history| history.RemoveGroupedTagWithId(&tag(place), &HSTRING::new(), &HSTRING::from(APP)));
    }

    fn toast(&self, place: Place, notice: &Notice) -> Result<()> {
        let document = XmlDocument::new()?;
        document.LoadXml(&HSTRING::from(layout(notice)))?;
        let toast = ToastNotification::CreateToastNotification(&document)?;
        toast.SetTag(&tag(place))?;
        let heard = Arc::clone(&self.heard);
        toast.Activated(&TypedEventHandler::new(move |_: Ref<'_, ToastNotification>, _: Ref<'_, IInspectable>| {
            heard(place, Heard::Chosen);
            Ok(())
        }))?;
        let heard = Arc::clone(&self.heard);
        toast.Dismissed(&TypedEventHandler::new(
            move |_: Ref<'_, ToastNotification>, dismissed: Ref<'_, ToastDismissedEventArgs>| {
                if dismissed.ok()?.Reason()? == ToastDismissalReason::UserCanceled {
                    heard(place, Heard::Dismissed);
                }
                Ok(())
            },
        ))?;
        ToastNotificationManager::CreateToastNotifierWithId(&HSTRING::from(APP))?.Show(&toast)
    }
}

fn tag(place: Place) -> HSTRING {
    HSTRING::from(match place {
        Place::Accounts => "accounts",
        Place::Questions => "questions",
    })
}

/// The toast in Windows' own language: two lines and a button.
fn layout(notice: &Notice) -> String {
    let [title, body, button] = [&*notice.title, &*notice.body, notice.button].map(escaped);
    format!(
        "<toast><visual><binding template=\"ToastGeneric\"><text>{title}</text><text>{body}</text></binding></visual>\
         <actions><action content=\"{button}\" arguments=\"button\"/></actions></toast>"
    )
}

/// Words without markup in them.
fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
