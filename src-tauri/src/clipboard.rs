//! The clipboard, for commands and addresses that the user copies. It is written here and never read.

use crate::invisible;
use keybearer_protocol::{ErrorCode, ErrorObject};
use std::sync::{Mutex, PoisonError};

/// The most that is copied, in bytes: an address to sign in at may be long.
const LIMIT: usize = 16 * 1024;

/// The system's clipboard; on Linux what is copied lives as long as this.
#[derive(Default)]
pub struct Clipboard(Mutex<Option<arboard::Clipboard>>);

impl Clipboard {
    /// Puts a text there that a person can read.
    pub fn put(&self, text: String) -> Result<(), ErrorObject> {
        if !is_printable(&text) {
            let message = "only printable text of at most 16 KiB can be copied";
            return Err(ErrorObject::new(ErrorCode::InvalidParams, message));
        }
        let mut clipboard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let put = clipboard.take().map_or_else(arboard::Clipboard::new, Ok).and_then(|mut opened| {
            opened.set_text(text)?;
            Ok(opened)
        });
        // One that failed is opened anew the next time: the screen may have come back.
        *clipboard = Some(put.map_err(|error| {
            ErrorObject::new(ErrorCode::Internal, format!("the clipboard can't be reached: {error}"))
        })?);
        Ok(())
    }
}

/// Whether a text is short, and shows all that it holds. Line ends and tabs are layout.
fn is_printable(text: &str) -> bool {
    let shows = |c: char| matches!(c, '\n' | '\t') || !invisible::is(c);
    !text.is_empty() && text.len() <= LIMIT && text.chars().all(shows)
}

#[cfg(test)]
mod tests {
    use super::*;

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
