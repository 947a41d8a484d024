//! What `/proc` tells of a process.

use keybearer_protocol::program::ProgramView;
use keybearer_protocol::session::CallerView;
use std::fs;
use std::path::{Path, PathBuf};

/// What is known of the process. One that hides (not dumpable) counts as foreign: nobody can tell where it lives.
pub(super) fn look_up(pid: u32) -> CallerView {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let own = Path::new("/proc/self");
    let same = |name: &str| namespace(&process, name).is_some_and(|theirs| Some(theirs) == namespace(own, name));
    CallerView {
        pid: Some(pid),
        exe: fs::read_link(process.join("exe")).ok().map(|path| path.to_string_lossy().into_owned()),
        foreign: !(same("mnt") && same("pid")),
        program: ProgramView::default(),
    }
}

/// The name of a namespace, such as `mnt:[4026531841]`.
fn namespace(process: &Path, name: &str) -> Option<PathBuf> {
    fs::read_link(process.join("ns").join(name)).ok()
}
