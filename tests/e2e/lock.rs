//! The lock, from the window.

use crate::screens::Window;
use crate::stage::Stage;
use keybearer_tests::practice::Practice;

#[test]
fn a_key_locks_and_hides_every_name_and_keys_unlock() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    let page = stage.open().unwrap();
    let window = Window(&page);
    stage.sign_in("practice", &practice).unwrap();
    window.show_connected("practice").unwrap();
    window.lock_by_key().unwrap();
    let shown = page.execute("return document.documentElement.outerHTML", &[]).unwrap().to_string();
    assert!(!shown.contains("practice") && !shown.contains("127.0.0.1"), "a name is behind the lock: {shown}");
    assert_eq!(stage.world.run(&["token", "practice"]).unwrap().code, 10);
    window.unlock_by_keys().unwrap();
    window.show_connected("practice").unwrap();
    window.test().unwrap();
}
