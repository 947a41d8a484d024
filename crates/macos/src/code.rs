//! Running code, and who signed it: what the kernel enforces while it runs, not what lies on the disk by now (REQ-I3).

use crate::socket::AuditToken;
use core_foundation::base::{CFTypeRef, OSStatus, TCFType};
use core_foundation::data::CFData;
use core_foundation::dictionary::{CFDictionary, CFDictionaryRef};
use core_foundation::number::CFNumber;
use core_foundation::string::{CFString, CFStringRef};
use security_framework::os::macos::code_signing::{Flags, GuestAttributes, SecCode, SecRequirement};
use std::io;
use std::ptr;

/// Code that Apple has vouched for: its own, or that of a developer whom it knows.
const KNOWN_DEVELOPER: &str = "anchor apple generic";
/// Code of the system itself.
const THE_SYSTEMS: &str = "anchor apple";

/// What is asked of a signature: who made it, and what the kernel has seen of it.
const SIGNING_AND_DYNAMIC_INFORMATION: u32 = 0x2 | 0x8;
/// Nobody's signature: it only says what the code was when it was made (`kSecCodeSignatureAdhoc`).
const ADHOC: i64 = 0x2;
/// No other code gets into the process by libraries or debuggers (`kSecCodeSignatureRuntime`).
const HARDENED: i64 = 0x1_0000;

#[link(name = "Security", kind = "framework")]
unsafe extern "C" {
    static kSecCodeInfoIdentifier: CFStringRef;
    static kSecCodeInfoTeamIdentifier: CFStringRef;
    static kSecCodeInfoFlags: CFStringRef;
    static kSecCodeInfoUnique: CFStringRef;

    fn SecCodeCopySigningInformation(code: CFTypeRef, flags: u32, information: *mut CFDictionaryRef) -> OSStatus;
}

/// The code that a process runs.
#[derive(Debug)]
pub struct Code(SecCode);

/// What its signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name that its maker gave it.
    pub identifier: String,
    /// The team that made it, as Apple knows it.
    pub team: Option<String>,
    /// Whether it lets no other code in.
    pub is_hardened: bool,
    /// Whether nobody in particular made the signature.
    pub is_adhoc: bool,
    /// The hash of all of it, in hexadecimal digits.
    pub hash: String,
}

impl Code {
    /// The code of the process at the other end of a socket. None of a process that has ended or runs another program by
    /// now.
    pub fn of_peer(token: AuditToken) -> io::Result<Code> {
        let mut attributes = GuestAttributes::new();
        let token = CFData::from_buffer(&token.bytes());
        attributes.set_audit_token(token.as_concrete_TypeRef());
        Code::of(&attributes)
    }

    /// The code of the process of this number. Whoever asks has to see to it that the number still means the same process.
    pub fn of_process(pid: u32) -> io::Result<Code> {
        let mut attributes = GuestAttributes::new();
        attributes.set_pid(libc::pid_t::try_from(pid).unwrap_or(-1));
        Code::of(&attributes)
    }

    /// This process's own.
    pub fn own() -> io::Result<Code> {
        SecCode::for_self(Flags::NONE).map(Code).map_err(io::Error::other)
    }

    fn of(attributes: &GuestAttributes) -> io::Result<Code> {
        SecCode::copy_guest_with_attribues(None, attributes, Flags::NONE).map(Code).map_err(io::Error::other)
    }

    /// Whether it is as it was signed, by a developer whom Apple knows.
    pub fn is_a_known_developers(&self) -> bool {
        self.fits(KNOWN_DEVELOPER)
    }

    /// Whether it is as it was signed, as a part of the system.
    pub fn is_the_systems(&self) -> bool {
        self.fits(THE_SYSTEMS)
    }

    fn fits(&self, requirement: &str) -> bool {
        let requirement = requirement.parse::<SecRequirement>();
        requirement.is_ok_and(|requirement| self.0.check_validity(Flags::NONE, &requirement).is_ok())
    }

    /// What its signature says. Whether it is true is another question.
    pub fn signature(&self) -> io::Result<Signature> {
        let mut information = ptr::null();
        // SAFETY: running code may stand where code on the disk is asked for, says Apple; the result is ours to release.
        let status = unsafe {
            SecCodeCopySigningInformation(self.0.as_CFTypeRef(), SIGNING_AND_DYNAMIC_INFORMATION, &raw mut information)
        };
        if status != 0 || information.is_null() {
            return Err(io::Error::other(format!("the signature can't be read ({status})")));
        }
        // SAFETY: the function succeeded, and its name says that the result is ours; its keys are texts.
        let information: CFDictionary<CFString, core_foundation::base::CFType> =
            unsafe { TCFType::wrap_under_create_rule(information) };
        let value = |key: CFStringRef| {
            // SAFETY: the key is a constant of the framework's.
            let key = unsafe { CFString::wrap_under_get_rule(key) };
            information.find(&key).map(|value| value.clone())
        };
        let text = |key| value(key).and_then(|value| value.downcast::<CFString>()).map(|text| text.to_string());
        // SAFETY: these are constants of the framework's, set before any code of ours runs.
        let [identifier, team, flags, unique] =
            unsafe { [kSecCodeInfoIdentifier, kSecCodeInfoTeamIdentifier, kSecCodeInfoFlags, kSecCodeInfoUnique] };
        let flags = value(flags).and_then(|value| value.downcast::<CFNumber>()).and_then(|number| number.to_i64());
        let hash = value(unique).and_then(|value| value.downcast::<CFData>());
        let (Some(identifier), Some(flags), Some(hash)) = (text(identifier), flags, hash) else {
            return Err(io::Error::other("the code isn't signed at all"));
        };
        Ok(Signature {
            identifier,
            team: text(team),
            is_hardened: flags & HARDENED != 0,
            is_adhoc: flags & ADHOC != 0,
            hash: hash.bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }
}
