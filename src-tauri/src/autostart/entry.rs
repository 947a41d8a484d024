//! On Linux: an entry in the user's folder of what starts at login (Desktop Application Autostart Specification).

use super::HIDDEN;
use keybearer_desktop_entry::{Entry, exec, folders};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The name of the entry.
const NAME: &str = "keybearer-desktop.desktop";

/// Whether desktops follow the entry: it is there, not switched off, and its program exists.
pub(super) fn is_on() -> bool {
    let entry = file().ok().and_then(|file| Entry::read(&file));
    entry.is_some_and(|entry| {
        let off = entry.is("Hidden") || entry.value("X-GNOME-Autostart-enabled") == Some("false");
        !off && entry.program().is_some()
    })
}

/// Writes the entry, or takes it away.
pub(super) fn set(on: bool) -> io::Result<()> {
    let file = file()?;
    if on { write(&file) } else { remove(&file) }
}

fn file() -> io::Result<PathBuf> {
    let folder = folders::autostart().ok_or_else(|| io::Error::other("this user has no home folder"))?;
    Ok(folder.join(NAME))
}

fn write(file: &Path) -> io::Result<()> {
    let folder = file.parent().ok_or(ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    // Whoever logs in meanwhile sees all of it or nothing.
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(text(&exec::own()?)?.as_bytes())?;
    fresh.persist(file)?;
    Ok(())
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn text(program: &Path) -> io::Result<String> {
    let program = program.to_str().ok_or_else(|| io::Error::other("the program's path isn't Unicode"))?;
    let (try_exec, exec) = (exec::text(program), exec::line(&[program, HIDDEN]));
    Ok(format!(
        "[Desktop Entry]\nType=Application\nName=Keybearer\nComment=Account manager for MCP servers\n\
         Comment[zh_CN]=MCP 账号管理器\nTryExec={try_exec}\nExec={exec}\nIcon=keybearer-desktop\nTerminal=false\n\
         StartupNotify=false\nX-GNOME-Autostart-enabled=true\n"
    ))
}
