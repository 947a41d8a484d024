//! The last lines of the log, wherever it is: in the agent's own file, or in the journal of a service manager.

use crate::doctor::ask;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Command;

/// The most that is read of it, in bytes.
const TAIL: u64 = 64 * 1024;
/// How many lines the journal is asked for.
const LINES: &str = "400";

/// The end of the agent's file, from a whole line on; none where it has none.
pub(super) fn of_file(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some(if start == 0 { text } else { text.split_once('\n')?.1.to_owned() })
}

/// What systemd has of an agent that it started; none where it has nothing, or isn't there.
pub(super) fn of_journal() -> Option<String> {
    let mut journal = Command::new("journalctl");
    journal.args(["--user", "--unit", "keybearer-agent.service", "--lines", LINES, "--no-pager", "--output", "cat"]);
    ask::ask(&mut journal).ok().filter(|said| !said.starts_with("-- "))
}
