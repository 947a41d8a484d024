//! What of this process others may see and inherit (REQ-A3).

use crate::{check, security, user};
use std::io;
use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE, SetHandleInformation};
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

/// Lets nobody but the system read this process's memory or take its handles: other programs of this user may wait for
/// it, end it and ask which file it runs. Its owner may no longer change that either (`OW`).
pub fn hide() -> io::Result<()> {
    let user = user::current()?;
    // SYNCHRONIZE, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_TERMINATE.
    let list = format!("D:P(A;;0x101001;;;{user})(A;;RC;;;OW)(A;;GA;;;SY)");
    // SAFETY: it takes nothing and gives a handle that needs no closing.
    security::restrict(unsafe { GetCurrentProcess() }, &list)
}

/// Keeps standard input, output and error to this process: a child that is to outlive it would hold them open, and
/// whoever reads this process's output would wait for the child's end.
pub fn keep_standard_streams() -> io::Result<()> {
    for stream in [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE] {
        // SAFETY: it takes a number and gives a handle that isn't ours to close.
        let handle = unsafe { GetStdHandle(stream) };
        if !handle.is_null() && handle != INVALID_HANDLE_VALUE {
            // SAFETY: a handle that isn't open is answered with an error.
            check(unsafe { SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0) })?;
        }
    }
    Ok(())
}
