//! The restricted door, for containers and forwarded connections: a socket that is there only as long as an account is named
//! for it. One file per family of systems below, with the same name.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::keep;

#[cfg(not(unix))]
mod elsewhere;
#[cfg(not(unix))]
pub(crate) use elsewhere::keep;
