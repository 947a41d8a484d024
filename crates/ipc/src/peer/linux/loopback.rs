//! Whose a connection over loopback is, as the kernel's own table of connections says (`/proc/net/tcp`, proc_pid_net(5)).

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};

/// How an address of IPv4 begins that is written as one of IPv6 (RFC 4291 §2.5.5.2).
#[cfg(target_endian = "little")]
const MAPPED: &str = "0000000000000000FFFF0000";
#[cfg(target_endian = "big")]
const MAPPED: &str = "00000000000000000000FFFF";

/// Whether the socket at `theirs`, which is connected to `ours`, is this user's; `None` where the system doesn't tell.
pub(crate) fn is_ours(theirs: SocketAddrV4, ours: SocketAddrV4) -> Option<bool> {
    // A program whose socket is one for IPv6 as well stands in the other table.
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).ok());
    let found = tables.iter().flatten().find_map(|table| owner(table, theirs, ours));
    tables[0].as_ref().map(|_| found == Some(rustix::process::geteuid().as_raw()))
}

/// The user of the connection from `from` to `to` in such a table.
fn owner(table: &str, from: SocketAddrV4, to: SocketAddrV4) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        let is_meant = address(columns.next()?)? == from && address(columns.next()?)? == to;
        // Between the addresses and the user: state, queues, timer, retransmissions.
        if is_meant { columns.nth(4)?.parse().ok() } else { None }
    })
}

/// An address of IPv4 as the kernel writes it, also in the form of IPv6: words of this machine's byte order.
fn address(text: &str) -> Option<SocketAddrV4> {
    let (host, port) = text.split_once(':')?;
    let word = match host.len() {
        8 => host,
        32 => host.strip_prefix(MAPPED)?,
        _ => return None,
    };
    let host = Ipv4Addr::from(u32::from_str_radix(word, 16).ok()?.to_ne_bytes());
    Some(SocketAddrV4::new(host, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{SocketAddr, TcpListener, TcpStream};

    #[test]
    fn a_connection_of_this_process_is_this_users_whatever_its_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let ours = listener.local_addr().expect("an address");
        for there in [ours, SocketAddr::new("::ffff:127.0.0.1".parse().expect("an address"), ours.port())] {
            let _client = TcpStream::connect(there).expect("connected");
            let (accepted, theirs) = listener.accept().expect("accepted");
            let (SocketAddr::V4(theirs), SocketAddr::V4(ours)) = (theirs, accepted.local_addr().expect("an address"))
            else {
                panic!("{theirs}")
            };
            assert_eq!(is_ours(theirs, ours), Some(true), "{there}");
        }
        let nobody = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        assert_eq!(is_ours(nobody, nobody), Some(false));
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_user_is_read_from_both_tables() {
        let at = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
        let four = "   0: 0100007F:BAD7 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 8 1 0\n";
        let six = "   0: 0000000000000000FFFF00000100007F:C350 0000000000000000FFFF00000100007F:BAD7 01 \
                   00000000:00000000 02:000A 00000000  1001        0 9 2 0\n";
        assert_eq!(owner(&format!("{head}{four}"), at(0xBAD7), at(0xC350)), Some(1000));
        assert_eq!(owner(&format!("{head}{six}"), at(0xC350), at(0xBAD7)), Some(1001));
        assert_eq!(owner(&format!("{head}{four}"), at(0xC350), at(0xBAD7)), None);
    }
}
