//! Who calls, on Linux: a process that is pinned when it connects and looked at again with each request (REQ-I1).
//!
//! The kernel says who connected, and for each message who sent it. A process may hand its connection to a child, or
//! become another program by `execve` between two messages; so only the connector's own messages count, and only
//! while it still is what it was.

mod attested;
mod known;
mod life;
mod loopback;
mod process;
mod program;
mod role;
mod sandbox;
mod script;

pub(crate) use loopback::is_ours;

use super::Peer;
use crate::socket::Connection;
use attested::Attested;
use keybearer_protocol::program::ProgramView;
use keybearer_protocol::session::CallerView;
use nix::sys::socket::{getsockopt, sockopt};
use process::Process;
use rustix::net::sockopt::set_socket_passcred;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::OwnedWriteHalf;

/// Has the kernel say with each message who sent it. Asked of a door before anybody connects: whoever is let in
/// inherits it.
///
/// It says so by number, and that is enough: a request is answered only while the connector lives, and as long as it lives
/// its number is nobody else's. A pidfd with each message would say the same, at the price of a descriptor each.
pub(crate) fn attest(listener: &impl AsFd) -> io::Result<()> {
    Ok(set_socket_passcred(listener, true)?)
}

/// The process at the other end, held so that its number can't come to mean another one.
#[derive(Debug)]
pub struct Witness {
    process: Option<Arc<Process>>,
}

impl Witness {
    /// Whether the process still lives and runs the program that it ran when it was looked at, before it was told its
    /// session. Two system calls that wait for nothing (REQ-I2). One whose number can't be seen has no identity that
    /// could change.
    pub fn is_unchanged(&self) -> bool {
        self.process.as_ref().is_none_or(|process| process.goes_on())
    }

    /// Whether the process lives, whatever it runs by now.
    pub(crate) fn is_alive(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.lives())
    }

    /// Returns when the process has ended, also if a child holds its connection longer; at once where that can't be told.
    #[expect(deprecated, reason = "sound for whoever owns its descriptor, and what replaces it is unsafe code")]
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let pidfd = self.process.as_ref().and_then(|process| process.pidfd().ok());
        let pidfd = pidfd.and_then(|pidfd| AsyncFd::with_interest(pidfd, Interest::READABLE).ok());
        async move {
            if let Some(pidfd) = pidfd {
                // Readable is all that it ever becomes, when the process ends (pidfd_open(2)).
                drop(pidfd.readable().await);
            }
        }
    }
}

/// Whether the process still runs, and is the one that began then.
pub(super) fn runs(pid: u32, started: &str) -> bool {
    known::look(pid).is_ok_and(|process| process.started.to_string() == started)
}

/// The process that connected, which has this number.
///
/// Where the kernel has no pidfd for the connector (before 6.5), its number is taken. Another process may have got it by
/// then; but that one has no way to send on this connection, and nobody else can send in its name.
fn connector(connection: &Connection, pid: u32) -> io::Result<Arc<Process>> {
    let Ok(pidfd) = getsockopt(connection, sockopt::PeerPidfd) else { return known::look(pid) };
    if !life::lives(&pidfd) {
        return Err(io::ErrorKind::NotFound.into());
    }
    match known::get(pid) {
        Some(known) => Ok(known),
        None => Ok(known::keep(Process::of(pidfd, pid)?)),
    }
}

/// The number of whoever connected, where the kernel can name it.
pub(crate) fn number(connection: &Connection) -> Option<u32> {
    let pid = connection.peer_cred().ok()?.pid()?;
    u32::try_from(pid).ok().filter(|pid| *pid != 0)
}

/// Both directions; what comes in must be the connector's own.
pub(crate) fn split(connection: Connection, connector: Option<u32>) -> (Attested, OwnedWriteHalf) {
    let (reader, writer) = connection.into_split();
    (Attested::new(reader, connector), writer)
}

/// From now on, what any process of this user writes counts, and no other's.
pub(crate) fn share(reader: &mut Attested) {
    reader.share();
}

/// Whether all is known that [`identify`] tells of the process of this number, so that it waits for no file.
pub(crate) fn is_at_hand(pid: u32) -> bool {
    known::get(pid).is_some_and(|process| program::is_known(&process))
}

/// Who is at the other end of a connection. An error where it ended, or became another program, while it was looked at.
///
/// What can hang is a file of the caller's that doesn't answer: its executable or script on a dead file system.
pub(super) fn identify(connection: &Connection) -> io::Result<Peer> {
    let user = connection.peer_cred()?.uid();
    let (same_user, is_root) = (user == rustix::process::geteuid().as_raw(), user == 0);
    // A process that the kernel can't name lives in a process namespace that we don't see.
    let Some(pid) = number(connection) else {
        let view = CallerView { pid: None, exe: None, foreign: true, program: ProgramView::default() };
        let witness = Witness { process: None };
        return Ok(Peer { same_user, is_root, view, is_desktop: false, is_helper: false, witness });
    };
    let process = connector(connection, pid)?;
    let view = CallerView {
        pid: Some(pid),
        exe: process.exe.as_ref().map(|exe| exe.path.clone()),
        foreign: process.is_foreign() || role::forwards(&process),
        program: program::behind(&process),
    };
    // From a sandbox, even the file that is run may be said by the sandbox.
    let is_ours = !view.foreign;
    Ok(Peer {
        same_user,
        is_root,
        view,
        is_desktop: is_ours && role::is_desktop(&process),
        is_helper: is_ours && role::is_helper(&process),
        witness: Witness { process: Some(process) },
    })
}
