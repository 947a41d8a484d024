//! Which program opens a scheme now. A package brings a desktop file of its own, which must stay the one that counts;
//! one that leads to another executable must not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Whether this executable opens the scheme.
pub(super) fn is_this_program(scheme: &str) -> bool {
    let Some(entry) = registered(scheme) else { return false };
    let found = folders().into_iter().map(|folder| folder.join("applications").join(&entry));
    let Some(text) = found.into_iter().find_map(|path| fs::read_to_string(path).ok()) else { return false };
    let Some(program) = program(&text).and_then(|program| find(&program)) else { return false };
    let same = |own: PathBuf| fs::canonicalize(own).ok() == fs::canonicalize(program).ok();
    env::current_exe().is_ok_and(same)
}

/// The name of the desktop file that opens the scheme.
fn registered(scheme: &str) -> Option<String> {
    let query = ["query", "default", &format!("x-scheme-handler/{scheme}")];
    let output = Command::new("xdg-mime").args(query).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.lines().next()?.trim().to_owned();
    let is_name = !name.is_empty() && !name.contains('/');
    is_name.then_some(name)
}

/// The folders of data, this user's first (XDG Base Directory Specification).
fn folders() -> Vec<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let own = set("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".local/share")));
    let all = set("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    own.into_iter().chain(env::split_paths(&all)).collect()
}

/// The first word of a desktop file's `Exec`, if it takes an address at all.
fn program(entry: &str) -> Option<String> {
    let exec = entry.lines().find_map(|line| line.trim().strip_prefix("Exec=")).map(str::trim)?;
    let takes_address = exec.contains("%u") || exec.contains("%U");
    let word = match exec.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => exec.split_whitespace().next(),
    };
    word.filter(|word| takes_address && !word.is_empty()).map(str::to_owned)
}

/// Where a program of this name or path lies.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program));
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_first_word_of_an_exec_that_takes_an_address() {
        for (exec, expected) in [
            ("\"/opt/key bearer/app\" %u", Some("/opt/key bearer/app")),
            ("keybearer-desktop %U", Some("keybearer-desktop")),
            ("keybearer-desktop", None),
            ("", None),
        ] {
            let entry = format!("[Desktop Entry]\nType=Application\nTryExec=x\nExec={exec}\n");
            assert_eq!(program(&entry).as_deref(), expected, "{exec}");
        }
    }
}
