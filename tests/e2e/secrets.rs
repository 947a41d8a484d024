//! Where in the window no secret may be: what it shows, keeps, says and is told.

use crate::overheard::{kept, listen, overheard};
use crate::screens::Window;
use crate::stage::Stage;
use keybearer_tests::canary::files_holding;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use serde_json::json;

/// What every token and code of this practice server begins with.
const TOKEN: &str = "canary5d1c";
/// What a person types as a client's secret.
const SECRET: &str = "typed-secret-83b2";

#[test]
fn no_token_and_no_code_comes_into_the_page_and_what_is_typed_goes_out_once() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&["--plant-token", TOKEN]).unwrap());
    let page = stage.open().unwrap();
    listen(&page).unwrap();
    let window = Window(&page);
    window.add(practice.mcp_url()).unwrap();
    let callback = stage.browser.consent(&stage.browser.wait_for(1).unwrap()).unwrap();
    assert!(callback.contains(TOKEN), "the code doesn't begin with what was planted");
    window.waits_for_browser().unwrap();
    window.paste_callback(&callback).unwrap();
    let name = stage.only_account().unwrap();
    window.is_ready(&name).unwrap();
    window.show_connected(&name).unwrap();
    window.test().unwrap();
    let refreshed = |count| until("a refresh", || Ok((practice.count("refreshes")? == count).then_some(())));
    window.refresh().unwrap();
    refreshed(1).unwrap();
    // A refresh that fails has an error to show, and what the server said is no part of it.
    practice.control(&json!({ "faults": ["token-html"] })).unwrap();
    window.refresh().unwrap();
    refreshed(2).unwrap();
    practice.control(&json!({ "faults": [] })).unwrap();
    window.change_client("known-by-hand", SECRET).unwrap();

    let token = kept(&page).unwrap();
    assert!(!token.contains(TOKEN), "the page holds a token or a code: {token}");
    assert!(!token.contains(SECRET), "the page holds a secret: {token}");
    let heard = overheard(&page).unwrap();
    let with = |word: &str| -> Vec<&String> { heard.iter().filter(|line| line.contains(word)).collect() };
    let out = |lines: &[&String], command: &str| {
        lines.iter().all(|line| line.starts_with(&format!("request ipc://localhost/{command} ")))
    };
    let codes = with(TOKEN);
    assert!(codes.len() == 1 && out(&codes, "complete_sign_in"), "{codes:?}");
    let secrets = with(SECRET);
    assert!(secrets.len() == 1 && out(&secrets, "update_account"), "{secrets:?}");
    assert!(!stage.desktop_said().contains(TOKEN) && !stage.desktop_said().contains(SECRET));
    assert_eq!(files_holding(&stage.world.session.folder(), &[TOKEN, SECRET]), Vec::<String>::new());
}
