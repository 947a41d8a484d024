//! A server that goes away, and comes back.

use crate::screens::Window;
use crate::stage::Stage;
use keybearer_tests::practice::Practice;
use serde_json::json;

#[test]
fn a_server_that_is_away_for_a_while_is_told_of_and_needs_no_sign_in_afterwards() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.sign_in("practice", &practice).unwrap();
    window.show_connected("practice").unwrap();

    practice.control(&json!({ "faults": ["refresh-500", "busy"] })).unwrap();
    window.refresh().unwrap();
    window.lists("practice", "Can’t reach").unwrap();
    assert_eq!(stage.world.json(&["show", "practice"]).unwrap()["status"], "unreachable");

    practice.control(&json!({ "faults": [] })).unwrap();
    window.try_refresh_until_connected("practice").unwrap();
    window.test().unwrap();
    assert_eq!(practice.count("authorizations").unwrap(), 1, "the person was asked again");
}

#[test]
fn a_server_that_came_back_without_its_memory_is_signed_in_to_again() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.sign_in("practice", &practice).unwrap();
    window.show_connected("practice").unwrap();
    let port = practice.port().unwrap();
    drop(practice);
    window.refresh().unwrap();
    window.lists("practice", "Can’t reach").unwrap();

    let practice = Practice::start(&["--port", &port]).unwrap();
    window.refresh().unwrap();
    // What there is of a token lasts a while, and can't be renewed any more.
    window.lists("practice", "Expires in").unwrap();
    window.sign_in_now().unwrap();
    let callback = stage.browser.consent(&stage.browser.wait_for(2).unwrap()).unwrap();
    stage.follow(&callback).unwrap();
    window.lists("practice", "Connected").unwrap();
    assert_eq!(practice.count("code_exchanges").unwrap(), 1);
}
