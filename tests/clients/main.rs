//! The libraries for programs in other languages: a hundred calls at once while tokens of three seconds end underneath, and
//! what each library's own tests say.
//!
//! They need Go, Node.js and Python with the packages that `cargo xtask clients` installs. Where a machine has no Go, its
//! library isn't tried, unless this is CI.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

/// How a library is run.
mod library;

use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use library::Library;
use serde_json::Value;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How long an example calls, in seconds.
const SECONDS: &str = "9";
/// A hundred calls at once are much for a small machine, so the libraries take turns.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn a_hundred_calls_at_once_from_go_outlive_their_tokens() {
    calls_outlive_their_tokens(Library::go());
}

#[test]
fn a_hundred_calls_at_once_from_typescript_outlive_their_tokens() {
    calls_outlive_their_tokens(Some(Library::typescript()));
}

#[test]
fn a_hundred_calls_at_once_from_python_outlive_their_tokens() {
    calls_outlive_their_tokens(Some(Library::python()));
}

#[test]
fn the_go_library_keeps_its_own_rules() {
    keeps_its_rules(Library::go());
}

#[test]
fn the_typescript_library_keeps_its_own_rules() {
    keeps_its_rules(Some(Library::typescript()));
}

#[test]
fn the_python_library_keeps_its_own_rules() {
    keeps_its_rules(Some(Library::python()));
}

/// No call is rejected, and each end of a token costs one refresh.
fn calls_outlive_their_tokens(library: Option<Library>) {
    let Some(library) = library else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (world, practice) = (World::new().unwrap(), Practice::start(&["--token-lifetime", "3"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let began = Instant::now();
    let mut example = library.example(&world, &[practice.mcp_url(), "practice", SECONDS]);
    let output = example.output().unwrap();
    let took = began.elapsed().as_secs();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", world.log());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["failed"], 0, "{said}");
    assert!(told["calls"].as_u64() >= Some(300), "{told}");
    let count = |what: &str| practice.count(what).unwrap();
    assert_eq!((count("mcp_rejected"), count("reuse_detected")), (0, 0));
    // A token counts as old when half its life is over: there is one for each second and a half, and each costs one refresh.
    let refreshes = until("a moment between two refreshes", || {
        let refreshes = count("refreshes");
        let tokens = world.json(&["show", "practice"])?["generation"].as_u64();
        Ok((tokens == Some(refreshes + 1) && count("refreshes_ok") == refreshes).then_some(refreshes))
    });
    let refreshes = refreshes.unwrap();
    assert!((2..=took * 2 / 3 + 2).contains(&refreshes), "{refreshes} refreshes in {took} s");
}

/// The library's own tests, with an account `practice` and one that wants a proof with each request.
fn keeps_its_rules(library: Option<Library>) {
    let Some(library) = library else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new().unwrap();
    let (practice, proofs) = (Practice::start(&[]).unwrap(), Practice::start(&["--dpop", "nonce"]).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    world.sign_in("proofs", proofs.mcp_url()).unwrap();
    let mut tests = library.tests(&world);
    tests.env("PRACTICE_URL", practice.mcp_url()).env("PRACTICE_CONTROL", format!("{}/control", practice.issuer()));
    tests.env("PROOFS_URL", proofs.mcp_url()).env("KEYBEARER", world.keybearer());
    let output = tests.output().unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    // The secrets of these servers begin so: nothing that a library says or throws holds one.
    assert!(!said.contains("practice-at-"), "{said}");
    assert_eq!((practice.count("reuse_detected").unwrap(), proofs.count("reuse_detected").unwrap()), (0, 0));
}

/// A folder of the repository.
fn folder(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}
