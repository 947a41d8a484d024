//! The way back from the browser by the custom scheme: whoever opens `app.keybearer:` starts this program with the
//! address, and the address goes to the agent. It holds a code, so it is passed on and shown nowhere.

#[cfg(target_os = "linux")]
mod handler;

use crate::agent::Agent;
use crate::news::{self, OpenPage};
use keybearer_protocol::auth::{AuthComplete, AuthCompleteParams};
use secrecy::SecretString;
use std::sync::Arc;
use tauri::{AppHandle, Manager};
use tauri_plugin_deep_link::DeepLinkExt;

/// Listens for callbacks, and takes the one that this program was started with.
pub fn receive(app: &AppHandle) {
    let later = app.clone();
    app.deep_link().on_open_url(move |event| complete_all(&later, event.urls()));
    if let Ok(Some(urls)) = app.deep_link().get_current() {
        complete_all(app, urls);
    }
    let app = app.clone();
    // The desktop's programs for it take their time.
    tauri::async_runtime::spawn_blocking(move || register(&app));
}

/// Brings callbacks to the agent, and shows how it went.
fn complete_all(app: &AppHandle, urls: Vec<tauri::Url>) {
    for url in urls {
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

/// Makes this program the one that opens the scheme, unless it is. Where that fails, sign-ins come back by loopback.
#[cfg(target_os = "linux")]
fn register(app: &AppHandle) {
    if !handler::is_this_program(SCHEME) {
        let _ = app.deep_link().register_all();
    }
}

/// The scheme that `tauri.conf.json` names as well.
#[cfg(target_os = "linux")]
const SCHEME: &str = "app.keybearer";

/// Makes this program the one that opens the scheme; on macOS its bundle says so.
#[cfg(not(target_os = "linux"))]
fn register(app: &AppHandle) {
    if cfg!(windows) {
        let _ = app.deep_link().register_all();
    }
}
