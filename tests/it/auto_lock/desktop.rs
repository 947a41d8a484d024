//! The desktop that a person sits at, as far as it speaks on the buses: a screen saver, and systemd's logind.

use keybearer_tests::session::Session;
use std::collections::HashMap;
use std::io::{PipeReader, Read};
use std::os::fd::OwnedFd as File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::{OwnedFd, OwnedObjectPath, Value};

const LOGIN: &str = "org.freedesktop.login1";
const MANAGER_PATH: &str = "/org/freedesktop/login1";
const SESSION: &str = "org.freedesktop.login1.Session";
/// A session of this user, and one of another.
pub(crate) const OURS: &str = "/org/freedesktop/login1/session/_31";
pub(crate) const THEIRS: &str = "/org/freedesktop/login1/session/_32";

fn address(session: &Session, variable: &str) -> String {
    let environment = session.environment();
    let found = environment.into_iter().find(|(name, _)| *name == variable).unwrap();
    found.1.to_str().unwrap().to_owned()
}

/// A screen saver by this name on the session bus.
pub(crate) struct ScreenSaver {
    bus: Connection,
    name: &'static str,
}

impl ScreenSaver {
    pub(crate) fn start(session: &Session, name: &'static str) -> ScreenSaver {
        let bus = Builder::address(address(session, "DBUS_SESSION_BUS_ADDRESS").as_str()).unwrap();
        ScreenSaver { bus: bus.name(name).unwrap().build().unwrap(), name }
    }

    /// Says that the screen locked, or that it is open.
    pub(crate) fn says(&self, active: bool) {
        self.bus.emit_signal(None::<&str>, "/ScreenSaver", self.name, "ActiveChanged", &active).unwrap();
    }
}

/// Whoever holds off sleep: what was said of why, and the end of a pipe that is closed when it is let go.
pub(crate) struct Inhibitor {
    pub(crate) said: [String; 2],
    open: PipeReader,
}

impl Inhibitor {
    /// Waits until sleep may go on.
    pub(crate) fn wait_until_let_go(mut self) {
        assert_eq!(self.open.read(&mut [0]).unwrap(), 0);
    }
}

/// logind with two sessions.
pub(crate) struct Login {
    bus: Connection,
    inhibitors: Arc<Mutex<Vec<Inhibitor>>>,
    /// How often somebody wanted to know whose the other session is.
    pub(crate) asked_for_theirs: Arc<AtomicUsize>,
}

struct Manager(Arc<Mutex<Vec<Inhibitor>>>);

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    fn inhibit(&self, what: String, _who: &str, _why: &str, mode: String) -> OwnedFd {
        let (open, held) = std::io::pipe().unwrap();
        self.0.lock().unwrap().push(Inhibitor { said: [what, mode], open });
        OwnedFd::from(File::from(held))
    }
}

struct UserSession {
    user: u32,
    asked: Arc<AtomicUsize>,
}

#[zbus::interface(name = "org.freedesktop.login1.Session")]
impl UserSession {
    #[zbus(property)]
    fn user(&self) -> (u32, OwnedObjectPath) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        (self.user, OwnedObjectPath::try_from("/org/freedesktop/login1/user/_1").unwrap())
    }
}

impl Login {
    /// Starts it on the session's own bus of the machine.
    pub(crate) fn start(session: &Session) -> Login {
        use std::os::unix::fs::MetadataExt;
        let user = std::fs::metadata(session.folder()).unwrap().uid();
        let (inhibitors, asked_for_theirs) = (Arc::default(), Arc::new(AtomicUsize::default()));
        let ours = UserSession { user, asked: Arc::default() };
        let theirs = UserSession { user: user + 1, asked: asked_for_theirs.clone() };
        let bus = Builder::address(address(session, "DBUS_SYSTEM_BUS_ADDRESS").as_str()).unwrap();
        let bus = bus.serve_at(MANAGER_PATH, Manager(Arc::clone(&inhibitors))).unwrap();
        let bus = bus.serve_at(OURS, ours).unwrap().serve_at(THEIRS, theirs).unwrap();
        Login { bus: bus.name(LOGIN).unwrap().build().unwrap(), inhibitors, asked_for_theirs }
    }

    /// Has a session lock itself, as `loginctl lock-session` does.
    pub(crate) fn lock(&self, session: &str) {
        self.bus.emit_signal(None::<&str>, session, SESSION, "Lock", &()).unwrap();
    }

    /// Says that a session is locked, or open.
    pub(crate) fn hint(&self, session: &str, locked: bool) {
        let changed = (SESSION, HashMap::from([("LockedHint", Value::from(locked))]), Vec::<&str>::new());
        let properties = "org.freedesktop.DBus.Properties";
        self.bus.emit_signal(None::<&str>, session, properties, "PropertiesChanged", &changed).unwrap();
    }

    /// Says that the computer goes to sleep, or has woken up.
    pub(crate) fn sleep(&self, begins: bool) {
        let manager = "org.freedesktop.login1.Manager";
        self.bus.emit_signal(None::<&str>, MANAGER_PATH, manager, "PrepareForSleep", &begins).unwrap();
    }

    /// Who holds off sleep since the last look.
    pub(crate) fn inhibitor(&self) -> Option<Inhibitor> {
        self.inhibitors.lock().unwrap().pop()
    }
}
