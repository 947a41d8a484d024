//! What another program says, waited for a moment: a desktop's own programs may hang with it.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Longer than the agent waits for the keyring and for servers together.
const PATIENCE: Duration = Duration::from_secs(15);

/// The most that is listened to, in bytes.
const LIMIT: u64 = 256 * 1024;

/// What it prints on standard output, without spaces at the ends; none if it can't be started or doesn't end.
pub(super) fn ask(command: &mut Command) -> Option<String> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let out = child.stdout.take()?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut said = String::new();
        let read = out.take(LIMIT).read_to_string(&mut said);
        // Nobody hears it who has lost patience.
        let _ = tell.send(read.map(|_| said));
    });
    let said = told.recv_timeout(PATIENCE).ok().and_then(Result::ok);
    // One that has said all ends by itself; one that hangs is ended.
    if said.is_none() {
        let _ = child.kill();
    }
    let _ = child.wait();
    said.map(|said| said.trim().to_owned())
}
