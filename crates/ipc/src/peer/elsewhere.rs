//! Who calls, on systems where only the process's number is asked for so far: nobody there can be the prompter, and no
//! program has an identity that an answer could be remembered for.

use super::Peer;
use crate::socket::Connection;
use keybearer_protocol::program::ProgramView;
use keybearer_protocol::session::CallerView;
use std::io;
use std::net::SocketAddrV4;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// Nothing to prepare.
pub(crate) fn attest<T>(_listener: &T) -> io::Result<()> {
    Ok(())
}

/// Nothing is held.
#[derive(Debug)]
pub struct Witness {}

impl Witness {
    /// Nothing is known that could have changed.
    pub fn is_unchanged(&self) -> bool {
        true
    }

    /// Nobody can tell.
    pub(crate) fn is_alive(&self) -> bool {
        true
    }

    /// Nobody can tell, so nothing is handed on.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        std::future::ready(())
    }
}

/// Nobody can tell, so nothing ends before its time.
pub(super) fn runs(_pid: u32, _started: &str) -> bool {
    true
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
    let credentials = connection.peer_cred()?;
    let pid = number(connection);
    let view = CallerView { pid, exe: None, foreign: false, program: ProgramView { pid, ..ProgramView::default() } };
    let same_user = credentials.uid() == rustix::process::geteuid().as_raw();
    let is_root = credentials.uid() == 0;
    Ok(Peer { same_user, is_root, view, is_desktop: false, is_helper: false, witness: Witness {} })
}
