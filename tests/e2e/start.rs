//! The window opens and shows what the agent knows.

use crate::screens::Window;
use crate::stage::Stage;
use keybearer_tests::practice::Practice;

#[test]
fn the_window_shows_the_accounts_that_the_command_added() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.world.add("practice", practice.mcp_url()).unwrap();
    let page = stage.open().unwrap();
    Window(&page).lists("practice", "Needs sign-in").unwrap();
}

#[test]
fn a_second_start_leads_to_the_window_that_is_open() {
    let mut stage = Stage::new().unwrap();
    let page = stage.open().unwrap();
    Window(&page).is_open().unwrap();
    let first = stage.window_pid().unwrap();
    let second = stage.desktop().status().unwrap();
    assert!(second.success(), "{second}");
    assert_eq!(stage.window_pid().unwrap(), first);
    assert_eq!(page.count().unwrap(), 1);
}

#[test]
fn without_a_screen_it_says_so_and_ends() {
    let stage = Stage::new().unwrap();
    let started = stage.desktop().env_remove("DISPLAY").output().unwrap();
    assert_eq!(started.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&started.stderr).starts_with("keybearer-desktop: no display"), "{started:?}");
}
