//! An entry as Keybearer understands it: where it leads, whether it is in use, which secrets stand in it as plain text.

use crate::client::{Client, Way};
use crate::secret::{is_random, is_reference, is_secret_name, shown_address};
use crate::tree::Node;
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// A server entry of a client. Values of headers and variables are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose it is.
    pub client: Client,
    /// For what it counts.
    pub scope: Scope,
    /// The file in which it stands.
    pub file: PathBuf,
    /// Its name there.
    pub name: String,
    /// Where it leads.
    pub target: Target,
    /// Whether it is switched off there.
    pub disabled: bool,
    /// The secrets that stand in it as plain text.
    pub plain_text: Vec<PlainText>,
    /// Whether Keybearer is behind it already.
    pub ours: Option<Ours>,
}

/// For what an entry counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// For all that the user does.
    User,
    /// For one folder.
    Project(PathBuf),
}

/// Where an entry leads. Printed for developers, an address is without what may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// To a server elsewhere.
    Remote {
        /// Its address, without user, fragment and parameters that are secrets. Some servers have a secret in the path,
        /// which is part of where they are: such an address is found among the [plain texts](Found::plain_text).
        url: String,
        /// How it is spoken with.
        transport: Transport,
        /// The program that stands between, such as `mcp-remote`.
        through: Option<String>,
    },
    /// To a program that the client starts.
    Program {
        /// Its name, and what it runs, without any option.
        command: String,
    },
    /// To an address that isn't known before the client fills it in.
    Unclear,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Remote { url, transport, through } => {
                let url = shown_address(url).unwrap_or_else(|| url.clone());
                let mut shown = f.debug_struct("Remote");
                shown.field("url", &url).field("transport", transport).field("through", through).finish()
            }
            Target::Program { command } => f.debug_struct("Program").field("command", command).finish(),
            Target::Unclear => f.write_str("Unclear"),
        }
    }
}

/// How a server is spoken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP.
    Http,
    /// HTTP with server-sent events, as before 2025-03-26.
    Sse,
    /// A web socket.
    WebSocket,
    /// HTTP over a local socket or pipe.
    Socket,
}

/// A secret that stands in a file as plain text. Its value is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainText {
    /// In which part of the entry.
    pub place: Part,
    /// The name of the header, variable, option or parameter.
    pub name: String,
}

/// A part of an entry in which secrets may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A header of HTTP.
    Header,
    /// An environment variable.
    Environment,
    /// A word behind the command.
    Argument,
    /// The address.
    Address,
    /// The client's own sign-in.
    SignIn,
}

/// What tells that Keybearer is behind an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// The way that it takes.
    pub way: Way,
    /// The account's name, if the entry says it.
    pub profile: Option<String>,
}

/// The name of the header with the gateway's key, by which an entry of ours is known again.
pub const GATEWAY_HEADER: &str = "Keybearer-Key";

/// Programs that lead to a server elsewhere, and how they speak with it if they aren't told.
const WRAPPERS: [(&str, Transport); 6] = [
    ("mcp-remote", Transport::Http),
    ("mcp-remote-client", Transport::Http),
    ("mcp-proxy", Transport::Sse),
    ("supergateway", Transport::Sse),
    ("mcp-streamable-http-bridge", Transport::Http),
    ("fastmcp", Transport::Http),
];
/// What stands before the program that is really meant.
const LAUNCHERS: [&str; 16] =
    ["npx", "bunx", "pnpx", "pnpm", "npm", "yarn", "dlx", "exec", "x", "uvx", "uv", "pipx", "run", "tool", "cmd", "/c"];
/// Keys that hold headers, and those that hold variables.
const HEADERS: [&str; 2] = ["headers", "http_headers"];
const VARIABLES: [&str; 3] = ["env", "envs", "environment"];
const SIGN_IN: [&str; 2] = ["oauth", "auth"];

/// What an entry says; none if it is no server, such as an extension of the client itself.
pub(crate) fn understand(client: Client, file: &Path, scope: &Scope, name: &str, node: &Node) -> Option<Found> {
    let mut plain_text = Vec::new();
    let target = target(client, node, &mut plain_text)?;
    let ours = ours(client, node);
    for (keys, part) in
        [(&HEADERS[..], Part::Header), (&VARIABLES[..], Part::Environment), (&SIGN_IN[..], Part::SignIn)]
    {
        for member in keys.iter().filter_map(|key| node.get(key)).flat_map(Node::members) {
            let is_plain = member.value.text().is_some_and(|value| !is_reference(value));
            if is_plain && is_secret_name(&member.key) && !member.key.eq_ignore_ascii_case(GATEWAY_HEADER) {
                plain_text.push(PlainText { place: part, name: member.key.clone() });
            }
        }
    }
    let is = |key: &str, flag: bool| node.get(key).and_then(Node::flag) == Some(flag);
    let disabled = is("disabled", true) || is("enabled", false);
    let found = Found {
        client,
        scope: scope.clone(),
        file: file.to_owned(),
        name: name.to_owned(),
        target,
        disabled,
        plain_text,
        ours,
    };
    Some(found)
}

/// The command with its words: clients have it as one text with a list, or as one list.
fn words(node: &Node) -> Vec<&str> {
    let first = ["command", "cmd"].into_iter().find_map(|key| node.get(key));
    // Zed has had the command in a map of its own.
    let (first, holder) = match first {
        Some(inner) if inner.is_map() => (inner.get("path"), inner),
        first => (first, node),
    };
    let Some(first) = first else { return Vec::new() };
    let rest = holder.get("args").map(Node::items).unwrap_or_default();
    first.text().into_iter().chain(first.items().iter().chain(rest).filter_map(Node::text)).collect()
}

fn address(node: &Node) -> Option<(&'static str, &str)> {
    ["url", "serverUrl", "httpUrl", "uri"].into_iter().find_map(|key| Some((key, node.get(key)?.text()?)))
}

fn target(client: Client, node: &Node, plain_text: &mut Vec<PlainText>) -> Option<Target> {
    if let Some((key, url)) = address(node) {
        let kind = ["type", "transport", "transportType"].into_iter().find_map(|key| node.get(key)?.text());
        let transport = match kind.unwrap_or_default() {
            _ if url.starts_with("unix:") || url.starts_with("pipe:") => Transport::Socket,
            "sse" => Transport::Sse,
            "ws" | "websocket" => Transport::WebSocket,
            "" if client == Client::GeminiCli && key == "url" => Transport::Sse,
            _ => Transport::Http,
        };
        return Some(remote(url, transport, None, plain_text));
    }
    let words = words(node);
    let command = *words.first()?;
    in_arguments(&words[1..], plain_text);
    if let Some((at, (wrapper, usual))) = words.iter().enumerate().find_map(|(at, word)| Some((at, wrapper(word)?))) {
        let rest = &words[at + 1..];
        if let Some(url) = rest.iter().find(|word| word.starts_with("https://") || word.starts_with("http://")) {
            let told = rest.iter().any(|word| word.contains("streamable")).then_some(Transport::Http);
            let told = told
                .or(rest.iter().any(|word| matches!(*word, "--sse" | "sse" | "sse-only")).then_some(Transport::Sse));
            return Some(remote(url, told.unwrap_or(usual), Some(wrapper.to_owned()), plain_text));
        }
    }
    let name = program(command);
    let runs = words[1..].iter().find(|word| !word.starts_with('-') && !LAUNCHERS.contains(&program(word).as_str()));
    let runs = runs.filter(|word| LAUNCHERS.contains(&name.as_str()) && is_package(word));
    Some(Target::Program { command: runs.map_or(name.clone(), |runs| format!("{name} {runs}")) })
}

/// Whether a word is the name of a package, and not something to be kept to oneself.
fn is_package(word: &str) -> bool {
    let is_name = word.chars().all(|c| c.is_ascii_alphanumeric() || "@/._-".contains(c));
    is_name && word.len() <= 80 && !word.split(['/', '@']).any(is_random)
}

/// The name of a program, without its folder and ending.
fn program(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word).to_ascii_lowercase();
    let name =
        [".exe", ".cmd", ".bat", ".js"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name).to_owned();
    if word == "/c" || word == "/C" { "/c".to_owned() } else { name }
}

/// The program that leads elsewhere, if the word names one: alone, with a version, in a folder, or with `npm:` before it.
fn wrapper(word: &str) -> Option<(&'static str, Transport)> {
    let name = program(word);
    let name = name.strip_prefix("npm:").unwrap_or(&name);
    let name = name.split_once('@').map_or(name, |(name, _)| name).split("==").next()?;
    WRAPPERS.into_iter().find(|(wrapper, _)| *wrapper == name)
}

/// Where an address leads, as it would be read from an entry.
pub(crate) fn read_address(address: &str) -> Target {
    remote(address, Transport::Http, None, &mut Vec::new())
}

fn remote(address: &str, transport: Transport, through: Option<String>, plain_text: &mut Vec<PlainText>) -> Target {
    let Ok(mut url) = Url::parse(address) else { return Target::Unclear };
    let is_web = matches!(url.scheme(), "http" | "https" | "ws" | "wss");
    let is_local = matches!(url.scheme(), "unix" | "pipe");
    // What braces mean is known to the client alone.
    if !(is_web && url.has_host() || is_local) || address.contains(['{', '}']) {
        return Target::Unclear;
    }
    if is_local {
        return Target::Remote { url: address.to_owned(), transport, through };
    }
    let mut secret = |name: &str| plain_text.push(PlainText { place: Part::Address, name: name.to_owned() });
    if let Some(_password) = url.password() {
        secret("password");
    }
    if url.path_segments().is_some_and(|mut segments| segments.any(is_random)) {
        secret("path");
    }
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let (kept, taken): (Vec<_>, Vec<_>) =
        pairs.iter().partition(|(name, value)| !is_secret_name(name) && !is_random(value));
    taken.iter().for_each(|(name, _)| secret(name));
    // None of these fails for an address with a host.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_fragment(None);
    if kept.is_empty() {
        url.set_query(None);
    } else if !taken.is_empty() {
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    Target::Remote { url: url.to_string(), transport, through }
}

/// Secrets among the words behind a command: headers, and options whose name says so.
fn in_arguments(words: &[&str], plain_text: &mut Vec<PlainText>) {
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let (option, joined) = word.split_once('=').map_or((*word, None), |(option, value)| (option, Some(value)));
        if !option.starts_with('-') && joined.is_none() {
            continue;
        }
        let value = joined.or(words.peek().copied().copied()).unwrap_or_default();
        let name = match (option, value.split_once(':')) {
            ("--header" | "-H" | "--headers", Some((name, value))) if !is_reference(value) => Some(name),
            ("--header" | "-H" | "--headers", _) => None,
            _ if is_secret_name(option) && !is_reference(value) && !value.starts_with('-') => {
                Some(option.trim_start_matches('-'))
            }
            _ => None,
        };
        plain_text.extend(name.map(|name| PlainText { place: Part::Argument, name: name.trim().to_owned() }));
    }
}

/// Whether Keybearer is behind an entry, seen by what it would have written itself.
fn ours(client: Client, node: &Node) -> Option<Ours> {
    if let Some(helper) = node.get("headersHelper").and_then(Node::text) {
        let words = crate::connection::shell_words(helper);
        let [command, verb, rest @ ..] = words.as_slice() else { return None };
        let is_ours = program(command) == "keybearer" && rest.iter().chain([verb]).any(|word| word == "headers");
        let profile = words.iter().skip_while(|word| *word != "headers").nth(1).filter(|word| !word.starts_with('-'));
        return is_ours.then(|| Ours { way: Way::Helper, profile: profile.cloned() });
    }
    let words = words(node);
    if words.first().is_some_and(|command| program(command) == "keybearer") {
        let after = words.iter().skip_while(|word| **word != "bridge").skip(1);
        let profile = after.filter(|word| !word.starts_with('-')).map(|word| (*word).to_owned()).next();
        return words.contains(&"bridge").then_some(Ours { way: Way::Bridge, profile });
    }
    let (_, url) = address(node)?;
    let last = |path: &str| path.rsplit_once("/mcp/").map(|(_, name)| name.to_owned()).filter(|name| !name.is_empty());
    let decoded = |name: String| {
        url::form_urlencoded::parse(format!("n={name}").replace('+', "%2B").as_bytes())
            .next()
            .map(|(_, name)| name.into_owned())
    };
    if client == Client::VsCode && (url.starts_with("unix:") || url.starts_with("pipe:")) {
        let is_ours = url.contains("gateway-http.v1") || url.contains("keybearer");
        return is_ours.then(|| Ours { way: Way::Socket, profile: last(url).and_then(decoded) });
    }
    let has_key = HEADERS
        .iter()
        .filter_map(|key| node.get(key))
        .flat_map(Node::members)
        .any(|m| m.key.eq_ignore_ascii_case(GATEWAY_HEADER));
    let path = Url::parse(url).ok()?.path().to_owned();
    has_key.then(|| Ours { way: Way::Gateway, profile: last(&path).and_then(decoded) })
}
