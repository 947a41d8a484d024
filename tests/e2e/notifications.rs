//! What the system tells a person who has no window in front.

use crate::notices::Notices;
use crate::panel::find;
use crate::screens::Window;
use crate::stage::Stage;
use keybearer_tests::practice::Practice;
use serde_json::json;

fn in_the_tray() -> (Stage, Notices, Practice) {
    let mut stage = Stage::new().unwrap();
    let notices = Notices::new(&stage.bus().unwrap()).unwrap();
    let mut desktop = stage.desktop();
    desktop.arg("--hidden");
    stage.start(desktop).unwrap();
    (stage, notices, Practice::start(&[]).unwrap())
}

#[test]
fn an_account_that_needs_a_sign_in_is_told_of_and_its_button_begins_the_sign_in() {
    let (stage, notices, practice) = in_the_tray();
    stage.world.add("practice", practice.mcp_url()).unwrap();
    let notice = notices.only("practice needs a sign-in").unwrap();
    assert_eq!(notice.button, "Sign in…");
    notices.press(&notice).unwrap();
    let callback = stage.browser.consent(&stage.browser.wait_for(1).unwrap()).unwrap();
    stage.follow(&callback).unwrap();
    stage.connected("practice").unwrap();

    // Where nobody looks, its server stops renewing it.
    stage.close_window().unwrap();
    practice.control(&json!({ "faults": ["refresh-invalid-grant"] })).unwrap();
    stage.world.run(&["rpc", "--admin", &request("account.refresh", &json!({ "profile": "practice" }))]).unwrap();
    let again = notices.only("practice expires soon").unwrap();
    assert_eq!(again.button, "Sign in…");
    // Settled elsewhere, it is told no more.
    practice.control(&json!({ "faults": [] })).unwrap();
    let opened = stage.browser.opened().len();
    let mut waiting = stage.world.spawn(&["sign-in", "practice"]).unwrap();
    notices.none().unwrap();
    let callback = stage.browser.consent(&stage.browser.wait_for(opened + 1).unwrap()).unwrap();
    stage.follow(&callback).unwrap();
    assert!(waiting.wait().unwrap().success());
}

#[test]
fn several_accounts_are_one_notification_and_what_was_seen_is_not_told_again() {
    let (stage, notices, practice) = in_the_tray();
    for name in ["anna", "berta"] {
        stage.world.add(name, practice.mcp_url()).unwrap();
    }
    let both = notices.only("2 accounts need you").unwrap();
    assert_eq!((&*both.body, &*both.button), ("anna, berta", "Show"));
    stage.world.ok(&["remove", "anna"]).unwrap();
    let one = notices.only("berta needs a sign-in").unwrap();
    notices.dismiss(&one).unwrap();
    stage.world.add("carla", practice.mcp_url()).unwrap();
    notices.only("carla needs a sign-in").unwrap();

    // A lock names nobody.
    stage.panel.choose("Lock now").unwrap();
    notices.none().unwrap();
    stage.panel.choose("Unlock…").unwrap();
    notices.only("carla needs a sign-in").unwrap();

    // Who opens the window sees it there.
    stage.panel.choose("Open Keybearer").unwrap();
    let page = stage.attach().unwrap();
    Window(&page).is_open().unwrap();
    stage.focus_window().unwrap();
    notices.none().unwrap();
    stage.world.add("dora", practice.mcp_url()).unwrap();
    stage.panel.menu_with("dora", |rows| find(rows, "! Sign in again to dora…").is_some()).unwrap();
    drop(page);
    stage.close_window().unwrap();
    stage.world.add("emma", practice.mcp_url()).unwrap();
    notices.only("emma needs a sign-in").unwrap();

    // Whose buttons nobody would answer are not left behind.
    stage.panel.choose("Quit Keybearer").unwrap();
    notices.none().unwrap();
}

fn request(method: &str, params: &serde_json::Value) -> String {
    json!({ "method": method, "params": params }).to_string()
}
