//! Who may do what with an object, written in the language of security descriptors (SDDL).

use crate::user::Sid;
use crate::{Allocated, check, check_code, copy, wide, wide_path};
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use std::path::Path;
use std::ptr;
use windows_sys::Win32::Foundation::{ERROR_INVALID_DATA, HANDLE};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertStringSecurityDescriptorToSecurityDescriptorW,
    GetNamedSecurityInfoW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT, SE_KERNEL_OBJECT, SetSecurityInfo,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, DACL_SECURITY_INFORMATION, GetAce, GetSecurityDescriptorDacl,
    GetSecurityDescriptorOwner, INHERIT_ONLY_ACE, LABEL_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR,
};
use windows_sys::Win32::System::SystemServices::{ACCESS_ALLOWED_ACE_TYPE, ACCESS_ALLOWED_CALLBACK_ACE_TYPE};

/// A security descriptor.
#[derive(Debug)]
pub(crate) struct Descriptor(Allocated);

impl Descriptor {
    /// The one that this text describes.
    pub(crate) fn parse(sddl: &str) -> io::Result<Descriptor> {
        let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
        // SAFETY: the text ends with a zero; the result is freed by `Allocated`.
        check(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                wide(sddl).as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                ptr::null_mut(),
            )
        })?;
        Ok(Descriptor(Allocated(descriptor)))
    }

    /// The one of a file or a folder.
    pub(crate) fn of_file(path: &Path) -> io::Result<Descriptor> {
        let mut descriptor = ptr::null_mut();
        let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
        // SAFETY: the path ends with a zero; the descriptor is freed by `Allocated`; what isn't asked for is not written.
        check_code(unsafe {
            GetNamedSecurityInfoW(
                wide_path(path).as_ptr(),
                SE_FILE_OBJECT,
                what,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                &raw mut descriptor,
            )
        })?;
        Ok(Descriptor(Allocated(descriptor)))
    }

    /// The owner, and everybody else whom the list gives one of these rights.
    pub(crate) fn holders(&self, rights: u32) -> io::Result<Vec<Sid>> {
        let (mut owner, mut defaulted) = (ptr::null_mut(), 0);
        // SAFETY: the descriptor is there as long as `self`, and the owner lies in it.
        check(unsafe { GetSecurityDescriptorOwner(self.as_ptr(), &raw mut owner, &raw mut defaulted) })?;
        if owner.is_null() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // SAFETY: the function succeeded, and the descriptor is still there.
        let mut holders = vec![unsafe { Sid::of(owner) }?];
        let (mut present, mut list) = (0, ptr::null_mut());
        // SAFETY: as before.
        check(unsafe {
            GetSecurityDescriptorDacl(self.as_ptr(), &raw mut present, &raw mut list, &raw mut defaulted)
        })?;
        if present == 0 || list.is_null() {
            holders.push(Sid::everyone());
            return Ok(holders);
        }
        // SAFETY: the list is valid, and says how many entries it has.
        for place in 0..u32::from(unsafe { (*list).AceCount }) {
            let mut entry = ptr::null_mut();
            // SAFETY: the list is valid, and the entry lies in it.
            check(unsafe { GetAce(list, place, &raw mut entry) })?;
            // SAFETY: every entry begins in this way.
            let header = unsafe { *entry.cast::<ACE_HEADER>() };
            let is_for_others = u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0;
            let allows = [ACCESS_ALLOWED_ACE_TYPE, ACCESS_ALLOWED_CALLBACK_ACE_TYPE].contains(&header.AceType.into());
            if is_for_others || !allows {
                continue;
            }
            let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
            // SAFETY: entries of both kinds begin in this way, and the identifier begins at its first word.
            let (mask, sid) = unsafe { ((*entry).Mask, (&raw mut (*entry).SidStart).cast()) };
            if mask & rights != 0 {
                // SAFETY: the list is valid, so its identifiers are.
                let holder = unsafe { Sid::of(sid) }?;
                if !holders.contains(&holder) {
                    holders.push(holder);
                }
            }
        }
        Ok(holders)
    }

    /// As the system writes it.
    fn to_text(&self) -> io::Result<String> {
        let mut text = ptr::null_mut();
        // SAFETY: the descriptor is there as long as `self`; the result is freed by `Allocated`.
        check(unsafe {
            ConvertSecurityDescriptorToStringSecurityDescriptorW(
                self.as_ptr(),
                SDDL_REVISION_1,
                DESCRIBED,
                &raw mut text,
                ptr::null_mut(),
            )
        })?;
        let _text = Allocated(text.cast());
        // SAFETY: the function succeeded, so the text ends with a zero.
        Ok(unsafe { copy(text) })
    }

    /// Where it lies, as long as this is borrowed.
    pub(crate) fn as_ptr(&self) -> PSECURITY_DESCRIPTOR {
        self.0.0
    }
}

/// Who owns an object: whoever made it, or was named when it was made.
pub fn owner(object: BorrowedHandle<'_>) -> io::Result<Sid> {
    let mut owner = ptr::null_mut();
    let mut descriptor = ptr::null_mut();
    // SAFETY: the handle is open as long as `object`; the descriptor is freed by `Allocated`, and the owner lies in it.
    check_code(unsafe {
        GetSecurityInfo(
            object.as_raw_handle(),
            SE_KERNEL_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    })?;
    let _descriptor = Allocated(descriptor);
    if owner.is_null() {
        return check_code(ERROR_INVALID_DATA).and(Err(io::ErrorKind::InvalidData.into()));
    }
    // SAFETY: the function succeeded, and the descriptor that holds the identifier is still there.
    unsafe { Sid::of(owner) }
}

/// What a description tells: the owner, who may do what, and the integrity that it takes.
const DESCRIBED: u32 = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION;

/// Who owns an object and who may do what with it, in SDDL.
pub fn description(object: BorrowedHandle<'_>) -> io::Result<String> {
    let mut descriptor = ptr::null_mut();
    let nothing = ptr::null_mut;
    // SAFETY: the handle is open as long as `object`; the descriptor is freed by `Allocated`.
    check_code(unsafe {
        GetSecurityInfo(
            object.as_raw_handle(),
            SE_KERNEL_OBJECT,
            DESCRIBED,
            nothing(),
            nothing(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    })?;
    Descriptor(Allocated(descriptor)).to_text()
}

/// A text of SDDL as the system would write it.
pub fn canonical(sddl: &str) -> io::Result<String> {
    Descriptor::parse(sddl)?.to_text()
}

/// Puts the list of who may do what of this text in the place of the object's own, and takes nothing from its parent.
pub(crate) fn restrict(object: HANDLE, sddl: &str) -> io::Result<()> {
    let descriptor = Descriptor::parse(sddl)?;
    let (mut present, mut defaulted, mut list) = (0, 0, ptr::null_mut());
    // SAFETY: the descriptor is valid, and the list lies in it.
    check(unsafe {
        GetSecurityDescriptorDacl(descriptor.as_ptr(), &raw mut present, &raw mut list, &raw mut defaulted)
    })?;
    if present == 0 || list.is_null() {
        // No list at all would let everybody in.
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the list is there until `descriptor` goes; a wrong handle is answered with an error.
    check_code(unsafe {
        SetSecurityInfo(object, SE_KERNEL_OBJECT, what, ptr::null_mut(), ptr::null_mut(), list, ptr::null())
    })
}
