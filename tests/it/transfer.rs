//! Accounts in a file, for another computer: without secrets, or with sign-ins under a passphrase.

use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const PASSPHRASE: &str = "correct horse battery";

/// A file that another computer gets.
fn file(world: &World) -> PathBuf {
    world.session.folder().join("accounts.json")
}

fn names(world: &World) -> Vec<String> {
    let accounts = world.json(&["list"]).unwrap();
    let name = |account: &Value| account["profile"].as_str().unwrap().to_owned();
    accounts.as_array().unwrap().iter().map(name).collect()
}

/// Whether this account's page shows what signs it in.
fn is_signed_in(world: &World, name: &str) -> bool {
    world.json(&["show", name]).unwrap()["status"] == "connected"
}

#[test]
fn an_account_moves_with_its_sign_in_and_goes_on_where_it_was() {
    let (here, there) = (World::new().unwrap(), World::new().unwrap());
    let practice = Practice::start(&["--plant-token", "cnry"]).unwrap();
    here.sign_in("work", practice.mcp_url()).unwrap();
    let file = file(&here);
    let path = file.to_str().unwrap();
    let sealed = here.run_with(&["export", path, "--with-sign-ins", "--passphrase-stdin"], PASSPHRASE).unwrap();
    assert_eq!(sealed.code, 0, "{sealed:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("cnry") && !text.contains("work") && !text.contains("127.0.0.1"), "{text}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    // Without the passphrase nothing comes, and with another nothing either.
    let unasked = there.run(&["import", path, "--passphrase-stdin"]).unwrap();
    assert_eq!((unasked.code, names(&there).len()), (64, 0), "{unasked:?}");
    let wrong = there.run_with(&["import", path, "--passphrase-stdin"], "wrong horse battery").unwrap();
    assert_eq!((wrong.code, names(&there).len()), (64, 0), "{wrong:?}");
    assert!(wrong.err.contains("that isn't the passphrase"), "{wrong:?}");

    let imported = there.run_with(&["import", path, "--passphrase-stdin", "--json"], PASSPHRASE).unwrap();
    let told: Value = serde_json::from_str(&imported.out).unwrap();
    assert_eq!(told, json!({ "added": 1, "names": ["work"], "signed_in": 1, "known": 0 }));
    assert!(is_signed_in(&there, "work"));
    // The refresh token came along: the old home never asks again.
    let token = there.ok(&["token", "work", "--force"]).unwrap();
    assert!(token.contains("cnry") && practice.count("refreshes").unwrap() == 1);
    assert!(there.ok(&["test", "work"]).unwrap().contains("4 tools"));
    let rows = here.ok(&["activity"]).unwrap();
    assert!(rows.contains("sign-ins were written into a sealed file"), "{rows}");
}

#[test]
fn an_open_file_has_no_secret_and_nothing_that_is_here_is_replaced() {
    let (here, there) = (World::new().unwrap(), World::new().unwrap());
    let practice = Practice::start(&["--plant-token", "cnry"]).unwrap();
    here.sign_in("work", practice.mcp_url()).unwrap();
    here.add("other", "https://mcp.example.com/mcp").unwrap();
    let file = file(&here);
    let path = file.to_str().unwrap();
    here.ok(&["export", path]).unwrap();
    assert!(!fs::read_to_string(&file).unwrap().contains("cnry"));

    // One is here already, signed in; another name is taken by another server.
    there.sign_in("work", practice.mcp_url()).unwrap();
    there.add("other", "https://elsewhere.example/mcp").unwrap();
    let token = there.ok(&["token", "work"]).unwrap();
    let told = there.json(&["import", path]).unwrap();
    assert_eq!(told, json!({ "added": 1, "names": ["other-2"], "signed_in": 0, "known": 1 }));
    assert_eq!(names(&there), ["other", "other-2", "work"]);
    assert_eq!(there.json(&["show", "other-2"]).unwrap()["server_url"], "https://mcp.example.com/mcp");
    assert_eq!(there.json(&["show", "other"]).unwrap()["server_url"], "https://elsewhere.example/mcp");
    assert_eq!(there.ok(&["token", "work"]).unwrap(), token);

    // What else lies there stays.
    let letter = here.session.write("letter.txt", "Dear …").unwrap();
    let refused = here.run(&["export", letter.to_str().unwrap()]).unwrap();
    assert_eq!((refused.code, fs::read_to_string(&letter).unwrap().as_str()), (64, "Dear …"), "{refused:?}");
    let foreign = there.run(&["import", letter.to_str().unwrap()]).unwrap();
    assert_eq!(foreign.code, 29, "{foreign:?}");
    assert!(!foreign.err.contains("Dear"), "{foreign:?}");
}

#[test]
fn once_a_desktop_asks_only_that_one_takes_sign_ins_out() {
    let world = World::with_desktop().unwrap();
    let practice = Practice::start(&[]).unwrap();
    world.sign_in("work", practice.mcp_url()).unwrap();
    let mut prompter = Prompter::register(&world).unwrap();
    let file = file(&world);
    let path = file.to_str().unwrap();
    let refused = world.run_with(&["export", path, "--with-sign-ins", "--passphrase-stdin"], PASSPHRASE).unwrap();
    assert_eq!((refused.code, file.exists()), (34, false), "{refused:?}");
    // Without sign-ins anybody may.
    world.ok(&["export", path]).unwrap();

    let short = prompter.0.call("transfer.export", &json!({ "file": path, "passphrase": "short" })).unwrap();
    assert_eq!(short["error"]["data"]["name"], "usage", "{short}");
    let told = prompter.0.ok("transfer.export", &json!({ "file": path, "passphrase": PASSPHRASE })).unwrap();
    assert_eq!(told, json!({ "file": path, "accounts": 1, "signed_in": 1 }));
    let relative = prompter.0.call("transfer.export", &json!({ "file": "accounts.json" })).unwrap();
    assert_eq!(relative["error"]["data"]["name"], "usage", "{relative}");
}
