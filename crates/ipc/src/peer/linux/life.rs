//! What holds on to a process, and shows that it is still what it was (REQ-I1, REQ-I2).
//!
//! Two descriptors, two questions. The pidfd tells whether the process lives: as long as it does, its number is nobody
//! else's. A file of `/proc/PID` that belongs to the process's memory tells whether it still runs the same program: the
//! kernel ties such a file to the memory as it was when the file was opened, and `execve` makes a new one, also where the
//! same file is executed again with another script. So neither start time nor inode have to be compared, which an
//! `execve` of the same interpreter leaves as they are.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};
use rustix::io::pread;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// The life of a process as one program.
#[derive(Debug)]
pub(super) struct Life {
    process: OwnedFd,
    program: Program,
}

#[derive(Debug)]
enum Program {
    /// A file of the memory that it had.
    Memory(OwnedFd),
    /// The folder of a process whose memory nobody may look at (`PR_SET_DUMPABLE` 0). What `execve` starts shows itself.
    Hidden(OwnedFd),
}

/// Files that end with a process's memory, the cheapest to read first; some kernels are built without it.
const OF_MEMORY: [&str; 2] = ["pagemap", "maps"];

impl Life {
    /// Holds on to the process of this pidfd, whose folder in `/proc` this is.
    pub(super) fn of(process: OwnedFd, folder: &OwnedFd) -> io::Result<Life> {
        let open = |name: &&str| openat(folder, *name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok();
        let program = match OF_MEMORY.iter().find_map(open) {
            Some(memory) => Program::Memory(memory),
            None => Program::Hidden(folder.try_clone()?),
        };
        Ok(Life { process, program })
    }

    /// Whether the process lives, and runs the program that it ran.
    pub(super) fn goes_on(&self) -> bool {
        let same_program = match &self.program {
            Program::Memory(memory) => pread(memory, &mut [0_u8; 8], 0).is_ok_and(|read| read > 0),
            Program::Hidden(folder) => statat(folder, "exe", AtFlags::empty()).is_err(),
        };
        same_program && self.lives()
    }

    /// Whether the process lives, whatever it runs.
    pub(super) fn lives(&self) -> bool {
        lives(&self.process)
    }

    /// Another descriptor of the process, which turns readable at its end.
    pub(super) fn pidfd(&self) -> io::Result<OwnedFd> {
        self.process.try_clone()
    }

    /// Whether nobody may look at it.
    pub(super) fn is_hidden(&self) -> bool {
        matches!(self.program, Program::Hidden(_))
    }
}

/// Whether the process of this pidfd lives: it turns readable at its end.
pub(super) fn lives(process: &impl AsFd) -> bool {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&at_once)) == Ok(0)
}
