//! Who calls, on macOS: one run of one program, by the token that the kernel gives it, and the signature that the kernel
//! enforces while it runs (REQ-I3). Type-checked alone so far: nobody has run it.
//!
//! The token is that of whoever used the other end last, so a child that writes in its parent's name shows, and so does a
//! process that became another program.

mod program;

use super::Peer;
use crate::socket::Connection;
use keybearer_macos::code::{Code, Signature};
use keybearer_macos::process::Process;
use keybearer_macos::socket::AuditToken;
use keybearer_protocol::program::ProgramView;
use keybearer_protocol::session::CallerView;
use program::{behind, is_beside_us};
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// Nothing to prepare.
pub(crate) fn attest<T>(_listener: &T) -> io::Result<()> {
    Ok(())
}

/// The run of a program at the other end.
#[derive(Debug)]
pub struct Witness {
    socket: OwnedFd,
    token: AuditToken,
    process: Option<Process>,
    before: Option<Attested>,
    /// Whether its signature was the same once it had answered with the nonce.
    is_valid: OnceLock<bool>,
}

impl Witness {
    /// Whether the same run of the same program still speaks. With its first request, its signature is looked at again.
    pub fn is_unchanged(&self) -> bool {
        let valid = || Attested::of(self.token) == self.before;
        let is_same = || AuditToken::of_peer(self.socket.as_fd()).is_ok_and(|token| token == self.token);
        is_same() && *self.is_valid.get_or_init(valid) && is_same()
    }

    /// Whether the process lives, whatever it runs by now.
    pub(crate) fn is_alive(&self) -> bool {
        self.process.is_some_and(|process| began(process.pid) == Some(process.started))
    }

    /// Nothing is handed on here.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        std::future::ready(())
    }
}

/// Code as it was found: what its signature says, and whether a developer whom Apple knows vouches for it.
#[derive(Debug, PartialEq, Eq)]
struct Attested {
    signature: Signature,
    is_known: bool,
}

impl Attested {
    fn of(token: AuditToken) -> Option<Attested> {
        let code = Code::of_peer(token).ok()?;
        Some(Attested { signature: code.signature().ok()?, is_known: code.is_a_known_developers() })
    }
}

/// Whether the process still runs, and is the one that began then.
pub(super) fn runs(pid: u32, started: &str) -> bool {
    began(pid).is_some_and(|began| began.to_string() == started)
}

fn began(pid: u32) -> Option<u64> {
    Process::open(pid).ok().map(|process| process.started)
}

/// Everybody is looked up.
pub(crate) fn is_at_hand(_pid: u32) -> bool {
    false
}

/// The number of whoever connected, where the kernel can name it.
pub(crate) fn number(connection: &Connection) -> Option<u32> {
    let pid = connection.peer_cred().ok()?.pid()?;
    u32::try_from(pid).ok().filter(|pid| *pid != 0)
}

/// Both directions, as they are.
pub(crate) fn split(connection: Connection, _connector: Option<u32>) -> (OwnedReadHalf, OwnedWriteHalf) {
    connection.into_split()
}

/// Whoever holds the descriptor may write anyway.
pub(crate) fn share(_reader: &mut OwnedReadHalf) {}

/// Whose a connection over loopback is, this system doesn't tell.
pub(crate) fn is_ours(_theirs: SocketAddrV4, _ours: SocketAddrV4) -> Option<bool> {
    None
}

/// Who is at the other end of a connection.
pub(super) fn identify(connection: &Connection) -> io::Result<Peer> {
    let token = AuditToken::of_peer(connection.as_fd())?;
    let process = token.pid().and_then(|pid| Process::open(pid).ok());
    let before = Attested::of(token);
    let exe = process.and_then(|process| process.exe().ok());
    let view = CallerView {
        pid: token.pid(),
        exe: exe.as_ref().map(|exe| exe.to_string_lossy().into_owned()),
        foreign: process.is_none(),
        program: process.map_or_else(ProgramView::default, behind),
    };
    let is = |name: &str| exe.as_deref().is_some_and(|exe| is_beside_us(exe, name)) && is_signed_as_we_are(&before);
    let (is_desktop, is_helper) = (is("keybearer-desktop"), is("keybearer"));
    // All of that was asked by a number, which counts only if it means the same run of the same program now.
    if AuditToken::of_peer(connection.as_fd())? != token {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the caller became another while it was looked at",
        ));
    }
    let (same_user, is_root) = (token.user() == rustix::process::geteuid().as_raw(), token.user() == 0);
    let socket = connection.as_fd().try_clone_to_owned()?;
    let witness = Witness { socket, token, process, before, is_valid: OnceLock::new() };
    Ok(Peer { same_user, is_root, view, is_desktop, is_helper, witness })
}

/// Whether the code is our own team's, where the agent itself is signed by one.
fn is_signed_as_we_are(theirs: &Option<Attested>) -> bool {
    let ours = Code::own().and_then(|code| code.signature()).ok().and_then(|signature| signature.team);
    let theirs = theirs.as_ref().filter(|theirs| theirs.is_known).and_then(|theirs| theirs.signature.team.as_ref());
    ours.is_none() || ours.as_ref() == theirs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_seen_as_the_process_that_it_is() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let _entered = runtime.enter();
        let (ours, _theirs) = Connection::pair().expect("two ends");
        let peer = identify(&ours).expect("a peer");
        let own = std::process::id();
        assert!(peer.same_user && peer.witness.is_unchanged() && peer.witness.is_alive() && !peer.is_desktop);
        assert_eq!((peer.view.pid, peer.view.program.pid), (Some(own), Some(own)));
        let started = peer.view.program.started.expect("a beginning");
        assert!(runs(own, &started) && !runs(own, "0"));
    }
}
