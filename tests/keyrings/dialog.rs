//! The keyring's own dialog on a screen, and a person in front of it who answers late, never, or with no.

use anyhow::Context;
use keybearer_tests::display::Display;
use keybearer_tests::practice::Practice;
use keybearer_tests::session::Session;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use std::time::{Duration, Instant};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt as _, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState, Window};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

const ESCAPE: u32 = 0xff1b;
const RETURN: u32 = 0xff0d;

/// A person at the screen's keyboard.
struct Person {
    connection: RustConnection,
    root: Window,
}

impl Person {
    fn at(display: &Display) -> anyhow::Result<Person> {
        let (connection, screen) = RustConnection::connect(Some(display.name()))?;
        let root = connection.setup().roots.get(screen).context("a screen")?.root;
        Ok(Person { connection, root })
    }

    /// The dialogs on the screen.
    fn dialogs(&self) -> anyhow::Result<Vec<Window>> {
        let mut dialogs = Vec::new();
        for window in self.connection.query_tree(self.root)?.reply()?.children {
            // One that goes in this moment isn't there.
            let Ok(attributes) = self.connection.get_window_attributes(window)?.reply() else { continue };
            let Ok(geometry) = self.connection.get_geometry(window)?.reply() else { continue };
            if attributes.map_state == MapState::VIEWABLE && geometry.width > 100 {
                dialogs.push(window);
            }
        }
        Ok(dialogs)
    }

    /// The one dialog on the screen, once it is there.
    fn dialog(&self) -> anyhow::Result<Window> {
        until("the dialog", || Ok(self.dialogs()?.first().copied()))
    }

    fn types(&self, text: &str, end: u32) -> anyhow::Result<()> {
        let dialog = self.dialog()?;
        self.connection.set_input_focus(InputFocus::PARENT, dialog, x11rb::CURRENT_TIME)?.check()?;
        for keysym in text.chars().map(u32::from).chain([end]) {
            let code = self.code(keysym)?;
            for event in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
                self.connection.xtest_fake_input(event, code, 0, self.root, 0, 0, 0)?.check()?;
            }
        }
        until("the dialog's end", || Ok(self.dialogs()?.is_empty().then_some(())))
    }

    /// The key that gives this symbol without another one held down.
    fn code(&self, keysym: u32) -> anyhow::Result<u8> {
        let setup = self.connection.setup();
        let (first, count) = (setup.min_keycode, setup.max_keycode - setup.min_keycode + 1);
        let keys = self.connection.get_keyboard_mapping(first, count)?.reply()?;
        let mut rows = keys.keysyms.chunks(keys.keysyms_per_keycode.into());
        let at = rows.position(|row| row.first() == Some(&keysym)).with_context(|| format!("no key of {keysym}"))?;
        Ok(first + u8::try_from(at)?)
    }
}

/// Signed in, with a keyring that was locked since.
fn locked() -> (Display, Person, World, Practice) {
    let display = Display::new().unwrap();
    let person = Person::at(&display).unwrap();
    let world = World::on(Session::on_screen(display.name()).unwrap());
    let practice = Practice::start(&[]).unwrap();
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.session.lock_keyring().unwrap();
    (display, person, world, practice)
}

/// A refresh, which can't be kept and so fails soon.
fn is_refused(world: &World) {
    let began = Instant::now();
    let refused = world.run(&["token", "practice", "--force"]).unwrap();
    assert_eq!((refused.code, refused.out.as_str()), (10, ""), "{}", refused.err);
    assert!(refused.err.contains("unlock it in its dialog"), "{}", refused.err);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn a_dialog_that_nobody_answers_holds_up_nothing_and_stays_alone_until_somebody_does() {
    let (_display, person, world, practice) = locked();
    let token = world.ok(&["token", "practice"]).unwrap();
    let wants: Vec<_> = (0..3).map(|_| world.spawn(&["status", "--json"]).unwrap()).collect();
    let dialog = person.dialog().unwrap();
    for want in wants {
        assert!(want.wait_with_output().unwrap().status.success());
    }
    for _ in 0..3 {
        is_refused(&world);
        assert_eq!(world.ok(&["token", "practice"]).unwrap(), token);
        assert_eq!(world.json(&["status"]).unwrap()["vault"], "locked");
        assert_eq!(person.dialogs().unwrap(), [dialog]);
    }
    assert_eq!(practice.count("refreshes").unwrap(), 0);
    // At last somebody comes: the next who asks gets what they want.
    person.types("test-password", RETURN).unwrap();
    assert_ne!(world.ok(&["token", "practice", "--force"]).unwrap(), token);
    assert_eq!(world.json(&["status"]).unwrap()["vault"], "unlocked");
    assert!(person.dialogs().unwrap().is_empty());
}

#[test]
fn the_doctor_says_that_it_is_locked_and_opens_no_dialog() {
    let (_display, person, world, _practice) = locked();
    world.kill_agent().unwrap();
    for _ in 0..2 {
        let said = world.run(&["doctor"]).unwrap();
        assert!(said.out.contains("✗ keyring   the system keyring (gnome-keyring) is locked"), "{}", said.out);
        assert!(person.dialogs().unwrap().is_empty());
    }
    // The agent, which somebody waits for, does open one.
    is_refused(&world);
    person.dialog().unwrap();
}

#[test]
fn a_dialog_that_was_closed_does_not_come_back_at_once() {
    let (_display, person, mut world, _practice) = locked();
    // Two who ask have one dialog between them: closed, it has no other behind it.
    is_refused(&world);
    is_refused(&world);
    person.types("", ESCAPE).unwrap();
    for _ in 0..3 {
        is_refused(&world);
        assert!(person.dialogs().unwrap().is_empty());
    }
    // Nobody has to wait for it: the keyring's own window will do.
    world.session.unlock().unwrap();
    world.ok(&["token", "practice", "--force"]).unwrap();
}

#[test]
fn a_keyring_that_dies_under_its_dialog_is_found_again() {
    let (_display, person, mut world, _practice) = locked();
    is_refused(&world);
    person.dialog().unwrap();
    world.session.signal_keyring("KILL").unwrap();
    world.session.unlock().unwrap();
    world.ok(&["token", "practice", "--force"]).unwrap();
}
