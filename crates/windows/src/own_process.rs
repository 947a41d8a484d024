//! What of this process others may see and inherit (REQ-A3).

use crate::{security, user};
use std::io;
use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, INVALID_HANDLE_VALUE, SetHandleInformation};
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE};
use windows_sys::Win32::System::Diagnostics::Debug::{SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SetErrorMode};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

/// Lets nobody but the system read this process's memory or take its handles: other programs of this user may wait for
/// it, end it and ask which file it runs. Its owner may no longer change that either (`OW`).
pub fn hide() -> io::Result<()> {
    // SAFETY: it takes nothing and gives a handle that needs no closing.
    security::restrict(unsafe { GetCurrentProcess() }, &hidden(&user::current()?))?;
    // SAFETY: it takes a number and can't fail. A crash shows no dialog and leaves no report with memory in it.
    unsafe { SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX) };
    Ok(())
}

/// SYNCHRONIZE, PROCESS_QUERY_LIMITED_INFORMATION and PROCESS_TERMINATE for the user; for the owner, who is the same, no
/// more than to read this list, where the system would let it change it.
fn hidden(user: &user::Sid) -> String {
    format!("D:P(A;;0x101001;;;{user})(A;;RC;;;OW)(A;;GA;;;SY)")
}

/// Keeps standard input, output and error to this process: a child that is to outlive it would hold them open, and
/// whoever reads this process's output would wait for the child's end.
pub fn keep_standard_streams() {
    for stream in [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE] {
        // SAFETY: it takes a number and gives a handle that isn't ours to close.
        let handle = unsafe { GetStdHandle(stream) };
        if !handle.is_null() && handle != INVALID_HANDLE_VALUE {
            // SAFETY: a handle that isn't open is answered with an error, and is inherited by nobody.
            unsafe { SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Process;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::windows::io::{AsHandle, FromRawHandle, OwnedHandle};
    use std::process::{Command, Stdio};
    use windows_sys::Win32::Foundation::CloseHandle;
    use windows_sys::Win32::Storage::FileSystem::READ_CONTROL;
    use windows_sys::Win32::System::Threading::{
        OpenProcess, PROCESS_ACCESS_RIGHTS, PROCESS_CREATE_THREAD, PROCESS_DUP_HANDLE, PROCESS_VM_READ,
        PROCESS_VM_WRITE,
    };

    /// Set in the process that hides.
    const HIDES: &str = "KEYBEARER_TEST_HIDES";

    fn may(access: PROCESS_ACCESS_RIGHTS, pid: u32) -> bool {
        // SAFETY: it takes numbers alone.
        let handle = unsafe { OpenProcess(access, 0, pid) };
        // SAFETY: the handle is ours, and closed once; no handle is an error that nobody waits for.
        !handle.is_null() && unsafe { CloseHandle(handle) } != 0
    }

    /// Who may do what with a process.
    fn list_of(pid: u32) -> String {
        // SAFETY: it takes numbers alone.
        let handle = unsafe { OpenProcess(READ_CONTROL, 0, pid) };
        assert!(!handle.is_null(), "the list can't be read");
        // SAFETY: the function succeeded, so the handle is ours to close.
        let process = unsafe { OwnedHandle::from_raw_handle(handle) };
        security::description(process.as_handle()).expect("a list")
    }

    #[test]
    fn nobody_reads_the_memory_of_a_process_that_hides() {
        if std::env::var_os(HIDES).is_some() {
            hide().expect("hidden");
            writeln!(std::io::stderr(), "hidden").expect("a parent");
            let _ = std::io::stdin().read(&mut [0]);
            return;
        }
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["nobody_reads", "--nocapture"]).env(HIDES, "1").stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a child");
        let pid = child.id();
        assert!(may(PROCESS_VM_READ, pid), "it hides before it is told to");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.ends_with("hidden")));
        for access in [PROCESS_VM_READ, PROCESS_VM_WRITE, PROCESS_DUP_HANDLE, PROCESS_CREATE_THREAD] {
            assert!(!may(access, pid), "{access:#x}");
        }
        // Wine lets an owner change the list all the same, so the list itself is looked at.
        let (list, own) = (list_of(pid), user::current().expect("a user"));
        assert_eq!(list.matches('(').count(), 3, "{list}");
        for rule in ["(A;;RC;;;OW)".to_owned(), format!("(A;;0x101001;;;{own})")] {
            assert!(list.contains(&rule), "{rule} isn't in {list}");
        }
        // Who it is can still be seen, and that it lives.
        let seen = Process::open(pid).expect("a process");
        assert!(seen.runs() && seen.exe().is_ok());
        assert_eq!(crate::user::of(&seen).expect("a user"), user::current().expect("a user"));
        drop(child.stdin.take());
        assert!(child.wait().expect("an end").success() && !seen.runs());
    }
}
