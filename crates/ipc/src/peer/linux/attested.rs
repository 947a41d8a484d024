//! Reading from a connection with the kernel's word on who wrote: each message must be the connector's own (REQ-I1).

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::geteuid;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;

/// The reading half of a connection.
#[derive(Debug)]
pub(crate) struct Attested {
    stream: OwnedReadHalf,
    writer: Writer,
}

/// Whose messages count.
#[derive(Clone, Copy, Debug)]
enum Writer {
    /// Those of the process that connected; none where the kernel can't name it.
    Connector(Option<u32>),
    /// Those of every process of this user.
    User(u32),
}

impl Writer {
    /// Whether only one process may write. Of one, a reading that leaves room has taken all that came, so nobody has to
    /// look once more to know that there is nothing. The kernel ends a reading where another one's message begins: that
    /// is found with the next message, and refused then.
    fn is_one(self) -> bool {
        matches!(self, Writer::Connector(_))
    }

    fn is(self, sender: Option<Sender>) -> bool {
        match self {
            Writer::Connector(pid) => sender.and_then(|sender| sender.pid) == pid,
            Writer::User(uid) => sender.is_some_and(|sender| sender.uid == uid),
        }
    }
}

/// Who sent a message, as the kernel says.
#[derive(Clone, Copy, Debug)]
struct Sender {
    pid: Option<u32>,
    uid: u32,
}

impl Attested {
    /// Reads what `connector` writes; what anybody else writes on the same connection is an error.
    pub(super) fn new(stream: OwnedReadHalf, connector: Option<u32>) -> Attested {
        Attested { stream, writer: Writer::Connector(connector) }
    }

    /// From now on, what any process of this user writes counts.
    pub(super) fn share(&mut self) {
        self.writer = Writer::User(geteuid().as_raw());
    }
}

impl AsyncRead for Attested {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (stream, writer): (&UnixStream, _) = (self.stream.as_ref(), self.writer);
        loop {
            ready!(stream.poll_read_ready(cx))?;
            let (room, mut received) = (buffer.remaining(), None);
            let tried = stream.try_io(Interest::READABLE, || {
                let (read, sender) = receive(stream, buffer.initialize_unfilled())?;
                received = Some((read, sender));
                let is_all = writer.is_one() && 0 < read && read < room;
                if is_all { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            match (received, tried) {
                (Some((0, _)), _) => return Poll::Ready(Ok(())),
                (Some((_, sender)), _) if !writer.is(sender) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::PermissionDenied, "another process writes")));
                }
                (Some((read, _)), _) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
                (None, _) => {}
            }
        }
    }
}

/// Bytes of one sender, and who that is. The kernel never mixes two senders in one reading.
fn receive(stream: &UnixStream, bytes: &mut [u8]) -> io::Result<(usize, Option<Sender>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    // Descriptors that somebody sends along find no room, and the kernel closes them.
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(stream, &mut [IoSliceMut::new(bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let credentials =
        |message| if let RecvAncillaryMessage::ScmCredentials(sent) = message { Some(sent) } else { None };
    let sender = ancillary.drain().find_map(credentials);
    let sender = sender.map(|sent| Sender { pid: u32::try_from(sent.pid.as_raw_pid()).ok(), uid: sent.uid.as_raw() });
    Ok((received.bytes, sender))
}
