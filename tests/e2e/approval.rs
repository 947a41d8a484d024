//! Programs that ask for a token, and the person who is asked about them.

use crate::page::{Page, View};
use crate::program::Program;
use crate::screens::{Approval, Window};
use crate::stage::Stage;
use keybearer_tests::practice::Practice;

/// A window with one account that is signed in.
fn signed_in() -> (Stage, Practice, Page) {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    stage.sign_in("practice", &practice).unwrap();
    (stage, practice, page)
}

#[test]
fn a_program_that_nobody_knows_is_shown_and_gets_what_the_person_answers() {
    let (stage, _practice, page) = signed_in();
    let mut denied = Program::start(&stage, "reader-one", "practice").unwrap();
    denied.ask(1).unwrap();
    page.switch_to(View::Approval).unwrap();
    let approval = Approval(&page);
    approval.asks_about("reader-one", "practice").unwrap();
    approval.deny().unwrap();
    assert_eq!(denied.result().unwrap(), 13);
    // A no is remembered while the program runs, so nobody is asked again.
    assert_eq!(denied.ask_again().unwrap(), 13);

    let mut once = Program::start(&stage, "reader-two", "practice").unwrap();
    for _ in 0..2 {
        once.ask(1).unwrap();
        page.switch_to(View::Approval).unwrap();
        Approval(&page).asks_about("reader-two", "practice").unwrap();
        Approval(&page).allow_once().unwrap();
        assert_eq!(once.result().unwrap(), 0);
    }

    once.ask(1).unwrap();
    page.switch_to(View::Approval).unwrap();
    Approval(&page).allow_while_it_runs().unwrap();
    assert_eq!(once.result().unwrap(), 0);
    assert_eq!(once.ask_again().unwrap(), 0);
    drop(once);
    // The same script, running anew, is another running program.
    let mut anew = Program::start(&stage, "reader-two", "practice").unwrap();
    anew.ask(1).unwrap();
    page.switch_to(View::Approval).unwrap();
    Approval(&page).deny_by_key().unwrap();
    assert_eq!(anew.result().unwrap(), 13);
}

#[test]
fn a_program_whose_yes_was_taken_back_is_asked_about_again() {
    let (stage, _practice, page) = signed_in();
    let window = Window(&page);
    let mut program = Program::start(&stage, "reader", "practice").unwrap();
    program.ask(1).unwrap();
    page.switch_to(View::Approval).unwrap();
    Approval(&page).allow_while_it_runs().unwrap();
    assert_eq!(program.result().unwrap(), 0);
    window.show_connected("practice").unwrap();
    window.revoke("reader").unwrap();
    program.ask(1).unwrap();
    page.switch_to(View::Approval).unwrap();
    Approval(&page).asks_about("reader", "practice").unwrap();
    Approval(&page).deny().unwrap();
    assert_eq!(program.result().unwrap(), 13);
}

#[test]
fn a_hundred_calls_of_one_running_program_are_one_question() {
    let (stage, _practice, page) = signed_in();
    let mut program = Program::start(&stage, "busy-reader", "practice").unwrap();
    program.ask(100).unwrap();
    page.switch_to(View::Approval).unwrap();
    Approval(&page).allow_while_it_runs().unwrap();
    let codes: Vec<i32> = (0..100).map(|_| program.result().unwrap()).collect();
    assert_eq!(codes, [0; 100]);
    page.switch_to(View::Main).unwrap();
    assert_eq!(page.count().unwrap(), 1, "somebody is asked again");
}

#[test]
fn many_calls_that_wait_at_one_time_are_one_question() {
    let (stage, _practice, page) = signed_in();
    let mut programs: Vec<_> = (0..8).map(|_| stage.world.spawn(&["token", "practice"]).unwrap()).collect();
    page.switch_to(View::Approval).unwrap();
    Approval(&page).allow_while_it_runs().unwrap();
    for program in &mut programs {
        assert!(program.wait().unwrap().success());
    }
    page.switch_to(View::Main).unwrap();
    assert_eq!(page.count().unwrap(), 1, "somebody is asked again");
}

#[test]
fn a_program_is_asked_about_also_while_the_window_is_closed() {
    let (stage, _practice, page) = signed_in();
    drop(page);
    stage.close_window().unwrap();
    let mut program = Program::start(&stage, "reader", "practice").unwrap();
    program.ask(1).unwrap();
    let page = stage.attach_to(View::Approval).unwrap();
    Approval(&page).asks_about("reader", "practice").unwrap();
    drop(page);
    // Whoever closes the question has said no to it.
    stage.close_window().unwrap();
    assert_eq!(program.result().unwrap(), 13);
}

#[test]
fn without_anybody_to_ask_the_answer_is_no_at_once() {
    let (mut stage, _practice, page) = signed_in();
    drop(page);
    stage.kill_window().unwrap();
    let mut program = Program::start(&stage, "reader", "practice").unwrap();
    // A prompt that nobody answers would end in 13.
    assert_eq!(program.ask_again().unwrap(), 14);
}
