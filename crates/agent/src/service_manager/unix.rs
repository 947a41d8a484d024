//! systemd's way, which others share.

use listenfd::ListenFd;
use std::env;
use std::io;
use std::os::unix::net::{UnixDatagram, UnixListener};

/// The sockets that were handed over.
pub(crate) type Handed = Vec<UnixListener>;

/// Something else than a Unix stream socket was handed over.
#[derive(Debug)]
pub(crate) struct HandedError(io::Error);

impl std::fmt::Display for HandedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the service manager handed over something else than a Unix socket: {}", self.0)
    }
}

impl std::error::Error for HandedError {}

/// The sockets that were opened for this very process; none where nobody did. Each is closed on `exec`. Called before
/// there are threads: the variables that count them are taken out of the environment.
pub(crate) fn handed() -> Result<Handed, HandedError> {
    // An environment that was passed on by mistake names another process.
    if env::var("LISTEN_PID").ok().and_then(|pid| pid.parse().ok()) != Some(std::process::id()) {
        return Ok(Vec::new());
    }
    let mut handed = ListenFd::from_env();
    (0..handed.len()).filter_map(|place| handed.take_unix_listener(place).map_err(HandedError).transpose()).collect()
}

/// Tells the service manager how the agent is, such as `READY=1`. Where none listens, nothing is said; one that is behind
/// with listening isn't waited for.
pub(crate) fn tell(state: &str) -> io::Result<()> {
    let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Ok(()) };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    if let Some(name) = name.as_encoded_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return socket.send_to_addr(state.as_bytes(), &address).map(drop);
    }
    socket.send_to(state.as_bytes(), name).map(drop)
}
