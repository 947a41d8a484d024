//! The practice server, to try Keybearer without an account: an executable of its own, which ends with this one.

use crate::sidecar;
use keybearer_protocol::ErrorObject;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use tauri::AppHandle;

/// Its executable.
const NAME: &str = "keybearer-practice";
/// The most that it takes to get ready.
const READY: Duration = Duration::from_secs(10);
/// The most that it prints then, in bytes.
const LONGEST: u64 = 16 * 1024;

/// The one practice server of this desktop.
#[derive(Debug, Default)]
pub struct Practice(Mutex<Option<Running>>);

#[derive(Debug)]
struct Running {
    /// It ends when its standard input does, at the latest with this process.
    child: Child,
    mcp_url: String,
}

/// What it prints when it is ready.
#[derive(Deserialize)]
struct Addresses {
    mcp_url: String,
}

impl Practice {
    /// The address of its MCP server; starts it if it doesn't run, and waits for it on this thread.
    pub fn start(&self, app: &AppHandle) -> Result<String, ErrorObject> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = running.as_mut().is_some_and(|running| matches!(running.child.try_wait(), Ok(None)));
        if !alive {
            *running = Some(Running::begin(app)?);
        }
        Ok(running.as_ref().map(|running| running.mcp_url.clone()).unwrap_or_default())
    }
}

impl Running {
    fn begin(app: &AppHandle) -> Result<Running, ErrorObject> {
        let mut command = sidecar::command(app, NAME)?;
        command.args(["serve", "--exit-with-parent"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| sidecar::failed(NAME, &error))?;
        match addresses(&mut child, READY) {
            Ok(Addresses { mcp_url }) => Ok(Running { child, mcp_url }),
            Err(problem) => {
                // One that has ended by itself can't be killed, but it is waited for all the same.
                let _ = child.kill();
                let _ = child.wait();
                Err(problem)
            }
        }
    }
}

/// What a practice server prints, if it does so in time. A thread reads it, since a pipe can't be read with a limit.
fn addresses(child: &mut Child, patience: Duration) -> Result<Addresses, ErrorObject> {
    let out = child.stdout.take().ok_or_else(|| sidecar::failed(NAME, &"it has no output"))?;
    let (read, line) = mpsc::channel();
    let reader = move || {
        let mut line = String::new();
        let result = BufReader::new(out.take(LONGEST)).read_line(&mut line).map(|_| line);
        // Nobody waits for it any more.
        let _ = read.send(result);
    };
    let thread = thread::Builder::new().name("practice line".to_owned()).spawn(reader);
    thread.map_err(|error| sidecar::failed(NAME, &error))?;
    let line = line.recv_timeout(patience).map_err(|_| sidecar::failed(NAME, &"it doesn't get ready"))?;
    let line = line.map_err(|error| sidecar::failed(NAME, &error))?;
    serde_json::from_str(&line).map_err(|error| sidecar::failed(NAME, &error))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Command;
    use std::time::Instant;

    fn begun(script: &str, patience: Duration) -> Option<String> {
        let mut command = Command::new("sh");
        let mut child = command.args(["-c", script]).stdout(Stdio::piped()).spawn().expect("a shell");
        let found = addresses(&mut child, patience);
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        found.ok().map(|addresses| addresses.mcp_url)
    }

    #[test]
    fn a_server_that_does_not_get_ready_is_not_waited_for() {
        let ready = begun("echo '{\"mcp_url\": \"http://x/\"}'; exec sleep 60", READY);
        assert_eq!(ready.as_deref(), Some("http://x/"));
        let began = Instant::now();
        assert_eq!(begun("exec sleep 60", Duration::from_millis(50)), None, "it says nothing");
        assert_eq!(begun("exit 1", READY), None, "it ends");
        assert_eq!(begun("echo nonsense; exec sleep 60", READY), None, "it says something else");
        assert!(began.elapsed() < READY);
    }
}
