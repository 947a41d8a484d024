//! Where the window stands, and how large it is, from one time to the next; and that it stays, or doesn't, when it is
//! closed.

use crate::frame::Place;
use crate::panel::find;
use crate::screens::Window;
use crate::stage::Stage;
use keybearer_tests::until::until;
use serde_json::json;
use std::fs;

const CHOSEN: Place = Place { x: 40, y: 30, width: 900, height: 640 };

#[test]
fn the_window_comes_back_as_large_and_where_it_was() {
    let mut stage = Stage::new().unwrap();
    let page = stage.open().unwrap();
    Window(&page).is_open().unwrap();
    stage.place_window(CHOSEN).unwrap();
    drop(page);
    stage.close_window().unwrap();
    stage.panel.choose("Open Keybearer").unwrap();
    let page = stage.attach().unwrap();
    Window(&page).is_open().unwrap();
    assert_eq!(stage.window_place().unwrap(), CHOSEN, "after it was closed");
    drop(page);
    stage.panel.choose("Quit Keybearer").unwrap();
    stage.wait_for_its_end().unwrap();

    // The next start remembers it, but not a place on a screen that is gone.
    let page = stage.open().unwrap();
    Window(&page).is_open().unwrap();
    assert_eq!(stage.window_place().unwrap(), CHOSEN, "after a quit");
    drop(page);
    stage.panel.choose("Quit Keybearer").unwrap();
    stage.wait_for_its_end().unwrap();
    let file = "config/app.keybearer.desktop/.window-state.json";
    let kept = fs::read_to_string(stage.world.session.folder().join(file)).unwrap();
    let elsewhere = kept.replace("\"x\": 40", "\"x\": 4000");
    assert_ne!(kept, elsewhere, "{kept}");
    stage.world.session.write(file, &elsewhere).unwrap();
    let page = stage.open().unwrap();
    Window(&page).is_open().unwrap();
    let place = stage.window_place().unwrap();
    assert!((0..1280).contains(&place.x) && (place.width, place.height) == (900, 640), "{place:?}");
}

#[test]
fn closing_the_window_leaves_no_web_view_behind() {
    let mut stage = Stage::new().unwrap();
    let page = stage.open().unwrap();
    Window(&page).is_open().unwrap();
    let pid = stage.window_pid().unwrap();
    assert!(!stage.web_processes().unwrap().is_empty());
    drop(page);
    stage.close_window().unwrap();
    until("the end of the web views", || Ok(stage.web_processes()?.is_empty().then_some(()))).unwrap();
    assert_eq!(stage.window_pid().unwrap(), pid, "the tray is gone, too");
}

#[test]
fn who_wants_nothing_to_stay_closes_the_window_and_all_ends() {
    let mut stage = Stage::new().unwrap();
    let page = stage.open().unwrap();
    Window(&page).is_open().unwrap();
    let change = json!({ "method": "settings.set", "params": { "keep_running": false } });
    stage.world.ok(&["rpc", "--admin", &change.to_string()]).unwrap();
    // The window has heard of it when the tray has: both follow the same news.
    stage.world.add("practice", "https://mcp.example/").unwrap();
    stage.panel.menu_with("the account", |rows| find(rows, "! Sign in again to practice…").is_some()).unwrap();
    drop(page);
    stage.close_window().unwrap();
    assert_eq!(stage.wait_for_its_end().unwrap(), Some(0), "{}", stage.desktop_said());
    assert_eq!(stage.world.run(&["agent", "status"]).unwrap().code, 30);
}
