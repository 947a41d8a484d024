//! Who calls, on Windows: the process at the other end of the pipe, held by a handle. No process there can become
//! another program; but a pipe may be handed on to a child, which then speaks as its parent (REQ-I4).

use super::Peer;
use crate::socket::Connection;
use keybearer_protocol::program::{Confidence, ProcessView, ProgramView};
use keybearer_protocol::session::CallerView;
use keybearer_windows::pipe;
use keybearer_windows::process::{Process, parents};
use keybearer_windows::user::{self, Sid};
use std::io;
use std::os::windows::io::AsHandle;
use std::path::{Path, PathBuf};
use tokio::io::{ReadHalf, WriteHalf};

/// How far back a chain is followed.
const DEPTH: usize = 16;

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
}

/// Whether the process still runs, and is the one that began then.
pub(super) fn runs(pid: u32, started: &str) -> bool {
    Process::open(pid).is_ok_and(|process| process.runs() && began(&process).as_deref() == Some(started))
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

/// Who is at the other end of a connection. A process that can't be opened hides: the pipe has let it in, so it is this
/// user's, and nothing more is known of it.
pub(super) fn identify(connection: &Connection) -> io::Result<Peer> {
    let Ok(process) = Process::open(pipe::client(connection.as_handle())?) else {
        let view = CallerView { pid: None, exe: None, foreign: true, program: ProgramView::default() };
        let witness = Witness { process: None };
        return Ok(Peer { same_user: true, view, is_desktop: false, is_helper: false, witness });
    };
    let us = user::current()?;
    let same_user = user::of(&process)? == us;
    let exe = process.exe().ok();
    let view = CallerView {
        pid: Some(process.pid()),
        exe: exe.as_deref().map(text),
        foreign: false,
        program: behind(&process, &us).unwrap_or_default(),
    };
    let is = |name: &str| exe.as_deref().is_some_and(|exe| is_beside_us(exe, name));
    let (is_desktop, is_helper) = (is("keybearer-desktop.exe"), is("keybearer.exe"));
    Ok(Peer { same_user, view, is_desktop, is_helper, witness: Witness { process: Some(process) } })
}

/// The program behind a process: the nearest that isn't our own command, known as long as it runs.
fn behind(caller: &Process, us: &Sid) -> io::Result<ProgramView> {
    let ancestors = ancestors(caller, us)?;
    let chain: Vec<(&Process, PathBuf)> =
        std::iter::once(caller).chain(&ancestors).filter_map(|process| Some((process, process.exe().ok()?))).collect();
    let is_program = |(_, exe): &(&Process, PathBuf)| !is_beside_us(exe, "keybearer.exe");
    let place = chain.iter().position(is_program).unwrap_or_default();
    let Some((process, exe)) = chain.get(place) else { return Ok(ProgramView::default()) };
    let link = |(at, (process, exe)): (usize, &(&Process, PathBuf))| ProcessView {
        pid: process.pid(),
        name: file_name(exe),
        remembered: at == place,
    };
    Ok(ProgramView {
        name: Some(file_name(exe)),
        pid: Some(process.pid()),
        started: began(process),
        exe: Some(text(exe)),
        confidence: Confidence::PidOnly,
        chain: chain.iter().enumerate().map(link).rev().collect(),
        ..ProgramView::default()
    })
}

/// The ancestors, the nearest first. A number that now means a younger process, or another user's, ends the chain.
fn ancestors(caller: &Process, us: &Sid) -> io::Result<Vec<Process>> {
    let parents = parents()?;
    let mut ancestors: Vec<Process> = Vec::new();
    while ancestors.len() < DEPTH {
        let child = ancestors.last().unwrap_or(caller);
        let Some(parent) = parents.get(&child.pid()).and_then(|pid| Process::open(*pid).ok()) else { break };
        let is_older = parent.started()? <= child.started()?;
        if !is_older || !user::of(&parent).is_ok_and(|owner| owner == *us) {
            break;
        }
        ancestors.push(parent);
    }
    Ok(ancestors)
}

/// Whether the file is the one of this name beside the agent's own.
fn is_beside_us(exe: &Path, name: &str) -> bool {
    let Ok(own) = std::env::current_exe() else { return false };
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(&own.with_file_name(name)).is_some_and(|ours| real(exe) == Some(ours))
}

fn began(process: &Process) -> Option<String> {
    process.started().ok().map(|time| time.to_string())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn file_name(exe: &Path) -> String {
    exe.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use crate::socket::{accept, bind, connect};
    use keybearer_protocol::Door;

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
        assert!(peer.same_user && peer.witness.is_unchanged() && !peer.is_desktop && !peer.is_helper);
        assert_eq!(number(&connection), Some(std::process::id()));
        assert_eq!(peer.view.exe.as_deref().map(file_name_of), Some(file_name(&own)));
        let program = peer.view.program;
        assert_eq!((program.pid, program.name), (Some(std::process::id()), Some(file_name(&own))));
        let started = program.started.expect("a beginning");
        assert!(runs(std::process::id(), &started) && !runs(std::process::id(), "0"));
        assert!(program.chain.last().is_some_and(|link| link.remembered && link.pid == std::process::id()));
    }

    fn file_name_of(path: &str) -> String {
        file_name(Path::new(path))
    }
}
