//! Who calls, on Windows: the process at the other end of the pipe, held by a handle. No process there can become
//! another program; but a pipe may be handed on to a child, which then speaks as its parent (REQ-I4).

mod program;

use super::Peer;
use crate::socket::Connection;
use keybearer_protocol::program::ProgramView;
use keybearer_protocol::session::CallerView;
use keybearer_windows::pipe;
use keybearer_windows::process::Process;
use keybearer_windows::user::{self, MEDIUM, Sid};
use program::{behind, is_beside_us, text};
use std::io;
use std::net::SocketAddrV4;
use std::os::windows::io::AsHandle;
use tokio::io::{ReadHalf, WriteHalf};

/// The process at the other end, held so that its number can't come to mean another one.
#[derive(Debug)]
pub struct Witness {
    process: Option<Process>,
}

impl Witness {
    /// Whether the process still runs: it can't have become another.
    pub fn is_unchanged(&self) -> bool {
        self.process.as_ref().is_none_or(Process::runs)
    }

    /// Whether the process lives.
    pub(crate) fn is_alive(&self) -> bool {
        self.process.as_ref().is_some_and(Process::runs)
    }

    /// Nothing is handed on here.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        std::future::ready(())
    }
}

/// Whether the process still runs, and is the one that began then.
pub(super) fn runs(pid: u32, started: &str) -> bool {
    Process::open(pid).is_ok_and(|process| process.runs() && began(&process).as_deref() == Some(started))
}

/// Everybody is looked up.
pub(crate) fn is_at_hand(_pid: u32) -> bool {
    false
}

/// The number of whoever connected.
pub(crate) fn number(connection: &Connection) -> Option<u32> {
    pipe::client(connection.as_handle()).ok()
}

/// Both directions, as they are.
pub(crate) fn split(connection: Connection, _connector: Option<u32>) -> (ReadHalf<Connection>, WriteHalf<Connection>) {
    tokio::io::split(connection)
}

/// Whoever holds the handle may write anyway.
pub(crate) fn share(_reader: &mut ReadHalf<Connection>) {}

/// Whose a connection over loopback is, this system doesn't tell.
pub(crate) fn is_ours(_theirs: SocketAddrV4, _ours: SocketAddrV4) -> Option<bool> {
    None
}

/// Who is at the other end of a connection. The pipe itself lets nobody in but this user's programs of at least this
/// integrity; what the number says beyond that is a hint, which is taken at its word only as far as it can be true.
pub(super) fn identify(connection: &Connection) -> io::Result<Peer> {
    let Some(process) = connector(connection)? else {
        // Nobody can tell who it is, nor where it lives.
        let view = CallerView { pid: None, exe: None, foreign: true, program: ProgramView::default() };
        let witness = Witness { process: None };
        return Ok(Peer { same_user: true, is_root: false, view, is_desktop: false, is_helper: false, witness });
    };
    let us = Owner::of(&Process::open(std::process::id())?)?;
    let exe = process.exe().ok();
    let view = CallerView {
        pid: Some(process.pid()),
        exe: exe.as_deref().map(text),
        foreign: is_shut_in(&process),
        program: behind(&process, &us),
    };
    let is = |name: &str| exe.as_deref().is_some_and(|exe| is_beside_us(exe, name));
    let (is_desktop, is_helper) = (is("keybearer-desktop.exe"), is("keybearer.exe"));
    let same_user = Owner::of(&process)? == us;
    let witness = Witness { process: Some(process) };
    Ok(Peer { same_user, is_root: false, view, is_desktop, is_helper, witness })
}

/// The process that connected, if it can be held and can have been it: one that began after the connection has only
/// inherited the number of whoever made it.
fn connector(connection: &Connection) -> io::Result<Option<Process>> {
    let process = Process::open(pipe::client(connection.as_handle())?).ok();
    Ok(process.filter(|process| process.runs() && can_have_connected(process.started().ok(), connection.since())))
}

fn can_have_connected(started: Option<u64>, connected: u64) -> bool {
    started.is_some_and(|started| started <= connected)
}

/// Whose a process is: a user's, signed in once. What somebody started under the same name from elsewhere is another's.
#[derive(Debug, PartialEq, Eq)]
struct Owner {
    user: Sid,
    logon: Sid,
}

impl Owner {
    fn of(process: &Process) -> io::Result<Owner> {
        Ok(Owner { user: user::of(process)?, logon: user::logon_of(process)? })
    }
}

/// Whether a program's own sandbox holds it: an app's container, or less integrity than what a user starts.
fn is_shut_in(process: &Process) -> bool {
    let contained = user::is_contained(process).unwrap_or(true);
    contained || user::integrity_of(process).map_or(true, |level| level < MEDIUM)
}

fn began(process: &Process) -> Option<String> {
    process.started().ok().map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use crate::socket::{accept, bind, connect};
    use keybearer_protocol::Door;
    use keybearer_protocol::program::Confidence;
    use keybearer_windows::process;
    use std::path::Path;

    #[test]
    fn a_caller_is_seen_as_the_process_that_it_is() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let _entered = runtime.enter();
        let place = Place::of(Some(Path::new(r"C:\tests\identity"))).expect("a place");
        let listener = bind(&place, Door::Programs).expect("a pipe");
        let _stream = connect(&place, Door::Programs).expect("a connection");
        let connection = runtime.block_on(accept(&listener)).expect("a caller");
        let peer = identify(&connection).expect("a peer");
        let own = std::env::current_exe().expect("this test");
        let file_name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        assert!(peer.same_user && peer.witness.is_unchanged() && !peer.is_desktop && !peer.is_helper);
        assert_eq!(number(&connection), Some(std::process::id()));
        assert!(!peer.view.foreign);
        assert_eq!(peer.view.exe.and_then(|exe| file_name(Path::new(&exe))), file_name(&own));
        let program = peer.view.program;
        assert_eq!((program.pid, program.name), (Some(std::process::id()), file_name(&own)));
        // Anybody who runs as this user can replace the file of a test.
        assert_eq!((program.confidence, program.signer), (Confidence::Hash, None));
        let started = program.started.expect("a beginning");
        assert!(runs(std::process::id(), &started) && !runs(std::process::id(), "0"));
        assert!(program.chain.last().is_some_and(|link| link.remembered && link.pid == std::process::id()));
    }

    #[test]
    fn a_process_that_began_after_the_connection_is_nobody() {
        let started = Process::open(std::process::id()).expect("this process").started().expect("a beginning");
        assert!(can_have_connected(Some(started), process::now()));
        assert!(!can_have_connected(Some(started), started - 1) && !can_have_connected(None, started));
    }
}
