//! The window's frame, whose button asks the window to close. There is no window manager on the screen, so the request
//! that one would send is sent here.

use anyhow::{Context, ensure};
use keybearer_tests::until::until;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt, EventMask, InputFocus, MapState, Window,
};
use x11rb::rust_connection::RustConnection;

/// Where a window stands, and how large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// From the left.
    pub(crate) x: i16,
    /// From above.
    pub(crate) y: i16,
    /// Its width.
    pub(crate) width: u16,
    /// Its height.
    pub(crate) height: u16,
}

/// Clicks the closing button of the one window on this display, and waits until no window is left.
pub(crate) fn close(display: &str) -> anyhow::Result<()> {
    let (screen, root, window) = only(display)?;
    let atom = |name: &str| Ok::<_, anyhow::Error>(screen.intern_atom(false, name.as_bytes())?.reply()?.atom);
    let request = [atom("WM_DELETE_WINDOW")?, x11rb::CURRENT_TIME, 0, 0, 0];
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

/// Drags the one window on this display there, and waits until it stands there.
pub(crate) fn put(display: &str, to: Place) -> anyhow::Result<()> {
    let (screen, _, window) = only(display)?;
    let Place { x, y, width, height } = to;
    let change =
        ConfigureWindowAux::new().x(i32::from(x)).y(i32::from(y)).width(u32::from(width)).height(u32::from(height));
    screen.configure_window(window, &change)?.check()?;
    until("the window to move", || Ok((place(display)? == to).then_some(())))
}

/// Where the one window on this display stands.
pub(crate) fn place(display: &str) -> anyhow::Result<Place> {
    let (screen, _, window) = only(display)?;
    let found = screen.get_geometry(window)?.reply()?;
    Ok(Place { x: found.x, y: found.y, width: found.width, height: found.height })
}

/// Clicks into the one window on this display, as far as that gives it the keyboard.
pub(crate) fn focus(display: &str) -> anyhow::Result<()> {
    let (screen, _, window) = only(display)?;
    screen.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?.check()?;
    Ok(())
}

/// The one window that is shown on this display, once there is one.
fn only(display: &str) -> anyhow::Result<(RustConnection, Window, Window)> {
    let (screen, number) = RustConnection::connect(Some(display))?;
    let root = screen.setup().roots[number].root;
    let windows = until("a window", || Ok(Some(titled(&screen, root)?).filter(|windows| !windows.is_empty())))?;
    ensure!(windows.len() == 1, "there are {} windows", windows.len());
    let window = *windows.first().context("a window")?;
    Ok((screen, root, window))
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
