//! A file that takes accounts to another computer: as they are written down, in the shape of `servers.json`, or with all
//! that signs them in, sealed under a passphrase.

use crate::home::{is_full, replace};
use crate::profile::{Profile, Settings};
use crate::seal::{Stretching, Unfit};
use crate::vault::Kept;
use crate::vault::record::Record;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use keybearer_oauth::ServerUrl;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The version of the file; a newer one isn't read.
const VERSION: u64 = 1;
/// The most that a file may hold, in bytes.
const SIZE_LIMIT: u64 = 16 * 1024 * 1024;
/// What the sealed part is sealed for: nothing else that is sealed opens as it.
const PLACE: &[u8] = b"keybearer: accounts for another computer";

/// Why a file can't be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// Where it lies depends on who looks.
    #[error("{0} is no whole path")]
    NotWhole(String),
    /// Something else lies there.
    #[error("{} is there already and isn't a file of Keybearer's, so it was left alone", .0.display())]
    Taken(PathBuf),
    /// The system refuses to write it.
    #[error("{} can't be written: {cause}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: String,
        /// Whether there is no room left.
        full: bool,
    },
    /// The system refuses to read it.
    #[error("{} can't be read: {cause}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// It isn't what it should be.
    #[error("{} has no accounts that Keybearer can read ({problem}); nothing was added", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A newer Keybearer wrote it.
    #[error("{} was written by a newer Keybearer; nothing was added", .0.display())]
    Newer(PathBuf),
    /// It is sealed.
    #[error("{} is sealed, and its passphrase opens it", .0.display())]
    Sealed(PathBuf),
    /// It doesn't open.
    #[error("that isn't the passphrase of {}, or the file is damaged; nothing was added", .0.display())]
    Unopened(PathBuf),
}

/// One account in such a file.
#[derive(Debug)]
pub struct Carried {
    /// What it was called.
    pub name: String,
    /// Its server.
    pub url: ServerUrl,
    /// How it authorizes itself.
    pub settings: Settings,
    /// What signs it in.
    pub record: Option<Record>,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Document {
    keybearer: Header,
    #[serde(rename = "mcpServers", default, skip_serializing_if = "Map::is_empty")]
    servers: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
}

/// What opens as a [`Content`].
#[derive(Serialize, Deserialize)]
struct Sealed {
    stretching: Stretching,
    content: String,
}

#[derive(Serialize, Deserialize)]
struct Content {
    #[serde(rename = "mcpServers")]
    servers: Map<String, Value>,
    /// By name. Of any version up to the present, as records in the vault are.
    records: BTreeMap<String, Box<RawValue>>,
}

/// An account as it stands in `servers.json`, without the id: that is for one home alone.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "type", default)]
    kind: String,
    url: ServerAddress,
    #[serde(default)]
    keybearer: Settings,
}

/// An address that was checked as it was read.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct ServerAddress(ServerUrl);

impl TryFrom<String> for ServerAddress {
    type Error = String;

    fn try_from(address: String) -> Result<ServerAddress, String> {
        address.parse().map(ServerAddress).map_err(|_| "that is no address of a server".to_owned())
    }
}

impl From<ServerAddress> for String {
    fn from(address: ServerAddress) -> String {
        address.0.to_string()
    }
}

impl Carried {
    /// An account to write down.
    pub fn of(profile: &Profile, record: Option<Record>) -> Carried {
        let Profile { name, id: _, url, settings } = profile.clone();
        Carried { name, url, settings, record }
    }
}

/// The path, if it is a whole one.
pub fn whole(file: &str) -> Result<PathBuf, TransferError> {
    let path = PathBuf::from(file);
    if path.is_absolute() { Ok(path) } else { Err(TransferError::NotWhole(file.to_owned())) }
}

/// Writes accounts into a file, sealed if there is a passphrase. It replaces nothing but another of these files. Takes its
/// time where there is a passphrase.
pub fn write(path: &Path, accounts: &[Carried], passphrase: Option<&SecretString>) -> Result<(), TransferError> {
    if path.exists() && document(path).is_err() {
        return Err(TransferError::Taken(path.to_owned()));
    }
    let unwritable = |error: io::Error| TransferError::Unwritable {
        path: path.to_owned(),
        cause: error.to_string(),
        full: is_full(&error),
    };
    let text = text(accounts, passphrase).map_err(|error| unwritable(io::Error::other(error)))?;
    replace(path, &text).map_err(unwritable)
}

fn text(accounts: &[Carried], passphrase: Option<&SecretString>) -> Result<Vec<u8>, String> {
    let mut servers = Map::new();
    for Carried { name, url, settings, .. } in accounts {
        let entry = Entry { kind: "http".to_owned(), url: ServerAddress(url.clone()), keybearer: settings.clone() };
        servers.insert(name.clone(), serde_json::to_value(entry).map_err(|error| error.to_string())?);
    }
    let mut document = Document { keybearer: Header { version: VERSION, sealed: None }, servers };
    if let Some(passphrase) = passphrase {
        let mut records = BTreeMap::new();
        for Carried { name, record, .. } in accounts {
            let Some(record) = record else { continue };
            // A parser's words would tell what a record holds.
            let raw = serde_json::value::to_raw_value(record).map_err(|_| "a sign-in can't be written".to_owned())?;
            records.insert(name.clone(), raw);
        }
        let content = Content { servers: std::mem::take(&mut document.servers), records };
        let content = serde_json::to_vec(&content).map_err(|_| "the sign-ins can't be written".to_owned())?;
        let content = Zeroizing::new(content);
        let stretching = Stretching::of_today();
        let key = stretching.stretch(passphrase).map_err(|unfit| unfit.to_string())?;
        let content = BASE64_STANDARD.encode(key.seal(&content, PLACE));
        document.keybearer.sealed = Some(Sealed { stretching, content });
    }
    let mut text = serde_json::to_vec_pretty(&document).map_err(|error| error.to_string())?;
    text.push(b'\n');
    Ok(text)
}

/// The accounts in a file, in its order. Takes its time where there is a passphrase.
pub fn read(path: &Path, passphrase: Option<&SecretString>) -> Result<Vec<Carried>, TransferError> {
    let Document { keybearer, servers } = document(path)?;
    let Some(Sealed { stretching, content }) = keybearer.sealed else {
        return carried(path, servers, &BTreeMap::new());
    };
    let passphrase = passphrase.ok_or_else(|| TransferError::Sealed(path.to_owned()))?;
    let unopened = || TransferError::Unopened(path.to_owned());
    let key = stretching.stretch(passphrase).map_err(|Unfit| unopened())?;
    let sealed = BASE64_STANDARD.decode(content).map_err(|_| unopened())?;
    let content = key.open(&sealed, PLACE).map_err(|_| unopened())?;
    let content: Content = serde_json::from_slice(&content).map_err(|error| not_ours(path, &error))?;
    carried(path, content.servers, &content.records)
}

fn document(path: &Path) -> Result<Document, TransferError> {
    let unreadable = |error: io::Error| TransferError::Unreadable { path: path.to_owned(), cause: error.to_string() };
    // A pipe would keep us waiting.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is no file")));
    }
    let mut content = Vec::new();
    File::open(path).and_then(|file| file.take(SIZE_LIMIT + 1).read_to_end(&mut content)).map_err(unreadable)?;
    if content.len() as u64 > SIZE_LIMIT {
        return Err(unreadable(io::Error::other("it is larger than 16 MiB")));
    }
    let document: Document = serde_json::from_slice(&content).map_err(|error| not_ours(path, &error))?;
    if document.keybearer.version > VERSION { Err(TransferError::Newer(path.to_owned())) } else { Ok(document) }
}

fn carried(
    path: &Path,
    servers: Map<String, Value>,
    records: &BTreeMap<String, Box<RawValue>>,
) -> Result<Vec<Carried>, TransferError> {
    let is_remote = |(_, entry): &(String, Value)| entry.get("url").is_some();
    let accounts = servers.into_iter().filter(is_remote).map(|(name, entry)| {
        let Entry { url: ServerAddress(url), keybearer: settings, .. } =
            serde_json::from_value(entry).map_err(|error| not_ours(path, &error))?;
        let record = records.get(&name).map(|raw| Record::from_bytes(raw.get().as_bytes())).transpose();
        let record =
            record.map_err(|error| TransferError::NotOurs { path: path.to_owned(), problem: error.to_string() })?;
        Ok(Carried { name, url, settings, record })
    });
    accounts.collect()
}

/// Tells place and kind, and nothing of what stands there.
fn not_ours(path: &Path, error: &serde_json::Error) -> TransferError {
    let problem = format!("line {}, column {}: {:?}", error.line(), error.column(), error.classify());
    TransferError::NotOurs { path: path.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::record::SecretRecord;
    use keybearer_protocol::profile::AuthType;
    use secrecy::ExposeSecret;
    use std::io::Write;

    /// Lays a file there as somebody else would.
    fn lay(path: &Path, content: impl AsRef<[u8]>) {
        File::create(path).and_then(|mut file| file.write_all(content.as_ref())).expect("written");
    }

    fn account(name: &str, secret: &str) -> Carried {
        let url: ServerUrl = "https://mcp.example/mcp".parse().expect("an address");
        let value = secret.to_owned().into();
        let secret = Some(SecretRecord { value, auth: AuthType::Bearer, issuer: None });
        let record = Some(Record { secret, ..Record::new(url.as_str()) });
        let settings = Settings { auth: AuthType::Bearer, ..Settings::default() };
        Carried { name: name.to_owned(), url, settings, record }
    }

    #[test]
    fn a_sealed_file_shows_nothing_and_comes_back_whole_with_its_passphrase_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("accounts.json");
        let passphrase: SecretString = "correct horse".into();
        write(&path, &[account("work", "s3cret")], Some(&passphrase)).expect("written");
        let text = fs::read_to_string(&path).expect("a file");
        for telling in ["work", "mcp.example", "s3cret"] {
            assert!(!text.contains(telling), "{telling} stands in {text}");
        }
        assert_eq!(read(&path, None).expect_err("sealed"), TransferError::Sealed(path.clone()));
        let wrong = read(&path, Some(&"wrong horse".into())).expect_err("another passphrase");
        assert_eq!(wrong, TransferError::Unopened(path.clone()));
        let back = read(&path, Some(&passphrase)).expect("opened");
        let secret = back[0].record.as_ref().and_then(|record| record.secret.as_ref()).expect("a secret");
        assert_eq!((back[0].name.as_str(), secret.value.expose_secret()), ("work", "s3cret"));

        // One bit of it elsewhere, and it doesn't open.
        let mut document: Document = serde_json::from_str(&text).expect("JSON");
        let sealed = document.keybearer.sealed.as_mut().expect("sealed");
        let mut bytes = BASE64_STANDARD.decode(&sealed.content).expect("base64");
        *bytes.last_mut().expect("some") ^= 1;
        sealed.content = BASE64_STANDARD.encode(bytes);
        lay(&path, serde_json::to_vec(&document).expect("JSON"));
        assert_eq!(read(&path, Some(&passphrase)).expect_err("bent"), TransferError::Unopened(path));
    }

    #[test]
    fn an_open_file_has_no_secret_and_replaces_only_its_like() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("accounts.json");
        write(&path, &[account("work", "s3cret")], None).expect("written");
        write(&path, &[account("home", "s3cret")], None).expect("its like");
        let text = fs::read_to_string(&path).expect("a file");
        assert!(text.contains("home") && !text.contains("work") && !text.contains("s3cret"), "{text}");
        assert!(read(&path, None).expect("read")[0].record.is_none());
        let letter = folder.path().join("letter.txt");
        lay(&letter, "Dear …");
        assert_eq!(write(&letter, &[], None), Err(TransferError::Taken(letter.clone())));
        assert_eq!(fs::read_to_string(&letter).expect("a file"), "Dear …");
    }

    #[test]
    fn what_is_no_such_file_is_told_by_its_place_and_never_by_its_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("accounts.json");
        for (content, place) in [
            ("s3cret", "line 1"),
            (r#"{"mcpServers":{}}"#, "Data"),
            (r#"{"keybearer":{"version":2}}"#, "newer"),
            (r#"{"keybearer":{"version":1},"mcpServers":{"a":{"url":"http://s3cret.example"}}}"#, "Data"),
            (
                r#"{"keybearer":{"version":1},"mcpServers":{"a":{"url":"https://a.example","keybearer":{"auth":"s3cret"}}}}"#,
                "Data",
            ),
        ] {
            lay(&path, content);
            let error = read(&path, None).expect_err(content).to_string();
            assert!(error.contains(place) && !error.contains("s3cret"), "{error}");
        }
        assert!(matches!(read(folder.path(), None), Err(TransferError::Unreadable { .. })));
        assert!(matches!(whole("accounts.json"), Err(TransferError::NotWhole(_))));
    }
}
