//! The executables of this build, which lie beside the test's own.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;

/// The path of an executable.
///
/// # Panics
/// If it is not built: `cargo xtask test` builds the workspace before any test.
pub fn executable(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test knows where it lies");
    let folder = own.parent().expect("executables lie in folders");
    // Tests lie in `deps`, one folder below the executables.
    let folder = if folder.ends_with("deps") { folder.parent().expect("deps lies in a folder") } else { folder };
    let path = folder.join(format!("{name}{EXE_SUFFIX}"));
    assert!(path.exists(), "{} is missing: run the tests with `cargo xtask test`", path.display());
    path
}
