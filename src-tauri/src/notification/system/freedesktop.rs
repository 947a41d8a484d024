//! The Desktop Notifications Specification of freedesktop.org: a service on the session bus.

use crate::notification::words::Notice;
use crate::notification::{Heard, Place};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use zbus::blocking::{Connection, MessageIterator, connection};
use zbus::zvariant::Value;
use zbus::{MatchRule, Message, message};

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// The most that the service may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// The key of a click on the notification itself.
const CLICK: &str = "default";
/// The key of the button.
const BUTTON: &str = "button";
/// The service's number for a notification that the user put away.
const PUT_AWAY: u32 = 2;

/// The service, as far as it is there.
pub(in crate::notification) struct Center {
    bus: Mutex<Option<Connection>>,
    shown: Arc<Shown>,
}

/// The service's numbers of what is shown, and who hears what the user does with it.
struct Shown {
    ids: Mutex<HashMap<Place, u32>>,
    heard: Box<dyn Fn(Place, Heard) + Send + Sync>,
}

impl Center {
    /// Tells `heard` what the user does.
    pub(in crate::notification) fn new(heard: impl Fn(Place, Heard) + Send + Sync + 'static) -> Center {
        Center { bus: Mutex::default(), shown: Arc::new(Shown { ids: Mutex::default(), heard: Box::new(heard) }) }
    }

    /// Shows it in place of what is there. Where nobody shows notifications, the tray must do.
    pub(in crate::notification) fn show(&self, place: Place, notice: &Notice) {
        let _ = self.notify(place, notice);
    }

    /// Takes away what is there.
    pub(in crate::notification) fn withdraw(&self, place: Place) {
        let id = self.shown.ids().remove(&place);
        if let (Some(id), Ok(bus)) = (id, self.bus()) {
            let _ = bus.call_method(Some(SERVICE), PATH, Some(SERVICE), "CloseNotification", &id);
        }
    }

    fn notify(&self, place: Place, notice: &Notice) -> zbus::Result<()> {
        let bus = self.bus()?;
        let Notice { title, body, button, .. } = notice;
        let capabilities = bus.call_method(Some(SERVICE), PATH, Some(SERVICE), "GetCapabilities", &())?;
        let capabilities: Vec<String> = capabilities.body().deserialize()?;
        let can = |what: &str| capabilities.iter().any(|capability| capability == what);
        let body = if can("body-markup") { escaped(body) } else { body.clone() };
        let actions = if can("actions") { vec![CLICK, button, BUTTON, button] } else { Vec::new() };
        let hints = HashMap::from([("desktop-entry", Value::from("Keybearer")), ("urgency", Value::from(1_u8))]);
        // Held until the number is known: what the user does with it is heard right after.
        let mut ids = self.shown.ids();
        let replaces = ids.get(&place).copied().unwrap_or_default();
        let notification = ("Keybearer", replaces, "keybearer-desktop", title, body, actions, hints, -1_i32);
        let reply = bus.call_method(Some(SERVICE), PATH, Some(SERVICE), "Notify", &notification)?;
        ids.insert(place, reply.body().deserialize()?);
        Ok(())
    }

    /// The session bus, with somebody who listens there; made when it is first wanted.
    fn bus(&self) -> zbus::Result<Connection> {
        let mut bus = self.bus.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bus) = &*bus {
            return Ok(bus.clone());
        }
        let made = connection::Builder::session()?.method_timeout(PATIENCE).build()?;
        let rule = MatchRule::builder().msg_type(message::Type::Signal).sender(SERVICE)?.interface(SERVICE)?.build();
        let signals = MessageIterator::for_match_rule(rule, &made, None)?;
        let shown = Arc::clone(&self.shown);
        // It ends with the bus, and so does the session.
        thread::Builder::new().name("notifications".to_owned()).spawn(move || {
            for signal in signals.flatten() {
                shown.hear(&signal);
            }
        })?;
        Ok(bus.insert(made).clone())
    }
}

impl Shown {
    fn hear(&self, signal: &Message) {
        let body = signal.body();
        let (id, heard) = match signal.header().member().map(|member| member.as_str()) {
            Some("ActionInvoked") => match body.deserialize::<(u32, &str)>() {
                Ok((id, CLICK | BUTTON)) => (id, Some(Heard::Chosen)),
                _ => return,
            },
            Some("NotificationClosed") => match body.deserialize::<(u32, u32)>() {
                Ok((id, reason)) => (id, (reason == PUT_AWAY).then_some(Heard::Dismissed)),
                Err(_) => return,
            },
            _ => return,
        };
        let mut ids = self.ids();
        let Some(place) = ids.iter().find(|(_, shown)| **shown == id).map(|(place, _)| *place) else { return };
        ids.remove(&place);
        drop(ids);
        if let Some(heard) = heard {
            (self.heard)(place, heard);
        }
    }

    fn ids(&self) -> MutexGuard<'_, HashMap<Place, u32>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Words without markup in them, for who reads markup.
fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_markup() {
        assert_eq!(escaped("<b>a</b> & b"), "&lt;b&gt;a&lt;/b&gt; &amp; b");
    }
}
