//! What a process is to this agent and in the chain that led to a request, where this system tells more than a name.

use super::process::Process;
use crate::peer::roles::{self, Role, is_tool};
use rustix::fs::stat;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What forwards sockets between machines.
const FORWARDERS: &[&str] = &["ssh", "sshd", "sshd-session", "dropbear", "dbclient"];

/// The executables that belong to this agent: those beside its own, as they lie there now, for a package may just have
/// replaced them.
#[derive(Clone, Copy, Debug)]
enum Own {
    Desktop,
    Helper,
}

/// Whether the process is the desktop that lies beside this agent.
pub(super) fn is_desktop(process: &Process) -> bool {
    is_own(process, Own::Desktop)
}

/// Whether it is the command that lies there.
pub(super) fn is_helper(process: &Process) -> bool {
    is_own(process, Own::Helper)
}

fn is_own(process: &Process, own: Own) -> bool {
    static FOLDER: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| Some(std::env::current_exe().ok()?.parent()?.to_owned()));
    let name = match own {
        Own::Desktop => "keybearer-desktop",
        Own::Helper => "keybearer",
    };
    // The name alone says nothing, but saves the look at files for all who have another.
    let named = process.exe.as_ref().filter(|exe| exe.file_name() == name);
    let file = || stat(FOLDER.as_ref()?.join(name)).ok();
    named.is_some_and(|exe| file().is_some_and(|file| exe.is(&file)))
}

/// What the process is in the chain. Anybody can give a file such a name: only the system's own are looked past.
pub(super) fn of(process: &Process) -> Role {
    let Some(exe) = &process.exe else { return Role::Program(None) };
    if is_helper(process) {
        return Role::Between;
    }
    let file = exe.file_name();
    if is_tool(file, &process.arguments) {
        return Role::Program(None);
    }
    roles::role(file, exe.is_the_systems(), || process.script.clone())
}

/// Whether the process speaks for another machine. Of one that hides, as `sshd` does, its own word is taken: it only
/// loses by it.
pub(super) fn forwards(process: &Process) -> bool {
    FORWARDERS.contains(&process.exe.as_ref().map_or(&*process.name, |exe| exe.file_name()))
}
