//! A token on the clipboard: how it comes there, and that it leaves again.

use crate::overheard::{listen, overheard};
use crate::page::Page;
use crate::selection::read;
use crate::stage::Stage;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use serde_json::json;

/// What every token of this practice server begins with.
const TOKEN: &str = "canary7e4a";

fn copy(page: &Page, command: &str, arguments: &serde_json::Value) {
    let script = "const [command, given, done] = arguments;
        window.__TAURI_INTERNALS__.invoke(command, given).then(() => done('copied'), (error) => done(JSON.stringify(error)))";
    assert_eq!(page.execute_to_end(script, &[json!(command), arguments.clone()]).unwrap(), "copied");
}

#[test]
fn a_copied_token_leaves_the_clipboard_and_never_comes_into_the_page() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&["--plant-token", TOKEN]).unwrap());
    let page = stage.open().unwrap();
    stage.sign_in("practice", &practice).unwrap();
    listen(&page).unwrap();
    let screen = stage.display().to_owned();
    let on_it = || read(&screen, "UTF8_STRING");

    copy(&page, "copy_access_token", &json!({ "profile": "practice" }));
    assert!(on_it().unwrap().unwrap_or_default().starts_with(TOKEN));
    // By which managers of the clipboard know what they must not keep.
    assert_eq!(read(&screen, "x-kde-passwordManagerHint").unwrap().as_deref(), Some("secret"));
    until("the token to be gone", || Ok(on_it()?.is_none_or(|text| text.is_empty()).then_some(()))).unwrap();
    let heard = overheard(&page).unwrap();
    assert!(heard.iter().any(|line| line.contains("copy_access_token")), "nothing was heard: {heard:?}");
    assert!(!format!("{heard:?}").contains(TOKEN), "{heard:?}");
    let rows = stage.world.ok(&["activity"]).unwrap();
    assert!(!rows.contains(TOKEN), "{rows}");
}
