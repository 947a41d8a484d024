//! What the settings do: language and theme, accounts in a file and back, links that come back, programs taken back.

use crate::file_dialog::FileDialog;
use crate::page::{Page, View};
use crate::program::Program;
use crate::screens::{Approval, Window};
use crate::stage::{Stage, bus};
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use serde_json::json;
use std::fs;

/// The page's language, and how bright its ground is: 0 is black, 255 white.
const LOOK: &str = "const [red] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g); \
    return [document.documentElement.lang, Number(red)]";

const PASSPHRASE: &str = "correct horse battery";

/// A window with an account that is signed in, and its name.
fn signed_in(stage: &mut Stage, practice: &Practice) -> (Page, String) {
    let page = stage.open().unwrap();
    stage.sign_in("work", practice).unwrap();
    Window(&page).lists("work", "Connected").unwrap();
    (page, "work".to_owned())
}

#[test]
fn accounts_go_into_a_sealed_file_and_come_back_signed_in() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&["--plant-token", "cnry"]).unwrap());
    let dialog = FileDialog::new(&bus(&stage.world.session).unwrap()).unwrap();
    let (page, name) = signed_in(&mut stage, &practice);
    let window = Window(&page);
    window.go_to_settings().unwrap();
    let file = stage.world.session.folder().join("accounts.json");

    page.click("button", "Export and import").unwrap();

    // Whoever leaves the dialog has exported nothing.
    page.click("button", "Export servers…").unwrap();
    dialog.choose(None).unwrap();
    let focused = "return document.activeElement.ariaLabel";
    until("the focus to come back", || Ok((page.execute(focused, &[])? == "Export servers…").then_some(()))).unwrap();
    assert!(!file.exists());
    window.export_with_sign_ins(PASSPHRASE).unwrap();
    dialog.choose(Some(&file)).unwrap();
    window.says("1 account exported, 1 with what signs them in.").unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("cnry") && !text.contains(&name), "{text}");

    stage.world.ok(&["remove", &name]).unwrap();
    page.click("button", "Import from a file…").unwrap();
    dialog.choose(Some(&file)).unwrap();
    window.type_passphrase_of_file("wrong horse battery").unwrap();
    window.says("That passphrase doesn’t open the file.").unwrap();
    window.type_passphrase_of_file(PASSPHRASE).unwrap();
    window.says("1 account added, 1 of them signed in.").unwrap();
    assert!(stage.world.ok(&["test", &name]).unwrap().contains("4 tools"));
}

#[test]
fn a_link_of_ours_comes_back_to_the_window_that_sent_it() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.world.add("work", practice.mcp_url()).unwrap();
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.go_to_settings().unwrap();
    window.says("Opens Keybearer").unwrap();
    let before = stage.window_pid().unwrap();
    page.click("button", "Test the app link").unwrap();
    window.says("Works").unwrap();
    assert_eq!(stage.window_pid().unwrap(), before);
    // It brought nothing to the agent: no sign-in, and no complaint about one.
    assert!(!page.text().unwrap().contains("doesn’t belong"));
}

#[test]
fn a_program_that_was_allowed_is_found_in_the_settings_and_taken_back() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let (page, name) = signed_in(&mut stage, &practice);
    let window = Window(&page);
    let mut program = Program::start(&stage, "report.sh", &name).unwrap();
    program.ask(1).unwrap();
    page.switch_to(View::Approval).unwrap();
    Approval(&page).allow_while_it_runs().unwrap();
    window.go_to_settings().unwrap();
    window.says("1 program on 1 account").unwrap();
    page.click("button", "Review…").unwrap();
    page.find("heading", "Programs allowed").unwrap();
    page.click("button", "Revoke report.sh").unwrap();
    window.says("No program has an answer that is remembered.").unwrap();
    assert_eq!(stage.world.json(&["grants"]).unwrap().as_array().unwrap().len(), 0);
}

#[test]
fn language_and_theme_change_at_once_and_stay() {
    let mut stage = Stage::new().unwrap();
    let page = stage.open().unwrap();
    let window = Window(&page);
    let looks = |language: &str, dark: bool| {
        until(&format!("{language}, dark: {dark}"), || {
            let look = page.execute(LOOK, &[])?;
            let is_dark = look[1].as_f64().is_some_and(|red| red < 64.0);
            Ok((look[0] == language && is_dark == dark).then_some(()))
        })
    };
    stage.panel.choose("Settings…").unwrap();
    window.shows_settings().unwrap();
    window.choose("Dark").unwrap();
    looks("en", true).unwrap();
    window.choose("简体中文").unwrap();
    looks("zh-CN", true).unwrap();
    page.find("heading", "设置").unwrap();
    window.choose("浅色").unwrap();
    looks("zh-CN", false).unwrap();
    stage.panel.menu_with("the tray in Chinese", |rows| rows.iter().any(|row| row.label == "退出 Keybearer")).unwrap();

    drop(page);
    stage.kill_window().unwrap();
    let page = stage.open().unwrap();
    page.find("heading", "添加第一个服务器").unwrap();
    assert_eq!(page.execute("return document.documentElement.dataset.theme", &[]).unwrap(), json!("light"));
}

#[test]
fn a_bundle_for_whoever_helps_is_seen_and_saved_as_it_was_seen() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&["--plant-token", "cnry"]).unwrap());
    let dialog = FileDialog::new(&bus(&stage.world.session).unwrap()).unwrap();
    let (page, name) = signed_in(&mut stage, &practice);
    Window(&page).go_to_settings().unwrap();
    page.click("button", "Create bundle…").unwrap();
    page.wait_for_text("accounts.json").unwrap();
    page.click("switch", "With the names of accounts and servers").unwrap();
    page.click("button", "Save…").unwrap();
    let file = stage.world.session.folder().join("bundle.txt");
    dialog.choose(Some(&file)).unwrap();
    Window(&page).says("The bundle was saved.").unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("==> about.txt <==") && text.contains("account-1"), "{text}");
    assert!(!text.contains("cnry") && !text.contains(&format!("\"{name}\"")), "{text}");
}
