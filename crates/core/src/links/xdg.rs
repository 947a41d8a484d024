//! Linux: the default application for the scheme. macOS, which tells programs without a window nothing, has no such
//! command; there the answer is no, and a loopback port always works.

use crate::browser::FOR_THE_AGENT;
use keybearer_protocol::auth::SCHEME;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// The system is asked no longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a desktop answers. Where it can't be asked, the answer is no.
pub async fn are_answered() -> bool {
    let mut question = Command::new("xdg-mime");
    question.args(["query", "default", &format!("x-scheme-handler/{SCHEME}")]);
    question.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    for name in FOR_THE_AGENT {
        question.env_remove(name);
    }
    let answer = tokio::time::timeout(PATIENCE, question.output()).await;
    let Ok(Ok(output)) = answer else { return false };
    // The name of a desktop file: the package's `Keybearer.desktop`, or the one that the desktop itself writes.
    String::from_utf8_lossy(&output.stdout).to_lowercase().contains("keybearer")
}
