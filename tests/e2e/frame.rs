//! The window's frame, whose button asks the window to close. There is no window manager on the screen, so the request
//! that one would send is sent here.

use anyhow::{Context, ensure};
use keybearer_tests::until::until;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, MapState, Window};
use x11rb::rust_connection::RustConnection;

/// Clicks the closing button of the one window on this display, and waits until no window is left.
pub(crate) fn close(display: &str) -> anyhow::Result<()> {
    let (screen, number) = RustConnection::connect(Some(display))?;
    let root = screen.setup().roots[number].root;
    let windows = titled(&screen, root)?;
    ensure!(windows.len() == 1, "there are {} windows", windows.len());
    let atom = |name: &str| Ok::<_, anyhow::Error>(screen.intern_atom(false, name.as_bytes())?.reply()?.atom);
    let request = [atom("WM_DELETE_WINDOW")?, x11rb::CURRENT_TIME, 0, 0, 0];
    let window = *windows.first().context("a window")?;
    let message = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS")?, request);
    until("the window to close", || {
        // A window that was hardly seen yet hears no click, so a person clicks again.
        if titled(&screen, root)?.contains(&window) {
            screen.send_event(false, window, EventMask::NO_EVENT, message)?;
            screen.flush()?;
        }
        Ok(titled(&screen, root)?.is_empty().then_some(()))
    })
}

/// How many windows are shown on this display.
pub(crate) fn count(display: &str) -> anyhow::Result<usize> {
    let (screen, number) = RustConnection::connect(Some(display))?;
    let root = screen.setup().roots[number].root;
    Ok(titled(&screen, root)?.len())
}

/// The windows with a title that are shown.
fn titled(screen: &RustConnection, root: Window) -> anyhow::Result<Vec<Window>> {
    let mut titled = Vec::new();
    for window in screen.query_tree(root)?.reply()?.children {
        // One may close while it is looked at.
        let Ok(attributes) = screen.get_window_attributes(window)?.reply() else { continue };
        let title = screen.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64)?.reply();
        if attributes.map_state == MapState::VIEWABLE && title.is_ok_and(|title| title.value_len > 0) {
            titled.push(window);
        }
    }
    Ok(titled)
}
