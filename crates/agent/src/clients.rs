//! The files of MCP clients, as the core needs them: `keybearer-client-configs` knows the files, and here it is told how this
//! agent is reached. Previews are remembered by what they were made from; what they would write is made anew when it is
//! written, so no token of anybody's file waits in memory.

use keybearer_client_configs::entry::{GATEWAY_HEADER, Part};
use keybearer_client_configs::{
    Client, Connection, Error, Found, Places, PlainText, Preview, Receipt, Scope, Server, Target, Transport, Undone,
    Way, apply, merge, preview, scan, undo,
};
use keybearer_core::clients::{
    Applied, Candidate, ClientFiles, ClientsError, GatewayKey, Planned, Servers, Undoing, Undone as AllUndone,
    Variables, Wish,
};
use keybearer_core::home::{Home, random_id};
use keybearer_core::shown;
use keybearer_oauth::readable::readable;
use keybearer_protocol::clients::{
    ClientEntry, ClientInstall, ClientMode, ClientModeView, ClientPreview, ClientProblem, ClientTransport, ClientUse,
    ClientView, EntryPart, FileUndone, FoundIn, OtherSignIns, PlainTextSecret, UndoOutcome,
};
use secrecy::SecretString;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a preview is remembered.
const REMEMBERED: Duration = Duration::from_secs(600);
/// How many previews are remembered.
const PREVIEWS: usize = 64;
/// How many places of one server are told.
const PLACES: usize = 40;
/// How many secrets of one entry are named.
const SECRETS: usize = 10;
/// The most that the lines of a diff hold, in bytes of JSON, and one of them in characters.
const DIFF: usize = 40 * 1024;
const LINE: usize = 400;
/// The most that a snippet holds, in bytes.
const SNIPPET: usize = 4 * 1024;
/// What stands for a key as long as there is none.
const NO_KEY: &str = "made when it is installed";

/// In a receipt: the account's id and name, and the key that was written.
const ACCOUNT: &str = "account";
const PROFILE: &str = "profile";
const GRANT: &str = "grant";

/// Knows the files of clients, for one agent.
pub(crate) struct Clients {
    /// The command beside this agent.
    command: PathBuf,
    /// The folder that this agent was given, if it isn't the user's own.
    home: Option<PathBuf>,
    /// What was written.
    records: PathBuf,
    previews: Mutex<VecDeque<Remembered>>,
}

/// A preview, by what it was made from.
#[derive(Clone)]
struct Remembered {
    id: String,
    made: Instant,
    client: Client,
    way: Way,
    wish: Wish,
    places: Places,
    /// Tells what was previewed.
    precondition: String,
}

impl Clients {
    /// Of the agent of this home, for which `root` was named or not.
    pub(crate) fn of(home: &Home, root: Option<&Path>) -> std::io::Result<Clients> {
        let name = format!("keybearer{}", std::env::consts::EXE_SUFFIX);
        let command = std::env::current_exe()?.with_file_name(name);
        let home_folder = root.map(std::path::absolute).transpose()?;
        Ok(Clients { command, home: home_folder, records: home.clients_folder(), previews: Mutex::default() })
    }

    /// The command with what leads it to this agent, then these words.
    fn words(&self, words: [&str; 2]) -> Result<Vec<String>, ClientsError> {
        let text = |path: &Path| path.to_str().map(str::to_owned);
        let no_text = || unfit("misread", "the folders of Keybearer have names that no client's file can hold");
        let mut all = vec![text(&self.command).ok_or_else(no_text)?];
        if let Some(home) = &self.home {
            all.extend(["--home".to_owned(), text(home).ok_or_else(no_text)?]);
        }
        all.extend(words.map(str::to_owned));
        Ok(all)
    }

    /// What a client is to say so that it takes this way.
    fn connection(&self, way: Way, wish: &Wish, key: Option<&GatewayKey>) -> Result<Connection, ClientsError> {
        Ok(match way {
            Way::Helper => {
                Connection::Helper { url: wish.server_url.clone(), command: self.words(["headers", &wish.profile])? }
            }
            Way::Bridge => {
                let mut words = self.words(["bridge", &wish.profile])?;
                Connection::Bridge { command: words.remove(0), args: words }
            }
            Way::Socket => Connection::Socket { url: wish.socket.clone().ok_or_else(no_socket)? },
            Way::Gateway => {
                let secret = key.map_or_else(|| SecretString::from(NO_KEY), |key| key.secret.clone());
                let header = key.map_or(GATEWAY_HEADER, |key| &key.header).to_owned();
                Connection::Gateway { url: wish.gateway.clone(), headers: vec![(header, secret)] }
            }
        })
    }

    fn make(&self, remembered: &Remembered, key: Option<&GatewayKey>) -> Result<Preview, ClientsError> {
        let Remembered { client, way, wish, places, .. } = remembered;
        let server = Server { name: &wish.profile, url: &wish.server_url };
        let connection = self.connection(*way, wish, key)?;
        preview(*client, places, server, &connection).map_err(told)
    }

    fn remembered(&self, id: &str) -> Result<Remembered, ClientsError> {
        let mut previews = self.previews.lock().unwrap_or_else(PoisonError::into_inner);
        previews.retain(|preview| preview.made.elapsed() < REMEMBERED);
        previews.iter().find(|preview| preview.id == id).cloned().ok_or(ClientsError::NoPreview)
    }

    fn remember(&self, preview: Remembered) {
        let mut previews = self.previews.lock().unwrap_or_else(PoisonError::into_inner);
        previews.push_back(preview);
        let surplus = previews.len().saturating_sub(PREVIEWS);
        previews.drain(..surplus);
    }

    fn forget(&self, id: &str) {
        self.previews.lock().unwrap_or_else(PoisonError::into_inner).retain(|preview| preview.id != id);
    }

    /// What was written into an entry, the latest first.
    fn receipts(&self, client: Client, is_meant: impl Fn(&Receipt) -> bool) -> Vec<Receipt> {
        let all = Receipt::all(&self.records).into_iter().rev();
        all.filter(|receipt| receipt.client() == Some(client) && is_meant(receipt)).collect()
    }
}

impl ClientFiles for Clients {
    fn clients(&self, variables: &Variables) -> Result<Vec<ClientView>, ClientsError> {
        let places = places(variables)?;
        let found = scan(&places);
        let receipts = Receipt::all(&self.records);
        let view = |client: Client| {
            let of_client = found.found.iter().filter(|entry| entry.client == client);
            let mut entries: Vec<ClientEntry> = of_client.map(|entry| entry_view(entry, &receipts)).collect();
            entries.sort_by_key(|entry| entry.keybearer.is_none());
            let files = client.files(&places);
            let of_files = |problem: &&Error| problem.file().is_some_and(|file| files.iter().any(|own| own == file));
            ClientView {
                client: client.id().to_owned(),
                name: client.name().to_owned(),
                installed: found.installed.contains(&client),
                file: path(&client.file(&places)),
                modes: client.ways().iter().map(|way| mode_view(client, *way)).collect(),
                problems: found.problems.iter().filter(of_files).map(problem).collect(),
                entries,
                omitted: 0,
            }
        };
        Ok(Client::ALL.into_iter().map(view).collect())
    }

    fn servers(&self, variables: &Variables, of: &[String]) -> Result<Servers, ClientsError> {
        let of = of.iter().map(|id| client(id)).collect::<Result<Vec<_>, _>>()?;
        let places = places(variables)?;
        let mut all = scan(&places);
        all.found.retain(|entry| of.is_empty() || of.contains(&entry.client));
        let files: Vec<PathBuf> = of.iter().flat_map(|client| client.files(&places)).collect();
        let is_meant =
            |problem: &&Error| of.is_empty() || problem.file().is_some_and(|file| files.iter().any(|own| own == file));
        let mut found: Vec<Candidate> = Vec::new();
        for server in merge(&all.found) {
            let Target::Remote { url, transport: Transport::Http | Transport::Sse, .. } = server.target else {
                continue;
            };
            let found_in = server.found.iter().take(PLACES).map(found_in).collect();
            found.push(Candidate { server_url: url, name: server.name, found: found_in });
        }
        let leads_on = |entry: &&Found| {
            entry.ours.is_some()
                || matches!(entry.target, Target::Remote { transport: Transport::Http | Transport::Sse, .. })
        };
        let others = all.found.len() - all.found.iter().filter(leads_on).count();
        let sign_ins = all.sign_ins.iter();
        Ok(Servers {
            found,
            others,
            problems: all.problems.iter().filter(is_meant).map(problem).collect(),
            sign_ins: sign_ins
                .map(|own| OtherSignIns { program: own.program.to_owned(), place: path(&own.place) })
                .collect(),
        })
    }

    fn preview(&self, variables: &Variables, wish: Wish) -> Result<ClientPreview, ClientsError> {
        let client = client(&wish.client)?;
        let way = way(client, &wish)?;
        let places = places(variables)?;
        let (id, made) = (random_id(), Instant::now());
        let mut remembered = Remembered { id, made, client, way, wish, places, precondition: String::new() };
        let preview = self.make(&remembered, None)?;
        remembered.precondition = preview.precondition();
        let view = preview_view(&remembered, preview);
        self.remember(remembered);
        Ok(view)
    }

    fn planned(&self, preview: &str) -> Result<Planned, ClientsError> {
        let Remembered { client, way, wish, .. } = self.remembered(preview)?;
        let Wish { account, profile, .. } = wish;
        Ok(Planned { client: client.name().to_owned(), account, profile, mode: mode(way) })
    }

    fn apply(&self, preview: &str, key: Option<&GatewayKey>) -> Result<Applied, ClientsError> {
        let remembered = self.remembered(preview)?;
        let Remembered { client, way, wish, places, .. } = &remembered;
        let file = path(&client.file(places));
        let changed = |what: &str| ClientsError::Changed(format!("{what} since the preview, so nothing was written"));
        let mut change = self.make(&remembered, None)?;
        if change.precondition() != remembered.precondition {
            return Err(changed(&format!("{file} has changed")));
        }
        if *way == Way::Gateway {
            let moved = || changed("the gateway got another port");
            let key = key.filter(|key| key.url == wish.gateway).ok_or_else(moved)?;
            change = self.make(&remembered, Some(key))?;
        }
        let memo = [
            (ACCOUNT, Some(wish.account.clone())),
            (PROFILE, Some(wish.profile.clone())),
            (GRANT, key.map(|key| key.grant.clone())),
        ];
        change.memo = memo.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let before = self.receipts(*client, |receipt| receipt.file == change.file && receipt.entry == change.entry);
        let receipt = apply(places, &change, &self.records).map_err(told)?;
        self.forget(preview);
        let install = ClientInstall {
            receipt: receipt.id,
            client: client.id().to_owned(),
            profile: wish.profile.clone(),
            mode: mode(*way),
            file: path(&receipt.file),
            backup: receipt.backup.as_deref().map(path),
            note: client.takes_effect().to_owned(),
        };
        let over = before.into_iter().filter_map(|mut receipt| receipt.memo.remove(GRANT)).collect();
        Ok(Applied { install, over })
    }

    fn undo(&self, variables: &Variables, undoing: &Undoing) -> Result<AllUndone, ClientsError> {
        let client = client(&undoing.client)?;
        let places = places(variables)?;
        let named = match &undoing.receipt {
            Some(id) => Some(Receipt::load(&self.records, id).map_err(told)?),
            None => None,
        };
        let is_meant = |receipt: &Receipt| match (&named, &undoing.profile) {
            // An entry that was written to twice goes back to what it was at first.
            (Some(named), _) => receipt.file == named.file && receipt.entry == named.entry,
            (None, Some((name, id))) => {
                let memo = |name: &str| receipt.memo.get(name);
                id.as_ref().map_or(memo(PROFILE) == Some(name), |id| memo(ACCOUNT) == Some(id))
            }
            (None, None) => true,
        };
        let receipts = self.receipts(client, is_meant);
        if receipts.is_empty() {
            return Err(ClientsError::NothingWritten);
        }
        let mut all = AllUndone::default();
        let mut files: BTreeMap<PathBuf, UndoOutcome> = BTreeMap::new();
        for mut receipt in receipts {
            match undo(&places, &receipt, &self.records) {
                Ok(undone) => {
                    let so_far = files.remove(&receipt.file);
                    files.insert(receipt.file, later(so_far, undone));
                }
                Err(error) => {
                    all.failed = Some(told(error));
                    break;
                }
            }
            all.over.extend(receipt.memo.remove(GRANT));
            let account =
                (receipt.memo.remove(ACCOUNT).unwrap_or_default(), receipt.memo.remove(PROFILE).unwrap_or_default());
            if !all.accounts.contains(&account) {
                all.accounts.push(account);
            }
        }
        all.files = files.iter().map(|(file, outcome)| FileUndone { file: path(file), outcome: *outcome }).collect();
        Ok(all)
    }
}

/// How a file stands after one more change of it was taken back, the latest first.
fn later(so_far: Option<UndoOutcome>, undone: Undone) -> UndoOutcome {
    let outcome = match undone {
        Undone::Restored => UndoOutcome::Restored,
        Undone::Removed => UndoOutcome::Removed,
        Undone::TakenBack => UndoOutcome::TakenBack,
        Undone::Nothing => UndoOutcome::Nothing,
    };
    match (so_far, outcome) {
        // Once somebody else's change stays, the file isn't what it was.
        (Some(UndoOutcome::TakenBack), _) => UndoOutcome::TakenBack,
        (Some(so_far), UndoOutcome::Nothing) => so_far,
        (_, outcome) => outcome,
    }
}

fn client(id: &str) -> Result<Client, ClientsError> {
    Client::from_id(id).ok_or_else(|| ClientsError::Unknown(shown::claim(id)))
}

/// The folders of whoever asks; of the agent's own user, if nothing is said.
fn places(variables: &Variables) -> Result<Places, ClientsError> {
    let places = match variables.is_empty() {
        true => Places::here(),
        false => Places::said_by(|name| variables.get(name).map(OsString::from)),
    };
    places.ok_or(ClientsError::NoHome)
}

/// The way that is wished; where none is, the best that the client can take with this account.
fn way(client: Client, wish: &Wish) -> Result<Way, ClientsError> {
    let can = |way: &&Way| match way {
        Way::Helper => !wish.needs_proofs,
        Way::Socket => wish.socket.is_some(),
        Way::Bridge | Way::Gateway => true,
    };
    match wish.mode {
        None => client.ways().iter().find(can).copied().ok_or_else(no_socket),
        Some(ClientMode::Helper) if wish.needs_proofs => {
            let message =
                "its server wants a proof with each request (DPoP), which a helper can't bring: use the bridge";
            Err(unfit("dpop_proof_needed", message))
        }
        Some(mode) => Ok(way_of(mode)),
    }
}

fn no_socket() -> ClientsError {
    unfit("no_socket", "the gateway has no socket on this system")
}

fn unfit(reason: &'static str, message: &str) -> ClientsError {
    ClientsError::Unfit { reason, message: message.to_owned() }
}

fn mode(way: Way) -> ClientMode {
    match way {
        Way::Helper => ClientMode::Helper,
        Way::Bridge => ClientMode::Bridge,
        Way::Socket => ClientMode::Socket,
        Way::Gateway => ClientMode::Gateway,
    }
}

fn way_of(mode: ClientMode) -> Way {
    match mode {
        ClientMode::Helper => Way::Helper,
        ClientMode::Bridge => Way::Bridge,
        ClientMode::Socket => Way::Socket,
        ClientMode::Gateway => Way::Gateway,
    }
}

fn mode_view(client: Client, way: Way) -> ClientModeView {
    ClientModeView { mode: mode(way), why: client.why(way) }
}

/// Names and paths of files are other programs' words.
fn path(path: &Path) -> String {
    shown::text(&path.display().to_string())
}

fn words(text: &str) -> String {
    shown::text(&readable(text))
}

fn entry_view(entry: &Found, receipts: &[Receipt]) -> ClientEntry {
    let (server_url, transport, command) = match &entry.target {
        Target::Remote { url, transport, .. } => (Some(words(url)), Some(transport_view(*transport)), None),
        Target::Program { command } => (None, None, Some(words(command))),
        Target::Unclear => (None, None, None),
    };
    let is_of_entry = |receipt: &&Receipt| {
        receipt.client() == Some(entry.client) && receipt.file == entry.file && receipt.entry == entry.name
    };
    let receipt = receipts.iter().rfind(is_of_entry).filter(|_| entry.scope == Scope::User);
    ClientEntry {
        name: words(&entry.name),
        project: match &entry.scope {
            Scope::User => None,
            Scope::Project(folder) => Some(path(folder)),
        },
        server_url,
        command,
        transport,
        disabled: entry.disabled,
        keybearer: entry.ours.as_ref().map(|ours| ClientUse {
            mode: mode(ours.way),
            profile: ours.profile.as_deref().map(words),
            known: false,
            receipt: receipt.map(|receipt| receipt.id.clone()),
        }),
        plain_text: secrets(&entry.plain_text),
    }
}

fn found_in(entry: &Found) -> FoundIn {
    FoundIn {
        client: entry.client.id().to_owned(),
        client_name: entry.client.name().to_owned(),
        entry: words(&entry.name),
        disabled: entry.disabled,
        keybearer: entry.ours.is_some(),
        plain_text: secrets(&entry.plain_text),
    }
}

fn transport_view(transport: Transport) -> ClientTransport {
    match transport {
        Transport::Http => ClientTransport::Http,
        Transport::Sse => ClientTransport::Sse,
        Transport::WebSocket => ClientTransport::WebSocket,
        Transport::Socket => ClientTransport::Socket,
    }
}

fn secrets(found: &[PlainText]) -> Vec<PlainTextSecret> {
    let part = |part: Part| match part {
        Part::Header => EntryPart::Header,
        Part::Environment => EntryPart::Environment,
        Part::Argument => EntryPart::Argument,
        Part::Address => EntryPart::Address,
        Part::SignIn => EntryPart::SignIn,
    };
    let secret = |secret: &PlainText| PlainTextSecret { part: part(secret.place), name: shown::claim(&secret.name) };
    found.iter().take(SECRETS).map(secret).collect()
}

fn problem(error: &Error) -> ClientProblem {
    ClientProblem { reason: error.code().to_owned(), message: readable(&error.to_string()) }
}

fn preview_view(of: &Remembered, preview: Preview) -> ClientPreview {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (diff, omitted) = lines(&preview.diff);
    ClientPreview {
        preview: of.id.clone(),
        client: of.client.id().to_owned(),
        profile: of.wish.profile.clone(),
        mode: mode(preview.way),
        why: of.client.why(preview.way),
        done: preview.is_done(),
        file: path(&preview.file),
        entry: words(&preview.entry),
        adopts: preview.adopts,
        disabled: preview.disabled,
        creates: preview.creates,
        diff,
        omitted,
        added: number(preview.added),
        removed: number(preview.removed),
        removes_plain_text: secrets(&preview.removes),
        same_server: preview.same_server.iter().take(PLACES).map(|name| words(name)).collect(),
        snippet: preview.snippet.filter(|snippet| snippet.len() <= SNIPPET),
    }
}

/// As many lines of a diff as fit a frame, and how many there are beyond.
fn lines(diff: &str) -> (Vec<String>, u32) {
    let (mut lines, mut size) = (Vec::new(), 0);
    let mut rest = diff.lines();
    for line in rest.by_ref() {
        let line: String = readable(&line.replace('\t', "    ")).chars().take(LINE).collect();
        size += serde_json::to_string(&line).map(|text| text.len()).unwrap_or_default();
        if size > DIFF {
            return (lines, u32::try_from(rest.count() + 1).unwrap_or(u32::MAX));
        }
        lines.push(line);
    }
    (lines, 0)
}

/// What went wrong with a file, in the core's words.
fn told(error: Error) -> ClientsError {
    // Sentences there, a clause here.
    let message = error.to_string().trim_end_matches('.').to_owned();
    let reason = error.code();
    match error {
        Error::NotInstalled { .. } => ClientsError::NotInstalled(message),
        Error::Changed { .. } => ClientsError::Changed(message),
        Error::Unwritable { full, .. } => ClientsError::Unwritable { message, full },
        Error::WrongWay { .. } | Error::Misread { .. } => ClientsError::Unfit { reason, message },
        Error::NoReceipt => ClientsError::NothingWritten,
        Error::Broken { .. }
        | Error::NotEditable { .. }
        | Error::NotOwn { .. }
        | Error::TooLarge { .. }
        | Error::Unreadable { .. } => ClientsError::Unusable { reason, message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_protocol::clients::CLIENTS;

    #[test]
    fn the_protocol_names_the_clients_that_there_are() {
        assert_eq!(CLIENTS.to_vec(), Client::ALL.map(Client::id).to_vec());
    }
}
