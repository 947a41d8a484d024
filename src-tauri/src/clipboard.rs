//! The clipboard, for commands and addresses that the user copies, and for a token. What is on it is looked at for two things
//! alone: whether a token is still there when its time is over, and, when somebody opens the page for a new server, whether
//! the address of one was copied.

use crate::invisible;
#[cfg(target_os = "macos")]
use arboard::SetExtApple as _;
#[cfg(target_os = "linux")]
use arboard::SetExtLinux as _;
#[cfg(windows)]
use arboard::SetExtWindows as _;
use keybearer_protocol::{ErrorCode, ErrorObject};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use tauri::Url;

/// The most that is copied, in bytes: an address to sign in at may be long.
const LIMIT: usize = 16 * 1024;

/// The most that is taken for an address, in bytes.
const ADDRESS: usize = 2048;

/// As long as this, a secret stays.
const SECRET: Duration = Duration::from_secs(30);

/// The system's clipboard; on Linux what is copied lives as long as this.
#[derive(Clone, Default)]
pub struct Clipboard(Arc<Mutex<Board>>);

#[derive(Default)]
struct Board {
    system: Option<arboard::Clipboard>,
    /// The secret that was put there, until its time is over.
    secret: Option<SecretString>,
    /// Counts what was put there, so that each secret has its whole time.
    puts: u64,
}

impl Clipboard {
    /// Puts a text there that a person can read.
    pub fn put(&self, text: String) -> Result<(), ErrorObject> {
        if !is_printable(&text) {
            let message = "only printable text of at most 16 KiB can be copied";
            return Err(ErrorObject::new(ErrorCode::InvalidParams, message));
        }
        self.board().set(|clipboard| clipboard.set_text(text))
    }

    /// Puts a secret there for half a minute, and asks those who keep a history of the clipboard to keep this one out of
    /// it.
    pub fn put_secret(&self, secret: SecretString) -> Result<(), ErrorObject> {
        let clipboard = self.clone();
        // Before the secret is there, so that none is that nobody takes away.
        let (copied, when) = mpsc::channel();
        let timer = thread::Builder::new().name("clipboard".to_owned()).spawn(move || {
            if let Ok(put) = when.recv() {
                thread::sleep(SECRET);
                clipboard.board().forget(Some(put));
            }
        });
        timer.map_err(|error| ErrorObject::new(ErrorCode::Internal, error.to_string()))?;
        let mut board = self.board();
        board.set(|clipboard| clipboard.set().exclude_from_history().text(secret.expose_secret()))?;
        board.secret = Some(secret);
        // Who waits for it is there until it came.
        let _ = copied.send(board.puts);
        Ok(())
    }

    /// The address of a server that is there, if there is nothing else. Nothing of any other text leaves this.
    pub fn address(&self) -> Option<String> {
        let mut board = self.board();
        let mut system = board.system.take().map_or_else(arboard::Clipboard::new, Ok).ok()?;
        let text = system.get_text().ok();
        board.system = Some(system);
        text.and_then(|text| address_in(text.trim()))
    }

    /// Takes a secret away whose time is not over: what quits, forgets.
    pub fn forget_secret(&self) {
        self.board().forget(None);
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn set(
        &mut self,
        set: impl FnOnce(&mut arboard::Clipboard) -> Result<(), arboard::Error>,
    ) -> Result<(), ErrorObject> {
        let put = self.system.take().map_or_else(arboard::Clipboard::new, Ok).and_then(|mut opened| {
            set(&mut opened)?;
            Ok(opened)
        });
        // One that failed is opened anew the next time: the screen may have come back.
        self.system = Some(put.map_err(|error| {
            ErrorObject::new(ErrorCode::Internal, format!("the clipboard can't be reached: {error}"))
        })?);
        (self.puts, self.secret) = (self.puts + 1, None);
        Ok(())
    }

    /// Takes the secret away if it is still what is there. The one of another put keeps its time.
    fn forget(&mut self, put: Option<u64>) {
        if put.is_some_and(|put| put != self.puts) {
            return;
        }
        let (Some(secret), Some(system)) = (self.secret.take(), &mut self.system) else { return };
        let there = system.get_text().map(SecretString::from);
        if there.is_ok_and(|there| there.expose_secret() == secret.expose_secret()) {
            let _ = system.clear();
        }
    }
}

/// Whether a text is short, and shows all that it holds. Line ends and tabs are layout.
fn is_printable(text: &str) -> bool {
    let shows = |c: char| matches!(c, '\n' | '\t') || !invisible::is(c);
    !text.is_empty() && text.len() <= LIMIT && text.chars().all(shows)
}

/// The text, if it is a plain address: what may carry a secret or a code, such as a query or a user, is none.
fn address_in(text: &str) -> Option<String> {
    if text.len() > ADDRESS || !is_printable(text) || text.contains(char::is_whitespace) {
        return None;
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let is_plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    (is_plain && url.has_host()).then(|| url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_address_is_seen() {
        for good in ["https://mcp.example/mcp", "http://127.0.0.1:7878/mcp", "https://mcp.example/"] {
            assert_eq!(address_in(good).as_deref(), Some(good));
        }
        for other in [
            "",
            "practice-at-ZgA3_5FkLvIDCiDefs",
            "https://user:s3cret@mcp.example/",
            "https://mcp.example/mcp?api_key=s3cret",
            "https://mcp.example/mcp#s3cret",
            "app.keybearer:/oauth/callback",
            "file:///etc/passwd",
            "see https://mcp.example/mcp",
            "https://mcp.example/a\nb",
            &format!("https://mcp.example/{}", "x".repeat(ADDRESS)),
        ] {
            assert_eq!(address_in(other), None, "{other}");
        }
    }

    #[test]
    fn only_what_a_person_can_read_is_copied() {
        for good in ["keybearer token linear", "{\n\t\"url\": \"https://x.example\"\n}", "账号", "é"] {
            assert!(is_printable(good), "{good:?}");
        }
        for bad in ["", "a\u{1b}[2J", "a\r", "a\0", "\u{202e}moc", "a\u{200b}b", &"x".repeat(LIMIT + 1)] {
            assert!(!is_printable(bad), "{bad:?}");
        }
    }
}
