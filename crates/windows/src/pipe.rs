//! Named pipes that one user's programs alone can open, and only from this machine (REQ-D5).

use crate::security::Descriptor;
use crate::user;
use crate::check;
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::System::Pipes::{GetNamedPipeClientProcessId, GetNamedPipeServerProcessId};

/// Makes an instance of the pipe of this name, for this user alone. Whoever makes the first says so, and then it is an
/// error that somebody else has one of this name already.
pub fn create(name: &str, is_first: bool) -> io::Result<NamedPipeServer> {
    let descriptor = Descriptor::parse(&owner_only()?)?;
    let mut attributes = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or_default(),
        lpSecurityDescriptor: descriptor.as_ptr(),
        bInheritHandle: 0,
    };
    let mut options = ServerOptions::new();
    options.first_pipe_instance(is_first).reject_remote_clients(true);
    // SAFETY: the attributes are valid, and they and their descriptor outlive the call.
    unsafe { options.create_with_security_attributes_raw(name, (&raw mut attributes).cast()) }
}

/// Owned by this user and open to it alone; closed to the network whoever comes from there, and to programs of low
/// integrity. What the user's other objects allow doesn't count.
fn owner_only() -> io::Result<String> {
    let user = user::current()?;
    Ok(format!("O:{user}D:P(D;;GA;;;NU)(A;;GA;;;{user})S:(ML;;NW;;;ME)"))
}

/// The process that connected to an instance. A hint: the handle may have been passed on.
pub fn client(pipe: BorrowedHandle<'_>) -> io::Result<u32> {
    let mut pid = 0;
    // SAFETY: the handle is open as long as `pipe`.
    check(unsafe { GetNamedPipeClientProcessId(pipe.as_raw_handle(), &raw mut pid) })?;
    Ok(pid)
}

/// The process that made the instance at the other end.
pub fn server(pipe: BorrowedHandle<'_>) -> io::Result<u32> {
    let mut pid = 0;
    // SAFETY: the handle is open as long as `pipe`.
    check(unsafe { GetNamedPipeServerProcessId(pipe.as_raw_handle(), &raw mut pid) })?;
    Ok(pid)
}
