//! The old transport (HTTP+SSE, 2024-11-05): a stream whose first event names the endpoint for the client's messages. The
//! client is told one of ours instead, which leads back to the server's as long as the stream lasts.

use bytes::Bytes;
use keybearer_core::home::random_id;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What of a stream is looked at before it is taken for one without an endpoint, in bytes.
const LOOK: usize = 16 * 1024;
/// Endpoints at one time. Each has a stream that is under way, and those are counted.
const LIMIT: usize = 4096;

/// The endpoints that servers have named on streams that are under way.
#[derive(Default)]
pub(super) struct Endpoints(Mutex<HashMap<String, Known>>);

struct Known {
    account: String,
    /// What the server named, as it was written.
    named: String,
}

impl Endpoints {
    /// What the server of this account named for the endpoint that we gave out.
    pub(super) fn find(&self, id: &str, account: &str) -> Option<String> {
        self.known().get(id).filter(|known| known.account == account).map(|known| known.named.clone())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An endpoint that is known until this is dropped.
pub(super) struct Named {
    endpoints: Arc<Endpoints>,
    id: String,
}

impl Drop for Named {
    fn drop(&mut self) {
        self.endpoints.known().remove(&self.id);
    }
}

/// The beginning of a stream, up to its first event.
pub(super) struct Opening {
    endpoints: Arc<Endpoints>,
    account: String,
    base: String,
    held: Vec<u8>,
    named: Option<Named>,
}

impl Opening {
    /// Of a stream of this account, at this path of ours.
    pub(super) fn new(endpoints: &Arc<Endpoints>, account: &str, base: &str) -> Opening {
        let (held, named) = Default::default();
        Opening { endpoints: endpoints.clone(), account: account.to_owned(), base: base.to_owned(), held, named }
    }

    /// Takes the next bytes; gives what can go on, and whether there is nothing more to look at.
    pub(super) fn push(&mut self, bytes: &[u8]) -> (Bytes, bool) {
        self.held.extend_from_slice(bytes);
        match first_event(&self.held) {
            // Comments keep a connection alive, and don't wait.
            First::Unknown { begins } if self.held.len() - begins < LOOK => {
                (self.held.drain(..begins).collect::<Vec<u8>>().into(), false)
            }
            First::Unknown { .. } | First::Other => (std::mem::take(&mut self.held).into(), true),
            First::Endpoint { begins, ends, named } => {
                let mut told = self.held[..begins].to_vec();
                told.extend(format!("event: endpoint\ndata: {}\n\n", self.name(named)).bytes());
                told.extend_from_slice(&self.held[ends..]);
                self.held.clear();
                (told.into(), true)
            }
        }
    }

    /// The endpoint that was named, if one was.
    pub(super) fn named(mut self) -> Option<Named> {
        self.named.take()
    }

    /// What was held of a stream that ended before its first event.
    pub(super) fn rest(mut self) -> Option<Bytes> {
        Some(std::mem::take(&mut self.held).into()).filter(|rest: &Bytes| !rest.is_empty())
    }

    /// The address that the client is told instead of this one.
    fn name(&mut self, named: String) -> String {
        let id = format!("{}{}", random_id(), random_id());
        let mut known = self.endpoints.known();
        if known.len() < LIMIT {
            known.insert(id.clone(), Known { account: self.account.clone(), named });
        }
        drop(known);
        let address = format!("{}/messages/{id}", self.base);
        self.named = Some(Named { endpoints: self.endpoints.clone(), id });
        address
    }
}

/// The first event of a stream.
#[derive(Debug, PartialEq, Eq)]
enum First {
    /// It isn't whole yet; where it begins.
    Unknown { begins: usize },
    /// It names an endpoint: where it stands, and what it names.
    Endpoint { begins: usize, ends: usize, named: String },
    /// It is something else.
    Other,
}

/// Looks for the first event that has data (HTML standard, section 9.2.6).
fn first_event(stream: &[u8]) -> First {
    let (mut begins, mut at) = (0, 0);
    let (mut is_endpoint, mut data) = (false, None);
    while let Some((line, next)) = line(stream, at) {
        at = next;
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], line[colon + 1..].strip_prefix(b" ").unwrap_or(&line[colon + 1..])),
            None => (line, [].as_slice()),
        };
        match (line.is_empty(), &data) {
            (true, Some(named)) if is_endpoint => {
                return First::Endpoint { begins, ends: at, named: String::clone(named) };
            }
            (true, Some(_)) => return First::Other,
            // Only a comment, or an id: no event that anybody sees.
            (true, None) => (begins, is_endpoint) = (at, false),
            (false, _) if field == b"event" => is_endpoint = value == b"endpoint",
            (false, None) if field == b"data" => data = Some(String::from_utf8_lossy(value).into_owned()),
            (false, _) => {}
        }
    }
    First::Unknown { begins }
}

/// The line that begins here, and where the next one does; none as long as its end isn't there.
fn line(stream: &[u8], begin: usize) -> Option<(&[u8], usize)> {
    let rest = &stream[begin..];
    let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let next = match rest[end..] {
        // A line feed may follow.
        [b'\r'] => return None,
        [b'\r', b'\n', ..] => end + 2,
        _ => end + 1,
    };
    Some((&rest[..end], begin + next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_named_anew_wherever_the_bytes_are_cut_and_known_while_the_stream_lasts() {
        let stream = b": hello\r\n\r\nevent: endpoint\r\ndata: /messages?session=1\r\n\r\ndata: {}\n\n";
        for cut in 0..stream.len() {
            let endpoints = Arc::<Endpoints>::default();
            let mut opening = Opening::new(&endpoints, "a", "/mcp/n");
            let (mut told, is_over) = opening.push(&stream[..cut]);
            if !is_over {
                let (more, _) = opening.push(&stream[cut..]);
                told = [told, more].concat().into();
            }
            let text = String::from_utf8(told.to_vec()).expect("text");
            let id =
                text.split_once("data: /mcp/n/messages/").expect("named anew").1.split('\n').next().expect("an id");
            assert!(!text.contains("session=1") && text.starts_with(": hello\r\n\r\nevent: endpoint\n"), "{text}");
            let named = opening.named();
            assert_eq!(endpoints.find(id, "a").as_deref(), Some("/messages?session=1"));
            assert_eq!(endpoints.find(id, "b"), None);
            drop(named);
            assert_eq!(endpoints.find(id, "a"), None);
        }
    }

    #[test]
    fn every_other_stream_goes_on_as_it_is() {
        for stream in ["data: {\"a\":1}\n\n", "event: message\ndata: x\n\nevent: endpoint\ndata: /x\n\n"] {
            let mut opening = Opening::new(&Arc::default(), "a", "/mcp/n");
            assert_eq!(opening.push(stream.as_bytes()), (Bytes::from(stream.to_owned()), true));
        }
        let mut opening = Opening::new(&Arc::default(), "a", "/mcp/n");
        assert_eq!(opening.push(b"event: endpoint\ndata: /never"), (Bytes::new(), false));
        assert_eq!(opening.rest().as_deref(), Some(b"event: endpoint\ndata: /never".as_slice()));
        let mut opening = Opening::new(&Arc::default(), "a", "/mcp/n");
        let long = vec![b':'; LOOK];
        assert_eq!(opening.push(&long).0.len(), LOOK);
    }
}
