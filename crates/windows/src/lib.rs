//! The few calls to Windows for which there is no safe library: who runs a process, who owns a pipe, what lets others
//! look into this process. All of Keybearer's unsafe code is here; elsewhere this crate is empty.

#![cfg(windows)]
#![expect(unsafe_code, reason = "the system's functions are called here, so that nobody else has to")]
#![warn(clippy::undocumented_unsafe_blocks)]

/// The console that this process shares with its children.
pub mod console;
/// Who can change a file.
pub mod file;
/// What of this process others may see and inherit.
pub mod own_process;
/// Named pipes that one user's programs alone can open.
pub mod pipe;
/// Other processes.
pub mod process;
/// Who may do what with an object.
pub mod security;
/// Who signed a file.
pub mod signature;
/// Users, as Windows knows them.
pub mod user;

use std::io;

/// What a function that answers with zero for trouble has said.
fn check(answer: i32) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What a function that answers with a system error code has said.
fn check_code(code: u32) -> io::Result<()> {
    // The codes of the system are below 2³¹.
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

/// A text as the system's functions take it.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// A path as the system's functions take it.
fn wide_path(path: &std::path::Path) -> Vec<u16> {
    std::os::windows::ffi::OsStrExt::encode_wide(path.as_os_str()).chain([0]).collect()
}

/// Memory that the system allocated for us.
#[derive(Debug)]
struct Allocated(*mut std::ffi::c_void);

impl Drop for Allocated {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a function that says that its result is freed in this way, once.
        unsafe { windows_sys::Win32::Foundation::LocalFree(self.0) };
    }
}

/// Copies a text that the system allocated.
///
/// # Safety
/// `text` must point to a text that ends with a zero.
unsafe fn copy(text: *const u16) -> String {
    let mut length = 0;
    // SAFETY: the caller says that a zero comes before the memory ends.
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: so much was just read.
    String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, length) })
}
