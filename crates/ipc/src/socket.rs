//! Opening a socket, and reaching one. One file per family of systems below, with the same few names.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{Connection, Listener, Stream, accept, adopt, bind, connect, is_private};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::{Connection, Listener, Stream, accept, bind, connect};

use std::io;
use std::path::PathBuf;

/// Why a socket can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody answers there already.
    #[error("another agent answers at {0} already")]
    Taken(PathBuf),
    /// Something else lies at the socket's place, or its folder is open to others (REQ-D2).
    #[error("{0} isn't a private folder or socket of this user, so it is not used")]
    NotOurs(PathBuf),
    /// Another program has made a pipe of this name, and would be taken for the agent (REQ-D5).
    #[error("{by} has taken the agent's pipe {path} (what to do: end that program, then start the agent again)")]
    Squatted {
        /// The pipe.
        path: PathBuf,
        /// Who serves it, as far as it can be told.
        by: String,
    },
    /// A service manager handed over a socket that is none of this agent's doors.
    #[error("the socket at {0} was handed over, and is none of this agent's doors or doesn't listen")]
    NotADoor(PathBuf),
    /// A service manager handed over sockets, but not this one.
    #[error("sockets were handed over, but not {0}; the agent needs both doors or neither")]
    NotHanded(PathBuf),
    /// Nobody could connect to it.
    #[error("{0} is too long a path for a socket; name a shorter folder with KEYBEARER_SOCKET")]
    TooLong(PathBuf),
    /// The system refuses.
    #[error("{path} can't be opened: {cause}")]
    System {
        /// Where.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// Why a socket can't be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens.
    #[error("nobody listens at {0}")]
    Nobody(PathBuf),
    /// Whoever listens is not this user, or the socket is open to others (REQ-D4).
    #[error("{0} doesn't belong to this user alone, so nothing was said there")]
    NotOurs(PathBuf),
    /// The system refuses.
    #[error("{path} can't be reached: {cause}")]
    System {
        /// Where.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}
