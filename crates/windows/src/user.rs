//! Users, as Windows knows them: by a security identifier (SID).

use crate::process::Process;
use crate::{Allocated, check, copy};
use std::fmt;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::{mem, ptr};
use windows_sys::Win32::Security::Authorization::ConvertSidToStringSidW;
use windows_sys::Win32::Security::{
    GetTokenInformation, PSID, SID_AND_ATTRIBUTES, TOKEN_GROUPS, TOKEN_INFORMATION_CLASS, TOKEN_QUERY,
    TokenIntegrityLevel, TokenIsAppContainer, TokenLogonSid, TokenUser,
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

    /// Everybody.
    pub(crate) fn everyone() -> Sid {
        Sid("S-1-1-0".to_owned())
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
    Token::of(process)?.sid(TokenUser)
}

/// How far the system trusts what this process does: a program that was started as administrator has another level than
/// the same user's other programs.
pub fn current_integrity() -> io::Result<Sid> {
    Token::of(&Process::open(std::process::id())?)?.sid(TokenIntegrityLevel)
}

/// That level as a number.
pub fn current_integrity_level() -> io::Result<u32> {
    integrity_of(&Process::open(std::process::id())?)
}

/// The level of a process: `MEDIUM` for what a user starts, less for what is shut in by its own program, such as a
/// browser's pages.
pub fn integrity_of(process: &Process) -> io::Result<u32> {
    let label = Token::of(process)?.sid(TokenIntegrityLevel)?;
    label.0.rsplit('-').next().and_then(|level| level.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The integrity of a user's programs.
pub const MEDIUM: u32 = 0x2000;
/// The integrity of what was started as administrator.
pub const HIGH: u32 = 0x3000;

/// The logon that a process belongs to: one of another logon was started by somebody who signed in elsewhere, such as
/// over the network, even if as the same user. A program that was started as administrator keeps its user's.
pub fn logon_of(process: &Process) -> io::Result<Sid> {
    Token::of(process)?.sid(TokenLogonSid)
}

/// Whether a process is shut in a container of an app.
pub fn is_contained(process: &Process) -> io::Result<bool> {
    let room = Token::of(process)?.ask(TokenIsAppContainer)?;
    // A number of 32 bits, in the lower half of the first eight bytes.
    Ok(room.first().is_some_and(|word| word & 0xffff_ffff != 0))
}

/// What the system holds of whoever started a process.
struct Token(OwnedHandle);

impl Token {
    fn of(process: &Process) -> io::Result<Token> {
        let mut token = ptr::null_mut();
        // SAFETY: the handle is open as long as `process` is borrowed.
        check(unsafe { OpenProcessToken(process.handle().as_raw_handle(), TOKEN_QUERY, &raw mut token) })?;
        // SAFETY: the function succeeded, so the handle is ours to close.
        Ok(Token(unsafe { OwnedHandle::from_raw_handle(token) }))
    }

    /// What it says of one thing; in words of eight bytes each, so that the structure in it is aligned.
    fn ask(&self, what: TOKEN_INFORMATION_CLASS) -> io::Result<Vec<u64>> {
        let token = self.0.as_raw_handle();
        let mut length = 0;
        // SAFETY: with no room offered, it only tells how much is needed.
        unsafe { GetTokenInformation(token, what, ptr::null_mut(), 0, &raw mut length) };
        let mut room = vec![0_u64; usize::try_from(length).unwrap_or_default().div_ceil(8)];
        // SAFETY: `room` is as long as was asked for.
        check(unsafe { GetTokenInformation(token, what, room.as_mut_ptr().cast(), length, &raw mut length) })?;
        Ok(room)
    }

    /// The identifier in what it says of a user, an integrity or a logon.
    fn sid(&self, what: TOKEN_INFORMATION_CLASS) -> io::Result<Sid> {
        let room = self.ask(what)?;
        // A logon stands in a list of groups, with one in it, behind their count.
        let before = if what == TokenLogonSid { mem::offset_of!(TOKEN_GROUPS, Groups) } else { 0 };
        let is_counted = what != TokenLogonSid || room.first().is_some_and(|count| count & 0xffff_ffff != 0);
        if !is_counted || room.len() * 8 < before + size_of::<SID_AND_ATTRIBUTES>() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // SAFETY: all three are given as this structure (alone in `TOKEN_USER` and `TOKEN_MANDATORY_LABEL`, first of the
        // groups in `TOKEN_GROUPS`), within `room`, which outlives the borrow.
        unsafe { Sid::of((*room.as_ptr().byte_add(before).cast::<SID_AND_ATTRIBUTES>()).Sid) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_logon_and_an_integrity_and_is_in_no_container() {
        let own = Process::open(std::process::id()).expect("this process");
        assert!(logon_of(&own).expect("a logon").as_str().starts_with("S-1-5-5-"));
        assert!(integrity_of(&own).expect("a level") >= MEDIUM);
        assert!(!is_contained(&own).expect("an answer"));
    }
}
