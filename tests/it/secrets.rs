//! Where no secret may be: logs at their most talkative, arguments, files, errors, replies that need none.

use keybearer_tests::canary::files_holding;
use keybearer_tests::practice::Practice;
use keybearer_tests::world::World;
use serde_json::json;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

/// What every token and code of this practice server begins with.
const CANARY: &str = "canary7f3a";
/// The same, and the beginning of it in hexadecimal digits and in base64.
const GUISES: [&str; 3] = [CANARY, "63616e61727937", "Y2FuYXJ5N2"];

/// The command lines of all processes that hold the canary.
fn arguments_with_canary() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    // The practice server itself was told what to plant.
    lines.filter(|line| line.contains(CANARY) && !line.contains("--plant-token")).collect()
}

#[test]
fn a_planted_token_appears_in_no_log_no_argument_list_and_no_file() {
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--plant-token", CANARY]).unwrap());
    let done = AtomicBool::new(false);
    let mut said = String::new();
    let seen = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) {
                seen.extend(arguments_with_canary());
            }
            seen
        });
        said = every_flow(&world, &practice);
        done.store(true, Ordering::Relaxed);
        watch.join().unwrap()
    });
    assert_eq!(seen, Vec::<String>::new());
    assert!(!said.contains(CANARY), "{said}");
    let log = world.log();
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "the log isn't talkative");
    assert_eq!(files_holding(&world.session.folder(), &GUISES), Vec::<String>::new());
}

/// Goes every road once, good and bad; gives all that was said where no secret may be.
fn every_flow(world: &World, practice: &Practice) -> String {
    let mut said = String::new();
    let mut run = |arguments: &[&str]| {
        let run = world.run(arguments).unwrap();
        said.push_str(&format!("{arguments:?} {} {} {}\n", run.code, run.out, run.err));
        run.code
    };
    assert_eq!(run(&["add", practice.mcp_url(), "--name", "practice"]), 0);
    for good in [&["list", "--json"][..], &["show", "practice", "--json"], &["test", "practice", "--json"], &["status"]]
    {
        assert_eq!(run(good), 0);
    }
    let refresh = r#"{"method":"account.refresh","params":{"profile":"practice"}}"#;
    assert_eq!(run(&["rpc", "--admin", refresh]), 0);
    assert_eq!(run(&["doctor", "--online", "--json"]), 0);
    for fault in ["token-html", "refresh-500", "refresh-invalid-grant", "reject-tokens", "wrong-iss"] {
        practice.control(&json!({ "faults": [fault] })).unwrap();
        run(&["rpc", "--admin", refresh]);
        run(&["test", "practice"]);
        run(&["sign-in", "practice"]);
    }
    practice.control(&json!({ "faults": [] })).unwrap();
    assert_eq!(run(&["sign-in", "practice"]), 0);
    // These two exist to hand the token out; their trouble does not.
    assert!(world.ok(&["token", "practice"]).unwrap().starts_with(CANARY));
    assert_eq!(run(&["rpc", r#"{"method":"token.get","params":{"profile":7}}"#]), 70);
    assert_eq!(run(&["sign-out", "practice"]), 0);
    said
}
