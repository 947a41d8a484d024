//! `keybearer headers`: what MCP clients run to learn the headers of their requests, such as Claude Code's `headersHelper`.

use crate::arguments::HeadersArguments;
use crate::connection::Reach;
use crate::output::{Failure, answer_json};
use keybearer_ipc::client::{Client, ClientError};
use keybearer_protocol::grant::{GrantRequest, GrantRequestParams};
use keybearer_protocol::token::{HeaderGet, HeaderGetParams, HeaderReply};
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

/// Clients kill a helper after ten seconds, and then don't hear why.
const TIMEOUT: Duration = Duration::from_secs(8);
/// How long headers should be good for: clients ask again only when they connect anew, or are refused.
const MIN_TTL: u32 = 600;
/// What a client writes in the place of what looks like a credential.
const BLOTTED: &str = "REDACTED";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// The account of this name, whatever address the client has.
    Name(String),
    /// The server at this address, and the account of this name where there are several or it was typed.
    Url { url: String, name: Option<String>, is_typed: bool },
    /// A server whose address isn't known whole.
    Blotted { pattern: String, name: Option<String> },
}

/// Prints a JSON object of headers. Never waits for a person: the question is shown, and the next call finds the answer.
pub(crate) fn headers(reach: &Reach, arguments: HeadersArguments) -> Result<(), Failure> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let of_client = (variable("CLAUDE_CODE_MCP_SERVER_NAME"), variable("CLAUDE_CODE_MCP_SERVER_URL"));
    let target = Target::of(arguments.name, of_client);
    let target = target.ok_or_else(|| Failure::usage("name an account or a server's address"))?;
    let mut agent = reach.open(Door::Programs)?;
    agent.set_timeout(Some(TIMEOUT));
    let reply = target.ask(&mut agent)?;
    let headers: BTreeMap<&str, &str> =
        reply.headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    answer_json(&headers)
}

impl Target {
    /// What was typed, and what the client says of its server: its name for it, and its address. That address counts in
    /// any case, for the headers go there.
    fn of(typed: Option<String>, (name, url): (Option<String>, Option<String>)) -> Option<Target> {
        let is_url = |text: &String| text.contains("://");
        let (typed_url, typed_name) = (typed.clone().filter(is_url), typed.filter(|text| !is_url(text)));
        let is_typed = typed_name.is_some();
        let name = typed_name.or(name);
        match (typed_url.or(url), name) {
            (Some(pattern), name) if pattern.contains(BLOTTED) => Some(Target::Blotted { pattern, name }),
            (Some(url), name) => Some(Target::Url { url, name, is_typed }),
            (None, name) => name.map(Target::Name),
        }
    }

    fn ask(self, agent: &mut Client) -> Result<HeaderReply, Failure> {
        match self {
            Target::Name(name) => get(agent, Some(name), None),
            Target::Url { url, name: Some(name), is_typed: true } => get(agent, Some(name), Some(url)),
            Target::Url { url, name, .. } => match (get(agent, None, Some(url.clone())), name) {
                // Two accounts at one server: the client's name for it may be that of one.
                (Err(Failure(error)), Some(name)) if error.known_code() == ErrorCode::ProfileAmbiguous => {
                    get(agent, Some(name), Some(url)).map_err(|_| Failure(error))
                }
                (got, _) => got,
            },
            Target::Blotted { pattern, name } => ask_for_blotted(agent, &pattern, name),
        }
    }
}

/// The account whose address fits what can be seen of this one. No account is taken by its name alone: whoever wrote the
/// client's configuration chose name and address, and the headers go to the address.
fn ask_for_blotted(agent: &mut Client, pattern: &str, name: Option<String>) -> Result<HeaderReply, Failure> {
    let accounts = agent.accounts()?;
    let mut fitting = accounts.iter().filter(|account| fits(pattern, &account.server_url));
    let named = fitting.clone().find(|account| Some(&account.profile) == name.as_ref());
    let account = match (named, fitting.next(), fitting.next()) {
        (Some(named), _, _) => named,
        (None, Some(only), None) => only,
        (None, None, _) => {
            // One that this program may not use yet isn't listed. To be asked about it gives nothing away.
            if let Some(name) = name.filter(|name| accounts.iter().all(|account| account.profile != *name)) {
                agent.call::<GrantRequest>(&GrantRequestParams { profile: name, scopes: Vec::new(), wait: false })?;
            }
            let message =
                "no account that this program may use has an address like that of the client, parts of which it hides";
            return Err(ErrorObject::new(ErrorCode::ResourceMismatch, message).into());
        }
        (None, Some(_), Some(_)) => {
            let message =
                "several accounts have an address like that of the client, parts of which it hides; name one of them";
            return Err(ErrorObject::new(ErrorCode::ProfileAmbiguous, message).into());
        }
    };
    get(agent, Some(account.profile.clone()), Some(account.server_url.clone()))
}

/// Whether an address may be this one, as far as it can be seen. The part that says which server it is can be seen.
fn fits(pattern: &str, url: &str) -> bool {
    let mut pieces = pattern.split(BLOTTED);
    let Some(mut rest) = pieces.next().and_then(|first| url.strip_prefix(first)) else { return false };
    let begins = pattern.split(BLOTTED).next().unwrap_or_default();
    let names_host = begins.split_once("://").is_some_and(|(_, after)| after.contains(['/', '?']));
    let mut last = None;
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
        last = Some(piece);
    }
    names_host && last.is_some_and(|last| url.ends_with(last))
}

fn get(agent: &mut Client, profile: Option<String>, url: Option<String>) -> Result<HeaderReply, Failure> {
    let params = HeaderGetParams {
        url,
        profile,
        // What MCP clients send most. It counts only where each request needs a proof of its own (RFC 9449).
        method: Some("POST".to_owned()),
        nonce: None,
        scopes: Vec::new(),
        min_ttl: MIN_TTL,
        interactive: true,
        wait: false,
        reason: None,
        repeat_means_refused: true,
    };
    agent.call::<HeaderGet>(&params).map_err(|error: ClientError| error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_hides_is_unknown_and_the_server_never_is() {
        for (pattern, url, expected) in [
            ("https://a.example/mcp?key=REDACTED", "https://a.example/mcp?key=1", true),
            ("https://a.example/REDACTED/mcp", "https://a.example/s3cret/mcp", true),
            ("https://a.example/REDACTED/mcp", "https://a.example/s3cret/other", false),
            ("https://evil.example/mcp?key=REDACTED", "https://a.example/mcp?key=1", false),
            ("https://REDACTED/mcp", "https://a.example/mcp", false),
            ("https://REDACTED@evil.example/mcp", "https://a.example/mcp", false),
            ("https://a.exampleREDACTED", "https://a.example.evil/mcp", false),
            ("https://a.example/mcp", "https://a.example/mcp", false),
        ] {
            assert_eq!(fits(pattern, url), expected, "{pattern} {url}");
        }
    }

    #[test]
    fn the_clients_address_counts_whoever_is_named() {
        let of = |typed: Option<&str>, name: Option<&str>, url: Option<&str>| {
            Target::of(typed.map(str::to_owned), (name.map(str::to_owned), url.map(str::to_owned)))
        };
        let url = |name: Option<&str>, is_typed| {
            Some(Target::Url { url: "https://a/".to_owned(), name: name.map(str::to_owned), is_typed })
        };
        assert_eq!(of(None, None, None), None);
        assert_eq!(of(Some("work"), None, None), Some(Target::Name("work".to_owned())));
        assert_eq!(of(Some("work"), Some("x"), Some("https://a/")), url(Some("work"), true));
        assert_eq!(of(None, Some("x"), Some("https://a/")), url(Some("x"), false));
        assert_eq!(of(Some("https://a/"), None, Some("https://b/")), url(None, false));
        let blotted = Target::Blotted { pattern: "https://a/REDACTED".to_owned(), name: Some("work".to_owned()) };
        assert_eq!(of(Some("work"), None, Some("https://a/REDACTED")), Some(blotted));
    }
}
