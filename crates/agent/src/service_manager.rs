//! What a service manager hands over and wants to hear: sockets that it opened before this agent ran
//! (`sd_listen_fds(3)`), and that the agent is ready (`sd_notify(3)`).

#[cfg(unix)]
pub(crate) use unix::{handed_sockets, tell};

/// Why what was handed over can't be used.
#[derive(Debug)]
pub(crate) enum HandedError {
    /// A descriptor isn't a Unix stream socket.
    NotASocket(String),
}

impl std::fmt::Display for HandedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HandedError::NotASocket(problem) => {
                write!(f, "the service manager handed over something else than a Unix socket: {problem}")
            }
        }
    }
}

impl std::error::Error for HandedError {}

#[cfg(unix)]
mod unix {
    use super::HandedError;
    use listenfd::ListenFd;
    use std::env;
    use std::io;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    /// The sockets that were opened for this very process; none where nobody did. Each is closed on `exec`. Called
    /// before there are threads: the variables that name them are taken out of the environment.
    pub(crate) fn handed_sockets() -> Result<Vec<UnixListener>, HandedError> {
        // An environment that was passed on by mistake names another process.
        if env::var("LISTEN_PID").ok().and_then(|pid| pid.parse().ok()) != Some(std::process::id()) {
            return Ok(Vec::new());
        }
        let mut handed = ListenFd::from_env();
        let problem = |error: io::Error| HandedError::NotASocket(error.to_string());
        (0..handed.len()).filter_map(|place| handed.take_unix_listener(place).map_err(problem).transpose()).collect()
    }

    /// Tells the service manager how the agent is, such as `READY=1`. Where none listens, nothing is said.
    pub(crate) fn tell(state: &str) -> io::Result<()> {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Ok(()) };
        let socket = UnixDatagram::unbound()?;
        #[cfg(target_os = "linux")]
        if let Some(name) = name.as_encoded_bytes().strip_prefix(b"@") {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            return socket.send_to_addr(state.as_bytes(), &address).map(drop);
        }
        socket.send_to(state.as_bytes(), name).map(drop)
    }
}

/// Elsewhere no service manager has anything to say.
#[cfg(not(unix))]
pub(crate) fn tell(_state: &str) -> std::io::Result<()> {
    Ok(())
}
