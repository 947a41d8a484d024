//! Named pipes, for this user alone and from this machine alone (REQ-D1, REQ-D4, REQ-D5).

use super::{BindError, ConnectError};
use crate::place::Place;
use keybearer_protocol::Door;
use keybearer_windows::process::{self, Process};
use keybearer_windows::{pipe, security, user};
use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::Shutdown;
use std::os::windows::io::{AsHandle, BorrowedHandle};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// All instances of a pipe are taken: the server is about to make the next one.
const ERROR_PIPE_BUSY: i32 = 231;
/// What the system says of a process or a pipe that has just ended.
const ERROR_INVALID_PARAMETER: i32 = 87;
const ERROR_BROKEN_PIPE: i32 = 109;
const ERROR_PIPE_NOT_CONNECTED: i32 = 233;
/// How long a client waits for the next instance.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a caller may take to read the last that was said to it.
const LEAVE: Duration = Duration::from_secs(2);
/// How many callers may take that time at once.
const LEAVING: usize = 256;
/// The most that is read of what a caller still writes, in pieces.
const PIECES: usize = 64;

/// The server's end of a connection. Dropped, it ends, whatever its caller does.
#[derive(Debug)]
pub struct Connection {
    /// Taken at the end alone.
    pipe: Option<NamedPipeServer>,
    since: u64,
    /// How many bytes were written so far.
    written: usize,
}

impl Connection {
    /// When it was made, by the clock that says when processes began.
    pub(crate) fn since(&self) -> u64 {
        self.since
    }

    fn pipe(&mut self) -> Pin<&mut NamedPipeServer> {
        Pin::new(self.pipe.as_mut().expect("it is taken when this ends"))
    }
}

impl AsHandle for Connection {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.pipe.as_ref().expect("it is taken when this ends").as_handle()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, task: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.pipe().poll_read(task, to)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(self.pipe().poll_write(task, bytes))?;
        self.written = self.written.saturating_add(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe().poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe().poll_shutdown(task)
    }
}

/// A pipe that is closed while something waits to be written stays open until its caller has read all of it. Where that
/// can be, the caller gets a moment for it and is hung up on (REQ-L1). The rest is closed, and read to its end.
impl Drop for Connection {
    fn drop(&mut self) {
        let waits = self.written > pipe::BUFFER as usize;
        // Without a runtime the whole agent ends, and its pipes with it.
        if let (Some(pipe), Ok(runtime), true) = (self.pipe.take(), Handle::try_current(), waits) {
            runtime.spawn(hang_up(pipe));
        }
    }
}

async fn hang_up(mut pipe: NamedPipeServer) {
    static PLACES: Semaphore = Semaphore::const_new(LEAVING);
    if let Ok(_place) = PLACES.try_acquire() {
        // A caller that has read all closes its end, and that ends the reading here.
        let gone = async {
            let mut piece = [0; 1024];
            for _ in 0..PIECES {
                if !pipe.read(&mut piece).await.is_ok_and(|length| length > 0) {
                    break;
                }
            }
        };
        let _ = timeout(LEAVE, gone).await;
    }
    // What is still unread is gone with it, and what still waited to be written.
    let _ = pipe.disconnect();
}

/// The server's end of an open door: the instance that the next caller gets.
#[derive(Debug)]
pub struct Listener {
    name: String,
    /// The rights of each instance.
    rights: String,
    next: tokio::sync::Mutex<NamedPipeServer>,
}

/// Opens a door's pipe. Somebody else's of this name is an error, and nothing that could be mistaken for an agent.
pub fn bind(place: &Place, door: Door) -> Result<Listener, BindError> {
    let path = place.socket(door);
    let name = path.to_string_lossy().into_owned();
    let system = |cause: io::Error| {
        let path = path.clone();
        let is_taken = cause.kind() == ErrorKind::PermissionDenied;
        if is_taken { squatted(path, None) } else { BindError::System { path, cause } }
    };
    let rights = pipe::owner_only().map_err(system)?;
    let next = match pipe::create(&name, true, &rights) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => match ClientOptions::new().open(&name) {
            Err(error) if error.kind() == ErrorKind::NotFound => create_beside_rest(&name, &rights),
            // An instance of ours beside another's would take its callers.
            opened => return Err(squatted(path, opened.ok().as_ref())),
        },
        first => first,
    };
    let next = tokio::sync::Mutex::new(next.map_err(system)?);
    Ok(Listener { name, rights, next })
}

/// Says who has made the pipe, where it lets itself be asked.
fn squatted(path: PathBuf, client: Option<&NamedPipeClient>) -> BindError {
    let server = || {
        let process = Process::open(pipe::server(client?.as_handle()).ok()?).ok()?;
        Some(format!("process {} ({})", process.pid(), process.exe().ok()?.display()))
    };
    let by = server().unwrap_or_else(|| "another program".to_owned());
    BindError::Squatted { path, by }
}

/// A pipe outlives the agent that made it for as long as a caller keeps its end open. Such a rest, which nobody serves and
/// which has the rights of our own, doesn't keep the next agent from its name.
fn create_beside_rest(name: &str, rights: &str) -> io::Result<NamedPipeServer> {
    let pipe = pipe::create(name, false, rights)?;
    // The rights are those of the whole pipe: whoever made it first has given them.
    if pipe::has_rights(pipe.as_handle(), rights)? { Ok(pipe) } else { Err(ErrorKind::PermissionDenied.into()) }
}

/// Waits for the next caller.
pub async fn accept(listener: &Listener) -> io::Result<Connection> {
    let mut next = listener.next.lock().await;
    if let Err(error) = next.connect().await {
        // A caller that left at once: the instance is as good as new.
        next.disconnect()?;
        return Err(error);
    }
    let since = process::now();
    let following = pipe::create(&listener.name, false, &listener.rights)?;
    Ok(Connection { pipe: Some(mem::replace(&mut next, following)), since, written: 0 })
}

/// Reaches a door. The pipe and whoever serves it must be this user's (REQ-D4).
pub fn connect(place: &Place, door: Door) -> Result<Stream, ConnectError> {
    let path = place.socket(door);
    let system = |cause: io::Error| match (cause.kind(), cause.raw_os_error()) {
        (ErrorKind::NotFound, _) => ConnectError::Nobody(path.clone()),
        // Somebody else's, or one of ours that runs as administrator.
        (ErrorKind::PermissionDenied, _) => ConnectError::NotOurs(path.clone()),
        // It ended while it was looked at.
        (_, Some(ERROR_INVALID_PARAMETER | ERROR_BROKEN_PIPE | ERROR_PIPE_NOT_CONNECTED)) => {
            ConnectError::Nobody(path.clone())
        }
        _ => ConnectError::System { path: path.clone(), cause },
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system)?;
    let client = open(&runtime, &path).map_err(system)?;
    if !serves_as_us(&client).map_err(system)? {
        return Err(ConnectError::NotOurs(path));
    }
    let (closed, _) = watch::channel(false);
    Ok(Stream(Arc::new(Pipe { runtime, client, closed, timeouts: Mutex::default() })))
}

/// Takes the next free instance. The server may find out who we are, and do nothing in our name (`SECURITY_IDENTIFICATION`,
/// which is what these options ask for unless told otherwise).
fn open(runtime: &Runtime, path: &Path) -> io::Result<NamedPipeClient> {
    let _entered = runtime.enter();
    let began = Instant::now();
    loop {
        match ClientOptions::new().open(path) {
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY) && began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

fn serves_as_us(client: &NamedPipeClient) -> io::Result<bool> {
    let us = user::current()?;
    if security::owner(client.as_handle())? != us {
        return Ok(false);
    }
    let server = Process::open(pipe::server(client.as_handle())?)?;
    Ok(user::of(&server)? == us)
}

/// The client's end of a connection. It blocks, as a socket does.
#[derive(Debug)]
pub struct Stream(Arc<Pipe>);

#[derive(Debug)]
struct Pipe {
    runtime: Runtime,
    client: NamedPipeClient,
    closed: watch::Sender<bool>,
    timeouts: Mutex<Timeouts>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Timeouts {
    read: Option<Duration>,
    write: Option<Duration>,
}

impl Stream {
    /// The same connection once more.
    pub fn try_clone(&self) -> io::Result<Stream> {
        Ok(Stream(self.0.clone()))
    }

    /// The most that reading may take from now on.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.timeouts.lock().unwrap_or_else(PoisonError::into_inner).read = timeout;
        Ok(())
    }

    /// The most that writing may take from now on.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.timeouts.lock().unwrap_or_else(PoisonError::into_inner).write = timeout;
        Ok(())
    }

    /// Ends the connection for whoever reads or writes here. A pipe knows no half of it.
    pub fn shutdown(&self, _how: Shutdown) -> io::Result<()> {
        self.0.closed.send_replace(true);
        Ok(())
    }
}

impl Pipe {
    fn timeouts(&self) -> Timeouts {
        *self.timeouts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does it until it is done, the connection is shut down or time is up.
    fn run<T>(&self, patience: Option<Duration>, job: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let mut closed = self.closed.subscribe();
        self.runtime.block_on(async {
            let job = async {
                tokio::select! {
                    done = job => done,
                    _ = closed.wait_for(|closed| *closed) => Err(ErrorKind::ConnectionAborted.into()),
                }
            };
            match patience {
                Some(patience) => timeout(patience, job).await?,
                None => job.await,
            }
        })
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Pipe { client, .. } = &*self.0;
        let read = self.0.run(self.0.timeouts().read, async {
            loop {
                client.readable().await?;
                match client.try_read(buffer) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    read => return read,
                }
            }
        });
        match read {
            // A pipe whose other end is gone, which is the end of a socket.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_NOT_CONNECTED) => Ok(0),
            read => read,
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Pipe { client, .. } = &*self.0;
        self.0.run(self.0.timeouts().write, async {
            loop {
                client.writable().await?;
                match client.try_write(bytes) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    written => return written,
                }
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A place that no other test has.
    fn place(test: &str) -> Place {
        Place::of(Some(&Path::new(r"C:\tests").join(test))).expect("a place")
    }

    fn runtime() -> Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
    }

    #[test]
    fn callers_come_one_after_the_other_and_are_answered() {
        let (runtime, place) = (runtime(), place("answers"));
        let _entered = runtime.enter();
        let listener = bind(&place, Door::Programs).expect("a pipe");
        runtime.spawn(async move {
            while let Ok(mut caller) = accept(&listener).await {
                let mut word = [0; 5];
                caller.read_exact(&mut word).await.expect("a word");
                caller.write_all(&word).await.expect("a caller");
            }
        });
        for _ in 0..20 {
            let mut stream = connect(&place, Door::Programs).expect("a connection");
            stream.write_all(b"hello").expect("an agent");
            let mut said = Vec::new();
            // What was written before the end is read to the end.
            stream.read_to_end(&mut said).expect("an answer");
            assert_eq!(said, b"hello");
        }
    }

    #[test]
    fn a_name_that_somebody_has_taken_is_no_agents() {
        let (runtime, place) = (runtime(), place("taken"));
        let _entered = runtime.enter();
        let name = place.socket(Door::Admin).to_string_lossy().into_owned();
        let squatter = pipe::create(&name, true, &pipe::owner_only().expect("a user")).expect("a pipe");
        let refused = bind(&place, Door::Admin);
        // By this very process, and whoever reads the error learns so.
        let own = format!("process {}", std::process::id());
        assert!(matches!(&refused, Err(BindError::Squatted { by, .. }) if by.starts_with(&own)), "{refused:?}");
        drop(squatter);
        bind(&place, Door::Admin).expect("a free name");
    }

    #[test]
    fn the_door_is_this_users_alone_and_closed_to_the_network() {
        let (runtime, place) = (runtime(), place("rights"));
        let _entered = runtime.enter();
        let listener = bind(&place, Door::Programs).expect("a pipe");
        let user = user::current().expect("a user");
        let pipe = listener.next.blocking_lock();
        assert!(pipe::has_rights(pipe.as_handle(), &listener.rights).expect("rights"));
        let rights = security::description(pipe.as_handle()).expect("rights");
        let (owner, list) = rights.split_once("D:").expect("a list");
        let list = list.split("S:").next().unwrap_or_default();
        assert!(owner.starts_with(&format!("O:{user}")), "{rights}");
        let rules: Vec<&str> = list.split(['(', ')']).filter(|rule| !rule.is_empty()).collect();
        let [flags, network, ours] = rules.as_slice() else { panic!("{rights}") };
        assert!(flags.contains('P') && network.starts_with("D;") && network.ends_with(";NU"), "{rights}");
        assert!(ours.starts_with("A;") && ours.ends_with(&format!(";{user}")), "{rights}");
    }

    #[test]
    fn nothing_is_said_to_a_server_that_isnt_ours() {
        let (runtime, place) = (runtime(), place("foreign"));
        let _entered = runtime.enter();
        let name = place.socket(Door::Programs).to_string_lossy().into_owned();
        // Made by this process, but its owner is another: the administrators.
        let _foreign = pipe::create(&name, true, "O:BAD:(A;;GA;;;WD)").expect("a pipe");
        assert!(matches!(connect(&place, Door::Programs), Err(ConnectError::NotOurs(_))));
    }

    #[test]
    fn a_caller_that_reads_nothing_and_stays_keeps_no_instance() {
        let (runtime, place) = (runtime(), place("stalled"));
        let _entered = runtime.enter();
        let listener = bind(&place, Door::Programs).expect("a pipe");
        let stalled: Vec<Stream> = (0..3)
            .map(|_| {
                let stream = connect(&place, Door::Programs).expect("a connection");
                let mut caller = runtime.block_on(accept(&listener)).expect("a caller");
                // More than the pipe holds: the rest waits to be written.
                let much = async {
                    for _ in 0..4 {
                        caller.write_all(&[0; 1 << 20]).await?;
                    }
                    io::Result::Ok(())
                };
                let stuck = runtime.block_on(timeout(Duration::from_millis(1), much));
                assert!(stuck.is_err());
                stream
            })
            .collect();
        let instances = || pipe::instances(listener.next.blocking_lock().as_handle()).expect("a count");
        assert_eq!(instances(), 4);
        let patience = Instant::now() + LEAVE * 5;
        while instances() > 1 {
            assert!(Instant::now() < patience, "{} instances are left", instances());
            std::thread::yield_now();
        }
        drop(stalled);
    }

    #[test]
    fn nobody_there_and_an_agent_that_says_nothing_are_told_apart() {
        let (runtime, place) = (runtime(), place("silence"));
        let _entered = runtime.enter();
        assert!(matches!(connect(&place, Door::Programs), Err(ConnectError::Nobody(_))));
        let _listener = bind(&place, Door::Programs).expect("a pipe");
        let stream = connect(&place, Door::Programs).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_millis(1))).expect("a timeout");
        let mut reader = BufReader::new(stream.try_clone().expect("another"));
        assert_eq!(reader.read_line(&mut String::new()).expect_err("silence").kind(), ErrorKind::TimedOut);
        stream.set_read_timeout(None).expect("no timeout");
        let reading = std::thread::spawn(move || reader.read_line(&mut String::new()));
        stream.shutdown(Shutdown::Both).expect("an end");
        assert!(reading.join().expect("no panic").is_err());
    }
}
