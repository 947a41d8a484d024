//! The same server, found several times, is one candidate for an account.

use crate::entry::{Found, Target, Transport};
use url::Url;

/// A server, with all entries that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The name that it has where it was found first.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// All entries that lead there, in the order in which they were found. There is at least one.
    pub found: Vec<Found>,
}

impl Candidate {
    /// Whether a secret stands in one of its entries as plain text.
    pub fn has_plain_text(&self) -> bool {
        self.found.iter().any(|found| !found.plain_text.is_empty())
    }

    /// Whether Keybearer is behind all of its entries already.
    pub fn is_ours(&self) -> bool {
        self.found.iter().all(|found| found.ours.is_some())
    }

    /// Whether all that have it have switched it off.
    pub fn is_disabled(&self) -> bool {
        self.found.iter().all(|found| found.disabled)
    }
}

/// Puts the entries of the same server together, in the order in which they were found. Entries of Keybearer's that don't
/// say which server they lead to are left out: their account is there already.
pub fn merge(found: &[Found]) -> Vec<Candidate> {
    let mut candidates: Vec<(String, Candidate)> = Vec::new();
    for entry in found {
        let key = match &entry.target {
            Target::Remote { url, .. } if entry.ours.is_none() || is_web(url) && !is_local_gateway(entry) => {
                same_server(url)
            }
            Target::Remote { .. } => None,
            Target::Program { .. } if entry.ours.is_some() => None,
            Target::Program { command } => Some(command.clone()),
            Target::Unclear => None,
        };
        let Some(key) = key else { continue };
        match candidates.iter_mut().find(|(known, _)| *known == key) {
            Some((_, candidate)) => candidate.found.push(entry.clone()),
            None => {
                let candidate =
                    Candidate { name: entry.name.clone(), target: entry.target.clone(), found: vec![entry.clone()] };
                candidates.push((key, candidate));
            }
        }
    }
    candidates.into_iter().map(|(_, candidate)| candidate).collect()
}

fn is_web(url: &str) -> bool {
    url.starts_with("https:") || url.starts_with("http:")
}

fn is_local_gateway(entry: &Found) -> bool {
    entry.ours.as_ref().is_some_and(|ours| ours.way == crate::client::Way::Gateway)
}

/// An address in the form in which equal servers are equal; none if it is no server's address.
pub(crate) fn same_server(address: &str) -> Option<String> {
    let mut url = Url::parse(address).ok().filter(|url| url.has_host() || matches!(url.scheme(), "unix" | "pipe"))?;
    if is_web(address) {
        url.set_fragment(None);
        // Neither fails for an address with a host.
        let _ = (url.set_username(""), url.set_password(None));
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
    }
    Some(url.to_string())
}

/// Whether both are spoken with over HTTP, so that one can take the other's place.
pub(crate) fn is_http(transport: Transport) -> bool {
    matches!(transport, Transport::Http | Transport::Sse)
}
