//! Named pipes that one user's programs alone can open, and only from this machine (REQ-D5).

use crate::check;
use crate::security::{self, Descriptor};
use crate::user;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle};
use std::ptr;
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::System::Pipes::{
    GetNamedPipeClientProcessId, GetNamedPipeHandleStateW, GetNamedPipeServerProcessId,
};

/// How many bytes a pipe keeps for a caller that doesn't read. So much is written at once; the rest waits for the caller.
pub const BUFFER: u32 = 64 * 1024;

/// Makes an instance of the pipe of this name, closed to other machines, with these rights (SDDL). Whoever makes the first
/// says so, and then it is an error that somebody else has one of this name already.
pub fn create(name: &str, is_first: bool, rights: &str) -> io::Result<NamedPipeServer> {
    let descriptor = Descriptor::parse(rights)?;
    let mut attributes = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or_default(),
        lpSecurityDescriptor: descriptor.as_ptr(),
        bInheritHandle: 0,
    };
    let mut options = ServerOptions::new();
    options.first_pipe_instance(is_first).reject_remote_clients(true).out_buffer_size(BUFFER);
    // SAFETY: the attributes are valid, and they and their descriptor outlive the call.
    let pipe = unsafe { options.create_with_security_attributes_raw(name, (&raw mut attributes).cast()) }?;
    // Wine takes no notice of the first instance's flag, so it is counted as well.
    if is_first && instances(pipe.as_handle())? != 1 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(pipe)
}

/// How many instances of this pipe there are, this one among them.
pub fn instances(pipe: BorrowedHandle<'_>) -> io::Result<u32> {
    let mut count = 0;
    let nothing = ptr::null_mut;
    // SAFETY: the handle is open as long as `pipe`; what isn't asked for is not written.
    check(unsafe {
        GetNamedPipeHandleStateW(
            pipe.as_raw_handle(),
            nothing(),
            &raw mut count,
            nothing(),
            nothing(),
            ptr::null_mut(),
            0,
        )
    })?;
    Ok(count)
}

/// The rights of a pipe that is this user's and open to it alone; closed to the network whoever comes from there, and to
/// programs of a lower integrity than this one's: what runs as administrator takes no orders from what doesn't. What the
/// user's other objects allow doesn't count.
pub fn owner_only() -> io::Result<String> {
    let (user, integrity) = (user::current()?, user::current_integrity()?);
    // GA, as the system writes it for a pipe.
    Ok(format!("O:{user}D:P(D;;FA;;;NU)(A;;FA;;;{user})S:(ML;;NW;;;{integrity})"))
}

/// Whether a pipe has these very rights.
pub fn has_rights(pipe: BorrowedHandle<'_>, rights: &str) -> io::Result<bool> {
    Ok(security::description(pipe)? == security::canonical(rights)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_a_lower_integrity_may_not_write() {
        // Wine keeps no label, so what is asked for is looked at.
        let integrity = user::current_integrity().expect("a level");
        assert!(integrity.as_str().starts_with("S-1-16-"), "{integrity}");
        let rights = owner_only().expect("rights");
        assert!(rights.ends_with(&format!("S:(ML;;NW;;;{integrity})")), "{rights}");
        security::canonical(&rights).expect("rights that the system understands");
    }
}
