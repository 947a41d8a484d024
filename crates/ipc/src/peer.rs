//! Who calls, as the kernel tells. What a caller says of itself is never believed (REQ-H4).

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

#[cfg(not(any(target_os = "linux", windows)))]
mod elsewhere;
#[cfg(not(any(target_os = "linux", windows)))]
use elsewhere as system;

pub use system::Witness;
#[cfg(unix)]
pub(crate) use system::attest;
pub(crate) use system::{number, share, split};

use crate::socket::Connection;
use keybearer_protocol::session::CallerView;
use std::io;

/// The process at the other end of a connection.
#[derive(Debug)]
pub struct Peer {
    /// Whether it runs as this user.
    pub same_user: bool,
    /// What is known of the process.
    pub view: CallerView,
    /// Whether it is the `keybearer-desktop` that lies beside this agent.
    pub is_desktop: bool,
    /// Whether it is the command `keybearer` that lies there.
    pub is_helper: bool,
    /// Holds the process, to see that it stays what it was.
    pub witness: Witness,
}

/// Whether the process of this number still runs, and is the one that began then (`ProgramView::started`).
pub fn runs(pid: u32, started: &str) -> bool {
    system::runs(pid, started)
}

/// Asks the kernel who is at the other end.
pub fn identify(connection: &Connection) -> io::Result<Peer> {
    system::identify(connection)
}
