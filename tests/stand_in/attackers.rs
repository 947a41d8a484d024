//! What programs try that want to pass for another one: each prints what it got, and nothing where it was hung up on.

use anyhow::Context;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, BufRead, BufReader, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Opens a session, then turns into a shell that runs `command` with the connection as its standard input and a ready
/// request in `$REQUEST`.
pub(crate) fn turn(socket: &Path, method: &str, params: &str, command: &str) -> anyhow::Result<()> {
    let (connection, request) = open(socket, method, params)?;
    Err(Command::new("sh").args(["-c", command]).env("REQUEST", request).stdin(connection).exec().into())
}

/// The same before the handshake, which is ready in `$HELLO`.
pub(crate) fn connect(socket: &Path, command: &str) -> anyhow::Result<()> {
    let connection = Wire::connect(socket)?.into_stream();
    Err(Command::new("sh").args(["-c", command]).env("HELLO", Wire::hello()).stdin(connection).exec().into())
}

/// Opens a session, then executes its own file once more, which sends the request: the same process, file and number.
pub(crate) fn again(socket: &Path, method: &str, params: &str) -> anyhow::Result<()> {
    let (connection, request) = open(socket, method, params)?;
    Err(itself()?.args(["ask", &request]).stdin(connection).exec().into())
}

/// Opens a session and hands its descriptor to another process, which sends the request.
pub(crate) fn hand_on(socket: &Path, method: &str, params: &str) -> anyhow::Result<()> {
    let (connection, request) = open(socket, method, params)?;
    let (ours, theirs) = UnixStream::pair()?;
    let mut other = itself()?.args(["take-over", &request]).stdin(OwnedFd::from(theirs)).spawn()?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    let descriptors = [connection.as_fd()];
    rights.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(&ours, &[IoSlice::new(b"\n")], &mut rights, SendFlags::empty())?;
    other.wait()?;
    Ok(())
}

/// Takes a descriptor from standard input, and sends the request on it.
pub(crate) fn take_over(request: &str) -> anyhow::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    recvmsg(io::stdin(), &mut [IoSliceMut::new(&mut [0])], &mut rights, RecvFlags::empty())?;
    let first = |message| {
        if let RecvAncillaryMessage::ScmRights(mut descriptors) = message { descriptors.next() } else { None }
    };
    let descriptor = rights.drain().find_map(first);
    ask(descriptor.context("a descriptor")?, request)
}

/// Opens a session and ends. A child keeps the connection until another process has got this one's number, and that
/// sends the request.
pub(crate) fn be_reborn(socket: &Path, method: &str, params: &str) -> anyhow::Result<()> {
    let (connection, request) = open(socket, method, params)?;
    itself()?.args(["await", &std::process::id().to_string(), &request]).stdin(connection).spawn()?;
    Ok(())
}

/// Begins processes until one gets this number, which then sends the request.
pub(crate) fn await_number(number: &str, request: &str) -> anyhow::Result<()> {
    let before: u32 = number.parse::<u32>()? - 1;
    until("a process of that number", || {
        #[expect(clippy::disallowed_methods, reason = "a word to the kernel is no file")]
        fs::write("/proc/sys/kernel/ns_last_pid", before.to_string())?;
        let script = r#"[ $$ = "$NUMBER" ] || exit 3; printf '%s\n' "$REQUEST" >&0; read -r answer; echo "$answer""#;
        let mut shell = Command::new("sh");
        let status = shell.args(["-c", script]).env("NUMBER", number).env("REQUEST", request).status()?;
        Ok((status.code() != Some(3)).then_some(()))
    })
}

/// Sends the request, and prints the answer if one comes.
pub(crate) fn ask(connection: OwnedFd, request: &str) -> anyhow::Result<()> {
    let mut stream = UnixStream::from(connection);
    // A connection that is over already is as good as one that ends now.
    let _ = writeln!(stream, "{request}");
    let mut answer = String::new();
    let _ = BufReader::new(stream).read_line(&mut answer);
    print!("{answer}");
    Ok(())
}

fn open(socket: &Path, method: &str, params: &str) -> anyhow::Result<(OwnedFd, String)> {
    let mut wire = Wire::open(socket)?;
    // All of them are served once, before they turn.
    wire.call("agent.ping", &json!({}))?;
    let params: Value = serde_json::from_str(params)?;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params, "session": wire.session });
    Ok((wire.into_stream(), request.to_string()))
}

fn itself() -> io::Result<Command> {
    std::env::current_exe().map(Command::new)
}
