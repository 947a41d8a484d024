//! The way back from the browser by the custom scheme: whoever opens `app.keybearer:` starts this program with the
//! address, and the address goes to the agent. It holds a code, so it is passed on and shown nowhere.

#[cfg(target_os = "linux")]
mod handler;
/// Which program the system opens such links with.
pub mod owner;

use crate::agent::Agent;
use crate::link_test::LinkTest;
use crate::news::{self, OpenPage};
#[cfg(not(target_os = "macos"))]
use keybearer_protocol::ErrorCode;
use keybearer_protocol::ErrorObject;
use keybearer_protocol::auth::{AuthComplete, AuthCompleteParams, SCHEME};
use secrecy::SecretString;
use std::sync::Arc;
use tauri::{AppHandle, Manager, Url};
#[cfg(not(target_os = "macos"))]
use tauri_plugin_deep_link::DeepLinkExt;

/// Takes the callback that this program was started with, and has the system bring the next ones here.
pub fn receive(app: &AppHandle) {
    started_with(app, std::env::args());
    register(app);
}

/// Takes the callback that this program, or a second one in its place, was started with. The plugin would tell every
/// window of it, as an event that any page can hear; so nothing is asked of the plugin but to register the scheme.
pub fn started_with(app: &AppHandle, arguments: impl IntoIterator<Item = String>) {
    complete_all(app, callback(arguments));
}

/// Takes the callbacks that macOS brings to the running program.
#[cfg(target_os = "macos")]
pub fn opened(app: &AppHandle, urls: Vec<Url>) {
    complete_all(app, urls.into_iter().filter(is_callback));
}

/// The callback among a program's arguments: the one behind its name, if it is alone.
fn callback(arguments: impl IntoIterator<Item = String>) -> Option<Url> {
    let mut arguments = arguments.into_iter().skip(1);
    let only = arguments.next().filter(|_| arguments.next().is_none())?;
    Url::parse(&only).ok().filter(is_callback)
}

fn is_callback(url: &Url) -> bool {
    url.scheme() == SCHEME
}

/// Brings callbacks to the agent, and shows how it went.
fn complete_all(app: &AppHandle, urls: impl IntoIterator<Item = Url>) {
    for url in urls.into_iter().filter(|url| !app.state::<LinkTest>().takes(url)) {
        let app = app.clone();
        let url = SecretString::from(String::from(url));
        tauri::async_runtime::spawn_blocking(move || {
            let agent = app.state::<Arc<Agent>>();
            let params = AuthCompleteParams { url };
            // The browser brings it once.
            match agent.with_next(|connection| connection.ask::<AuthComplete>(&params)) {
                Ok(view) => news::open(&app, OpenPage::account(view.profile)),
                Err(error) => news::notify(&app, error),
            }
        });
    }
}

/// Makes this program the one that opens the scheme, on this thread; says who does then.
pub fn take(app: &AppHandle) -> Result<owner::LinkOwner, ErrorObject> {
    #[cfg(not(target_os = "macos"))]
    app.deep_link().register_all().map_err(|error| {
        let message = format!("{SCHEME}: links can't be registered: {error}");
        ErrorObject::new(ErrorCode::StorageUnavailable, message)
    })?;
    Ok(owner::look(app))
}

/// Makes this program the one that opens the scheme, unless it is. Where that fails, sign-ins come back by loopback.
#[cfg(not(target_os = "macos"))]
fn register(app: &AppHandle) {
    let app = app.clone();
    // The desktop's programs for it take their time.
    tauri::async_runtime::spawn_blocking(move || {
        #[cfg(target_os = "linux")]
        if handler::is_this_program(SCHEME) {
            return;
        }
        let _ = app.deep_link().register_all();
    });
}

/// On macOS the program's bundle does that.
#[cfg(target_os = "macos")]
fn register(_: &AppHandle) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_the_only_argument() {
        let found = |arguments: &[&str]| callback(arguments.iter().map(|argument| (*argument).to_owned()));
        let url = "app.keybearer:/oauth/callback?code=x&state=y";
        assert_eq!(found(&["keybearer-desktop", url]).map(String::from).as_deref(), Some(url));
        for other in [&["keybearer-desktop"][..], &[url], &["a", url, "b"], &["a", "https://x.example/"], &["a", "b"]] {
            assert_eq!(found(other), None, "{other:?}");
        }
    }
}
