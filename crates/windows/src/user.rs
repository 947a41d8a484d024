//! Users, as Windows knows them: by a security identifier (SID).

use crate::process::Process;
use crate::{Allocated, check, copy};
use std::fmt;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use windows_sys::Win32::Security::Authorization::ConvertSidToStringSidW;
use windows_sys::Win32::Security::{
    GetTokenInformation, PSID, SID_AND_ATTRIBUTES, TOKEN_INFORMATION_CLASS, TOKEN_QUERY, TokenIntegrityLevel, TokenUser,
};
use windows_sys::Win32::System::Threading::OpenProcessToken;

/// A security identifier, as in `S-1-5-21-…-1001`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sid(String);

impl Sid {
    /// The one that this points to.
    ///
    /// # Safety
    /// `sid` must point to a valid security identifier.
    pub(crate) unsafe fn of(sid: PSID) -> io::Result<Sid> {
        let mut text = ptr::null_mut();
        // SAFETY: the caller says that the identifier is valid; the result is freed by `Allocated`.
        check(unsafe { ConvertSidToStringSidW(sid, &raw mut text) })?;
        let _text = Allocated(text.cast());
        // SAFETY: the function succeeded, so the text ends with a zero.
        Ok(Sid(unsafe { copy(text) }))
    }

    /// Its text, in letters that need no quoting anywhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The user that this process runs as.
pub fn current() -> io::Result<Sid> {
    of(&Process::open(std::process::id())?)
}

/// The user that a process runs as.
pub fn of(process: &Process) -> io::Result<Sid> {
    sid_in_token(process, TokenUser)
}

/// How far the system trusts what this process does: a program that was started as administrator has another level than
/// the same user's other programs.
pub fn current_integrity() -> io::Result<Sid> {
    sid_in_token(&Process::open(std::process::id())?, TokenIntegrityLevel)
}

/// The identifier in what the token of a process says of one thing.
fn sid_in_token(process: &Process, what: TOKEN_INFORMATION_CLASS) -> io::Result<Sid> {
    let mut token = ptr::null_mut();
    // SAFETY: the handle is open as long as `process` is borrowed.
    check(unsafe { OpenProcessToken(process.handle().as_raw_handle(), TOKEN_QUERY, &raw mut token) })?;
    // SAFETY: the function succeeded, so the handle is ours to close.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let mut length = 0;
    // SAFETY: with no room offered, it only tells how much is needed.
    unsafe { GetTokenInformation(token.as_raw_handle(), what, ptr::null_mut(), 0, &raw mut length) };
    // Of eight bytes each, so that the structure in it is aligned.
    let mut room = vec![0_u64; usize::try_from(length).unwrap_or_default().div_ceil(8)];
    // SAFETY: `room` is as long as was asked for.
    check(unsafe {
        GetTokenInformation(token.as_raw_handle(), what, room.as_mut_ptr().cast(), length, &raw mut length)
    })?;
    if room.len() * 8 < size_of::<SID_AND_ATTRIBUTES>() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: both things that are asked for are given as this structure (alone in `TOKEN_USER` and
    // `TOKEN_MANDATORY_LABEL`), at the beginning of `room`, which outlives the borrow.
    unsafe { Sid::of((*room.as_ptr().cast::<SID_AND_ATTRIBUTES>()).Sid) }
}
