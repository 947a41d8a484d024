//! Who is at the other end of a socket, by the token that the kernel gives each process anew with every program that it
//! runs: neither a number that comes again nor an `exec` goes unseen (REQ-I3).

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Tells one run of one program in one process from every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct AuditToken([u32; 8]);

#[link(name = "bsm")]
unsafe extern "C" {
    fn audit_token_to_pid(token: AuditToken) -> libc::pid_t;
    fn audit_token_to_euid(token: AuditToken) -> libc::uid_t;
}

impl AuditToken {
    /// The one of whoever is at the other end now.
    pub fn of_peer(socket: BorrowedFd<'_>) -> io::Result<AuditToken> {
        let mut token = AuditToken([0; 8]);
        let mut length = libc::socklen_t::try_from(mem::size_of::<AuditToken>()).unwrap_or_default();
        // SAFETY: the descriptor is open as long as `socket`, and there is as much room as is said.
        let answer = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_LOCAL,
                libc::LOCAL_PEERTOKEN,
                (&raw mut token).cast(),
                &raw mut length,
            )
        };
        if answer == 0 { Ok(token) } else { Err(io::Error::last_os_error()) }
    }

    /// The process.
    pub fn pid(self) -> Option<u32> {
        // SAFETY: it takes eight numbers, whatever they are.
        u32::try_from(unsafe { audit_token_to_pid(self) }).ok().filter(|pid| *pid != 0)
    }

    /// The user as whom it runs.
    pub fn user(self) -> u32 {
        // SAFETY: as before.
        unsafe { audit_token_to_euid(self) }
    }

    /// Its bytes, by which the system knows it.
    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }
}
