//! The few calls to macOS for which there is no safe library: which process is at the other end of a socket, what it is,
//! and who signed what it runs. All of Keybearer's unsafe code for macOS is here; elsewhere this crate is empty.

#![cfg(target_os = "macos")]
#![expect(unsafe_code, reason = "the system's functions are called here, so that nobody else has to")]
#![warn(clippy::undocumented_unsafe_blocks)]

/// Running code, and who signed it.
pub mod code;
/// Processes.
pub mod process;
/// Who is at the other end of a socket.
pub mod socket;
