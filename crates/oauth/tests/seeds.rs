//! What strangers sent, or may send, read again: the seeds of the fuzzer with its own checks.

#![forbid(unsafe_code)]

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
fn challenges_keep_their_promises() {
    replay("challenge", promises::challenge::check);
}

#[test]
fn metadata_keep_their_promises() {
    replay("metadata", promises::metadata::check);
}

#[test]
fn answers_of_browsers_keep_their_promises() {
    replay("callback", promises::callback::check);
}

#[test]
fn token_answers_keep_their_promises() {
    replay("token_answer", promises::token_answer::check);
}
