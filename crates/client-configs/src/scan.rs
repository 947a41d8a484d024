//! Every entry of every client. Reads the clients' own files and nothing else: no folder is searched, and of sign-ins that
//! other programs keep only the place is looked at.

use crate::client::Client;
use crate::entry::{Found, Scope, understand};
use crate::error::Error;
use crate::formats::Broken;
use crate::own_file;
use crate::places::Places;
use crate::tree::Node;
use std::path::{Path, PathBuf};

/// The most entries that are read from one file.
const ENTRIES: usize = 2_000;

/// What the clients on this computer have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The clients that are there.
    pub installed: Vec<Client>,
    /// All their entries, client by client, in the order of the files.
    pub found: Vec<Found>,
    /// Files that couldn't be read, each with its reason; the others were.
    pub problems: Vec<Error>,
    /// Where programs keep sign-ins of their own.
    pub sign_ins: Vec<SignIns>,
}

/// A place in which a program keeps sign-ins. What is in it is not read: a refresh token that two programs use is lost to
/// one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIns {
    /// Whose they are.
    pub program: &'static str,
    /// Where they are.
    pub place: PathBuf,
}

/// The places of sign-ins below the user's folder.
const SIGN_INS: [(&str, &str); 6] = [
    ("mcp-remote", ".mcp-auth"),
    ("Codex", ".codex/.credentials.json"),
    ("Gemini CLI", ".gemini/mcp-oauth-tokens.json"),
    ("mcporter", ".mcporter/credentials.json"),
    ("OpenCode", ".local/share/opencode/mcp-auth.json"),
    ("MCP Inspector", ".mcp-inspector/storage/oauth.json"),
];

/// Reads what all clients have.
pub fn scan(places: &Places) -> Scan {
    let mut scan = Scan::default();
    for client in Client::ALL {
        if client.is_installed(places) {
            scan.installed.push(client);
        }
        for file in client.files(places) {
            match entries(client, &file, places) {
                Ok(found) => scan.found.extend(found),
                Err(problem) => scan.problems.push(problem),
            }
        }
    }
    let there = SIGN_INS.iter().map(|(program, path)| SignIns { program, place: places.home.join(path) });
    scan.sign_ins = there.filter(|sign_ins| sign_ins.place.exists()).collect();
    scan
}

/// What one file says; nothing if there is no such file.
fn entries(client: Client, file: &Path, places: &Places) -> Result<Vec<Found>, Error> {
    let Some(own) = own_file::read(file, places)? else { return Ok(Vec::new()) };
    Ok(servers(client, file, &read(client, file, &own.text)?))
}

/// The servers of a client's file that was read.
pub(crate) fn servers(client: Client, file: &Path, root: &Node) -> Vec<Found> {
    let mut found = Vec::new();
    if let Some(servers) = root.at(client.container()) {
        collect(client, file, &Scope::User, servers, &mut found);
    }
    if client == Client::ClaudeCode {
        for project in root.get("projects").map(Node::members).unwrap_or_default() {
            if let Some(servers) = project.value.at(client.container()) {
                collect(client, file, &Scope::Project(PathBuf::from(&project.key)), servers, &mut found);
            }
        }
    }
    found
}

/// What a client's file says, as a tree.
pub(crate) fn read(client: Client, file: &Path, text: &str) -> Result<Node, Error> {
    client.format().read(text).map_err(|Broken { at, problem }| {
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |feed| feed + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].trim_start_matches('\u{feff}').chars().count() + 1;
        Error::Broken { file: file.to_owned(), line, column, problem }
    })
}

fn collect(client: Client, file: &Path, scope: &Scope, servers: &Node, found: &mut Vec<Found>) {
    let room = ENTRIES.saturating_sub(found.len());
    let members = servers.members().iter().take(room);
    found.extend(members.filter_map(|member| understand(client, file, scope, &member.key, &member.value)));
}
