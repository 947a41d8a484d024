//! What would be written, before it is.

use crate::client::{Client, Way};
use crate::connection::{Connection, REACHING, Words};
use crate::diff::diff;
use crate::entry::{Found, PlainText, Scope, Target};
use crate::error::Error;
use crate::merge::{is_http, same_server};
use crate::own_file::{self, fingerprint};
use crate::places::Places;
use crate::scan;
use crate::tree::{Change, Node};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The account that a client is to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server<'a> {
    /// The account's name.
    pub name: &'a str,
    /// Its MCP server's address.
    pub url: &'a str,
}

/// A change to a client's file that isn't made yet.
pub struct Preview {
    /// The client.
    pub client: Client,
    /// The way that it will take.
    pub way: Way,
    /// The file.
    pub file: PathBuf,
    /// The entry's name in it.
    pub entry: String,
    /// Whether the entry is there already and is taken over, under the name that it has.
    pub adopts: bool,
    /// Whether the entry that is taken over is switched off, and stays so.
    pub disabled: bool,
    /// Whether the file is made.
    pub creates: bool,
    /// The secrets that go from the entry. They stay good at their server until they are revoked there.
    pub removes: Vec<PlainText>,
    /// Other entries of this client that lead to the same server and are left alone.
    pub same_server: Vec<String>,
    /// The change as a unified diff. Values that may be secret are covered.
    pub diff: String,
    /// How many lines come.
    pub added: usize,
    /// How many lines go.
    pub removed: usize,
    /// A file of this client with the entry alone, to be pasted by hand; none if a key would be in it.
    pub snippet: Option<String>,
    /// What the caller wants to find again in the receipt: no secret.
    pub memo: BTreeMap<String, String>,
    /// The file's state that this was made from; none if there was no file.
    pub(crate) before: Option<String>,
    pub(crate) content: Zeroizing<String>,
    pub(crate) changes: Vec<Change>,
    /// The keys that lead to the entry and that are made for it.
    pub(crate) makes: Vec<Vec<String>>,
}

impl Preview {
    /// Tells the file's state that this was made from, so that a caller can ask whether it is still the same preview.
    pub fn precondition(&self) -> String {
        fingerprint(format!("{:?} {}", self.before, fingerprint(self.content.as_bytes())).as_bytes())
    }

    /// Whether the file says all of it already.
    pub fn is_done(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Without the file's content: tokens may stand in it.
impl fmt::Debug for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Preview");
        shown.field("client", &self.client).field("way", &self.way).field("file", &self.file);
        shown.field("entry", &self.entry).field("diff", &self.diff).finish_non_exhaustive()
    }
}

/// Shows what would be written so that a client uses an account. An entry that leads to the same server is taken over under
/// the name that it has, and what it says beyond that stays.
pub fn preview(client: Client, places: &Places, server: Server<'_>, connection: &Connection) -> Result<Preview, Error> {
    if !client.is_installed(places) {
        return Err(Error::NotInstalled { client });
    }
    let file = client.file(places);
    let own = own_file::read(&file, places)?;
    let text = own.as_ref().map_or("", |own| own.text.as_str());
    let root = scan::read(client, &file, text)?;
    let found = scan::servers(client, &file, &root);
    let same: Vec<&Found> = found.iter().filter(|entry| entry.scope == Scope::User && is_same(entry, server)).collect();
    let adopted = adopted(&same, server);
    let entry = match adopted {
        Some(found) => found.name.clone(),
        None => free_name(server.name, root.at(client.container())),
    };
    let words = connection.words(client, &entry, places)?;
    let mut path: Vec<String> = client.container().iter().map(|key| (*key).to_owned()).collect();
    let makes = (1..=path.len()).map(|length| path[..length].to_vec()).filter(|path| root.at(path).is_none()).collect();
    path.push(entry.clone());
    let whole = Value::Object(words.said.clone().into_iter().chain(words.usual.clone()).collect());
    let anew = vec![Change { path: path.clone(), to: Some(whole) }];
    let has_key = connection.way() == Way::Gateway;
    let snippet = if has_key { None } else { client.format().edit("", &anew).ok().map(|alone| alone.to_string()) };
    let changes = match root.at(&path) {
        Some(node) => rewritten(node, &path, words),
        None => anew,
    };
    let content = match changes.is_empty() {
        true => Zeroizing::new(text.to_owned()),
        false => {
            client.format().edit(text, &changes).map_err(|not| Error::NotEditable { file: file.clone(), why: not.0 })?
        }
    };
    let after = scan::read(client, &file, &content)?;
    let diff = diff(client.format(), (text, &root), (&content, &after));
    Ok(Preview {
        client,
        way: connection.way(),
        adopts: adopted.is_some(),
        disabled: adopted.is_some_and(|found| found.disabled),
        creates: own.is_none(),
        removes: adopted.map(|found| found.plain_text.clone()).unwrap_or_default(),
        same_server: same.iter().map(|found| found.name.clone()).filter(|name| *name != entry).collect(),
        diff: diff.lines,
        added: diff.added,
        removed: diff.removed,
        snippet,
        memo: BTreeMap::new(),
        before: own.as_ref().map(|own| fingerprint(own.text.as_bytes())),
        content,
        changes,
        makes,
        file,
        entry,
    })
}

/// Whether an entry leads to the account's server: by itself, or by Keybearer for this very account.
fn is_same(entry: &Found, server: Server<'_>) -> bool {
    match (&entry.ours, &entry.target) {
        (Some(ours), _) => ours.profile.as_deref() == Some(server.name),
        (None, Target::Remote { url, transport, .. }) => {
            let (one, other) = (same_server(url), same_server(&without_secrets(server.url)));
            is_http(*transport) && one.is_some() && one == other
        }
        (None, Target::Program { .. } | Target::Unclear) => false,
    }
}

/// An address as entries are read: without what may be a secret.
fn without_secrets(address: &str) -> String {
    match crate::entry::read_address(address) {
        Target::Remote { url, .. } => url,
        Target::Program { .. } | Target::Unclear => address.to_owned(),
    }
}

/// Which of several entries is taken over: the account's own, else the one of the same name, else the first in use.
fn adopted<'f>(same: &[&'f Found], server: Server<'_>) -> Option<&'f Found> {
    let is_own = |found: &&&Found| found.ours.is_some();
    let is_namesake = |found: &&&Found| found.name == plain_name(server.name);
    let is_used = |found: &&&Found| !found.disabled;
    let first = same.iter().find(is_own).or_else(|| same.iter().find(is_namesake));
    first.or_else(|| same.iter().find(is_used)).or(same.first()).copied()
}

/// What has to change so that an entry says this; the rest of it stays.
fn rewritten(node: &Node, path: &[String], words: Words) -> Vec<Change> {
    let below = |key: &str| path.iter().cloned().chain([key.to_owned()]).collect::<Vec<_>>();
    let goes = |key: &str| node.get(key).is_some() && !words.said.contains_key(key);
    let mut changes: Vec<Change> =
        REACHING.iter().filter(|key| goes(key)).map(|key| Change { path: below(key), to: None }).collect();
    let differs = |key: &str, value: &Value| node.get(key).map(Node::value).as_ref() != Some(value);
    let is_missing = |key: &str| node.get(key).is_none();
    let usual: Vec<_> = words.usual.into_iter().filter(|(key, _)| is_missing(key)).collect();
    let said = words.said.into_iter().filter(|(key, value)| differs(key, value));
    changes.extend(said.chain(usual).map(|(key, value)| Change { path: below(&key), to: Some(value) }));
    changes
}

/// The account's name, as every client takes it: letters, digits, `-` and `_`.
fn plain_name(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() { "keybearer".to_owned() } else { plain.to_owned() }
}

/// A name that no entry has yet.
fn free_name(name: &str, servers: Option<&Node>) -> String {
    let plain = plain_name(name);
    let is_free = |name: &String| servers.is_none_or(|servers| servers.get(name).is_none());
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    std::iter::once(plain.clone()).chain(numbered).find(is_free).unwrap_or(plain)
}
