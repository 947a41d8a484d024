//! Locking by itself: when nobody is there, with the screen, before sleep. Each only if a person chose so.

mod desktop;

use desktop::{Login, OURS, ScreenSaver, THEIRS};
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::session::Session;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A Keybearer with an account on a machine with a bus of its own.
fn signed_in() -> (World, Practice) {
    let mut session = Session::unlocked().unwrap();
    session.start_system_bus().unwrap();
    let (world, practice) = (World::on(session), Practice::start(&[]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    (world, practice)
}

fn is_locked(world: &World) -> bool {
    world.json(&["status"]).unwrap()["locked"] == true
}

#[track_caller]
fn locks(world: &World) {
    until("the lock", || Ok(is_locked(world).then_some(()))).unwrap();
    assert_eq!(world.run(&["token", "practice"]).unwrap().code, 10);
}

#[test]
fn it_locks_when_nobody_was_there_for_a_while_and_programs_that_ask_are_nobody() {
    let (world, _practice) = signed_in();
    world.ok(&["auto-lock", "--after", "2s"]).unwrap();
    let refused = until("the lock", || {
        let run = world.run(&["token", "practice"])?;
        Ok((run.code != 0).then_some(run))
    });
    assert_eq!(refused.unwrap().code, 10);
    // Another agent knows it as well.
    world.ok(&["unlock"]).unwrap();
    world.kill_agent().unwrap();
    world.ok(&["token", "practice"]).unwrap();
    locks(&world);
}

#[test]
fn whoever_does_something_is_there() {
    const LIMIT: Duration = Duration::from_secs(4);
    let (world, _practice) = signed_in();
    world.ok(&["auto-lock", "--after", "4s"]).unwrap();
    let mut wire = Wire::open(&world.admin_socket()).unwrap();
    // On a machine that holds us up for half the time, nothing is learned: once more.
    let is_sure = std::iter::repeat_with(|| {
        world.ok(&["unlock"]).unwrap();
        let (began, mut last, mut longest) = (Instant::now(), Instant::now(), Duration::ZERO);
        while began.elapsed() < LIMIT + Duration::from_secs(1) {
            wire.call("grant.revoke", &json!({ "grant": "none" })).unwrap();
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        longest < LIMIT / 2
    });
    assert!(is_sure.take(5).any(|is_sure| is_sure), "this machine is too busy to tell");
    assert!(!is_locked(&world));
    locks(&world);
}

#[test]
fn it_locks_with_the_screen_of_any_desktop_if_that_is_chosen() {
    let (world, _practice) = signed_in();
    let kde = ScreenSaver::start(&world.session, "org.freedesktop.ScreenSaver");
    let gnome = ScreenSaver::start(&world.session, "org.gnome.ScreenSaver");
    // Nobody has chosen it.
    kde.says(true);
    let seen = world.json(&["auto-lock", "--with-screen", "on"]).unwrap();
    assert_eq!(
        seen,
        json!({
            "auto_lock": { "after_secs": null, "with_screen": true, "before_sleep": false },
            "unseen": { "screen": null, "sleep": null },
        })
    );
    for desktop in [&kde, &gnome] {
        world.ok(&["token", "practice"]).unwrap();
        desktop.says(false);
        desktop.says(true);
        locks(&world);
        world.ok(&["unlock"]).unwrap();
    }
}

#[test]
fn it_locks_with_a_session_of_this_user_at_the_system_and_with_no_other() {
    let (world, _practice) = signed_in();
    let login = Login::start(&world.session);
    world.ok(&["auto-lock", "--with-screen", "on"]).unwrap();
    login.lock(THEIRS);
    login.hint(THEIRS, true);
    login.hint(OURS, false);
    until("the question whose session that is", || {
        Ok((login.asked_for_theirs.load(Ordering::SeqCst) == 2).then_some(()))
    })
    .unwrap();
    assert!(!is_locked(&world));
    login.lock(OURS);
    locks(&world);
    world.ok(&["unlock"]).unwrap();
    login.hint(OURS, true);
    locks(&world);
}

#[test]
fn sleep_waits_until_it_is_locked() {
    let (world, _practice) = signed_in();
    let login = Login::start(&world.session);
    assert!(login.inhibitor().is_none(), "sleep is held off although nobody has chosen it");
    world.ok(&["auto-lock", "--before-sleep", "on"]).unwrap();
    for _ in 0..2 {
        let inhibitor = until("an inhibitor", || Ok(login.inhibitor())).unwrap();
        assert_eq!(inhibitor.said, ["sleep", "delay"]);
        login.sleep(true);
        inhibitor.wait_until_let_go();
        assert!(is_locked(&world));
        login.sleep(false);
        world.ok(&["unlock"]).unwrap();
    }
    let last = until("an inhibitor", || Ok(login.inhibitor())).unwrap();
    world.ok(&["auto-lock", "--before-sleep", "off"]).unwrap();
    last.wait_until_let_go();
}

#[test]
fn what_cannot_be_seen_is_said_and_breaks_nothing() {
    let practice = Practice::start(&[]).unwrap();
    let world = World::new().unwrap();
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let said = world.json(&["auto-lock", "--with-screen", "on", "--before-sleep", "on"]).unwrap();
    let problem = |what: &str| said["unseen"][what].as_str().unwrap_or_default().to_owned();
    assert!(problem("screen").contains("no program of this session tells that the screen locks"), "{said}");
    assert!(problem("screen").contains("this system has no D-Bus"), "{said}");
    assert!(problem("sleep").contains("this system has no D-Bus"), "{said}");
    world.ok(&["token", "practice"]).unwrap();
    let doctor = world.json(&["doctor"]).unwrap();
    let finding = doctor.as_array().unwrap().iter().find(|finding| finding["check"] == "lock").unwrap();
    assert_eq!(finding["state"], "warn", "{finding}");
    // Where a screen saver comes later, it is found.
    let screen = ScreenSaver::start(&world.session, "org.freedesktop.ScreenSaver");
    until("the screen saver to be heard", || {
        Ok(world.json(&["auto-lock"])?["unseen"]["screen"].is_null().then_some(()))
    })
    .unwrap();
    screen.says(true);
    locks(&world);
}

#[test]
fn anybody_locks_more_and_only_the_desktop_less_once_there_was_one() {
    let world = World::with_desktop().unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let more = ["auto-lock", "--after", "5m", "--with-screen", "on", "--before-sleep", "on"];
    world.ok(&more).unwrap();
    let in_force = world.json(&["auto-lock"]).unwrap();
    for less in [["--after", "never"], ["--after", "6m"], ["--with-screen", "off"], ["--before-sleep", "off"]] {
        assert_eq!(world.run(&["auto-lock", less[0], less[1]]).unwrap().code, 34, "{less:?}");
        // A step in the other direction takes nothing along.
        assert_eq!(
            world.run(&["auto-lock", "--after", "1m", less[0], less[1]]).unwrap().code,
            if less[0] == "--after" { 64 } else { 34 }
        );
    }
    assert_eq!(world.json(&["auto-lock"]).unwrap(), in_force);
    let less = json!({ "auto_lock": { "after_secs": 0, "with_screen": false, "before_sleep": false } });
    let settings: Value = prompter.0.ok("settings.set", &less).unwrap();
    assert_eq!(settings["auto_lock"], json!({ "after_secs": null, "with_screen": false, "before_sleep": false }));
}
