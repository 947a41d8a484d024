//! Where the sockets are, and whether they and their folders are this user's alone (REQ-D2, REQ-D4).

use super::{Case, Finding};

const CHECK: &str = "sockets";

pub(super) fn check(case: &Case<'_>) -> Finding {
    match case.reach.place() {
        Err(error) => {
            let advice = "name a folder of yours with a short whole path in KEYBEARER_SOCKET";
            Finding::broken(CHECK, error.0.message, advice)
        }
        Ok(place) => look_at(&place),
    }
}

#[cfg(unix)]
fn look_at(place: &keybearer_ipc::place::Place) -> Finding {
    use keybearer_protocol::Door;
    let doors = [Door::Programs, Door::Admin];
    let folders = [place.base().to_owned()].into_iter().chain(doors.map(|door| place.folder(door)));
    let sockets = doors.map(|door| place.socket(door));
    let base = place.base().display();
    let broken = folders.map(|path| (path, true)).chain(sockets.clone().map(|path| (path, false)));
    for (path, is_folder) in broken {
        if let Some((found, advice)) = problem(&path, is_folder) {
            return Finding::broken(CHECK, found, advice);
        }
    }
    match sockets.iter().all(|socket| socket.exists()) {
        true => Finding::ok(CHECK, format!("both are in {base}, for you alone")),
        false => Finding::ok(CHECK, format!("will be in {base} when the agent runs")),
    }
}

/// What is wrong with a folder or socket, and what to do; nothing with one that isn't there.
#[cfg(unix)]
fn problem(path: &std::path::Path, is_folder: bool) -> Option<(String, String)> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let metadata = std::fs::symlink_metadata(path).ok()?;
    let (name, mode) = (path.display(), metadata.mode() & 0o7777);
    let what = if is_folder { "folder" } else { "socket" };
    let fits = if is_folder { metadata.is_dir() } else { metadata.file_type().is_socket() };
    if !fits {
        return Some((format!("{name} is no {what}"), format!("put {name} away; the agent makes it anew")));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        let found = format!("{name} belongs to another user, so it is not used");
        return Some((found, format!("have {name} removed; the agent makes it anew")));
    }
    let advice = format!("chmod {} {name}", if is_folder { "700" } else { "600" });
    (mode & 0o022 != 0).then(|| (format!("{name} can be changed by other users (mode {mode:04o})"), advice))
}

/// Where sockets are no files, each connection checks who serves it.
#[cfg(not(unix))]
fn look_at(place: &keybearer_ipc::place::Place) -> Finding {
    let pipe = place.socket(keybearer_protocol::Door::Programs);
    Finding::ok(CHECK, format!("are pipes such as {}; who serves one is checked with each connection", pipe.display()))
}
