//! Starting at login: the entry that desktops follow, and what it starts.

use crate::panel::find;
use crate::screens::Window;
use crate::stage::Stage;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

fn entry(stage: &Stage) -> PathBuf {
    stage.world.session.folder().join("config/autostart/keybearer-desktop.desktop")
}

#[test]
fn starting_at_login_opens_no_window_and_ends_with_its_switch() {
    let mut stage = Stage::new().unwrap();
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.panel.choose("Settings…").unwrap();
    window.shows_settings().unwrap();
    window.shows_start_at_login(false).unwrap();
    assert!(!entry(&stage).exists(), "it starts at login though nobody wants it");
    window.switch_start_at_login(true).unwrap();

    let validated = stage.program("desktop-file-validate").arg(entry(&stage)).output().unwrap();
    assert!(validated.status.success() && validated.stdout.is_empty(), "{validated:?}");
    drop(page);
    stage.panel.choose("Quit Keybearer").unwrap();
    stage.wait_for_its_end().unwrap();

    // As a desktop does at login.
    let launched =
        stage.program("gio").arg("launch").arg(entry(&stage)).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(launched.unwrap().success());
    stage.panel.menu_with("the tray", |rows| find(rows, "Add server…").is_some_and(|row| row.enabled)).unwrap();
    assert_eq!(stage.windows().unwrap(), 0, "it opened a window at login");
    // A session that is restored may start it twice.
    let again = stage.desktop().arg("--hidden").status().unwrap();
    assert!(again.success(), "{again}");
    assert_eq!(stage.windows().unwrap(), 0, "the second start opened a window");

    stage.panel.choose("Open Keybearer").unwrap();
    let page = stage.attach().unwrap();
    let window = Window(&page);
    stage.panel.choose("Settings…").unwrap();
    window.shows_start_at_login(true).unwrap();
    window.switch_start_at_login(false).unwrap();
    assert!(!entry(&stage).exists(), "the entry is left behind");
}

#[test]
fn an_entry_that_the_user_switched_off_elsewhere_counts_as_off() {
    let mut stage = Stage::new().unwrap();
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.panel.choose("Settings…").unwrap();
    window.shows_settings().unwrap();
    window.switch_start_at_login(true).unwrap();
    let written = fs::read_to_string(entry(&stage)).unwrap();
    drop(page);
    stage.close_window().unwrap();
    for off in [
        written.replace("X-GNOME-Autostart-enabled=true", "X-GNOME-Autostart-enabled=false"),
        format!("{written}Hidden=true\n"),
        written.replace("keybearer-desktop\"", "gone\""),
    ] {
        assert_ne!(off, written);
        stage.world.session.write("config/autostart/keybearer-desktop.desktop", &off).unwrap();
        stage.panel.choose("Settings…").unwrap();
        let page = stage.attach().unwrap();
        Window(&page).shows_start_at_login(false).unwrap();
        drop(page);
        stage.close_window().unwrap();
    }
    stage.panel.choose("Settings…").unwrap();
    let page = stage.attach().unwrap();
    Window(&page).switch_start_at_login(true).unwrap();
    assert_eq!(fs::read_to_string(entry(&stage)).unwrap(), written);
}
