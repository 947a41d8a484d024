//! Whose a connection over loopback is, as the kernel says: asked about this one connection (sock_diag(7)), or looked up in
//! its table of all (`/proc/net/tcp`, proc_pid_net(5)), which takes the longer the more memory a machine has.

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto, netlink, recv, send, socket_with,
};
use std::fs;
use std::mem::size_of;
use std::net::{Ipv4Addr, SocketAddrV4};

/// How an address of IPv4 begins that is written as one of IPv6 (RFC 4291 §2.5.5.2).
#[cfg(target_endian = "little")]
const MAPPED: &str = "0000000000000000FFFF0000";
#[cfg(target_endian = "big")]
const MAPPED: &str = "00000000000000000000FFFF";

/// Whether the socket at `theirs`, which is connected to `ours`, is this user's; `None` where the system doesn't tell.
pub(crate) fn is_ours(theirs: SocketAddrV4, ours: SocketAddrV4) -> Option<bool> {
    let us = rustix::process::geteuid().as_raw();
    if let Some(owner) = asked(theirs, ours) {
        return Some(owner == us);
    }
    // A kernel without that question answers as it does for a connection that isn't there. A program whose socket is one for IPv6 as well stands in the other table.
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).ok());
    let found = tables.iter().flatten().find_map(|table| owner(table, theirs, ours));
    tables[0].as_ref().map(|_| found == Some(us))
}

/// `SOCK_DIAG_BY_FAMILY`, and the flag of a request.
const BY_FAMILY: u16 = 20;
const REQUEST: u16 = 1;
/// `struct nlmsghdr`: length, type, flags, sequence, port.
const HEADER: usize = 16;
/// `struct inet_diag_req_v2`.
const QUESTION: usize = 56;
/// Where the user stands in `struct inet_diag_msg`: behind four bytes, the addresses, timer and queues.
const USER: usize = HEADER + 64;

/// The user of the connection from `from` to `to`, if the kernel answers. It does at once or not at all.
fn asked(from: SocketAddrV4, to: SocketAddrV4) -> Option<u32> {
    let kernel = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG));
    let kernel = kernel.ok()?;
    send(&kernel, &question(from, to), SendFlags::empty()).ok()?;
    let mut answer = [0; 512];
    let (length, _) = recv(&kernel, &mut answer[..], RecvFlags::DONTWAIT).ok()?;
    let answer = answer.get(..length)?;
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let user = answer.get(USER..USER + size_of::<u32>())?.try_into().ok()?;
    (kind == BY_FAMILY).then(|| u32::from_ne_bytes(user))
}

/// Asks about one connection of TCP over IPv4, whatever family its socket has (`struct inet_diag_req_v2`).
fn question(from: SocketAddrV4, to: SocketAddrV4) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + QUESTION);
    bytes.extend(u32::try_from(HEADER + QUESTION).unwrap_or_default().to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST.to_ne_bytes());
    // Sequence and port: there is one question, and the kernel fills in who asks.
    bytes.extend([0; 8]);
    // Family, protocol, extensions, padding.
    let family = u8::try_from(AddressFamily::INET.as_raw()).unwrap_or_default();
    let protocol = u8::try_from(ipproto::TCP.as_raw().get()).unwrap_or_default();
    bytes.extend([family, protocol, 0, 0]);
    // Every state.
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.extend(from.port().to_be_bytes());
    bytes.extend(to.port().to_be_bytes());
    for address in [from, to] {
        bytes.extend(address.ip().octets());
        bytes.extend([0; 12]);
    }
    // Any interface, and no cookie.
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend([u8::MAX; 8]);
    bytes
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
            // Where the kernel answers, both ways say the same.
            let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).expect("a table"));
            let listed = tables.iter().find_map(|table| owner(table, theirs, ours));
            assert!(asked(theirs, ours).is_none_or(|asked| Some(asked) == listed), "{there}");
        }
        let nobody = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        assert_eq!((asked(nobody, nobody), is_ours(nobody, nobody)), (None, Some(false)));
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
