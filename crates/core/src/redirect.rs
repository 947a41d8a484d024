//! How a browser comes back: by the custom scheme that the desktop answers (RFC 8252 §7.1), or by a loopback port
//! (§7.3). Chosen before the client is registered, and learned for each authorization server.

use crate::callback::Address;
use crate::home::{Home, replace};
use crate::links;
use keybearer_protocol::auth::CallbackKind;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The redirect address of the desktop's scheme, as it is registered.
pub const DEEP_LINK: &str = "app.keybearer:/oauth/callback";

/// The kind of a redirect address, if it is one that Keybearer can answer.
pub fn kind_of(redirect_uri: &str) -> Option<CallbackKind> {
    if redirect_uri == DEEP_LINK {
        return Some(CallbackKind::DeepLink);
    }
    Address::parse(redirect_uri).map(|_| CallbackKind::Loopback)
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
            None if links::are_answered().await => CallbackKind::DeepLink,
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
    fn redirect_addresses_are_told_apart_and_none_leads_to_another_machine_or_program() {
        assert_eq!(kind_of(DEEP_LINK), Some(CallbackKind::DeepLink));
        assert_eq!(kind_of("http://127.0.0.1:47821/callback"), Some(CallbackKind::Loopback));
        for good in ["http://localhost:3118/cb", "http://[::1]:8080/", "http://127.0.0.1:8080/a/b"] {
            assert_eq!(kind_of(good), Some(CallbackKind::Loopback), "{good}");
        }
        for bad in [
            "other.app:/oauth/callback",
            "http://192.168.0.1:8080/callback",
            "http://localhost.example.com:8080/",
            "http://127.0.0.1/callback",
            "https://127.0.0.1:8080/callback",
            "http://u@127.0.0.1:8080/callback",
            "http://127.0.0.1:8080/callback?x=1",
            "http://127.0.0.1:8080/callback#x",
        ] {
            assert_eq!(kind_of(bad), None, "{bad}");
        }
    }
}
