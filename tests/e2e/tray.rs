//! The tray's menu, read and chosen from over the bus.

use crate::panel::{Row, find};
use crate::screens::Window;
use crate::stage::Stage;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;

fn labels(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.label.as_str()).filter(|label| !label.is_empty()).collect()
}

#[test]
fn the_menu_names_the_accounts_and_does_what_its_rows_say() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.world.add("practice", practice.mcp_url()).unwrap();
    let page = stage.open().unwrap();
    let window = Window(&page);

    let sign_in = "! Sign in again to practice…";
    let rows = stage.panel.menu_with("a row that asks", |rows| find(rows, sign_in).is_some()).unwrap();
    assert!(!rows[0].enabled, "the summary can be chosen: {rows:?}");
    let ends = ["Add server…", "Pause giving out tokens", "Lock now", "Open Keybearer", "Settings…", "Quit Keybearer"];
    assert!(labels(&rows).ends_with(&ends), "{rows:?}");
    let asks = stage.panel.icon_bytes().unwrap();

    stage.panel.choose(sign_in).unwrap();
    let callback = stage.browser.consent(&stage.browser.wait_for(1).unwrap()).unwrap();
    stage.follow(&callback).unwrap();
    stage.connected("practice").unwrap();
    // Its token is good for an hour, the last of which is told in minutes.
    let account = |rows: &[Row]| rows.iter().find(|row| row.label.starts_with("✓ practice · 5")).cloned();
    let rows = stage.panel.menu_with("the account", |rows| account(rows).is_some()).unwrap();
    assert_eq!(rows[0].label, "1 connected");
    let below = ["Test connection", "Refresh now", "Copy helper command", "Show in window", "Sign out…"];
    assert_eq!(labels(&account(&rows).unwrap().rows), below);
    assert_ne!(stage.panel.icon_bytes().unwrap(), asks, "the icon is the same with and without something to do");

    stage.panel.choose("Refresh now").unwrap();
    until("a refresh", || Ok((practice.count("refreshes_ok")? == 1).then_some(()))).unwrap();
    stage.panel.choose("Add server…").unwrap();
    window.offers_to_add().unwrap();
    stage.panel.choose("Settings…").unwrap();
    window.shows_settings().unwrap();
}

#[test]
fn locking_in_the_menu_stops_tokens_and_hides_names_until_it_is_unlocked_there() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.world.add("practice", practice.mcp_url()).unwrap();
    let page = stage.open().unwrap();
    stage.panel.choose("Lock now").unwrap();
    let rows = stage.panel.menu_with("the lock", |rows| find(rows, "Unlock…").is_some()).unwrap();
    assert!(!format!("{rows:?}").contains("practice"), "{rows:?}");
    until("the names to be gone from the page", || Ok((!page.text()?.contains("practice")).then_some(()))).unwrap();
    assert_eq!(stage.world.run(&["token", "practice"]).unwrap().code, 10);
    stage.panel.choose("Unlock…").unwrap();
    stage.panel.menu_with("the names again", |rows| find(rows, "! Sign in again to practice…").is_some()).unwrap();
}

#[test]
fn closing_the_window_leaves_the_tray_and_quitting_there_ends_the_agent_that_the_window_started() {
    let mut stage = Stage::new().unwrap();
    let page = stage.open().unwrap();
    stage.panel.menu_with("the menu", |rows| find(rows, "Add server…").is_some()).unwrap();
    drop(page);
    stage.close_window().unwrap();
    stage.panel.choose("Open Keybearer").unwrap();
    let page = stage.attach().unwrap();
    Window(&page).is_open().unwrap();
    drop(page);
    stage.panel.choose("Quit Keybearer").unwrap();
    assert_eq!(stage.wait_for_its_end().unwrap(), Some(0), "{}", stage.desktop_said());
    assert_eq!(stage.world.run(&["agent", "status"]).unwrap().code, 30);
}

#[test]
fn a_pause_in_the_menu_stops_tokens_until_it_is_ended_there() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.open().unwrap();
    stage.sign_in("practice", &practice).unwrap();
    stage.panel.menu_with("the account", |rows| rows[0].label == "1 connected").unwrap();
    let idle = stage.panel.icon_bytes().unwrap();
    stage.panel.choose("For 15 minutes").unwrap();
    let rows = stage.panel.menu_with("the pause", |rows| rows[0].label.starts_with("Paused until ")).unwrap();
    assert!(find(&rows, "For 15 minutes").is_none(), "{rows:?}");
    assert_ne!(stage.panel.icon_bytes().unwrap(), idle, "the icon says nothing of the pause");
    let refused = stage.world.run(&["token", "practice"]).unwrap();
    assert_eq!(refused.code, 39, "{refused:?}");

    stage.panel.choose("Resume giving out tokens").unwrap();
    stage.panel.menu_with("the end of the pause", |rows| rows[0].label == "1 connected").unwrap();
    assert_eq!(stage.panel.icon_bytes().unwrap(), idle);
    stage.panel.choose("Until I resume").unwrap();
    stage.panel.menu_with("the pause", |rows| rows[0].label == "Paused").unwrap();
}
