//! How a browser comes back: by the custom scheme that the desktop answers (RFC 8252 §7.1), or by a loopback port
//! (§7.3). Chosen before the client is registered, and learned for each authorization server.

use crate::browser::FOR_THE_AGENT;
use crate::callback::port_of;
use crate::home::{Home, replace};
use keybearer_protocol::auth::{CallbackKind, SCHEME};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
#[cfg(not(windows))]
use std::{process::Stdio, time::Duration};
#[cfg(not(windows))]
use tokio::process::Command;

/// The redirect address of the desktop's scheme, as it is registered.
pub const DEEP_LINK: &str = "app.keybearer:/oauth/callback";

/// The system is asked for its scheme handler no longer than this.
#[cfg(not(windows))]
const PATIENCE: Duration = Duration::from_secs(2);

/// The kind of a redirect address, if it is one of ours.
pub fn kind_of(redirect_uri: &str) -> Option<CallbackKind> {
    if redirect_uri == DEEP_LINK {
        return Some(CallbackKind::DeepLink);
    }
    port_of(redirect_uri).map(|_| CallbackKind::Loopback)
}

/// What was learned about the ways back, by authorization server. Kept in a file: it is no secret, and a second
/// account of a server needn't learn it again.
#[derive(Debug)]
pub struct Redirects {
    file: PathBuf,
    learned: Mutex<BTreeMap<String, CallbackKind>>,
}

impl Redirects {
    /// What this home has learned. A file that can't be read is as good as none.
    pub fn open(home: &Home) -> Redirects {
        let file = home.redirects_file();
        let content = std::fs::read(&file).ok();
        let learned = content.and_then(|content| serde_json::from_slice(&content).ok()).unwrap_or_default();
        Redirects { file, learned: Mutex::new(learned) }
    }

    /// The way back for a sign-in at this authorization server: what the user wishes for it, what the settings say, what
    /// was learned, and else the deep link where a desktop answers it.
    pub async fn choose(
        &self,
        issuer: &str,
        wish: Option<CallbackKind>,
        setting: Option<CallbackKind>,
    ) -> CallbackKind {
        match wish.or(setting).or_else(|| self.learned(issuer)) {
            Some(kind) => kind,
            None if is_answered().await => CallbackKind::DeepLink,
            None => CallbackKind::Loopback,
        }
    }

    /// Remembers what works at this authorization server.
    pub fn learn(&self, issuer: &str, kind: CallbackKind) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        if learned.insert(issuer.to_owned(), kind) == Some(kind) {
            return;
        }
        let written = serde_json::to_vec_pretty(&*learned).map(|content| replace(&self.file, &content));
        if !matches!(written, Ok(Ok(()))) {
            tracing::warn!(issuer, "what was learned about the way back is forgotten with this agent");
        }
    }

    fn learned(&self, issuer: &str) -> Option<CallbackKind> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).copied()
    }
}

/// Whether a Keybearer desktop answers the scheme, as the system says. Where it can't be asked (macOS tells programs
/// without a window nothing), the answer is no: a loopback port always works.
#[cfg(not(windows))]
async fn is_answered() -> bool {
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

/// The same on Windows: the command that the registry has for the scheme, this user's or everybody's.
#[cfg(windows)]
async fn is_answered() -> bool {
    let key = format!(r"Software\Classes\{SCHEME}\shell\open\command");
    let command = |root: &windows_registry::Key| root.open(&key)?.get_string("");
    let answered = |root| command(root).is_ok_and(|command| command.to_lowercase().contains("keybearer-desktop"));
    answered(windows_registry::CURRENT_USER) || answered(windows_registry::LOCAL_MACHINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_known_to_the_next_agent_and_a_broken_file_to_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home::open(Some(folder.path())).expect("a home");
        Redirects::open(&home).learn("https://as.example", CallbackKind::Loopback);
        assert_eq!(Redirects::open(&home).learned("https://as.example"), Some(CallbackKind::Loopback));
        assert_eq!(Redirects::open(&home).learned("https://other.example"), None);
        replace(&home.redirects_file(), b"{").expect("written");
        assert_eq!(Redirects::open(&home).learned("https://as.example"), None);
    }

    #[test]
    fn our_redirect_addresses_are_told_apart_and_no_other_is_ours() {
        assert_eq!(kind_of(DEEP_LINK), Some(CallbackKind::DeepLink));
        assert_eq!(kind_of("http://127.0.0.1:47821/callback"), Some(CallbackKind::Loopback));
        assert_eq!(kind_of("http://127.0.0.1:80/callback"), None);
        assert_eq!(kind_of("other.app:/oauth/callback"), None);
    }
}
