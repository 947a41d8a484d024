//! Other processes, each held by a handle: as long as it is held, its number means no other process.

use crate::check;
use std::collections::HashMap;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::path::PathBuf;
use std::{ffi::OsString, mem, ptr};
use windows_sys::Win32::Foundation::{FILETIME, INVALID_HANDLE_VALUE, WAIT_TIMEOUT};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, QueryFullProcessImageNameW,
    WaitForSingleObject,
};

/// The longest path that the system gives, in units of UTF-16.
const PATH: usize = 32_768;

/// A process.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    handle: OwnedHandle,
}

impl Process {
    /// Holds the process of this number.
    pub fn open(pid: u32) -> io::Result<Process> {
        let access = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE;
        // SAFETY: it takes numbers alone.
        let handle = unsafe { OpenProcess(access, 0, pid) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the function succeeded, so the handle is ours to close.
        Ok(Process { pid, handle: unsafe { OwnedHandle::from_raw_handle(handle) } })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it hasn't ended.
    pub fn runs(&self) -> bool {
        // SAFETY: the handle is open as long as `self` is borrowed; no time is waited.
        unsafe { WaitForSingleObject(self.handle.as_raw_handle(), 0) == WAIT_TIMEOUT }
    }

    /// When it began, in units of 100 ns since 1601.
    pub fn started(&self) -> io::Result<u64> {
        let mut times = [FILETIME::default(); 4];
        let [began, ended, kernel, user] = times.each_mut().map(ptr::from_mut);
        // SAFETY: the handle is open, and all four places are there.
        check(unsafe { GetProcessTimes(self.handle.as_raw_handle(), began, ended, kernel, user) })?;
        Ok(u64::from(times[0].dwHighDateTime) << 32 | u64::from(times[0].dwLowDateTime))
    }

    /// The file that it runs.
    pub fn exe(&self) -> io::Result<PathBuf> {
        let mut path = vec![0_u16; PATH];
        let mut length = u32::try_from(path.len()).unwrap_or_default();
        // SAFETY: the handle is open, and `path` has as much room as is said.
        check(unsafe {
            QueryFullProcessImageNameW(self.handle.as_raw_handle(), 0, path.as_mut_ptr(), &raw mut length)
        })?;
        let path = path.get(..usize::try_from(length).unwrap_or_default()).unwrap_or_default();
        Ok(PathBuf::from(OsString::from_wide(path)))
    }

    pub(crate) fn handle(&self) -> BorrowedHandle<'_> {
        self.handle.as_handle()
    }
}

/// Who started each process that runs now. A parent may have ended, and its number may mean another process.
pub fn parents() -> io::Result<HashMap<u32, u32>> {
    // SAFETY: it takes numbers alone.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the function succeeded, so the handle is ours to close.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(snapshot) };
    let size = u32::try_from(mem::size_of::<PROCESSENTRY32W>()).unwrap_or_default();
    let mut entry = PROCESSENTRY32W { dwSize: size, ..PROCESSENTRY32W::default() };
    let mut parents = HashMap::new();
    // SAFETY: the snapshot is open, and the entry says how large it is.
    let mut more = unsafe { Process32FirstW(snapshot.as_raw_handle(), &raw mut entry) };
    while more != 0 {
        parents.insert(entry.th32ProcessID, entry.th32ParentProcessID);
        // SAFETY: as before.
        more = unsafe { Process32NextW(snapshot.as_raw_handle(), &raw mut entry) };
    }
    Ok(parents)
}
