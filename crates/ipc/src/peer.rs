//! Who calls, as the kernel tells. What a caller says of itself is never believed (REQ-H4).

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::attest;
#[cfg(target_os = "linux")]
pub use linux::{Attested, Witness};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::attest;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Attested, Witness};

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
    /// Whether it is the `keybearer-desktop` that lies beside this agent, by device and inode.
    pub is_desktop: bool,
    /// Whether it is the command `keybearer` that lies there.
    pub is_helper: bool,
    /// Holds the process, to see that it stays what it was.
    pub witness: Witness,
}

/// Whether the process of this number still runs, and is the one that began then (`ProgramView::started`).
pub fn runs(pid: u32, started: &str) -> bool {
    #[cfg(target_os = "linux")]
    return linux::runs(pid, started);
    #[cfg(not(target_os = "linux"))]
    return elsewhere::runs(pid, started);
}

/// Asks the kernel who is at the other end.
pub fn identify(connection: &Connection) -> io::Result<Peer> {
    #[cfg(target_os = "linux")]
    return linux::identify(connection);
    #[cfg(not(target_os = "linux"))]
    return elsewhere::identify(connection);
}
