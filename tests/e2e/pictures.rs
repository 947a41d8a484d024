//! Every screen in every way to look at it: what a program can see of it, and the pictures of `docs/screens.md`.

use crate::album::{look_at, look_at_question};
use crate::page::View;
use crate::program::Program;
use crate::screens::{Approval, Window};
use crate::stage::Stage;
use keybearer_tests::practice::Practice;
use serde_json::json;

/// A client with a server, so that there is something to import and to write.
const CLAUDE: &str = r#"{
  "mcpServers": {
    "linear": {
      "type": "http",
      "url": "https://mcp.linear.app/mcp",
      "headers": { "Authorization": "Bearer lin_planted" }
    }
  }
}
"#;

#[test]
fn the_screens_of_a_sign_in_fit() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.world.session.write("home/.claude.json", CLAUDE).unwrap();
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.says("Token in plain text").unwrap();
    look_at(&stage, &page, "first-run");
    window.go_to_details().unwrap();
    look_at(&stage, &page, "add-by-hand");
    window.go_back_to_servers().unwrap();
    window.add(practice.mcp_url()).unwrap();
    let address = stage.browser.wait_for(1).unwrap();
    window.waits_for_browser().unwrap();
    look_at(&stage, &page, "waiting-for-browser");
    window.paste_callback(&stage.browser.consent(&address).unwrap()).unwrap();
    let name = stage.only_account().unwrap();
    window.is_ready(&name).unwrap();
    look_at(&stage, &page, "ready");
    window.go_to_add().unwrap();
    look_at(&stage, &page, "add");
    window.do_by_palette("import servers").unwrap();
    window.says("Token in plain text").unwrap();
    look_at(&stage, &page, "import");

    stage.world.ok(&["sign-out", &name]).unwrap();
    practice.control(&json!({ "faults": ["metadata-wrong-issuer"] })).unwrap();
    window.show(&name).unwrap();
    window.sign_in_again().unwrap();
    window.says("The sign-in service gave another name for itself.").unwrap();
    look_at(&stage, &page, "sign-in-stopped");
    practice.control(&json!({ "faults": ["no-registration"] })).unwrap();
    stage.world.ok(&["remove", &name]).unwrap();
    window.add(practice.mcp_url()).unwrap();
    window.says("Redirect addresses for the new app").unwrap();
    look_at(&stage, &page, "needs-client-id");
}

#[test]
fn the_screens_of_an_account_fit() {
    let (mut stage, practice, other) =
        (Stage::new().unwrap(), Practice::start(&[]).unwrap(), Practice::start(&[]).unwrap());
    stage.world.session.write("home/.claude.json", CLAUDE).unwrap();
    stage.world.ok(&["add", practice.open_mcp_url(), "--name", "docs", "--auth", "none"]).unwrap();
    let by_key = ["add", other.open_mcp_url(), "--name", "reports", "--auth", "bearer", "--secret-stdin"];
    assert_eq!(stage.world.run_with(&by_key, "a-key").unwrap().code, 0);
    let page = stage.open().unwrap();
    let window = Window(&page);
    for (name, server) in [("work", &practice), ("personal", &practice), ("tickets", &other)] {
        stage.sign_in(name, server).unwrap();
    }
    stage.world.add("billing", "https://mcp.example.com/mcp").unwrap();
    window.show_connected("work").unwrap();
    look_at(&stage, &page, "account");
    window.go_to_use_it_from("Claude Code").unwrap();
    window.says("headersHelper").unwrap();
    look_at(&stage, &page, "use-it-from");

    let mut program = Program::start(&stage, "report.sh", "work").unwrap();
    program.ask(1).unwrap();
    page.switch_to(View::Approval).unwrap();
    look_at_question(&stage, &page, "approval");
    Approval(&page).allow_while_it_runs().unwrap();
    program.result().unwrap();
    assert_eq!(program.ask_again().unwrap(), 0);
    window.go_to_programs("report.sh").unwrap();
    look_at(&stage, &page, "programs");
    window.go_to_activity_of_account().unwrap();
    look_at(&stage, &page, "account-activity");
    window.go_to_activity().unwrap();
    look_at(&stage, &page, "activity");
    window.go_to_settings().unwrap();
    look_at(&stage, &page, "settings");
    window.go_to_allowed_programs().unwrap();
    look_at(&stage, &page, "programs-allowed");
}

#[test]
fn what_opens_over_a_screen_fits() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.sign_in("practice", &practice).unwrap();
    window.show_connected("practice").unwrap();
    window.open_palette().unwrap();
    look_at(&stage, &page, "palette");
    window.close_dialog().unwrap();
    window.open_keys().unwrap();
    look_at(&stage, &page, "keys");
    window.close_dialog().unwrap();
    window.ask_to_copy_token().unwrap();
    look_at(&stage, &page, "copy-token");
    window.close_dialog().unwrap();
    window.open_tools().unwrap();
    look_at(&stage, &page, "tools");
    window.close_dialog().unwrap();
    window.open_change().unwrap();
    look_at(&stage, &page, "change-access");
    window.close_dialog().unwrap();
    window.ask_to_remove("practice").unwrap();
    look_at(&stage, &page, "remove");
    window.remove_asked("practice").unwrap();
    look_at(&stage, &page, "removed");
}

#[test]
fn what_is_seldom_seen_fits() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.sign_in_without_window("practice", &practice).unwrap();
    stage.report_more_scopes("practice", "mcp:admin").unwrap();
    let page = stage.open().unwrap();
    let window = Window(&page);
    window.lists("practice", "Asks for more scopes").unwrap();
    window.show("practice").unwrap();
    look_at(&stage, &page, "needs-more-access");
    window.pause_for_15_minutes().unwrap();
    look_at(&stage, &page, "paused");
    window.resume().unwrap();

    practice.control(&json!({ "faults": ["refresh-500", "busy"] })).unwrap();
    window.refresh().unwrap();
    window.lists("practice", "Can’t reach").unwrap();
    look_at(&stage, &page, "unreachable");
    practice.control(&json!({ "faults": ["refresh-invalid-grant"] })).unwrap();
    window.refresh().unwrap();
    window.lists("practice", "Expires in").unwrap();
    look_at(&stage, &page, "expiring");
    stage.world.ok(&["sign-out", "practice"]).unwrap();
    window.lists("practice", "Needs sign-in").unwrap();
    look_at(&stage, &page, "needs-sign-in");

    stage.world.session.lock_keyring().unwrap();
    window.tells_of_locked_keyring().unwrap();
    look_at(&stage, &page, "keyring-locked");
    stage.world.session.unlock().unwrap();
    window.lists("practice", "Needs sign-in").unwrap();
    stage.panel.choose("Lock now").unwrap();
    window.is_locked().unwrap();
    look_at(&stage, &page, "locked");
}
