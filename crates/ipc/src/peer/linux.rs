//! Who calls, on Linux: a process that is pinned when it connects and looked at again with each request (REQ-I1).
//!
//! The kernel says who connected, and for each message who sent it. A process may hand its connection to a child, or
//! become another program by `execve` between two messages; so only the connector's own messages count, and only
//! while it still is what it was.

mod attested;
mod process;
mod program;

use super::Peer;
use crate::socket::Connection;
use attested::Attested;
use keybearer_protocol::program::ProgramView;
use keybearer_protocol::session::CallerView;
use process::Process;
use program::{Family, Kin};
use rustix::net::sockopt::set_socket_passcred;
use std::io;
use std::os::fd::AsFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::OwnedWriteHalf;

/// Has the kernel say with each message who sent it. Asked of a door before anybody connects: whoever is let in
/// inherits it.
pub(crate) fn attest(listener: &impl AsFd) -> io::Result<()> {
    Ok(set_socket_passcred(listener, true)?)
}

/// The process at the other end, held so that its number can't come to mean another one.
#[derive(Debug)]
pub struct Witness {
    process: Option<Process>,
}

impl Witness {
    /// Whether the process still lives and runs the file that it ran when it connected. One whose file can't be seen
    /// (it hides, or lives in another namespace) has no identity that could change.
    pub fn is_unchanged(&self) -> bool {
        self.process.as_ref().is_none_or(Process::is_unchanged)
    }

    /// Whether the process lives, whatever it runs by now.
    pub(crate) fn is_alive(&self) -> bool {
        self.process.as_ref().is_some_and(Process::is_alive)
    }

    /// Returns when the process has ended, also if a child holds its connection longer; at once where that can't be told.
    #[expect(deprecated, reason = "sound for whoever owns its descriptor, and what replaces it is unsafe code")]
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let pidfd = self.process.as_ref().and_then(Process::pidfd);
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
    Process::open(pid).is_ok_and(|process| process.started.to_string() == started)
}

/// What is known of the connector, and what holds it.
fn look_up(pid: Option<u32>) -> (CallerView, Kin, Witness) {
    // A process that the kernel can't name lives in a process namespace that we don't see.
    let Some(pid) = pid else {
        let view = CallerView { pid: None, exe: None, foreign: true, program: ProgramView::default() };
        return (view, Kin::default(), Witness { process: None });
    };
    let process = Process::open(pid).ok();
    let family = Family::of_this_agent();
    // One that hides (not dumpable) counts as foreign: nobody can tell where it lives.
    let foreign = !process.as_ref().is_some_and(Process::lives_here);
    let exe = process.as_ref().and_then(|process| process.exe.clone());
    let program = process.as_ref().map(|process| program::behind(process, &family)).unwrap_or_default();
    let kin = process.as_ref().map(|process| family.kin(process)).unwrap_or_default();
    let view = CallerView { pid: Some(pid), exe: exe.map(|exe| exe.path), foreign, program };
    (view, kin, Witness { process })
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

/// Who is at the other end of a connection.
pub(super) fn identify(connection: &Connection) -> io::Result<Peer> {
    let credentials = connection.peer_cred()?;
    let pid = number(connection);
    let (view, Kin { is_desktop, is_helper }, witness) = look_up(pid);
    Ok(Peer {
        same_user: credentials.uid() == rustix::process::geteuid().as_raw(),
        is_root: credentials.uid() == 0,
        view,
        is_desktop,
        is_helper,
        witness,
    })
}
