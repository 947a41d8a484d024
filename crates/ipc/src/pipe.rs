//! A connection that has become a pipe: bytes go through it as they are, as long as the program at its other end is the one
//! that opened it.

use crate::peer::Witness;
use crate::server::Refusal;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Both directions of a connection whose caller is looked at with all that goes in and out (REQ-I1).
#[derive(Debug)]
pub struct Pipe {
    /// What the caller says.
    pub reader: PipeReader,
    /// What it is told.
    pub writer: PipeWriter,
}

impl Pipe {
    /// A pipe of these two, which tells `refused` of a caller that is not itself any more.
    pub(crate) fn new(
        reader: impl AsyncRead + Send + 'static,
        writer: impl AsyncWrite + Send + 'static,
        witness: Witness,
        refused: impl Fn(Refusal) + Send + Sync + 'static,
    ) -> Pipe {
        let guard = Arc::new(Guard { witness, refused: Box::new(refused) });
        Pipe {
            reader: PipeReader { inner: Box::pin(reader), guard: guard.clone() },
            writer: PipeWriter { inner: Box::pin(writer), guard },
        }
    }
}

/// Goes on with a connection that was given away.
type Holder = Box<dyn FnOnce(Pipe) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Where whoever answers a request leaves what goes on with the connection behind that answer.
#[derive(Clone, Default)]
pub struct Handover(Arc<Mutex<Option<Holder>>>);

impl Handover {
    /// Behind the answer that is being made, the connection is a pipe, which ends with what `hold` makes of it.
    pub fn give<F>(&self, hold: impl FnOnce(Pipe) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let hold: Holder = Box::new(move |pipe| Box::pin(hold(pipe)));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(hold);
    }

    /// What goes on with the connection, if it was given away.
    pub(crate) fn take(&self) -> Option<Holder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").finish_non_exhaustive()
    }
}

/// Knows whether the caller still is what opened the pipe.
struct Guard {
    witness: Witness,
    refused: Box<dyn Fn(Refusal) + Send + Sync>,
}

impl Guard {
    fn check(&self) -> io::Result<()> {
        if self.witness.is_unchanged() {
            return Ok(());
        }
        if self.witness.is_alive() {
            tracing::warn!("a caller became another program and its pipe was closed");
            (self.refused)(Refusal::BecameAnother);
        }
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("witness", &self.witness).finish_non_exhaustive()
    }
}

/// What comes out of a pipe.
pub struct PipeReader {
    inner: Pin<Box<dyn AsyncRead + Send>>,
    guard: Arc<Guard>,
}

impl AsyncRead for PipeReader {
    fn poll_read(mut self: Pin<&mut Self>, task: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = to.filled().len();
        let read = ready!(self.inner.as_mut().poll_read(task, to));
        let checked = match read {
            Ok(()) if to.filled().len() == before => return Poll::Ready(Ok(())),
            Ok(()) => self.guard.check(),
            Err(error) => {
                if error.kind() == io::ErrorKind::PermissionDenied {
                    tracing::warn!("another process wrote into a caller's pipe");
                    (self.guard.refused)(Refusal::AnotherProcess);
                }
                Err(error)
            }
        };
        if checked.is_err() {
            to.set_filled(before);
        }
        Poll::Ready(checked)
    }
}

impl fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeReader").field("guard", &self.guard).finish_non_exhaustive()
    }
}

/// What goes into a pipe.
pub struct PipeWriter {
    inner: Pin<Box<dyn AsyncWrite + Send>>,
    guard: Arc<Guard>,
}

impl AsyncWrite for PipeWriter {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.guard.check()?;
        self.inner.as_mut().poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_shutdown(task)
    }
}

impl fmt::Debug for PipeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeWriter").field("guard", &self.guard).finish_non_exhaustive()
    }
}
