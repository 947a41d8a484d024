//! Who signed a file (Authenticode), as this system trusts it. Nothing is asked of the network and nobody in front of the
//! screen: what is known of certificates that were taken back is what lies here already.

use crate::{check, copy, wide, wide_path};
use std::ffi::c_void;
use std::io;
use std::path::Path;
use std::ptr;
use windows_sys::Win32::Security::Cryptography::{CERT_NAME_ATTR_TYPE, CertGetNameStringW, szOID_ORGANIZATION_NAME};
use windows_sys::Win32::Security::WinTrust::{
    WINTRUST_ACTION_GENERIC_VERIFY_V2, WINTRUST_DATA, WINTRUST_DATA_0, WINTRUST_FILE_INFO,
    WTD_CACHE_ONLY_URL_RETRIEVAL, WTD_CHOICE_FILE, WTD_DISABLE_MD2_MD4, WTD_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT,
    WTD_REVOKE_WHOLECHAIN, WTD_STATEACTION_CLOSE, WTD_STATEACTION_VERIFY, WTD_UI_NONE, WTHelperGetProvSignerFromChain,
    WTHelperProvDataFromStateData, WinVerifyTrust,
};
use windows_sys::Win32::Storage::FileSystem::{GetFileVersionInfoSizeW, GetFileVersionInfoW, VerQueryValueW};

/// The longest name of a publisher, in units of UTF-16.
const NAME: usize = 256;

/// The organisation that signed the file of this path, if the system trusts its signature and the file is as it was
/// signed.
pub fn publisher(file: &Path) -> Option<String> {
    let path = wide_path(file);
    let mut subject = WINTRUST_FILE_INFO {
        cbStruct: size(size_of::<WINTRUST_FILE_INFO>()),
        pcwszFilePath: path.as_ptr(),
        ..WINTRUST_FILE_INFO::default()
    };
    let mut question = WINTRUST_DATA {
        cbStruct: size(size_of::<WINTRUST_DATA>()),
        dwUIChoice: WTD_UI_NONE,
        fdwRevocationChecks: WTD_REVOKE_WHOLECHAIN,
        dwUnionChoice: WTD_CHOICE_FILE,
        Anonymous: WINTRUST_DATA_0 { pFile: &raw mut subject },
        dwStateAction: WTD_STATEACTION_VERIFY,
        dwProvFlags: WTD_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT | WTD_CACHE_ONLY_URL_RETRIEVAL | WTD_DISABLE_MD2_MD4,
        ..WINTRUST_DATA::default()
    };
    let trusted = ask(&mut question) == 0;
    // SAFETY: the question was answered with success, so its state is there until it is closed.
    let publisher = trusted.then(|| unsafe { signer(&question) }).flatten();
    question.dwStateAction = WTD_STATEACTION_CLOSE;
    ask(&mut question);
    publisher
}

/// Zero for a file that is trusted.
fn ask(question: &mut WINTRUST_DATA) -> i32 {
    let mut action = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    // SAFETY: both are valid, and what the question points to outlives the call; no window is asked for.
    unsafe { WinVerifyTrust(ptr::null_mut(), &raw mut action, ptr::from_mut(question).cast()) }
}

/// The organisation in the first signer's certificate.
///
/// # Safety
/// `question` must have been answered with success, and not be closed.
unsafe fn signer(question: &WINTRUST_DATA) -> Option<String> {
    // SAFETY: the caller says that the state is there; each pointer is looked at before it is followed, and all of it
    // belongs to the state.
    let certificate = unsafe {
        let state = WTHelperProvDataFromStateData(question.hWVTStateData);
        let signer = (!state.is_null()).then(|| WTHelperGetProvSignerFromChain(state, 0, 0, 0))?;
        if signer.is_null() || (*signer).csCertChain == 0 || (*signer).pasCertChain.is_null() {
            return None;
        }
        (*(*signer).pasCertChain).pCert
    };
    let mut name = [0_u16; NAME];
    let attribute: *const c_void = szOID_ORGANIZATION_NAME.cast();
    // SAFETY: the certificate belongs to the state, the attribute's name ends with a zero, and `name` is as long as is said.
    let length =
        unsafe { CertGetNameStringW(certificate, CERT_NAME_ATTR_TYPE, 0, attribute, name.as_mut_ptr(), size(NAME)) };
    // With the zero at its end: one that stands alone is no name.
    (length > 1).then(|| String::from_utf16_lossy(&name[..usize::try_from(length).unwrap_or(1) - 1]))
}

/// The product that a file says it belongs to. Part of what is signed.
pub fn product(file: &Path) -> io::Result<String> {
    let path = wide_path(file);
    // SAFETY: the path ends with a zero; nothing else is written.
    let length = unsafe { GetFileVersionInfoSizeW(path.as_ptr(), ptr::null_mut()) };
    // Of eight bytes each, so that what is in it is aligned.
    let mut room = vec![0_u64; usize::try_from(length).unwrap_or_default().div_ceil(8)];
    // SAFETY: `room` is as long as was asked for.
    check(unsafe { GetFileVersionInfoW(path.as_ptr(), 0, length, room.as_mut_ptr().cast()) })?;
    let value = |key: &str| -> io::Result<(*const c_void, u32)> {
        let (mut value, mut length) = (ptr::null_mut(), 0);
        // SAFETY: `room` holds what the system gave; the value lies in it.
        check(unsafe { VerQueryValueW(room.as_ptr().cast(), wide(key).as_ptr(), &raw mut value, &raw mut length) })?;
        Ok((value, length))
    };
    let (languages, length) = value(r"\VarFileInfo\Translation")?;
    if length < 4 || languages.is_null() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: so much is there: the language and the letters of the first translation.
    let [language, letters] = unsafe { *languages.cast::<[u16; 2]>() };
    let (name, length) = value(&format!(r"\StringFileInfo\{language:04x}{letters:04x}\ProductName"))?;
    if length == 0 || name.is_null() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: texts in such a block end with a zero.
    Ok(unsafe { copy(name.cast()) })
}

fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_nobody_signed_has_no_publisher() {
        let own = std::env::current_exe().expect("this test");
        assert_eq!(publisher(&own), None);
        assert_eq!(publisher(&own.with_file_name("nothing.exe")), None);
        assert!(product(&own).is_err());
        // A file of the system, with all that it says of itself.
        let system = Path::new(r"C:\windows\system32\kernel32.dll");
        assert!(!product(system).expect("a product").is_empty());
    }
}
