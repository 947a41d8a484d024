//! The open doors of this agent, whoever opened their sockets, and whether they are still where callers look for them.
//!
//! Sockets can get lost under a running agent: the runtime folder is emptied at logout, and a service manager that
//! begins to listen puts its own in their place. Nobody would reach the agent any more, and as long as it holds the lock
//! no other could take its place. So it ends (REQ-D6).

use crate::service_manager::Handed;
use keybearer_ipc::place::Place;
use keybearer_ipc::socket::{self, BindError, Listener};
use keybearer_protocol::Door;
use keybearer_protocol::agent::StartedBy;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

/// Both doors, and the gateway's where its socket was handed over.
pub(crate) struct Open {
    pub(crate) programs: Listener,
    pub(crate) admin: Listener,
    pub(crate) gateway: Option<Listener>,
    pub(crate) guard: Guard,
}

/// Opens both doors, or takes them as they were handed over: the gateway's as well, which older units don't know.
pub(crate) fn open(place: &Place, handed: Handed) -> Result<Open, BindError> {
    let ours = handed.is_empty();
    let (programs, admin, gateway) = match ours {
        true => (socket::bind(place, Door::Programs)?, socket::bind(place, Door::Admin)?, None),
        false => adopt(place, handed)?,
    };
    Ok(Open { programs, admin, gateway, guard: Guard::of(place, &[Door::Programs, Door::Admin], ours) })
}

#[cfg(unix)]
fn adopt(place: &Place, handed: Handed) -> Result<(Listener, Listener, Option<Listener>), BindError> {
    let (mut programs, mut admin, mut gateway) = (None, None, None);
    for listener in handed {
        let (door, listener) = socket::adopt(place, listener)?;
        let kept = match door {
            Door::Programs => &mut programs,
            Door::Admin => &mut admin,
            Door::Gateway => &mut gateway,
            // The agent's own, opened and shut as accounts are named for it.
            Door::Restricted => return Err(BindError::NotADoor(place.socket(door))),
        };
        *kept = Some(listener);
    }
    let missing = |door| BindError::NotHanded(place.socket(door));
    Ok((programs.ok_or(missing(Door::Programs))?, admin.ok_or(missing(Door::Admin))?, gateway))
}

#[cfg(not(unix))]
fn adopt(place: &Place, _handed: Handed) -> Result<(Listener, Listener, Option<Listener>), BindError> {
    Err(BindError::NotHanded(place.socket(Door::Programs)))
}

/// How an agent with these sockets came to run.
pub(crate) fn started_by(handed: &Handed, detach: bool) -> StartedBy {
    match (handed.is_empty(), detach) {
        (false, _) => StartedBy::SocketUnit,
        (true, true) => StartedBy::Command,
        (true, false) => StartedBy::Other,
    }
}

/// Knows the files of sockets.
#[derive(Clone)]
pub(crate) struct Guard {
    sockets: Vec<(PathBuf, Option<Identity>)>,
    /// Whether this agent opened them, so that they go with it.
    ours: bool,
}

impl Guard {
    /// Of these doors, whose sockets were just opened.
    pub(crate) fn of(place: &Place, doors: &[Door], ours: bool) -> Guard {
        let sockets = doors.iter().map(|door| place.socket(*door));
        Guard { sockets: sockets.map(|path| (path.clone(), Identity::of(&path))).collect(), ours }
    }

    /// Waits until another file lies in the place of a socket, or none; gives its path. Where the system tells nothing
    /// of files, it waits for ever.
    pub(crate) async fn lost(&self) -> PathBuf {
        #[cfg(target_os = "linux")]
        match self.clone().watch() {
            Ok(lost) => {
                if let Ok(path) = lost.await {
                    return path;
                }
            }
            Err(error) => tracing::warn!(%error, "this system doesn't tell when a socket is taken away"),
        }
        std::future::pending().await
    }

    /// Watches on a thread of its own, which ends with the agent.
    #[cfg(target_os = "linux")]
    fn watch(self) -> std::io::Result<tokio::sync::oneshot::Receiver<PathBuf>> {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        let changes = init(CreateFlags::CLOEXEC)?;
        let what = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE | WatchFlags::DELETE_SELF;
        for folder in self.sockets.iter().filter_map(|(path, _)| path.parent()) {
            add_watch(&changes, folder, what | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR)?;
        }
        let (tell, lost) = tokio::sync::oneshot::channel();
        std::thread::Builder::new().name("sockets".to_owned()).spawn(move || {
            // Looked at once the watch has begun, and after each change, whichever it was: nothing is missed.
            loop {
                if let Some((path, _)) = self.sockets.iter().find(|socket| !is_there(socket)) {
                    return drop(tell.send(path.clone()));
                }
                match rustix::io::read(&changes, &mut [0; 4096]) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return tracing::warn!(%error, "changes of the sockets' folders can't be read"),
                }
            }
        })?;
        Ok(lost)
    }

    /// Takes the files away that are this agent's: gone sockets say sooner than refused connections that nobody
    /// listens. What a service manager opened stays, and what lies in their place by now is somebody else's.
    pub(crate) fn clear(&self) {
        for (path, _) in self.sockets.iter().filter(|socket| self.ours && is_there(socket)) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether the file that was seen lies there. One that was gone before it could be seen doesn't.
fn is_there((path, identity): &(PathBuf, Option<Identity>)) -> bool {
    identity.is_some() && Identity::of(path) == *identity
}

/// Which file lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    number: u64,
    /// When it was made, where the system tells: the next file may get the number of one that was removed.
    made: Option<SystemTime>,
}

impl Identity {
    #[cfg(unix)]
    fn of(path: &std::path::Path) -> Option<Identity> {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::symlink_metadata(path).ok()?;
        Some(Identity { device: metadata.dev(), number: metadata.ino(), made: metadata.created().ok() })
    }

    /// Named pipes are no files that anybody could take away.
    #[cfg(not(unix))]
    fn of(_path: &std::path::Path) -> Option<Identity> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_socket_that_was_gone_before_it_was_seen_is_lost() {
        let gone = std::env::temp_dir().join("keybearer-nobody-binds-this.sock");
        let guard = Guard { sockets: vec![(gone.clone(), Identity::of(&gone))], ours: true };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let lost = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), guard.lost()).await });
        assert_eq!(lost.expect("it is told at once"), gone);
    }
}
