//! Whether there is a network, and its return, where the system tells of that. One file per family of systems below, with
//! the same few names.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::Connectivity;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::Connectivity;

/// Addresses that lead nowhere, beyond all networks of one's own (RFC 5737, RFC 3849): only the way there is looked up.
const BEYOND: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];
/// Any port: nothing is sent to it (`discard`, RFC 863).
const PORT: u16 = 9;

/// Whether the system knows no way out of this machine and its nearest networks. Nothing is sent: to connect a socket of
/// datagrams looks up the route, and no more (`udp(7)`).
pub fn is_offline() -> bool {
    BEYOND.iter().all(|beyond| way_to(*beyond).is_err_and(|error| is_no_way(&error)))
}

fn way_to(beyond: IpAddr) -> io::Result<()> {
    let any = match beyond {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    UdpSocket::bind((any, 0))?.connect((beyond, PORT))
}

/// Whether an error says that there is no way. Any other one, such as a sandbox's, says nothing.
fn is_no_way(error: &io::Error) -> bool {
    // IPv6 that is switched off has no addresses, or isn't there at all.
    matches!(
        error.kind(),
        ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::Unsupported
    )
}
