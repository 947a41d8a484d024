//! Unix domain sockets in private folders. Never in the abstract namespace, which has no file mode (REQ-D3).

use super::{BindError, ConnectError};
use crate::peer;
use crate::place::{PATH_LIMIT, Place};
use keybearer_protocol::Door;
use rustix::process::geteuid;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// The server's end of an open door.
pub type Listener = tokio::net::UnixListener;
/// The server's end of a connection.
pub type Connection = tokio::net::UnixStream;
/// The client's end of a connection.
pub type Stream = UnixStream;

/// Opens a door's socket. It is made under another name and then renamed into place: whoever connects finds it
/// finished, with its mode, and no live socket is ever removed (REQ-D2).
pub fn bind(place: &Place, door: Door) -> Result<Listener, BindError> {
    let (folder, socket) = (place.folder(door), place.socket(door));
    let system = |path: &Path, cause| BindError::System { path: path.to_owned(), cause };
    if socket.as_os_str().len() > PATH_LIMIT {
        return Err(BindError::TooLong(socket));
    }
    for folder in [place.base(), &folder] {
        make_private(folder).map_err(|cause| system(folder, cause))?;
        if !is_private(folder) {
            return Err(BindError::NotOurs(folder.to_owned()));
        }
    }
    check_stale(&socket)?;
    let name = folder.join(format!(".{}", std::process::id()));
    // What lies there is the rest of a process of this number that died between two lines.
    let _ = fs::remove_file(&name);
    let listener = Listener::bind(&name).map_err(|cause| system(&name, cause))?;
    // Before anybody can connect: a connection has it from its beginning, or not at all.
    peer::attest(&listener).map_err(|cause| system(&name, cause))?;
    fs::set_permissions(&name, Permissions::from_mode(0o600)).map_err(|cause| system(&name, cause))?;
    fs::rename(&name, &socket).map_err(|cause| system(&socket, cause))?;
    Ok(listener)
}

/// Waits for the next caller.
pub async fn accept(listener: &Listener) -> io::Result<Connection> {
    let (connection, _) = listener.accept().await?;
    Ok(connection)
}

/// Takes a door's socket that was opened by a service manager, which keeps it (`systemd.socket(5)`). What is asked of our
/// own is asked of it too: its place, its folders, its owner (REQ-D2).
pub fn adopt(place: &Place, handed: UnixListener) -> Result<(Door, Listener), BindError> {
    let at = handed.local_addr().ok().and_then(|address| address.as_pathname().map(Path::to_owned)).unwrap_or_default();
    let doors = [Door::Programs, Door::Admin, Door::Gateway];
    let door = doors.into_iter().find(|door| place.socket(*door) == at && listens(&handed));
    let door = door.ok_or_else(|| BindError::NotADoor(at.clone()))?;
    for folder in [place.base(), &place.folder(door)] {
        if !is_private(folder) {
            return Err(BindError::NotOurs(folder.to_owned()));
        }
    }
    let ours = |metadata: fs::Metadata| metadata.file_type().is_socket() && belongs_to_us_alone(&metadata);
    if !fs::symlink_metadata(&at).is_ok_and(ours) {
        return Err(BindError::NotOurs(at));
    }
    let ready = peer::attest(&handed).and_then(|()| handed.set_nonblocking(true));
    let listener = ready.and_then(|()| Listener::from_std(handed));
    Ok((door, listener.map_err(|cause| BindError::System { path: at, cause })?))
}

/// Reaches a door. The socket and whoever serves it must be this user's alone (REQ-D4).
pub fn connect(place: &Place, door: Door) -> Result<Stream, ConnectError> {
    let socket = place.socket(door);
    let system = |cause: io::Error| {
        let nobody = matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused);
        let path = socket.clone();
        if nobody { ConnectError::Nobody(path) } else { ConnectError::System { path, cause } }
    };
    let metadata = fs::symlink_metadata(&socket).map_err(system)?;
    let ours = metadata.file_type().is_socket() && belongs_to_us_alone(&metadata) && is_private(&place.folder(door));
    if !ours {
        return Err(ConnectError::NotOurs(socket));
    }
    let stream = UnixStream::connect(&socket).map_err(system)?;
    if serves_as_us(&stream).map_err(system)? { Ok(stream) } else { Err(ConnectError::NotOurs(socket)) }
}

/// Whether a folder is this user's, and nobody else can change what is in it.
pub fn is_private(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir() && belongs_to_us_alone(&metadata))
}

fn belongs_to_us_alone(metadata: &fs::Metadata) -> bool {
    metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

fn check_stale(socket: &Path) -> Result<(), BindError> {
    let Ok(metadata) = fs::symlink_metadata(socket) else { return Ok(()) };
    if !metadata.file_type().is_socket() || metadata.uid() != geteuid().as_raw() {
        return Err(BindError::NotOurs(socket.to_owned()));
    }
    match UnixStream::connect(socket) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Ok(_) | Err(_) => Err(BindError::Taken(socket.to_owned())),
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(target_os = "linux")]
fn listens(socket: &UnixListener) -> bool {
    rustix::net::sockopt::socket_acceptconn(socket).unwrap_or_default()
}

/// Where the system doesn't tell, the first try to accept does.
#[cfg(not(target_os = "linux"))]
fn listens(_socket: &UnixListener) -> bool {
    true
}

#[cfg(target_os = "linux")]
fn serves_as_us(stream: &UnixStream) -> io::Result<bool> {
    match rustix::net::sockopt::socket_peercred(stream) {
        Ok(credentials) => Ok(credentials.uid == geteuid()),
        // Seen from a container, the server's process has no number, and `rustix` no credentials without one. There the
        // private folder and the owner of the socket speak for the server.
        Err(error) if error.raw_os_error() == 0 => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Where the standard library can't tell who serves, the private folder alone speaks for the server.
#[cfg(not(target_os = "linux"))]
fn serves_as_us(_stream: &UnixStream) -> io::Result<bool> {
    Ok(true)
}
