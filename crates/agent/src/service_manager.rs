//! What a service manager hands over and wants to hear: sockets that it opened before this agent ran
//! (`sd_listen_fds(3)`), and how the agent is (`sd_notify(3)`). One file per family of systems below, with the same names.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{Handed, HandedError, handed, tell};

#[cfg(not(unix))]
mod elsewhere;
#[cfg(not(unix))]
pub(crate) use elsewhere::{Handed, HandedError, handed, tell};
