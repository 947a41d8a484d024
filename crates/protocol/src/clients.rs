//! The MCP clients on this computer: what stands in their files, and how an account is written there and taken back. Behind
//! the admin door alone. Values of headers and variables are in no reply: names are.

use crate::method::method;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

method!(
    /// Lists the clients, with what stands in their files.
    ClientsScan, "clients.scan", [Admin], ClientsScanParams => ClientsScanReply
);
method!(
    /// Lists the servers that clients have, each once: what could be added as an account.
    ClientsServers, "clients.servers", [Admin], ClientsServersParams => ClientsServersReply
);
method!(
    /// Shows what would be written so that a client uses an account. Writes nothing.
    ClientsPreview, "clients.preview", [Admin], ClientsPreviewParams => ClientPreview
);
method!(
    /// Writes what was previewed, if the client's file is still as it was then. For [`ClientMode::Gateway`], which makes a
    /// key: once a desktop has registered, for its connection alone.
    ClientsApply, "clients.apply", [Admin], ClientsApplyParams => ClientInstall
);
method!(
    /// Takes back what was written: the client's file is byte for byte as before, unless somebody else has changed it since.
    /// A key of the gateway that was made for it ends.
    ClientsUndo, "clients.undo", [Admin], ClientsUndoParams => ClientUndone
);

/// The names of the clients that are known, in the order in which they are shown.
pub const CLIENTS: [&str; 15] = [
    "claude-code",
    "claude-desktop",
    "vscode",
    "cursor",
    "windsurf",
    "devin",
    "codex",
    "zed",
    "gemini-cli",
    "goose",
    "lm-studio",
    "junie",
    "cline",
    "opencode",
    "copilot-cli",
];

/// The variables by which a person's programs find their files.
pub const PLACE_VARIABLES: [&str; 10] = [
    "HOME",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "APPDATA",
    "LOCALAPPDATA",
    "ProgramFiles",
    "PATH",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "COPILOT_HOME",
];

/// A way in which a client gets fresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ClientMode {
    /// It runs `keybearer headers` at each connection.
    Helper,
    /// It starts `keybearer bridge` and speaks with that.
    Bridge,
    /// It speaks HTTP with the gateway over a local socket.
    Socket,
    /// It speaks HTTP with the gateway on a local port, with a key of its own.
    Gateway,
}

impl ClientMode {
    /// Every way with the word that people write for it.
    pub const WORDS: [(&'static str, ClientMode); 4] = [
        ("helper", ClientMode::Helper),
        ("bridge", ClientMode::Bridge),
        ("socket", ClientMode::Socket),
        ("gateway", ClientMode::Gateway),
    ];

    /// The word that people write for it.
    pub fn word(self) -> &'static str {
        match self {
            ClientMode::Helper => "helper",
            ClientMode::Bridge => "bridge",
            ClientMode::Socket => "socket",
            ClientMode::Gateway => "gateway",
        }
    }
}

/// Parameters of `clients.scan`. Frames are 64 KiB, so listings come in pages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientsScanParams {
    /// The caller's [`PLACE_VARIABLES`]: the agent may have been born elsewhere. Without any, the agent's own count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// The last client of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A page of clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientsScanReply {
    /// In the order in which they are shown.
    pub clients: Vec<ClientView>,
    /// Whether another page follows.
    pub more: bool,
}

/// An MCP client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClientView {
    /// Its name for programs: one of [`CLIENTS`].
    pub client: String,
    /// Its name for people.
    pub name: String,
    /// Whether it is here. One that isn't is never given a file.
    pub installed: bool,
    /// The file that an entry is written to; it need not be there.
    pub file: String,
    /// The ways that it can take, the best first.
    pub modes: Vec<ClientModeView>,
    /// Its files that can't be read.
    pub problems: Vec<ClientProblem>,
    /// What stands in its files; entries of Keybearer's come first.
    pub entries: Vec<ClientEntry>,
    /// How many entries there are beyond those.
    pub omitted: u32,
}

/// A way that a client can take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClientModeView {
    /// The way.
    pub mode: ClientMode,
    /// What it means, in one sentence or two.
    pub why: String,
}

/// A file of a client that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClientProblem {
    /// A stable word, such as `broken`.
    pub reason: String,
    /// What is wrong, where, and what to do.
    pub message: String,
}

/// What an entry of a client says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClientEntry {
    /// Its name in the file.
    pub name: String,
    /// The one folder that it counts for; absent for all.
    pub project: Option<String>,
    /// The address that it leads to, without secrets.
    pub server_url: Option<String>,
    /// The program that it starts, without its options.
    pub command: Option<String>,
    /// How the address is spoken with.
    pub transport: Option<ClientTransport>,
    /// Whether it is switched off there.
    pub disabled: bool,
    /// What it has of Keybearer's; absent for others.
    pub keybearer: Option<ClientUse>,
    /// The secrets that stand in it as plain text.
    pub plain_text: Vec<PlainTextSecret>,
}

/// How a server is spoken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ClientTransport {
    /// Streamable HTTP.
    Http,
    /// HTTP with server-sent events, as before 2025-03-26.
    Sse,
    /// A web socket.
    WebSocket,
    /// HTTP over a local socket or pipe.
    Socket,
}

/// What an entry has of Keybearer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClientUse {
    /// The way.
    pub mode: ClientMode,
    /// The account's name, as the entry says it.
    pub profile: Option<String>,
    /// Whether there is an account of this name. One that was renamed or removed is no use to the client.
    pub known: bool,
    /// Names what `clients.undo` takes back; absent if somebody else wrote the entry.
    pub receipt: Option<String>,
}

/// A secret that stands in a file as plain text. Its value is nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PlainTextSecret {
    /// In which part of the entry.
    pub part: EntryPart,
    /// The name of the header, variable, option or parameter.
    pub name: String,
}

/// A part of an entry in which secrets may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum EntryPart {
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

/// Parameters of `clients.servers`. Frames are 64 KiB, so listings come in pages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientsServersParams {
    /// As for `clients.scan`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Only what stands in the files of these clients; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
    /// The last address of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A page of servers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClientsServersReply {
    /// In the order in which they were found.
    pub servers: Vec<ServerFound>,
    /// How many other entries there are, which start a program of their own or lead to no known address: there is nothing
    /// to sign in to.
    pub others: u32,
    /// Files that can't be read.
    pub problems: Vec<ClientProblem>,
    /// Where other programs keep sign-ins of their own. They are left alone: a refresh token that two programs use is lost
    /// to one of them.
    pub sign_ins: Vec<OtherSignIns>,
    /// Whether another page follows.
    pub more: bool,
}

/// A server that clients have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ServerFound {
    /// Its address, without secrets.
    pub server_url: String,
    /// A name for the account, which no other has.
    pub name: String,
    /// The account that there is of this server already; the first, if there are several.
    pub profile: Option<String>,
    /// Where it was found.
    pub found: Vec<FoundIn>,
}

/// An entry that leads to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FoundIn {
    /// The client.
    pub client: String,
    /// The client's name for people.
    pub client_name: String,
    /// The entry's name there.
    pub entry: String,
    /// Whether it is switched off there.
    pub disabled: bool,
    /// Whether Keybearer is behind it already.
    pub keybearer: bool,
    /// The secrets that stand in it as plain text.
    pub plain_text: Vec<PlainTextSecret>,
}

/// A place in which another program keeps sign-ins. It isn't read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct OtherSignIns {
    /// Whose they are.
    pub program: String,
    /// Where they are.
    pub place: String,
}

/// Parameters of `clients.preview`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientsPreviewParams {
    /// The client.
    pub client: String,
    /// The account: its name, or its server's address.
    pub profile: String,
    /// The way; the best one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ClientMode>,
    /// As for `clients.scan`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

/// What would be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClientPreview {
    /// Names it for `clients.apply`, for ten minutes.
    pub preview: String,
    /// The client.
    pub client: String,
    /// The account.
    pub profile: String,
    /// The way.
    pub mode: ClientMode,
    /// What that means, in one sentence or two.
    pub why: String,
    /// The file.
    pub file: String,
    /// The entry's name in it.
    pub entry: String,
    /// Whether the entry is there already and is taken over.
    pub adopts: bool,
    /// Whether the entry that is taken over is switched off, and stays so.
    pub disabled: bool,
    /// Whether the file is made.
    pub creates: bool,
    /// Whether the file says all of it already, so that there is nothing to write.
    pub done: bool,
    /// The lines of a unified diff. What may be secret is covered.
    pub diff: Vec<String>,
    /// How many lines there are beyond those.
    pub omitted: u32,
    /// How many lines come.
    pub added: u32,
    /// How many lines go.
    pub removed: u32,
    /// The secrets that go from the file. They stay good at their server until they are revoked there.
    pub removes_plain_text: Vec<PlainTextSecret>,
    /// Other entries of this client that lead to the same server and are left alone.
    pub same_server: Vec<String>,
    /// The entry as this client writes it, to paste by hand; absent if a key would be in it.
    pub snippet: Option<String>,
}

/// Parameters of `clients.apply`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientsApplyParams {
    /// What was previewed.
    pub preview: String,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClientInstall {
    /// Names it for `clients.undo`.
    pub receipt: String,
    /// The client.
    pub client: String,
    /// The account.
    pub profile: String,
    /// The way.
    pub mode: ClientMode,
    /// The file.
    pub file: String,
    /// The copy of the file as it was; absent if there was none.
    pub backup: Option<String>,
    /// When the client takes note of it.
    pub note: String,
}

/// Parameters of `clients.undo`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientsUndoParams {
    /// The client.
    pub client: String,
    /// Only what was written for this account; all where neither this nor a receipt is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Only the entry of this receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// As for `clients.scan`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

/// What was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClientUndone {
    /// The client.
    pub client: String,
    /// Each file.
    pub files: Vec<FileUndone>,
}

/// A file as it is after an undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FileUndone {
    /// The file.
    pub file: String,
    /// How.
    pub outcome: UndoOutcome,
}

/// How a change was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum UndoOutcome {
    /// The file is byte for byte what it was.
    Restored,
    /// The file was made for the change and is gone again.
    Removed,
    /// Somebody else has changed the file since: the entry alone was taken back.
    TakenBack,
    /// There was nothing left to take back.
    Nothing,
}
