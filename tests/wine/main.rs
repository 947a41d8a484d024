//! The executables for Windows, run under Wine against the practice server.
//!
//! `cargo xtask platforms` builds them, and says where they lie in `KEYBEARER_WINDOWS`.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

/// One Keybearer of Windows.
mod keybearer;

use keybearer::WineKeybearer;
use keybearer_tests::main_job;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use serde_json::json;

#[test]
fn the_main_job() {
    let (windows, practice) = (WineKeybearer::new().unwrap(), Practice::start(&[]).unwrap());
    let say = |line: &str| println!("==> {line}");
    main_job::run(&windows, &practice, say, |line| println!("    {line}")).unwrap();
    // The refresh token and the access token.
    assert_eq!(practice.count("revocations").unwrap(), 2);
    assert_eq!(windows.run(&["token", main_job::ACCOUNT]).unwrap().code, 15);
}

#[test]
fn large_tokens_lie_in_parts_and_outlive_the_agent() {
    let long = ["--token-length", "16384"];
    let (windows, practice) = (WineKeybearer::new().unwrap(), Practice::start(&long).unwrap());
    windows.ok(&["add", practice.mcp_url(), "--name", "large"]).unwrap();
    let token = windows.ok(&["token", "large"]).unwrap();
    assert_eq!(token.len(), 16 * 1024);
    let parts = |windows: &WineKeybearer| {
        let items = windows.items().unwrap();
        items.iter().filter(|name| name.contains('#')).count()
    };
    // Both tokens are of 16384 bytes, and a credential holds 2560.
    assert!((13..=15).contains(&parts(&windows)), "{:?}", windows.items().unwrap());
    windows.kill_agent().unwrap();
    assert_eq!(windows.ok(&["token", "large"]).unwrap(), token);
    assert_eq!(windows.json(&["test", "large"]).unwrap()["ok"], true);
    // In a sealed file they are whole, and in parts again when they come back.
    for (to, found) in [("sealed", 0..=0), ("keyring", 13..=15)] {
        windows.ok(&["vault", "move", to]).unwrap();
        windows.kill_agent().unwrap();
        assert_eq!(windows.ok(&["token", "large"]).unwrap(), token);
        assert!(found.contains(&parts(&windows)), "{to}: {:?}", windows.items().unwrap());
    }
    windows.ok(&["remove", "large"]).unwrap();
    assert_eq!(parts(&windows), 0, "{:?}", windows.items().unwrap());
}

#[test]
fn a_token_is_renewed_once_for_all_who_ask() {
    let (windows, practice) = (WineKeybearer::new().unwrap(), Practice::start(&["--token-lifetime", "4"]).unwrap());
    windows.ok(&["add", practice.mcp_url(), "--name", "short"]).unwrap();
    let first = windows.json(&["token", "short"]).unwrap();
    until("a renewed token", || {
        let asking: Vec<_> = (0..4).map(|_| windows.spawn(&["token", "short", "--json"]).unwrap()).collect();
        let ended: Vec<_> = asking.into_iter().map(|asking| asking.end().unwrap()).collect();
        assert!(ended.iter().all(|run| run.code == 0), "{ended:?}");
        let token = windows.json(&["token", "short"])?;
        Ok((token["generation"] != first["generation"]).then_some(()))
    })
    .unwrap();
    assert_eq!(practice.count("invalid_grants").unwrap_or_default(), 0);
    assert_eq!(windows.json(&["test", "short"]).unwrap()["ok"], true);
}

#[test]
fn many_commands_start_one_agent() {
    let windows = WineKeybearer::new().unwrap();
    let asking: Vec<_> = (0..4).map(|_| windows.spawn(&["status", "--json"]).unwrap()).collect();
    let pids: Vec<_> = asking
        .into_iter()
        .map(|asking| {
            let run = asking.end().unwrap();
            assert_eq!(run.code, 0, "{}", run.err);
            serde_json::from_str::<serde_json::Value>(&run.out).unwrap()["pid"].clone()
        })
        .collect();
    assert!(pids.iter().all(|pid| *pid == pids[0] && pid.is_u64()), "{pids:?}");
    let again = windows.run(&["agent", "start"]).unwrap();
    assert_eq!(again.code, 26, "{}", again.err);
    windows.ok(&["agent", "stop"]).unwrap();
    assert_eq!(windows.run(&["agent", "status"]).unwrap().code, 30);
}

#[test]
fn errors_have_the_same_codes_and_words_as_elsewhere() {
    let windows = WineKeybearer::new().unwrap();
    for (arguments, code) in
        [(&["token", "nobody"][..], 11), (&["nonsense"], 64), (&["add", "http://a.example/mcp"], 64)]
    {
        let run = windows.run(arguments).unwrap();
        assert_eq!((run.code, run.out.as_str()), (code, ""), "{arguments:?}: {}", run.err);
    }
    windows.ok(&["lock"]).unwrap();
    let locked = windows.run(&["list"]).unwrap();
    assert!(locked.code == 10 && locked.err.contains("keybearer unlock"), "{}", locked.err);
    windows.ok(&["unlock"]).unwrap();
    let status = windows.json(&["status"]).unwrap();
    assert_eq!((&status["vault"], &status["locked"]), (&json!("unlocked"), &json!(false)), "{status}");
}

#[test]
fn an_agent_whose_pipe_is_taken_says_who_has_it_and_serves_nobody() {
    const PLACE: &str = r"C:\tests\taken";
    let (first, second) = (WineKeybearer::new().unwrap(), WineKeybearer::new().unwrap());
    let running = first.agent_at(PLACE).unwrap();
    let status = until("the first agent", || {
        let run = first.run_at(PLACE, &["agent", "status", "--json"])?;
        Ok((run.code == 0).then_some(run.out))
    });
    let pid = serde_json::from_str::<serde_json::Value>(&status.unwrap()).unwrap()["pid"].clone();
    let refused = second.agent_at(PLACE).unwrap().end().unwrap();
    assert_eq!(refused.code, 23, "{refused:?}");
    for words in [format!("process {pid} ("), "keybearer-agent.exe".to_owned(), "what to do".to_owned()] {
        assert!(refused.err.contains(&words), "{words}: {}", refused.err);
    }
    assert_eq!(first.run_at(PLACE, &["agent", "stop"]).unwrap().code, 0);
    assert_eq!(running.end().unwrap().code, 0);
}

#[test]
fn programs_ask_on_the_pipe_by_hand() {
    let windows = WineKeybearer::new().unwrap();
    windows.ok(&["agent", "start"]).unwrap();
    let pong = windows.ok(&["rpc", r#"{"method":"agent.ping"}"#]).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&pong).unwrap().is_object(), "{pong}");
    for (arguments, code) in [
        (&["rpc", r#"{"method":"no.such_method"}"#][..], 70),
        (&["rpc", r#"{"method":"token.get","params":{"profile":1}}"#], 70),
        (&["rpc", r#"{"method":"token.get","params":{"profile":"nobody"}}"#], 11),
        (&["rpc", "agent.ping"], 64),
    ] {
        let run = windows.run(arguments).unwrap();
        assert_eq!((run.code, run.out.as_str()), (code, ""), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn the_doctor_finds_a_keyring_and_pipes_and_starts_nothing() {
    let windows = WineKeybearer::new().unwrap();
    let findings = windows.json(&["doctor"]).unwrap();
    let state = |check: &str| {
        let findings = findings.as_array().unwrap();
        findings.iter().find(|finding| finding["check"] == check).unwrap()["state"].clone()
    };
    for check in ["agent", "sockets", "keyring", "home", "browser", "clock", "links"] {
        assert_eq!(state(check), "ok", "{findings}");
    }
    assert_eq!(windows.run(&["agent", "status"]).unwrap().code, 30);
}

#[test]
fn the_planted_token_is_in_no_file_and_no_log() {
    let (windows, practice) = (WineKeybearer::new().unwrap(), Practice::start(&["--plant-token", "cnry"]).unwrap());
    windows.ok(&["add", practice.mcp_url(), "--name", "practice"]).unwrap();
    assert!(windows.ok(&["token", "practice"]).unwrap().starts_with("cnry"));
    windows.ok(&["sign-out", "practice"]).unwrap();
    windows.ok(&["agent", "stop"]).unwrap();
    let files = windows.files().unwrap();
    assert!(files.iter().any(|(path, content)| path.ends_with("agent.log") && content.contains("token.get")));
    for (path, content) in files {
        assert!(!content.contains("cnry"), "{}", path.display());
    }
}
