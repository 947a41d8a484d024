//! KeePassXC as it comes, which asks a person before a program reads or deletes an entry.

use keybearer_tests::keyring::Keyring;
use keybearer_tests::practice::Practice;
use keybearer_tests::session::Session;
use keybearer_tests::world::World;
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn a_keepassxc_that_asks_is_not_made_to_ask_without_need_and_holds_up_nothing_when_it_does() {
    let mut session = Session::with(Keyring::KeePassXc).unwrap();
    let settings = "config/keepassxc/keepassxc.ini";
    let lenient = fs::read_to_string(session.folder().join(settings)).unwrap();
    let lines = lenient.lines().filter(|line| !line.starts_with("Confirm"));
    session.write(settings, &lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    session.unlock().unwrap();
    let (world, practice) = (World::on(session), Practice::start(&[]).unwrap());
    // What Keybearer has put there itself, it may read and write unasked.
    for _ in 0..2 {
        assert_eq!(world.json(&["status"]).unwrap()["vault"], "unlocked");
    }
    // However often the doctor tries it, it has one item to keep.
    let probes = || world.session.keyring_items().unwrap().matches(".probe\n").count();
    world.ok(&["agent", "stop"]).unwrap();
    for _ in 0..2 {
        let _ = world.run(&["doctor"]).unwrap();
        assert_eq!(probes(), 1);
    }
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let token = world.ok(&["token", "practice", "--force"]).unwrap();
    // A question that nobody answers: the account stays whole.
    let began = Instant::now();
    let unanswered = world.run(&["remove", "practice"]).unwrap();
    assert_eq!(unanswered.code, 23, "{}", unanswered.err);
    assert!(unanswered.err.contains("answer its dialog"), "{}", unanswered.err);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
    // The next agent is a stranger to it.
    world.kill_agent().unwrap();
    let unanswered = world.run(&["token", "practice"]).unwrap();
    assert_eq!(unanswered.code, 10, "{}", unanswered.err);
    assert!(unanswered.err.contains("(KeePassXC) is locked"), "{}", unanswered.err);
}
