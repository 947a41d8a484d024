//! What would open a page for a sign-in that is started here.

use super::{Case, Finding};
use std::env;

const CHECK: &str = "browser";

pub(super) fn check(case: &Case<'_>) -> Finding {
    let Ok(examined) = &case.examined else {
        return Finding::warn(CHECK, "not looked at: only the agent can", "mend the agent first");
    };
    match &examined.browser {
        Some(program) => opens(program),
        None => {
            let advice = "sign in with --no-browser, which prints the address to open anywhere";
            Finding::warn(CHECK, format!("nothing would open a page: {}", why_not()), advice)
        }
    }
}

fn why_not() -> String {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    match set("BROWSER") {
        Some(browser) => format!("BROWSER names {browser}, which isn't there"),
        None if set("DISPLAY").or_else(|| set("WAYLAND_DISPLAY")).is_none() => "there is no display".to_owned(),
        None => "xdg-open isn't installed".to_owned(),
    }
}

/// `xdg-open` alone shows no page.
#[cfg(target_os = "linux")]
fn opens(program: &str) -> Finding {
    if std::path::Path::new(program).file_name().is_some_and(|name| name == "xdg-open") {
        return match super::links::handler("https") {
            Some(entry) => Finding::ok(CHECK, format!("{program} opens pages with {entry}")),
            None => Finding::warn(
                CHECK,
                "no browser is set for https: addresses",
                "xdg-settings set default-web-browser NAME.desktop",
            ),
        };
    }
    Finding::ok(CHECK, format!("{program} opens pages"))
}

#[cfg(not(target_os = "linux"))]
fn opens(program: &str) -> Finding {
    Finding::ok(CHECK, format!("{program} opens pages"))
}
