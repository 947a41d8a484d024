//! `keybearer bridge`: an MCP server of stdio for a client, and a pipe into the agent, which does the rest. Nothing is
//! collected here: bytes go through as they come, and only who waits for an answer is known. An agent that ends, is killed
//! or replaced costs the requests that were open, each of which is told so; the next message finds another agent.

mod client;
mod session;

use crate::connection::Reach;
use crate::output::{Failure, note};
use client::Client;
use keybearer_ipc::socket::Stream;
use keybearer_protocol::envelope::{Envelope, MessageId, Scanner};
use keybearer_protocol::{ErrorCode, ErrorObject};
use session::{Handshake, Opened, open};
use std::io::{self, Read};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How much goes through at one time, in bytes.
const PIECE: usize = 64 * 1024;
/// How long the agent may take with the last answers.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// `keybearer bridge`
pub(crate) fn bridge(reach: Reach, target: String) -> Result<(), Failure> {
    let (over, ended) = channel();
    let client = Arc::new(Client::new());
    let opened = open(&reach, &target, &Handshake::default(), &client);
    let mut road = Road { reach, target, client: client.clone(), over: over.clone(), way: Way::None };
    // What a client says stops nobody from ending, so it is read on a thread of its own.
    thread::Builder::new().name("client".to_owned()).spawn(move || over.send(road.serve(opened))).map_err(no_thread)?;
    ended.recv().unwrap_or(Ok(()))
}

/// The way from the client to the agent.
struct Road {
    reach: Reach,
    target: String,
    client: Arc<Client>,
    /// Where the end of all is told.
    over: Sender<Result<(), Failure>>,
    way: Way,
}

/// What became of the connection to the agent.
enum Way {
    /// There is none: the next message opens one.
    None,
    /// It is open.
    Open(Agent),
    /// The message that is being read can't be carried.
    Failed(ErrorObject),
}

/// An open connection, and the thread that reads from it.
struct Agent {
    stream: Stream,
    /// Whether it has ended.
    is_over: Arc<AtomicBool>,
    answers: JoinHandle<()>,
}

/// A line of the client as it passes.
#[derive(Default)]
struct Passing {
    scanner: Scanner,
    /// What is kept of it: handshakes are short.
    kept: Handshake,
    has_begun: bool,
}

impl Agent {
    /// Hangs up. The other thread says what has become of the requests so far.
    fn end(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        let _ = self.answers.join();
    }
}

impl Road {
    /// Carries all that the client says, until it has finished.
    fn serve(&mut self, opened: Result<Opened, Failure>) -> Result<(), Failure> {
        match opened {
            Ok(opened) => self.enter(opened)?,
            Err(failure) => return self.refuse_all(failure),
        }
        let (mut stdin, mut buffer, mut line) = (io::stdin().lock(), vec![0; PIECE], Passing::default());
        let mut handshake = Handshake::default();
        loop {
            let read = match stdin.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            for piece in buffer.get(..read).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
                self.carry(piece, &mut line, &mut handshake)?;
            }
        }
        self.leave();
        Ok(())
    }

    /// Carries a piece of a line, and its end if it is there.
    fn carry(&mut self, piece: &[u8], line: &mut Passing, handshake: &mut Handshake) -> Result<(), Failure> {
        let is_end = piece.ends_with(b"\n");
        if !line.has_begun {
            if piece.trim_ascii().is_empty() {
                return Ok(());
            }
            line.has_begun = true;
            self.find_way(handshake)?;
        }
        line.scanner.push(piece.strip_suffix(b"\n").unwrap_or(piece));
        line.kept.keep(piece);
        if !is_end {
            self.write(piece);
            return Ok(());
        }
        let Passing { mut scanner, kept, .. } = std::mem::take(line);
        let envelopes = scanner.end();
        if let Some(id) = kept.takes_back(&envelopes) {
            self.client.forget(&id);
        }
        handshake.learn(kept, &envelopes);
        let asked: Vec<MessageId> = envelopes.iter().filter_map(Envelope::asks).cloned().collect();
        // Before the end of the line is written: the answer may be faster than this thread.
        self.client.ask(&asked);
        self.write(piece);
        if let Way::Failed(error) = &self.way {
            self.client.fail(error);
            self.way = Way::None;
        }
        Ok(())
    }

    /// Makes sure that there is a way for the line that begins.
    fn find_way(&mut self, handshake: &Handshake) -> Result<(), Failure> {
        if let Way::Open(agent) = std::mem::replace(&mut self.way, Way::None) {
            if !agent.is_over.load(Ordering::Acquire) {
                self.way = Way::Open(agent);
                return Ok(());
            }
            agent.end();
        }
        match open(&self.reach, &self.target, handshake, &self.client) {
            Ok(opened) => self.enter(opened),
            Err(Failure(error)) => {
                tell(&format!("the connection to the agent can't be opened again: {error}"));
                self.way = Way::Failed(error);
                Ok(())
            }
        }
    }

    /// Begins to read what comes from the agent.
    fn enter(&mut self, opened: Opened) -> Result<(), Failure> {
        let Opened { stream, mut reader } = opened;
        let (client, over, is_over) = (self.client.clone(), self.over.clone(), Arc::new(AtomicBool::new(false)));
        let ended = is_over.clone();
        let answers = thread::Builder::new().name("agent".to_owned()).spawn(move || {
            if client.hear(&mut reader).is_err() {
                // Nobody reads any more.
                let _ = over.send(Ok(()));
            }
            // Before it is told: whoever hears of it may ask at once.
            ended.store(true, Ordering::Release);
            client.cut();
        });
        self.way = Way::Open(Agent { stream, is_over, answers: answers.map_err(no_thread)? });
        Ok(())
    }

    fn write(&mut self, piece: &[u8]) {
        let Way::Open(agent) = &mut self.way else { return };
        if io::Write::write_all(&mut agent.stream, piece).is_ok() {
            return;
        }
        if let Way::Open(agent) = std::mem::replace(&mut self.way, Way::Failed(client::cut_off())) {
            agent.end();
        }
    }

    /// The client has finished: what is open gets a moment.
    fn leave(&mut self) {
        let Way::Open(Agent { stream, answers, .. }) = std::mem::replace(&mut self.way, Way::None) else { return };
        self.client.expect_the_end();
        let _ = stream.shutdown(Shutdown::Write);
        let (tell, ended) = channel();
        let waiting = thread::Builder::new().spawn(move || {
            let _ = answers.join();
            let _ = tell.send(());
        });
        if waiting.is_ok() {
            let _ = ended.recv_timeout(LAST_ANSWERS);
        }
    }

    /// Nothing can be carried: the client's first request is told why, and that is all.
    fn refuse_all(&self, failure: Failure) -> Result<(), Failure> {
        let (mut stdin, mut buffer, mut scanner) = (io::stdin().lock(), vec![0; PIECE], Scanner::default());
        while let Ok(read @ 1..) = stdin.read(&mut buffer) {
            for piece in buffer.get(..read).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
                scanner.push(piece.strip_suffix(b"\n").unwrap_or(piece));
                if !piece.ends_with(b"\n") {
                    continue;
                }
                let asked: Vec<MessageId> = scanner.end().iter().filter_map(Envelope::asks).cloned().collect();
                if !asked.is_empty() {
                    self.client.ask(&asked);
                    self.client.fail(&failure.0);
                    return Err(failure);
                }
            }
        }
        Err(failure)
    }
}

/// Says what happened to whoever reads the log of the client.
fn tell(text: &str) {
    note(&format!("keybearer: {text}"));
}

fn no_thread(error: io::Error) -> Failure {
    ErrorObject::new(ErrorCode::Internal, format!("this system gives no thread: {error}")).into()
}
