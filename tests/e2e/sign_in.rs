//! Signing in through the window, and what survives the end of window and agent while the browser is open.

use crate::screens::Window;
use crate::stage::Stage;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use serde_json::Value;

/// A window whose sign-in waits for the browser, and the address that the browser is at.
fn waiting(stage: &mut Stage, practice: &Practice) -> String {
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.add(practice.mcp_url()).unwrap();
    let address = stage.browser.wait_for(1).unwrap();
    window.waits_for_browser().unwrap();
    address
}

/// The one account there is, once it is connected.
fn connected(stage: &Stage) -> Value {
    let account = stage.connected(&stage.only_account().unwrap()).unwrap();
    assert_eq!(account["last_test"]["tools"], 4, "{account}");
    account
}

#[test]
fn an_address_typed_into_the_window_is_connected_after_a_visit_to_the_browser() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.add(practice.mcp_url()).unwrap();
    let address = stage.browser.wait_for(1).unwrap();
    window.waits_for_browser().unwrap();
    let callback = stage.browser.consent(&address).unwrap();
    assert!(callback.starts_with("app.keybearer:/oauth/callback?"), "the answer goes elsewhere");
    let window_before = stage.window_pid().unwrap();
    stage.follow(&callback).unwrap();
    window.lists(&stage.only_account().unwrap(), "Connected").unwrap();
    assert_eq!(connected(&stage)["callback"], "deep_link");
    assert_eq!(stage.window_pid().unwrap(), window_before, "the link started a second window");
    assert_eq!(stage.browser.opened().len(), 1);
    assert_eq!(practice.count("code_exchanges").unwrap(), 1);
}

#[test]
fn the_answer_starts_a_window_that_was_killed_while_the_browser_was_open() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let address = waiting(&mut stage, &practice);
    stage.kill_window().unwrap();
    stage.follow(&stage.browser.consent(&address).unwrap()).unwrap();
    assert_eq!(connected(&stage)["callback"], "deep_link");
    let page = stage.attach().unwrap();
    Window(&page).lists(&stage.only_account().unwrap(), "Connected").unwrap();
}

#[test]
fn the_answer_starts_window_and_agent_when_both_were_killed() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let address = waiting(&mut stage, &practice);
    stage.kill_window().unwrap();
    stage.world.kill_agent().unwrap();
    stage.follow(&stage.browser.consent(&address).unwrap()).unwrap();
    let page = stage.attach().unwrap();
    Window(&page).lists(&stage.only_account().unwrap(), "Connected").unwrap();
    assert_eq!(connected(&stage)["callback"], "deep_link");
    assert_eq!(practice.count("authorizations").unwrap(), 1, "the person was asked twice");
}

#[test]
fn a_server_that_refuses_the_scheme_is_signed_in_to_by_loopback_also_when_the_window_was_killed() {
    let (mut stage, practice) =
        (Stage::new().unwrap(), Practice::start(&["--fault", "refuse-private-use-scheme"]).unwrap());
    let address = waiting(&mut stage, &practice);
    stage.kill_window().unwrap();
    let callback = stage.browser.consent(&address).unwrap();
    assert!(callback.starts_with("http://127.0.0.1:"), "the answer goes elsewhere");
    stage.browser.return_to(&callback).unwrap();
    assert_eq!(connected(&stage)["callback"], "loopback");
    let page = stage.open().unwrap();
    Window(&page).lists(&stage.only_account().unwrap(), "Connected").unwrap();
}

#[test]
fn the_window_starts_an_agent_that_was_killed_and_it_listens_at_the_same_port_again() {
    let (mut stage, practice) =
        (Stage::new().unwrap(), Practice::start(&["--fault", "refuse-private-use-scheme"]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.add(practice.mcp_url()).unwrap();
    let callback = stage.browser.consent(&stage.browser.wait_for(1).unwrap()).unwrap();
    stage.world.kill_agent().unwrap();
    // Nobody but the window is there to start the next one.
    until("the port to be open again", || Ok(stage.browser.return_to(&callback).ok())).unwrap();
    window.is_ready(&stage.only_account().unwrap()).unwrap();
    assert_eq!(connected(&stage)["callback"], "loopback");
}

#[test]
fn an_answer_that_was_copied_is_pasted_after_window_and_agent_were_killed() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let address = waiting(&mut stage, &practice);
    stage.kill_window().unwrap();
    stage.world.kill_agent().unwrap();
    let callback = stage.browser.consent(&address).unwrap();
    let page = stage.open().unwrap();
    let window = Window(&page);
    let name = stage.only_account().unwrap();
    window.show(&name).unwrap();
    window.paste_callback(&callback).unwrap();
    window.is_ready(&name).unwrap();
    connected(&stage);
}

#[test]
fn without_a_browser_of_its_own_the_session_s_is_opened() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.install_browser().unwrap();
    let mut desktop = stage.desktop();
    desktop.env_remove("BROWSER");
    stage.start(desktop).unwrap();
    let page = stage.attach().unwrap();
    Window(&page).add(practice.mcp_url()).unwrap();
    let callback = stage.browser.consent(&stage.browser.wait_for(1).unwrap()).unwrap();
    stage.follow(&callback).unwrap();
    connected(&stage);
}

#[test]
fn a_sign_in_that_was_cancelled_takes_no_answer_and_can_be_begun_again() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.add(practice.mcp_url()).unwrap();
    let address = stage.browser.wait_for(1).unwrap();
    window.waits_for_browser().unwrap();
    window.cancel().unwrap();
    let name = stage.only_account().unwrap();
    window.lists(&name, "Needs sign-in").unwrap();
    let late = stage.browser.consent(&address).unwrap();
    stage.follow(&late).unwrap();
    window.sign_in_again().unwrap();
    let callback = stage.browser.consent(&stage.browser.wait_for(2).unwrap()).unwrap();
    stage.follow(&callback).unwrap();
    window.lists(&name, "Connected").unwrap();
    assert_eq!(practice.count("code_exchanges").unwrap(), 1, "the late answer was taken");
}

#[test]
fn a_browser_that_can_not_open_the_app_is_sent_to_127_0_0_1_instead() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.add(practice.mcp_url()).unwrap();
    stage.browser.wait_for(1).unwrap();
    window.waits_for_browser().unwrap();
    window.switch_to_loopback().unwrap();
    let callback = stage.browser.consent(&stage.browser.wait_for(2).unwrap()).unwrap();
    assert!(callback.starts_with("http://127.0.0.1:"), "the answer goes elsewhere");
    stage.browser.return_to(&callback).unwrap();
    window.is_ready(&stage.only_account().unwrap()).unwrap();
    assert_eq!(connected(&stage)["callback"], "loopback");
}
