//! The two windows. Closing the main one destroys it, page and all: what remains is the tray.

use crate::approval::{self, Shown};
use crate::news::Inbox;
use crate::{keeper, known};
use tauri::{
    AppHandle, Manager, Url, UserAttentionType, WebviewUrl, WebviewWindow, WebviewWindowBuilder, Window, WindowEvent,
};
use tauri_plugin_window_state::{AppHandleExt as _, StateFlags};

/// What is kept of the main window from one time to the next.
pub const KEPT: StateFlags = StateFlags::SIZE.union(StateFlags::POSITION).union(StateFlags::MAXIMIZED);

/// The label of the main window.
pub const MAIN: &str = "main";
/// The label of the window that asks.
pub const APPROVAL: &str = "approval";

/// Shows the main window, and makes it where there is none.
pub fn show_main(app: &AppHandle) {
    // A window that can't be made leaves tray and agent as they are.
    let _ = match app.get_webview_window(MAIN) {
        Some(window) => present(&window),
        None => make_main(app),
    };
}

/// Shows the window that asks, and makes it where there is none.
pub fn show_approval(app: &AppHandle) {
    let _ = match app.get_webview_window(APPROVAL) {
        Some(_) => Ok(()),
        None => make_approval(app),
    };
}

/// Shows the window that asks, with a question that is new: one that the user put out of sight comes back.
pub fn raise_approval(app: &AppHandle) {
    let _ = match app.get_webview_window(APPROVAL) {
        Some(window) => demand(&window),
        None => make_approval(app),
    };
}

/// Takes the window that asks away.
pub fn close_approval(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(APPROVAL) {
        let _ = window.destroy();
    }
}

/// Whether the user is looking at one of our windows.
pub fn in_front(app: &AppHandle) -> bool {
    app.webview_windows().values().any(|window| window.is_focused().unwrap_or_default())
}

/// What happens when the user does something to a window's frame.
pub fn on_event(window: &Window, event: &WindowEvent) {
    match (window.label(), event) {
        // Whoever closes the question has said no to it.
        (APPROVAL, WindowEvent::CloseRequested { api, .. }) => {
            api.prevent_close();
            approval::closing(window.app_handle());
        }
        (APPROVAL, WindowEvent::Destroyed) => window.state::<Shown>().forget(),
        (MAIN, WindowEvent::CloseRequested { .. }) => {
            // It is kept now, in case that the desktop doesn't come to its end by itself.
            let _ = window.app_handle().save_window_state(KEPT);
        }
        (MAIN, WindowEvent::Destroyed) => {
            window.state::<Inbox>().forget_page();
            leave(window.app_handle());
        }
        // What is told elsewhere has been seen, or is worth telling from now on.
        (_, WindowEvent::Focused(_)) => known::changed(window.app_handle()),
        (MAIN, WindowEvent::ThemeChanged(_)) => crate::tray::refresh_icon(window.app_handle()),
        _ => {}
    }
}

/// Without a window the desktop stays in the tray, unless the user wants it otherwise.
fn leave(app: &AppHandle) {
    if !known::keeps_running(app) {
        let app = app.clone();
        tauri::async_runtime::spawn_blocking(move || keeper::quit(&app));
    }
}

fn present(window: &WebviewWindow) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

/// Brings a window before the user who looks elsewhere.
fn demand(window: &WebviewWindow) -> tauri::Result<()> {
    if window.is_focused()? {
        return Ok(());
    }
    present(window)?;
    // Where the system keeps the focus from a window that takes it, the user is still told.
    window.request_user_attention(Some(UserAttentionType::Critical))
}

fn make_main(app: &AppHandle) -> tauri::Result<()> {
    let windows = &app.config().app.windows;
    let Some(main) = windows.iter().find(|window| window.label == MAIN) else { return Ok(()) };
    // Shown when it stands where the user had it.
    let window = WebviewWindowBuilder::from_config(app, main)?.visible(false).on_navigation(is_ours).build()?;
    window.show()
}

fn make_approval(app: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, APPROVAL, WebviewUrl::App("index.html#approval".into()));
    let window = window.title("Keybearer").inner_size(480.0, 470.0).center();
    let window = window.resizable(false).minimizable(false);
    let window = window.always_on_top(true).visible_on_all_workspaces(true).skip_taskbar(true).focused(true);
    window.on_navigation(is_ours).build().map(drop)
}

/// Whether an address is the page itself: no window leaves it, whatever is clicked.
fn is_ours(address: &Url) -> bool {
    let packed = address.scheme() == "tauri" || address.host_str() == Some("tauri.localhost");
    packed || (tauri::is_dev() && address.host_str() == Some("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_show_their_own_page_alone() {
        for (address, ours) in [
            ("tauri://localhost/index.html#approval", true),
            ("http://tauri.localhost/", true),
            ("https://mcp.example/", false),
            ("http://tauri.localhost.example/", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(is_ours(&Url::parse(address).expect("an address")), ours, "{address}");
        }
    }
}
