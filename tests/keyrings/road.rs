//! From a sign-in to a removed account, with the keyring locked in between.

use keybearer_tests::keyring::Keyring;
use keybearer_tests::practice::Practice;
use keybearer_tests::session::Session;
use keybearer_tests::world::World;
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Tokens of sixteen kilobytes each.
const LONG: [&str; 2] = ["--token-length", "16384"];

/// Walks the whole road on this keyring. A keyring whose own process breaks down under way proves nothing about Keybearer,
/// so the road begins anew then, once. Locked, it says all of this.
#[expect(clippy::print_stderr, reason = "whoever reads the log of a run sees that a keyring broke down")]
fn walk_on(keyring: Keyring, says: &[&str]) {
    let mut world = World::on(Session::with(keyring).unwrap());
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| walk(&mut world, says))) else { return };
    let Some(signal) = world.session.keyring_crash().unwrap() else { resume_unwind(panic) };
    eprintln!("{keyring:?} itself was ended by signal {signal}: once more, with a new one");
    walk(&mut World::on(Session::with(keyring).unwrap()), says);
}

fn walk(world: &mut World, says: &[&str]) {
    let practice = Practice::start(&LONG).unwrap();
    let status = world.json(&["status"]).unwrap();
    assert_eq!(status["vault"], "unlocked", "{status}");

    // Two sign-ins and a token of many kilobytes.
    world.sign_in("one", practice.mcp_url()).unwrap();
    world.sign_in("two", practice.mcp_url()).unwrap();
    let large = "t0k3n/".repeat(3_500);
    let params = json!({ "url": practice.mcp_url(), "name": "large", "auth": "bearer", "secret": large });
    world.ok(&["rpc", "--admin", &json!({ "method": "profile.add", "params": params }).to_string()]).unwrap();
    assert_eq!(world.session.count_keyring_items().unwrap(), 3);
    let (one, two) = (world.ok(&["token", "one"]).unwrap(), world.ok(&["token", "two"]).unwrap());
    assert_ne!(one, two);

    // The next agent finds all of it, and what it renews as well.
    world.kill_agent().unwrap();
    assert_eq!([world.ok(&["token", "one"]).unwrap(), world.ok(&["token", "two"]).unwrap()], [one, two]);
    assert_eq!(world.ok(&["token", "large"]).unwrap(), large);
    let renewed = world.ok(&["token", "one", "--force"]).unwrap();
    world.kill_agent().unwrap();
    assert_eq!(world.ok(&["token", "one"]).unwrap(), renewed);

    // Everything moves into a sealed file, whose key the keyring keeps, and back.
    for (to, kind, items) in [("sealed", "sealed_by_keyring", 1), ("keyring", "keyring", 3)] {
        world.ok(&["vault", "move", to]).unwrap();
        assert_eq!(world.json(&["vault", "status"]).unwrap()["kind"], kind);
        world.kill_agent().unwrap();
        assert_eq!(world.ok(&["token", "one"]).unwrap(), renewed);
        assert_eq!(world.ok(&["token", "large"]).unwrap(), large);
        assert_eq!(world.session.count_keyring_items().unwrap(), items);
    }

    // Locked, it stops what must be kept, and is never taken for an empty one.
    world.session.lock_keyring().unwrap();
    assert_eq!(world.ok(&["token", "one"]).unwrap(), renewed);
    let locked = |world: &World, arguments: &[&str]| {
        let refused = world.run(arguments).unwrap();
        assert_eq!((refused.code, refused.out.as_str()), (10, ""), "{arguments:?}: {}", refused.err);
        assert!(says.iter().all(|words| refused.err.contains(words)), "{}", refused.err);
    };
    locked(world, &["token", "one", "--force"]);
    assert_eq!(world.json(&["status"]).unwrap()["vault"], "locked");
    world.kill_agent().unwrap();
    locked(world, &["token", "one"]);
    locked(world, &["sign-in", "one"]);
    assert_eq!(world.json(&["list"]).unwrap()[1]["status"], "locked");
    world.session.unlock().unwrap();
    assert_eq!(world.ok(&["token", "one"]).unwrap(), renewed);
    world.ok(&["token", "one", "--force"]).unwrap();

    // Signed out, nothing of the token is left, and removed, nothing at all.
    let id = world.json(&["show", "one"]).unwrap()["id"].as_str().unwrap().to_owned();
    assert!(world.session.read_item(&id).unwrap().contains("access_token"));
    assert_eq!(world.ok(&["sign-out", "one"]).unwrap(), "one is signed out; its tokens were revoked");
    assert!(!world.session.read_item(&id).unwrap().contains("access_token"));
    world.kill_agent().unwrap();
    assert_eq!(world.run(&["token", "one"]).unwrap().code, 15);
    for name in ["one", "two", "large"] {
        world.ok(&["remove", name]).unwrap();
    }
    let left = world.session.keyring_items().unwrap();
    assert_eq!(world.session.count_keyring_items().unwrap(), 0, "{left}");
    assert_eq!(practice.count("reuse_detected").unwrap(), 0);
}

#[test]
fn gnome_keyring_walks_the_whole_road() {
    walk_on(Keyring::Gnome, &["(gnome-keyring) is locked", "Passwords and Keys"]);
}

#[test]
fn keepassxc_walks_the_whole_road() {
    walk_on(Keyring::KeePassXc, &["(KeePassXC) is locked", "open the database"]);
}

#[test]
fn kwallet_walks_the_whole_road() {
    walk_on(Keyring::KWallet, &["(KWallet) is locked", "KWalletManager"]);
}
