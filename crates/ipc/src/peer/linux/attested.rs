//! Reading from a connection with the kernel's word on who wrote: each message must be the connector's own (REQ-I1).

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
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
    /// The process that connected; none where the kernel can't name it.
    connector: Option<u32>,
}

impl Attested {
    /// Reads what `connector` writes; what anybody else writes on the same connection is an error.
    pub(super) fn new(stream: OwnedReadHalf, connector: Option<u32>) -> Attested {
        Attested { stream, connector }
    }
}

impl AsyncRead for Attested {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (stream, connector): (&UnixStream, _) = (self.stream.as_ref(), self.connector);
        loop {
            ready!(stream.poll_read_ready(cx))?;
            match stream.try_io(Interest::READABLE, || receive(stream, buffer.initialize_unfilled())) {
                Ok((0, _)) => return Poll::Ready(Ok(())),
                Ok((_, sender)) if sender != connector => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::PermissionDenied, "another process writes")));
                }
                Ok((read, _)) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// Bytes of one sender, and its process id. The kernel never mixes two senders in one reading.
fn receive(stream: &UnixStream, bytes: &mut [u8]) -> io::Result<(usize, Option<u32>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    // Descriptors that somebody sends along find no room, and the kernel closes them.
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(stream, &mut [IoSliceMut::new(bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let credentials =
        |message| if let RecvAncillaryMessage::ScmCredentials(sent) = message { Some(sent) } else { None };
    let sender = ancillary.drain().find_map(credentials);
    Ok((received.bytes, sender.and_then(|sender| u32::try_from(sender.pid.as_raw_pid()).ok())))
}
