//! What the core needs from whoever knows the files of MCP clients: what stands in them, and an account that is written
//! there and taken back.

use keybearer_protocol::clients::{
    ClientInstall, ClientMode, ClientPreview, ClientProblem, ClientView, FileUndone, FoundIn, OtherSignIns,
};
use secrecy::SecretString;
use std::collections::BTreeMap;

/// The variables by which somebody's programs find their files; empty for the agent's own.
pub type Variables = BTreeMap<String, String>;

/// Knows the files of MCP clients. Each call reads or writes files, and so blocks for a moment.
pub trait ClientFiles: Send + Sync + 'static {
    /// All clients, with all entries. Whether an account of an entry is known is left open.
    fn clients(&self, variables: &Variables) -> Result<Vec<ClientView>, ClientsError>;

    /// All servers of these clients, each once; of all clients where none is named.
    fn servers(&self, variables: &Variables, of: &[String]) -> Result<Servers, ClientsError>;

    /// What would be written. It is remembered for ten minutes.
    fn preview(&self, variables: &Variables, wish: Wish) -> Result<ClientPreview, ClientsError>;

    /// What was previewed, if that is remembered.
    fn planned(&self, preview: &str) -> Result<Planned, ClientsError>;

    /// Writes what was previewed, with the key that the gateway has for it.
    fn apply(&self, preview: &str, key: Option<&GatewayKey>) -> Result<Applied, ClientsError>;

    /// Takes back what was written.
    fn undo(&self, variables: &Variables, undoing: &Undoing) -> Result<Undone, ClientsError>;
}

/// The servers of clients.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    /// Each once, in the order in which they were found.
    pub found: Vec<Candidate>,
    /// How many entries lead to no server.
    pub others: usize,
    /// Files that can't be read.
    pub problems: Vec<ClientProblem>,
    /// Where other programs keep sign-ins.
    pub sign_ins: Vec<OtherSignIns>,
}

/// A server that could become an account.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its address, without secrets.
    pub server_url: String,
    /// What it is called where it was found first.
    pub name: String,
    /// Where it was found.
    pub found: Vec<FoundIn>,
}

/// A client that is to use an account.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The client.
    pub client: String,
    /// The way; the best one where none is wished.
    pub mode: Option<ClientMode>,
    /// The account's id.
    pub account: String,
    /// The account's name.
    pub profile: String,
    /// Its server.
    pub server_url: String,
    /// Whether its server wants a proof with each request, which a helper can't bring.
    pub needs_proofs: bool,
    /// Its address at the gateway on a port.
    pub gateway: String,
    /// Its address at the gateway on a socket, if there is one.
    pub socket: Option<String>,
}

/// What a preview was made for.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The client's name for people.
    pub client: String,
    /// The account's id.
    pub account: String,
    /// The account's name then.
    pub profile: String,
    /// The way.
    pub mode: ClientMode,
}

/// A key of the gateway, for one client.
#[derive(Clone, Debug)]
pub struct GatewayKey {
    /// Names it in lists.
    pub grant: String,
    /// The account's address there.
    pub url: String,
    /// The header that it comes in.
    pub header: String,
    /// The key.
    pub secret: SecretString,
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Applied {
    /// As it is told.
    pub install: ClientInstall,
    /// The keys that stand in the file no more.
    pub over: Vec<String>,
}

/// What is to be taken back.
#[derive(Clone, Debug)]
pub struct Undoing {
    /// The client.
    pub client: String,
    /// The account, by its name and, if there is one of this name, its id.
    pub profile: Option<(String, Option<String>)>,
    /// One of the changes that an entry has seen.
    pub receipt: Option<String>,
}

/// What was taken back.
#[derive(Clone, Debug, Default)]
pub struct Undone {
    /// Each file.
    pub files: Vec<FileUndone>,
    /// The accounts that the client used: id and name.
    pub accounts: Vec<(String, String)>,
    /// The keys that stand in no file any more.
    pub over: Vec<String>,
    /// Why the rest was not.
    pub failed: Option<ClientsError>,
}

/// Why a client's file wasn't read or written. It is as it was.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientsError {
    /// No client of this name is known.
    #[error("no MCP client is called {0}")]
    Unknown(String),
    /// The client isn't here.
    #[error("{0}")]
    NotInstalled(String),
    /// Its file isn't as it was.
    #[error("{0}")]
    Changed(String),
    /// Its file can't be understood, or isn't this user's.
    #[error("{message}")]
    Unusable {
        /// A stable word.
        reason: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The system refuses to write.
    #[error("{message}")]
    Unwritable {
        /// What it says.
        message: String,
        /// Whether there is no room left.
        full: bool,
    },
    /// The client can't take this way, or this account.
    #[error("{message}")]
    Unfit {
        /// A stable word.
        reason: &'static str,
        /// Why not.
        message: String,
    },
    /// The preview was applied, or is too old.
    #[error("this preview is not there any more")]
    NoPreview,
    /// Nothing was written that could be taken back.
    #[error("Keybearer has written nothing there that could be taken back")]
    NothingWritten,
    /// It isn't known where this user's files are.
    #[error("this user has no home folder, so it isn't known where programs keep their files")]
    NoHome,
}
