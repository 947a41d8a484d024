//! What callers sent, or may send, read again: the seeds of the fuzzer, and plays of which each is another, with its own checks.

#![forbid(unsafe_code)]

use proptest::prelude::*;
use std::path::Path;

#[expect(unreachable_pub, reason = "there it is the library of the fuzzer's executables")]
#[path = "../fuzz/src/lib.rs"]
mod promises;

/// Checks every seed of a target, and says which one broke a promise.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let seeds: Vec<_> = std::fs::read_dir(&folder).expect("each target has seeds").collect();
    assert!(!seeds.is_empty(), "{} is empty", folder.display());
    for seed in seeds {
        let path = seed.expect("a folder can be read to its end").path();
        let bytes = std::fs::read(&path).expect("a seed can be read");
        let outcome = std::panic::catch_unwind(|| check(&bytes));
        assert!(outcome.is_ok(), "{} breaks a promise, told above", path.display());
    }
}

#[test]
fn streams_keep_their_promises() {
    replay("frames", promises::frames::check);
}

#[test]
fn lines_keep_their_promises() {
    replay("json", promises::json::check);
}

#[test]
fn connections_keep_their_promises() {
    replay("session", promises::session::check);
}

/// What happens on a connection, as the plays of the fuzzer write it.
fn event() -> impl Strategy<Value = String> {
    // Few ids, so that they meet; a number and a text that look alike are two.
    let id = || prop_oneof![(0..70_u32).prop_map(|id| id.to_string()), Just("\"0\"".to_owned())];
    let session = prop_oneof![20 => Just("$"), 1 => Just("#"), 1 => Just("")];
    let method = prop_oneof![8 => Just("token.get"), 1 => Just("session.open"), 1 => Just("request.cancel")];
    let request = (id(), method, session).prop_map(|(id, method, session)| {
        format!(r#">{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{}},"session":"{session}"}}"#)
    });
    let hello = (0..3_u32, 0..3_u32).prop_map(|(min, max)| {
        let params = format!(r#"{{"protocol":{{"min":{min},"max":{max}}},"client":{{"name":"n","version":"0"}}}}"#);
        format!(r#">{{"jsonrpc":"2.0","id":0,"method":"session.open","params":{params}}}"#)
    });
    let cancel = (id(), id()).prop_map(|(id, other)| {
        let params = format!(r#"{{"id":{other}}}"#);
        format!(r#">{{"jsonrpc":"2.0","id":{id},"method":"request.cancel","params":{params},"session":"$"}}"#)
    });
    prop_oneof![
        400 => request,
        20 => cancel,
        60 => id().prop_map(|id| format!("<{id}")),
        2 => Just("!".to_owned()),
        2 => hello,
        1 => ".{0,40}".prop_map(|text| format!(">{text}")),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_on_a_connection_it_keeps_its_promises(
        is_foreign_at_admin: bool,
        greets in prop::bool::weighted(0.9),
        events in prop::collection::vec(event(), 0..200),
    ) {
        let hello = r#">{"jsonrpc":"2.0","id":0,"method":"session.open","params":{"protocol":{"min":1,"max":1},"client":{"name":"n","version":"0"}}}"#;
        let door = if is_foreign_at_admin { "-" } else { "" };
        let hello = if greets { hello } else { "" };
        promises::session::check(format!("{door}{hello}\n{}", events.join("\n")).as_bytes());
    }
}
