//! Linux: the kernel tells of links that come up, and of new addresses and routes (`rtnetlink(7)`).

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use std::future::pending;
use std::io;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// What is listened to (`RTMGRP_*` of `linux/rtnetlink.h`): links, and addresses and routes of IPv4 and IPv6.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// A link, an address or a route is there that wasn't, or isn't as it was (`RTM_NEW*`). What goes away is no return.
const NEWS: [u16; 3] = [16, 20, 24];
/// The length of the head before each message (`struct nlmsghdr`).
const HEAD: usize = 16;
/// A network comes in pieces: its return is told when there was time for the others.
const SETTLES: Duration = Duration::from_secs(1);
/// One that comes and goes all the time is told of no more often.
const REST: Duration = Duration::from_secs(15);

/// Listens for the network's return.
#[derive(Debug)]
pub struct Connectivity {
    socket: AsyncFd<OwnedFd>,
    /// When what has come is told.
    tell_at: Option<Instant>,
    told_at: Option<Instant>,
}

impl Connectivity {
    /// Begins to listen.
    #[expect(deprecated, reason = "sound for whoever owns its descriptor, and what replaces it is unsafe code")]
    pub fn listen() -> io::Result<Connectivity> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // No protocol is `NETLINK_ROUTE`.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        let socket = AsyncFd::with_interest(socket, Interest::READABLE)?;
        Ok(Connectivity { socket, tell_at: None, told_at: None })
    }

    /// Returns when there is more of a network than before. Whoever stops waiting and comes back misses nothing.
    pub async fn returned(&mut self) {
        while self.tell_at.is_none() {
            let Ok(mut ready) = self.socket.readable().await else { return pending().await };
            let mut messages = [0; 8192];
            match recv(ready.get_inner(), &mut messages[..], RecvFlags::empty()) {
                Err(Errno::AGAIN | Errno::INTR) => ready.clear_ready(),
                // More has happened than there was room for.
                Err(Errno::NOBUFS) => self.note(Instant::now()),
                Ok((read, _)) if is_news(messages.get(..read).unwrap_or_default()) => {
                    self.note(Instant::now());
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the system doesn't tell of its networks any more");
                    return pending().await;
                }
            }
        }
        if let Some(at) = self.tell_at {
            tokio::time::sleep_until(at).await;
        }
        (self.tell_at, self.told_at) = (None, Some(Instant::now()));
    }

    fn note(&mut self, now: Instant) {
        let rested = self.told_at.map_or(now, |told_at| told_at + REST);
        self.tell_at = Some(rested.max(now + SETTLES));
    }
}

/// Whether one of these messages tells of something new.
fn is_news(mut messages: &[u8]) -> bool {
    while let Some((head, _)) = messages.split_at_checked(HEAD) {
        let [a, b, c, d, kind_a, kind_b, ..] = *head else { return false };
        if NEWS.contains(&u16::from_ne_bytes([kind_a, kind_b])) {
            return true;
        }
        let length = usize::try_from(u32::from_ne_bytes([a, b, c, d])).unwrap_or(usize::MAX).max(HEAD);
        // Each begins at a multiple of four.
        messages = messages.get(length.saturating_add(3) / 4 * 4..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    fn message(kind: u16, length: u32, body: usize) -> Vec<u8> {
        [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10], &vec![0xff; body]].concat()
    }

    #[test]
    fn what_is_new_is_found_among_what_went_away() {
        let [gone, new] = [(17, 21), (20, 20)].map(|(kind, length)| message(kind, length, 8));
        assert!(is_news(&new));
        assert!(is_news(&[gone.clone(), new.clone()].concat()));
        for nothing in [&[][..], &gone, &new[..HEAD - 1], &message(17, 0, 0), &message(17, u32::MAX, 4)] {
            assert!(!is_news(nothing));
        }
    }

    #[tokio::test]
    async fn a_storm_is_one_piece_of_news_and_the_next_has_to_wait() {
        let mut network = Connectivity::listen().expect("a socket");
        let began = Instant::now();
        network.note(began);
        // Whoever looks after something else meanwhile loses nothing.
        assert!(timeout(SETTLES / 4, network.returned()).await.is_err());
        network.returned().await;
        assert!(began.elapsed() >= SETTLES);
        let told_at = network.told_at.expect("it was told");
        network.note(told_at + SETTLES);
        assert_eq!(network.tell_at, Some(told_at + REST));
        network.note(told_at + REST);
        assert_eq!(network.tell_at, Some(told_at + REST + SETTLES));
    }
}
