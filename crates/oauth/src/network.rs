//! Where an address lies, as far as it matters who may lead there (`SSRF-3`).

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From near to far. A server may lead as far away as it lies itself, or farther, and never nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Network {
    /// This machine.
    Here,
    /// A network of somebody's own, or none at all: nothing that everybody can reach.
    Private,
    /// The internet.
    Public,
}

/// What the standard library can't name yet, from the IANA registries of special-purpose addresses. 198.18.0.0/15, kept
/// for benchmarks, is left out: VPN programs hand it out as a stand-in for every public name.
const PRIVATE_V4: [Ipv4Net; 4] = [
    // "This network" (RFC 791 §3.2).
    Ipv4Net::new_assert(Ipv4Addr::new(0, 0, 0, 0), 8),
    // Shared by the customers of one provider (RFC 6598).
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
    // IETF protocols (RFC 6890 §2.1).
    Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 0, 0), 24),
    // Reserved (RFC 1112 §4).
    Ipv4Net::new_assert(Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The same for IPv6.
const PRIVATE_V6: [Ipv6Net; 7] = [
    // A translator's own addresses (RFC 8215).
    Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    // Discarded (RFC 6666).
    Ipv6Net::new_assert(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    // IETF protocols, Teredo among them (RFC 2928).
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // For documents (RFC 3849, RFC 9637).
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    Ipv6Net::new_assert(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // Segments of a route (RFC 9602).
    Ipv6Net::new_assert(Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16),
    // Site-local, before there was fc00::/7 (RFC 3879).
    Ipv6Net::new_assert(Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10),
];

/// Forms of IPv6 that carry an address of IPv4, and at which of their segments: mapped (RFC 4291 §2.5.5), translated
/// (RFC 6052 §2.1), in a tunnel (RFC 3056).
const CARRIERS: [(Ipv6Net, usize); 4] = [
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 96), 6),
    (Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), 6),
    (Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96), 6),
    (Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), 1),
];

impl Network {
    /// Where this address lies, in whatever form it is written.
    pub fn of(address: IpAddr) -> Network {
        match address {
            IpAddr::V4(address) => Network::of_v4(address),
            IpAddr::V6(address) if address.is_loopback() => Network::Here,
            IpAddr::V6(address) => match carried(address) {
                Some(inner) => Network::of_v4(inner),
                None => Network::of_v6(address),
            },
        }
    }

    fn of_v4(address: Ipv4Addr) -> Network {
        if address.is_loopback() || address.is_unspecified() {
            Network::Here
        } else if address.is_private()
            || address.is_link_local()
            || address.is_multicast()
            || address.is_documentation()
            || PRIVATE_V4.iter().any(|network| network.contains(&address))
        {
            Network::Private
        } else {
            Network::Public
        }
    }

    fn of_v6(address: Ipv6Addr) -> Network {
        let is_private = address.is_unique_local()
            || address.is_unicast_link_local()
            || address.is_multicast()
            || PRIVATE_V6.iter().any(|network| network.contains(&address));
        if is_private { Network::Private } else { Network::Public }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Network::Here => "on this machine",
            Network::Private => "in a private network",
            Network::Public => "on the internet",
        })
    }
}

/// The address of IPv4 in one of IPv6, if it carries one.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (_, at) = CARRIERS.iter().find(|(network, _)| network.contains(&address))?;
    let segments = address.segments();
    let bits = (u32::from(segments[*at]) << 16) | u32::from(segments[at + 1]);
    Some(Ipv4Addr::from_bits(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_where_the_registries_say_in_every_form() {
        for (network, addresses) in [
            (
                Network::Here,
                "127.0.0.1 127.255.255.254 0.0.0.0 ::1 :: ::ffff:127.0.0.1 ::ffff:0.0.0.0 ::127.0.0.1 64:ff9b::7f00:1 \
                 2002:7f00:1::",
            ),
            (
                Network::Private,
                "0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 169.254.169.254 172.16.0.1 172.31.255.255 \
                 192.0.0.8 192.0.2.1 192.168.0.1 198.51.100.7 203.0.113.9 224.0.0.251 239.255.255.250 240.0.0.1 \
                 255.255.255.255 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::10.0.0.1 64:ff9b::a00:1 64:ff9b::c0a8:1 \
                 64:ff9b:1::808:808 100::1 2001::1 2001:db8::1 2002:c0a8:1:: 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 \
                 febf::1 fec0::1 ff02::fb",
            ),
            (
                Network::Public,
                "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 169.253.255.255 172.15.255.255 172.32.0.0 \
                 192.167.255.255 198.18.0.1 223.255.255.255 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808:: \
                 2606:4700:4700::1111 2a00:1450::1",
            ),
        ] {
            for address in addresses.split_whitespace() {
                assert_eq!(Network::of(address.parse().expect("an address")), network, "{address}");
            }
        }
    }
}
