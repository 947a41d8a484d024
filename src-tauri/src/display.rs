//! The screen: whether there is one to draw on, and what leads others to it. GTK panics without one, before any error
//! can be returned.

use keybearer_protocol::auth::DISPLAY_VARIABLES;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// Whether a window can be opened. Windows and macOS always have a place for one.
pub fn present() -> bool {
    cfg!(any(windows, target_os = "macos")) || named_in(|variable| std::env::var_os(variable))
}

/// What leads another process to this screen.
pub fn variables() -> BTreeMap<String, String> {
    DISPLAY_VARIABLES.into_iter().filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))).collect()
}

fn named_in(environment: impl Fn(&str) -> Option<OsString>) -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].into_iter().filter_map(environment).any(|display| !display.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_variable_will_do_and_an_empty_one_counts_for_nothing() {
        let check = |set: &[(&str, &str)], expected: bool| {
            let found = named_in(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()));
            assert_eq!(found, expected, "{set:?}");
        };
        check(&[], false);
        check(&[("DISPLAY", "")], false);
        check(&[("DISPLAY", ":0")], true);
        check(&[("WAYLAND_DISPLAY", "wayland-0")], true);
        check(&[("WAYLAND_DISPLAY", ""), ("DISPLAY", ":0")], true);
    }
}
