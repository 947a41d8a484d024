//! What the palette finds, and the pause, which is one of its commands.

use crate::page::View;
use crate::program::Program;
use crate::screens::{Approval, Window};
use crate::stage::Stage;
use keybearer_tests::practice::Practice;

#[test]
fn commands_are_found_by_their_words_and_done_by_the_keyboard() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.sign_in("practice", &practice).unwrap();
    window.lists("practice", "Connected").unwrap();
    window.do_by_palette("test connection").unwrap();
    window.says("The connection works.").unwrap();
    window.do_by_palette("keyboard shortcuts").unwrap();
    page.find("dialog", "Keyboard shortcuts").unwrap();
    window.close_dialog().unwrap();
    window.do_by_palette("settings").unwrap();
    window.shows_settings().unwrap();
}

#[test]
fn a_pause_is_seen_refuses_every_program_and_ends_by_a_click() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.sign_in("practice", &practice).unwrap();
    window.lists("practice", "Connected").unwrap();
    window.pause_for_15_minutes().unwrap();
    window.says("Paused until").unwrap();
    assert_eq!(stage.world.run(&["token", "practice"]).unwrap().code, 39);
    window.resume().unwrap();
    // Nobody is refused any more: the program is asked about.
    let mut program = Program::start(&stage, "reader", "practice").unwrap();
    program.ask(1).unwrap();
    page.switch_to(View::Approval).unwrap();
    Approval(&page).allow_once().unwrap();
    assert_eq!(program.result().unwrap(), 0);
}
