//! The executables of this build, which lie beside the test's own.

use anyhow::ensure;
use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of other executables to be tried, such as those that people get; whatever isn't there is this build's.
const OTHERS: &str = "KEYBEARER_TEST_EXECUTABLES";

/// The path of an executable.
///
/// # Panics
/// If it is not built: `cargo xtask test` builds the workspace before any test.
pub fn executable(name: &str) -> PathBuf {
    let other = std::env::var_os(OTHERS).map(|folder| Path::new(&folder).join(format!("{name}{EXE_SUFFIX}")));
    if let Some(path) = other.filter(|path| path.exists()) {
        return path;
    }
    let own = std::env::current_exe().expect("a test knows where it lies");
    let folder = own.parent().expect("executables lie in folders");
    // Tests lie in `deps`, one folder below the executables.
    let folder = if folder.ends_with("deps") { folder.parent().expect("deps lies in a folder") } else { folder };
    let path = folder.join(format!("{name}{EXE_SUFFIX}"));
    assert!(path.exists(), "{} is missing: run the tests with `cargo xtask test`", path.display());
    path
}

/// Copies an executable. Another process does it: as long as a file is open for writing, also in a child that another test
/// has just begun to start, nobody can run it.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copied = Command::new("cp").arg(from).arg(to).status()?;
    ensure!(copied.success(), "{} can't be copied", from.display());
    Ok(())
}
