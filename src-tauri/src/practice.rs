//! The practice server, to try Keybearer without an account: an executable of its own, which ends with this one.

use crate::sidecar;
use keybearer_protocol::ErrorObject;
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Mutex, PoisonError};
use tauri::AppHandle;

/// Its executable.
const NAME: &str = "keybearer-practice";

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
    /// The address of its MCP server; starts it if it doesn't run.
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
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(|error| sidecar::failed(NAME, &error))?;
        }
        let addresses: Addresses = serde_json::from_str(&line).map_err(|error| sidecar::failed(NAME, &error))?;
        Ok(Running { child, mcp_url: addresses.mcp_url })
    }
}
