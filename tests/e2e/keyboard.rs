//! The keyboard alone, from the first start to an account that works.

use crate::screens::{CONTROL, ENTER, Window};
use crate::stage::Stage;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;

#[test]
fn nobody_needs_a_mouse_from_the_first_start_to_a_tested_connection() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.is_open().unwrap();
    page.tab_to("textbox", "Server address").unwrap();
    page.type_text(practice.mcp_url()).unwrap();
    page.press(&[ENTER]).unwrap();
    let address = stage.browser.wait_for(1).unwrap();
    window.waits_for_browser().unwrap();
    page.tab_to("textbox", "Browser done, but nothing happened here?").unwrap();
    page.type_text(&stage.browser.consent(&address).unwrap()).unwrap();
    page.press(&[ENTER]).unwrap();
    let name = stage.only_account().unwrap();
    window.is_ready(&name).unwrap();
    page.tab_to("button", "Show account").unwrap();
    page.press(&[ENTER]).unwrap();
    page.tab_to("button", "Test connection").unwrap();
    page.press(&[ENTER]).unwrap();
    window.says("The connection works.").unwrap();
    stage.connected(&name).unwrap();
}

#[test]
fn keys_enlarge_what_the_window_shows_and_bring_it_back() {
    let mut stage = Stage::new().unwrap();
    let page = stage.open().unwrap();
    Window(&page).is_open().unwrap();
    let width = || Ok::<_, anyhow::Error>(page.execute("return innerWidth", &[])?.as_f64().unwrap_or_default());
    let usual = width().unwrap();
    until("twice the size", || {
        page.press(&[CONTROL, '='])?;
        Ok((width()? <= usual / 2.0).then_some(()))
    })
    .unwrap();
    until("the usual size", || {
        page.press(&[CONTROL, '0'])?;
        Ok((width()? >= usual).then_some(()))
    })
    .unwrap();
}
