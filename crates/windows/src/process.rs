//! Other processes, each held by a handle: as long as it is held, its number means no other process.

use crate::{Allocated, check, copy};
use std::collections::HashMap;
use std::ffi::{OsString, c_void};
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::path::PathBuf;
use std::{mem, ptr};
use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, ProcessBasicInformation};
use windows_sys::Win32::Foundation::{FILETIME, INVALID_HANDLE_VALUE, WAIT_TIMEOUT};
use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::SystemInformation::GetSystemTimePreciseAsFileTime;
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, OpenProcess, PEB, PROCESS_BASIC_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION,
    PROCESS_SYNCHRONIZE, PROCESS_VM_READ, QueryFullProcessImageNameW, RTL_USER_PROCESS_PARAMETERS, WaitForSingleObject,
};
use windows_sys::Win32::UI::Shell::CommandLineToArgvW;

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
        Ok(as_number(times[0]))
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

    /// What it was started with, as it stands in its own memory. A process can change it: good for asking, not for proof.
    pub fn start(&self) -> io::Result<Start> {
        let access = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_VM_READ;
        // SAFETY: it takes numbers alone. As long as `self` holds the process, its number means no other.
        let handle = unsafe { OpenProcess(access, 0, self.pid) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the function succeeded, so the handle is ours to close.
        let memory = Memory(unsafe { OwnedHandle::from_raw_handle(handle) });
        let mut basic = PROCESS_BASIC_INFORMATION::default();
        let (place, length) = ((&raw mut basic).cast(), size_of::<PROCESS_BASIC_INFORMATION>());
        let length = u32::try_from(length).unwrap_or_default();
        // SAFETY: the handle is open, and there is as much room as is said.
        let status =
            unsafe { NtQueryInformationProcess(handle, ProcessBasicInformation, place, length, ptr::null_mut()) };
        if status != 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // SAFETY: any bits make both structures, whose pointers are followed by `Memory` alone.
        let parameters: RTL_USER_PROCESS_PARAMETERS = unsafe {
            let environment: PEB = memory.read(basic.PebBaseAddress.addr())?;
            memory.read(environment.ProcessParameters.addr())?
        };
        // The folder's text stands in the reserved words: its length in the sixth, its place in the seventh.
        let [.., length, place, _, _, _] = parameters.Reserved2.map(<*mut c_void>::addr);
        Ok(Start {
            arguments: words(&memory.text(parameters.CommandLine.Buffer.addr(), parameters.CommandLine.Length)?),
            folder: OsString::from_wide(&memory.text(place, u16::try_from(length & 0xffff).unwrap_or_default())?)
                .into(),
        })
    }

    pub(crate) fn handle(&self) -> BorrowedHandle<'_> {
        self.handle.as_handle()
    }
}

/// What a process was started with.
#[derive(Debug)]
pub struct Start {
    /// Its arguments, the first of them its own name.
    pub arguments: Vec<String>,
    /// The folder that it works in.
    pub folder: PathBuf,
}

/// What lies in a process, by its own addresses.
struct Memory(OwnedHandle);

impl Memory {
    /// # Safety
    /// Any bits must make a valid `T`.
    unsafe fn read<T>(&self, address: usize) -> io::Result<T> {
        let mut value = mem::MaybeUninit::<T>::uninit();
        // SAFETY: so much room is there.
        unsafe { self.copy(address, value.as_mut_ptr().cast(), size_of::<T>()) }?;
        // SAFETY: all of it was just written, and the caller says that any bits will do.
        Ok(unsafe { value.assume_init() })
    }

    /// A text of so many bytes.
    fn text(&self, address: usize, bytes: u16) -> io::Result<Vec<u16>> {
        let mut text = vec![0_u16; usize::from(bytes) / 2];
        // SAFETY: so much room is there.
        unsafe { self.copy(address, text.as_mut_ptr().cast(), text.len() * 2) }?;
        Ok(text)
    }

    /// Writes so many bytes to `to`, or says why not.
    ///
    /// # Safety
    /// `to` must have room for them.
    unsafe fn copy(&self, address: usize, to: *mut c_void, bytes: usize) -> io::Result<()> {
        let (from, mut read) = (ptr::without_provenance(address), 0);
        // SAFETY: the handle is open, and the caller says that there is room; the other process's addresses are the system's to check.
        check(unsafe { ReadProcessMemory(self.0.as_raw_handle(), from, to, bytes, &raw mut read) })?;
        if read == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// The words of a command line, as the programs of Windows take it apart.
fn words(line: &[u16]) -> Vec<String> {
    let line: Vec<u16> = line.iter().copied().take_while(|unit| *unit != 0).chain([0]).collect();
    // Of an empty line it would make this program's own name.
    if line.len() == 1 {
        return Vec::new();
    }
    let mut count = 0;
    // SAFETY: the line ends with a zero; the result is freed by `Allocated`.
    let words = unsafe { CommandLineToArgvW(line.as_ptr(), &raw mut count) };
    if words.is_null() {
        return Vec::new();
    }
    let _words = Allocated(words.cast());
    // SAFETY: the function succeeded, so there are as many texts as it says, and each ends with a zero.
    (0..usize::try_from(count).unwrap_or_default()).map(|place| unsafe { copy(*words.add(place)) }).collect()
}

/// What the clock says now that also says when a process began.
pub fn now() -> u64 {
    let mut now = FILETIME::default();
    // SAFETY: the place is there, and it can't fail.
    unsafe { GetSystemTimePreciseAsFileTime(&raw mut now) };
    as_number(now)
}

fn as_number(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_tells_its_arguments_and_that_it_began_before_now() {
        let own = Process::open(std::process::id()).expect("this process");
        let start = own.start().expect("a start");
        assert_eq!(start.arguments, std::env::args().collect::<Vec<_>>());
        // It ends with a separator there.
        assert_eq!(start.folder.components().as_path(), std::env::current_dir().expect("a folder"));
        assert!(own.started().expect("a beginning") <= now());
        assert_eq!(words(&r#"a "b c" \"d"#.encode_utf16().collect::<Vec<_>>()), ["a", "b c", "\"d"]);
        assert!(words(&[]).is_empty());
    }
}
