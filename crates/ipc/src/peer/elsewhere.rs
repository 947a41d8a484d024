//! Who calls, on systems where only the process's number is asked for so far: nobody there can be the prompter, and no
//! program has an identity that an answer could be remembered for.

use super::Peer;
use crate::socket::Connection;
use keybearer_protocol::program::ProgramView;
use keybearer_protocol::session::CallerView;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::OwnedReadHalf;

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
}

/// The reading half of a connection, as it is.
#[derive(Debug)]
pub struct Attested {
    stream: OwnedReadHalf,
}

impl Attested {
    /// Reads whatever is written.
    pub fn new(stream: OwnedReadHalf, _connector: Option<u32>) -> Attested {
        Attested { stream }
    }
}

impl AsyncRead for Attested {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

/// Nobody can tell, so nothing ends before its time.
pub(super) fn runs(_pid: u32, _started: &str) -> bool {
    true
}

/// Who is at the other end of a connection.
pub(super) fn identify(connection: &Connection) -> io::Result<Peer> {
    let credentials = connection.peer_cred()?;
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
    let view = CallerView { pid, exe: None, foreign: false, program: ProgramView { pid, ..ProgramView::default() } };
    let same_user = credentials.uid() == rustix::process::geteuid().as_raw();
    Ok(Peer { same_user, view, is_desktop: false, is_helper: false, witness: Witness {} })
}
