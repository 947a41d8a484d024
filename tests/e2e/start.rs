//! The window opens and shows what the agent knows.

use crate::stage::Stage;
use keybearer_tests::practice::Practice;

#[test]
fn the_window_shows_the_accounts_that_the_command_added() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.world.add("practice", practice.mcp_url()).unwrap();
    let page = stage.open().unwrap();
    page.find("heading", "Servers").unwrap();
    page.wait_for_text("practice").unwrap();
}
