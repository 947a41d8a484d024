//! Looking at a screen in light and dark, in Chinese and as small as the window gets. `cargo xtask e2e --screenshots`
//! keeps the pictures; without it they are looked at for what a program can see.

use crate::axe::faults;
use crate::page::Page;
use crate::stage::Stage;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keybearer_tests::until::until;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

/// A way to look at a screen.
struct Look {
    name: &'static str,
    theme: &'static str,
    language: &'static str,
    size: (u32, u32),
}

const LOOKS: [Look; 4] = [
    Look { name: "light", theme: "light", language: "en", size: (1280, 800) },
    Look { name: "dark", theme: "dark", language: "en", size: (1280, 800) },
    Look { name: "chinese", theme: "light", language: "zh-CN", size: (1280, 800) },
    Look { name: "small", theme: "light", language: "en", size: (720, 480) },
];

/// Whether the page knows that motion isn't wanted, as the stage says, and how much moves all the same.
const MOTION: &str = "return [matchMedia('(prefers-reduced-motion: reduce)').matches, document.getAnimations().length]";

/// Looks at what the main window shows now, in every way.
pub(crate) fn look_at(stage: &Stage, page: &Page, screen: &str) {
    for look in LOOKS {
        put_on(stage, page, &look);
        page.resize(look.size.0, look.size.1).unwrap();
        check(page, screen, look.name);
    }
    look_at_enlarged(page, screen);
}

/// The same at 200 %, in a window of the usual size and in the smallest.
fn look_at_enlarged(page: &Page, screen: &str) {
    for (name, (width, height)) in [("enlarged", (1280, 800)), ("small-enlarged", (720, 480))] {
        page.resize(width, height).unwrap();
        enlarge(page, 2, width / 2);
        check(page, screen, name);
        enlarge(page, 1, width);
    }
}

/// Has the page drawn so many times as large as usual, as its keys do, and waits until it is this wide in its own points.
fn enlarge(page: &Page, times: u32, width: u32) {
    let invoke = "window.__TAURI_INTERNALS__.invoke('plugin:webview|set_webview_zoom', { value: arguments[0] })\
        .then(() => arguments[1](null), arguments[1])";
    assert_eq!(page.execute_to_end(invoke, &[json!(times)]).unwrap(), json!(null), "the page can't be enlarged");
    until(&format!("{width} points across"), || {
        Ok((page.execute("return innerWidth", &[])? == json!(width)).then_some(()))
    })
    .unwrap();
}

/// The same for the window that asks, whose size is its own.
pub(crate) fn look_at_question(stage: &Stage, page: &Page, screen: &str) {
    for look in LOOKS.into_iter().filter(|look| look.name != "small") {
        put_on(stage, page, &look);
        check(page, screen, look.name);
    }
    // The test goes on in English.
    put_on(stage, page, &LOOKS[0]);
}

/// Changes theme and language, and waits until the page has them.
fn put_on(stage: &Stage, page: &Page, look: &Look) {
    let settings = json!({ "theme": look.theme, "language": look.language });
    let change = json!({ "method": "settings.set", "params": settings });
    stage.world.ok(&["rpc", "--admin", &change.to_string()]).unwrap();
    let root = "const { lang, dataset } = document.documentElement; return [lang, dataset.theme]";
    until("the page to look so", || Ok((page.execute(root, &[])? == json!([look.language, look.theme])).then_some(())))
        .unwrap();
}

/// Takes the picture, and looks for what a program can see.
fn check(page: &Page, screen: &str, look: &str) {
    keep(screen, look, &page.picture().unwrap());
    assert_eq!(overflow(page), json!([]), "{screen}, {look}: wider than the window");
    assert_eq!(faults(page).unwrap(), Vec::<String>::new(), "{screen}, {look}: hard to use for some");
    assert_eq!(
        page.execute(MOTION, &[]).unwrap(),
        json!([true, 0]),
        "{screen}, {look}: moves before who wants no motion"
    );
}

/// What hangs over the window's right edge.
fn overflow(page: &Page) -> Value {
    let script = "return Array.from(document.querySelectorAll('body *'))\
        .filter((found) => found.checkVisibility() && found.getBoundingClientRect().right > innerWidth + 1 \
            && getComputedStyle(found).position !== 'absolute')\
        .map((found) => found.outerHTML.slice(0, 120))";
    page.execute(script, &[]).unwrap()
}

/// Keeps a picture, if anybody wants it.
fn keep(screen: &str, look: &str, picture: &str) {
    let picture = STANDARD.decode(picture).unwrap();
    assert!(picture.starts_with(b"\x89PNG"), "{screen}, {look}: not a picture");
    if let Some(folder) = std::env::var_os("KEYBEARER_SCREENSHOTS").map(PathBuf::from) {
        fs::create_dir_all(&folder).unwrap();
        File::create(folder.join(format!("{screen}-{look}.png"))).unwrap().write_all(&picture).unwrap();
    }
}
