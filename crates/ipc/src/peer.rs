//! Who calls, as the kernel tells. What a caller says of itself is never believed (REQ-H4).

/// The program behind the processes that led to a caller.
#[cfg(any(target_os = "macos", windows))]
mod chain;
/// What each of those processes is.
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
mod roles;
/// What is in a script.
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
mod script;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos as system;

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod elsewhere;
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
use elsewhere as system;

pub use system::Witness;
#[cfg(unix)]
pub(crate) use system::attest;
pub(crate) use system::{is_at_hand, number, share, split};

use crate::socket::Connection;
use keybearer_protocol::Door;
use keybearer_protocol::session::CallerView;
use std::io;
use std::net::SocketAddrV4;

/// The process at the other end of a connection.
#[derive(Debug)]
pub struct Peer {
    /// Whether it runs as this user.
    pub same_user: bool,
    /// Whether it runs as the system's administrator: what a container runs by default.
    pub is_root: bool,
    /// What is known of the process.
    pub view: CallerView,
    /// Whether it is the `keybearer-desktop` that lies beside this agent.
    pub is_desktop: bool,
    /// Whether it is the command `keybearer` that lies there.
    pub is_helper: bool,
    /// Holds the process, to see that it stays what it was.
    pub witness: Witness,
}

impl Peer {
    /// Whether it may come through this door. A container's root is not this user, and was given the restricted door by
    /// whoever started the container; who asks there is asked about each time.
    pub fn may_enter(&self, door: Door) -> bool {
        self.same_user || (door == Door::Restricted && self.is_root)
    }
}

/// Whether the process of this number still runs, and is the one that began then (`ProgramView::started`).
pub fn runs(pid: u32, started: &str) -> bool {
    system::runs(pid, started)
}

/// Whether the program at the other end of a connection over loopback is this user's; `None` where the system doesn't
/// tell.
pub fn is_loopback_ours(theirs: SocketAddrV4, ours: SocketAddrV4) -> Option<bool> {
    system::is_ours(theirs, ours)
}

/// Asks the kernel who is at the other end.
pub fn identify(connection: &Connection) -> io::Result<Peer> {
    system::identify(connection)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn other_users_come_in_nowhere_and_a_containers_root_by_the_restricted_door_alone() {
        let (connection, _other) = Connection::pair().expect("a pair");
        let mut peer = identify(&connection).expect("this process");
        let mut enters = |same_user, is_root| {
            (peer.same_user, peer.is_root) = (same_user, is_root);
            [Door::Programs, Door::Admin, Door::Restricted].map(|door| peer.may_enter(door))
        };
        assert_eq!(enters(true, false), [true; 3]);
        assert_eq!(enters(false, true), [false, false, true]);
        assert_eq!(enters(false, false), [false; 3]);
    }
}
