//! Where in the window no secret may be: what it shows, keeps, says and is told.

use crate::overheard::{kept, listen, overheard};
use crate::page::View;
use crate::program::Program;
use crate::screens::{Approval, Window};
use crate::stage::Stage;
use keybearer_tests::canary::files_holding;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use serde_json::json;

/// What every token and code of this practice server begins with.
const TOKEN: &str = "canary5d1c";
/// What a person types as a client's secret.
const SECRET: &str = "typed-secret-83b2";
/// What stands in a client's file.
const PLANTED: &str = "lin_planted_0123456789abcdef";
/// That file.
const CLAUDE: &str = r#"{ "mcpServers": { "linear": { "type": "http", "url": "https://mcp.linear.app/mcp",
    "headers": { "Authorization": "Bearer lin_planted_0123456789abcdef" } } } }"#;

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

#[test]
fn no_page_of_a_long_day_shows_keeps_or_hears_a_secret() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&["--plant-token", TOKEN]).unwrap());
    stage.world.session.write("home/.claude.json", CLAUDE).unwrap();
    let page = stage.open().unwrap();
    listen(&page).unwrap();
    let window = Window(&page);
    let is_clean = |screen: &str| {
        let kept = kept(&page).unwrap();
        for secret in [TOKEN, SECRET, PLANTED] {
            assert!(!kept.contains(secret), "{screen}: the page holds {secret}: {kept}");
        }
    };
    window.says("Token in plain text").unwrap();
    is_clean("first start");
    window.add_with_token(practice.open_mcp_url(), "by-key", SECRET).unwrap();
    window.is_ready("by-key").unwrap();
    is_clean("key test");
    window.add(practice.mcp_url()).unwrap();
    let callback = stage.browser.consent(&stage.browser.wait_for(1).unwrap()).unwrap();
    window.waits_for_browser().unwrap();
    is_clean("waiting for the browser");
    stage.follow(&callback).unwrap();
    window.is_ready("local").unwrap();
    is_clean("ready");
    window.show_connected("local").unwrap();
    window.test().unwrap();
    is_clean("account");
    window.go_to_use_it_from("Claude Code").unwrap();
    window.says("headersHelper").unwrap();
    is_clean("preview");

    let mut program = Program::start(&stage, "reader", "local").unwrap();
    program.ask(1).unwrap();
    page.switch_to(View::Approval).unwrap();
    Approval(&page).asks_about("reader", "local").unwrap();
    is_clean("question");
    Approval(&page).allow_while_it_runs().unwrap();
    assert_eq!(program.result().unwrap(), 0);

    window.go_to_activity().unwrap();
    is_clean("activity");
    window.go_to_settings().unwrap();
    is_clean("settings");
    window.lock_by_key().unwrap();
    is_clean("lock");
    window.unlock_by_keys().unwrap();

    let heard = overheard(&page).unwrap();
    let with = |word: &str| -> Vec<&String> { heard.iter().filter(|line| line.contains(word)).collect() };
    assert_eq!((with(TOKEN), with(PLANTED)), (vec![], vec![]));
    let typed = with(SECRET);
    assert!(typed.len() == 1 && typed[0].starts_with("request ipc://localhost/add_account "), "{typed:?}");
    assert!(![TOKEN, SECRET, PLANTED].iter().any(|secret| stage.desktop_said().contains(secret)));
}
