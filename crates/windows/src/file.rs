//! Who can change a file, or put another in its place: its owner, and whoever its list lets write.

use crate::security::Descriptor;
use crate::user::Sid;
use std::io;
use std::path::Path;
use windows_sys::Win32::Foundation::{GENERIC_ALL, GENERIC_WRITE};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_ADD_FILE, FILE_ADD_SUBDIRECTORY, FILE_APPEND_DATA, FILE_DELETE_CHILD, FILE_WRITE_DATA, WRITE_DAC,
    WRITE_OWNER,
};

/// Who may do anything with a system: itself, its administrators and its installer.
const SYSTEM: &[&str] = &["S-1-5-18", "S-1-5-32-544", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"];

/// Rights to put another object in the place of one, or to give oneself all rights.
const REPLACE: u32 = DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL;
/// Rights to change a file.
const FILE: u32 = FILE_WRITE_DATA | FILE_APPEND_DATA | GENERIC_WRITE | REPLACE;
/// Rights to lay something beside it: a library would be as good.
const FOLDER: u32 = FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | FILE_DELETE_CHILD | GENERIC_WRITE | REPLACE;
/// Rights to move the folder away.
const ABOVE: u32 = FILE_DELETE_CHILD | REPLACE;

/// Everybody who can change the file of this path, or what is found there. Nobody's denials count.
pub fn writers(file: &Path) -> io::Result<Vec<Sid>> {
    let mut writers: Vec<Sid> = Vec::new();
    for (place, path) in file.ancestors().filter(|path| !path.as_os_str().is_empty()).enumerate() {
        let rights = [FILE, FOLDER].get(place).copied().unwrap_or(ABOVE);
        for writer in Descriptor::of_file(path)?.holders(rights)? {
            if !writers.contains(&writer) {
                writers.push(writer);
            }
        }
    }
    Ok(writers)
}

/// Whether this is the system, which can change everything anyway.
pub fn is_system(user: &Sid) -> bool {
    SYSTEM.contains(&user.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user;

    fn writers_of(sddl: &str) -> Vec<String> {
        let holders = Descriptor::parse(sddl).expect("a descriptor").holders(FILE).expect("a list");
        holders.iter().map(|sid| sid.as_str().to_owned()).collect()
    }

    #[test]
    fn whoever_may_write_can_change_a_file_and_so_can_its_owner() {
        // As programs are installed: everybody reads and runs, the system writes; what is inherited below counts there.
        let installed = writers_of("O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GA;;;CO)");
        assert_eq!(installed, ["S-1-5-32-544", "S-1-5-18"]);
        for (sddl, writer) in [
            ("O:BAG:SYD:P(A;;FA;;;SY)(A;;0x2;;;BU)", "S-1-5-32-545"),
            ("O:BAG:SYD:P(A;;FA;;;SY)(A;;WD;;;AU)", "S-1-5-11"),
            ("O:BUG:SYD:P(A;;FA;;;SY)", "S-1-5-32-545"),
            // Without a list, everybody may do everything.
            ("O:BAG:SY", "S-1-1-0"),
        ] {
            assert!(writers_of(sddl).iter().any(|sid| sid == writer), "{sddl}");
        }
        let own = std::env::current_exe().expect("this test");
        assert!(writers(&own).expect("a list").contains(&user::current().expect("a user")));
        assert!(writers(&own.join("nothing")).is_err());
    }
}
