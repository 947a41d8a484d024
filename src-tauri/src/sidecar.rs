//! The product's other executables, which lie beside this one.

use keybearer_protocol::{ErrorCode, ErrorObject};
use std::process::{Command, Stdio};
use tauri::AppHandle;
use tauri_plugin_shell::ShellExt;

/// A command that runs the executable of this name.
pub fn command(app: &AppHandle, name: &str) -> Result<Command, ErrorObject> {
    let command = app.shell().sidecar(name).map_err(|error| failed(name, &error))?;
    Ok(command.into())
}

/// Runs it to its end; gives what it has printed. It says with `--json` why it failed.
pub fn run(app: &AppHandle, name: &str, arguments: &[&str]) -> Result<Vec<u8>, ErrorObject> {
    let output = command(app, name)?.args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(name, &error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(serde_json::from_str(said.trim()).unwrap_or_else(|_| failed(name, &output.status)))
}

/// It could not be run.
pub fn failed(name: &str, problem: &dyn std::fmt::Display) -> ErrorObject {
    ErrorObject::new(ErrorCode::AgentUnreachable, format!("{name} can't be run: {problem}"))
}
