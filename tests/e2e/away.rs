//! What is out of reach for a while: a server that goes away, hangs and comes back, and the network.

use crate::album::look_at;
use crate::screens::Window;
use crate::stage::Stage;
use keybearer_tests::network::Network;
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

#[test]
fn a_server_that_hangs_blocks_nothing_and_is_given_up_by_a_click() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.sign_in("practice", &practice).unwrap();
    window.show_connected("practice").unwrap();

    practice.signal("STOP").unwrap();
    window.begin_test().unwrap();
    // Everything else goes on meanwhile.
    window.go_to_settings().unwrap();
    window.leave_settings().unwrap();
    assert!(stage.world.ok(&["list"]).unwrap().contains("Connected"));
    window.add(&practice.mcp_url().replace("/mcp", "/open")).unwrap();
    window.is_at_step("Reach the server").unwrap();
    window.cancel().unwrap();
    window.lists("local", "Needs sign-in").unwrap();

    practice.signal("CONT").unwrap();
    window.show_connected("practice").unwrap();
    window.test().unwrap();
}

#[test]
fn without_a_network_the_window_says_so_and_tokens_are_still_given() {
    let Some(network) = Network::new() else { return println!("this user may make no networks") };
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.sign_in_without_window("practice", &practice).unwrap();
    let [nsenter, which] = network.inside();
    let agent = stage.world.program(nsenter).arg(which).arg(stage.world.keybearer()).args(["agent", "start"]).output();
    assert!(agent.unwrap().status.success());
    assert!(stage.world.run(&["token", "practice"]).unwrap().code == 0, "a token at hand needs no network");
    let far =
        ["add", "https://mcp.example.com/mcp", "--name", "far", "--auth", "bearer", "--secret-stdin", "--no-sign-in"];
    assert_eq!(stage.world.run_with(&far, "a-key").unwrap().code, 0);
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.says("No network.").unwrap();
    window.lists("far", "Offline").unwrap();
    // What lies on this computer needs none.
    window.lists("practice", "Connected").unwrap();
    window.show("far").unwrap();
    look_at(&stage, &page, "offline");
    network.run(&["ip", "route", "add", "default", "dev", "lo"]).unwrap();
    window.lists("far", "Connected").unwrap();
    assert!(!page.text().unwrap().contains("No network."));
}
