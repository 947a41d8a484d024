//! Who calls, as the kernel tells. What a caller says of itself is never believed (REQ-H4).

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::look_up;

use crate::socket::Connection;
use keybearer_protocol::program::ProgramView;
use keybearer_protocol::session::CallerView;
use std::io;

/// The process at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Whether it runs as this user.
    pub same_user: bool,
    /// What is known of the process.
    pub view: CallerView,
}

/// Asks the kernel who is at the other end.
#[cfg(unix)]
pub fn identify(connection: &Connection) -> io::Result<Peer> {
    let credentials = connection.peer_cred()?;
    // A process that the kernel can't name lives in a process namespace that we don't see.
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
    let view = pid.map(look_up).unwrap_or(CallerView {
        pid: None,
        exe: None,
        foreign: cfg!(target_os = "linux"),
        program: ProgramView::default(),
    });
    Ok(Peer { same_user: credentials.uid() == rustix::process::geteuid().as_raw(), view })
}

/// Other systems name the process; what it runs is for later stages to find out.
#[cfg(not(target_os = "linux"))]
fn look_up(pid: u32) -> CallerView {
    CallerView { pid: Some(pid), exe: None, foreign: false, program: ProgramView::default() }
}
