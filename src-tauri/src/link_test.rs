//! Whether links of the scheme come back here: one is opened as a browser would, and has to arrive.

use keybearer_protocol::auth::SCHEME;
use keybearer_protocol::{ErrorCode, ErrorObject};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use tauri::{AppHandle, Manager, Url};
use tauri_plugin_shell::ShellExt;

/// What such a link leads to.
const PATH: &str = "/test";
/// How long one may be on its way: the system starts a program for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The links that are on their way, by their number.
#[derive(Debug, Default)]
pub struct LinkTest {
    latest: AtomicU32,
    arrived: Mutex<u32>,
    arrival: Condvar,
}

impl LinkTest {
    /// Takes a link, if it is one of these. Nothing follows from it but that it came.
    pub fn takes(&self, url: &Url) -> bool {
        if url.path() != PATH {
            return false;
        }
        if let Some(number) = url.query().and_then(|number| number.parse::<u32>().ok()) {
            let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
            *arrived = number.max(*arrived).min(self.latest.load(Ordering::SeqCst));
            self.arrival.notify_all();
        }
        true
    }

    fn begin(&self) -> u32 {
        self.latest.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn has_come(&self, number: u32, patience: Duration) -> bool {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.arrival.wait_timeout_while(arrived, patience, |arrived| *arrived < number);
        *waited.unwrap_or_else(PoisonError::into_inner).0 >= number
    }
}

/// Opens a link, and waits for it on this thread.
pub fn run(app: &AppHandle) -> Result<(), ErrorObject> {
    let test = app.state::<LinkTest>();
    let number = test.begin();
    #[expect(deprecated, reason = "its successor opens nothing else; this is here already")]
    let opened = app.shell().open(format!("{SCHEME}:{PATH}?{number}"), None);
    let lost = |why: String| ErrorObject::new(ErrorCode::Timeout, why).with_reason("link_lost");
    opened.map_err(|error| lost(format!("the system opens no {SCHEME}: link: {error}")))?;
    match test.has_come(number, PATIENCE) {
        true => Ok(()),
        false => Err(lost(format!("a {SCHEME}: link was opened and didn't come back here"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_link_that_was_sent_out_counts_and_a_callback_is_none() {
        let test = LinkTest::default();
        let url = |text: &str| Url::parse(text).expect("an address");
        assert!(!test.takes(&url("app.keybearer:/oauth/callback?code=x&state=y")));
        // From somebody else, before one was sent.
        assert!(test.takes(&url("app.keybearer:/test?7")));
        let number = test.begin();
        assert!(!test.has_come(number, Duration::ZERO));
        for strange in ["app.keybearer:/test", "app.keybearer:/test?x", "app.keybearer:/test?-1"] {
            assert!(test.takes(&url(strange)) && !test.has_come(number, Duration::ZERO), "{strange}");
        }
        assert!(test.takes(&url(&format!("app.keybearer:/test?{number}"))));
        assert!(test.has_come(number, Duration::ZERO) && !test.has_come(test.begin(), Duration::ZERO));
    }
}
