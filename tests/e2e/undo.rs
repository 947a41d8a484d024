//! What can be taken back, and what is asked before it can't.

use crate::overheard::{kept, listen, overheard};
use crate::page::View;
use crate::program::Program;
use crate::screens::{Approval, Window};
use crate::stage::Stage;
use keybearer_tests::practice::Practice;

/// What every token of this practice server begins with.
const TOKEN: &str = "canary51aa";

#[test]
fn a_removed_account_and_a_revoked_program_come_back_by_a_key() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.sign_in("practice", &practice).unwrap();
    window.show_connected("practice").unwrap();
    let mut program = Program::start(&stage, "reader", "practice").unwrap();
    program.ask(1).unwrap();
    page.switch_to(View::Approval).unwrap();
    Approval(&page).allow_while_it_runs().unwrap();
    assert_eq!(program.result().unwrap(), 0);
    window.revoke("reader").unwrap();
    window.undo_until("The answer to reader holds again.").unwrap();
    assert_eq!(program.ask_again().unwrap(), 0);

    window.remove("practice").unwrap();
    assert_eq!(stage.world.json(&["list"]).unwrap(), serde_json::json!([]));
    window.undo_until("practice is back.").unwrap();
    window.show_connected("practice").unwrap();
    window.test().unwrap();
    assert_eq!(practice.count("authorizations").unwrap(), 1, "it came back without its tokens");
}

#[test]
fn a_token_is_copied_only_after_a_question_whose_answer_is_no_at_first() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&["--plant-token", TOKEN]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.sign_in("practice", &practice).unwrap();
    listen(&page).unwrap();
    window.show_connected("practice").unwrap();
    window.ask_to_copy_token().unwrap();
    assert_eq!(page.execute("return document.activeElement.innerText.trim()", &[]).unwrap(), "Cancel");
    window.close_dialog().unwrap();
    assert!(!stage.world.ok(&["activity"]).unwrap().contains("copied"), "a no was taken for a yes");
    window.ask_to_copy_token().unwrap();
    window.copy_token().unwrap();
    assert!(stage.world.ok(&["activity"]).unwrap().contains("copied"), "nobody could see later that it was");
    assert!(!kept(&page).unwrap().contains(TOKEN));
    assert!(!overheard(&page).unwrap().iter().any(|line| line.contains(TOKEN)));
}
