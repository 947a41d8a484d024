//! Profiles: what the user wrote down, in `servers.json`.
//!
//! The file has the shape that MCP clients share, so people can read, edit and paste it:
//! `{"mcpServers": {"linear-work": {"type": "http", "url": …, "keybearer": {"id": …, "auth": …}}}}`.
//! Whatever Keybearer doesn't know in it stays as it is.

use crate::home::{HomeError, is_full, random_id, replace};
use keybearer_oauth::ServerUrl;
use keybearer_oauth::extra_parameters::ExtraParameters;
use keybearer_oauth::server_url::ServerUrlError;
use keybearer_protocol::profile::{AuthType, IdentityProvider};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The version of the file; a newer one is not touched.
const VERSION: u64 = 1;
/// The most that the file may hold, in bytes.
const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

/// One server with one account, as the user wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name: a label, free to change.
    pub name: String,
    /// The random id, made once: it alone keys keyring items and grants.
    pub id: String,
    /// The MCP server.
    pub url: ServerUrl,
    /// How it authorizes itself, and what that needs.
    pub settings: Settings,
}

/// The member `keybearer` of an entry, without its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How the account authorizes itself.
    pub auth: AuthType,
    /// A client ID that was registered by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The authorization server to sign in at, and at no other, where the user says so: that client is registered there,
    /// or the server names none (`DISC-13`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The redirect address that this client was registered with, where it isn't one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// Scopes to ask for instead of those that the server names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What the user adds to authorization requests.
    #[serde(skip_serializing_if = "ExtraParameters::is_empty")]
    pub parameters: ExtraParameters,
    /// Whether `resource` is left out of all requests, for authorization servers that can't bear it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub omit_resource: bool,
    /// The header's name, for [`AuthType::Header`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The user's name, for [`AuthType::Basic`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The file in which a platform keeps a JWT fresh, for [`AuthType::Workload`] and [`AuthType::Enterprise`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_file: Option<PathBuf>,
    /// The identity provider, for [`AuthType::Enterprise`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<IdentityProvider>,
}

/// Why profiles can't be read or changed. The file is as it was.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file isn't what it should be.
    #[error("{path} can't be read: {problem}; nothing was changed")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A newer Keybearer wrote the file.
    #[error("{0} was written by a newer Keybearer; nothing was changed")]
    Newer(PathBuf),
    /// The system refuses.
    #[error("{path} can't be written: {cause}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: String,
        /// Whether there is no room left.
        full: bool,
    },
    /// Somebody else changed the file in the same moment.
    #[error("{0} was changed by another program in the same moment; try again")]
    Raced(PathBuf),
    /// No profile has this name.
    #[error("there is no account \"{0}\"")]
    NotFound(String),
    /// The name is taken.
    #[error("there is an account \"{0}\" already")]
    Exists(String),
    /// The name can't be used.
    #[error("\"{0}\" can't be a name: use at most 64 letters, digits, spaces and . _ - @")]
    BadName(String),
    /// The address can't be used.
    #[error(transparent)]
    BadUrl(#[from] ServerUrlError),
    /// The folders can't be used.
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// The profiles of one `servers.json`, read again whenever the file changes. Whoever reads them keeps them.
#[derive(Debug)]
pub struct ProfileStore {
    path: PathBuf,
    /// From which state of the file they were read last, if that went well.
    read: Option<Option<Stamp>>,
}

/// An entry that was taken out.
#[derive(Clone, Debug)]
pub struct Removed {
    name: String,
    entry: Value,
}

impl Removed {
    /// The profile's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Tells one state of the file from the next.
type Stamp = (SystemTime, u64, u64);

impl ProfileStore {
    /// The store in this file; nothing is read yet.
    pub fn new(path: PathBuf) -> Self {
        ProfileStore { path, read: None }
    }

    /// The profiles in the order of the file, if it isn't as it was at the last good reading. Entries without an id get one,
    /// which is written down.
    pub fn news(&mut self) -> Result<Option<Vec<Profile>>, ProfileError> {
        // Taken before reading: an edit in between is then seen the next time.
        let stamp = stamp(&self.path);
        if self.read == Some(stamp) {
            return Ok(None);
        }
        // Trouble is looked at anew each time: it may lie in the folder, or in a full disk.
        self.read = None;
        let Document { whole, profiles, adopted } = read(&self.path)?;
        if adopted {
            self.write(&whole, stamp)?;
        }
        self.read = Some(stamp);
        Ok(Some(profiles))
    }

    /// The profiles of this file as they are, for whoever mustn't write to it: an entry without an id gets one that is
    /// forgotten.
    pub fn look(path: &Path) -> Result<Vec<Profile>, ProfileError> {
        Ok(read(path)?.profiles)
    }

    /// Writes a new profile, with a new id.
    pub fn add(&mut self, name: &str, url: ServerUrl, settings: Settings) -> Result<Profile, ProfileError> {
        check_name(name)?;
        let profile = Profile { name: name.to_owned(), id: random_id(), url, settings };
        let entry = entry(&profile)?;
        self.edit(|servers| {
            if servers.contains_key(name) {
                return Err(ProfileError::Exists(name.to_owned()));
            }
            servers.insert(name.to_owned(), entry);
            Ok(())
        })?;
        Ok(profile)
    }

    /// Removes a profile; gives its entry for [`ProfileStore::put_back`].
    pub fn remove(&mut self, name: &str) -> Result<Removed, ProfileError> {
        let name = name.to_owned();
        self.edit(|servers| match servers.shift_remove(&name) {
            Some(entry) => Ok(Removed { name, entry }),
            None => Err(ProfileError::NotFound(name)),
        })
    }

    /// Puts back what was removed too early.
    pub fn put_back(&mut self, removed: Removed) -> Result<(), ProfileError> {
        self.edit(|servers| {
            servers.entry(removed.name).or_insert(removed.entry);
            Ok(())
        })
    }

    /// Gives a profile another name, in the same place.
    pub fn rename(&mut self, name: &str, new: &str) -> Result<(), ProfileError> {
        check_name(new)?;
        self.edit(|servers| {
            if servers.contains_key(new) && new != name {
                return Err(ProfileError::Exists(new.to_owned()));
            }
            if !servers.contains_key(name) {
                return Err(ProfileError::NotFound(name.to_owned()));
            }
            let renamed = std::mem::take(servers).into_iter();
            servers.extend(renamed.map(|(key, entry)| (if key == name { new.to_owned() } else { key }, entry)));
            Ok(())
        })
    }

    /// Changes how a profile authorizes itself. What else stands in its entry stays.
    pub fn set(&mut self, name: &str, settings: &Settings) -> Result<(), ProfileError> {
        self.edit(|servers| {
            let entry = servers.get_mut(name).and_then(|entry| entry.get_mut("keybearer"));
            let ours = entry.ok_or_else(|| ProfileError::NotFound(name.to_owned()))?;
            let before = written(&Settings::deserialize(&*ours).unwrap_or_default())?;
            let ours = ours.as_object_mut().ok_or_else(|| ProfileError::NotFound(name.to_owned()))?;
            let after = written(settings)?;
            for gone in before.keys().filter(|key| !after.contains_key(*key)) {
                ours.shift_remove(gone);
            }
            ours.extend(after.into_iter().filter(|(key, value)| before.get(key) != Some(value)));
            Ok(())
        })
    }

    fn edit<T>(
        &mut self,
        change: impl FnOnce(&mut Map<String, Value>) -> Result<T, ProfileError>,
    ) -> Result<T, ProfileError> {
        let before = stamp(&self.path);
        // A file that can't be understood as a whole is not written to.
        let mut document = read(&self.path)?.whole;
        let changed = change(servers(&self.path, &mut document)?)?;
        self.write(&document, before)?;
        self.read = None;
        Ok(changed)
    }

    fn write(&self, document: &Value, before: Option<Stamp>) -> Result<(), ProfileError> {
        if stamp(&self.path) != before {
            return Err(ProfileError::Raced(self.path.clone()));
        }
        let mut text = serde_json::to_string_pretty(document).map_err(|error| broken(&self.path, error.to_string()))?;
        text.push('\n');
        replace(&self.path, text.as_bytes()).map_err(|error| ProfileError::Unwritable {
            path: self.path.clone(),
            cause: error.to_string(),
            full: is_full(&error),
        })
    }
}

/// A `servers.json` with what it says.
struct Document {
    whole: Value,
    profiles: Vec<Profile>,
    /// Whether entries got ids that aren't written down yet.
    adopted: bool,
}

/// Reads the profiles. An entry that a person wrote gets its id; a copied id becomes a new one, so that two profiles
/// never share tokens.
fn read(path: &Path) -> Result<Document, ProfileError> {
    let mut document = read_document(path)?;
    let mut ids = HashSet::new();
    let mut adopted = false;
    let mut profiles = Vec::new();
    for (name, entry) in servers(path, &mut document)?.iter_mut() {
        // Servers that are started as programs have no address: they are none of ours.
        let Some(url) = entry.get("url").and_then(Value::as_str) else { continue };
        let problem = |problem: String| broken(path, format!("\"{name}\": {problem}"));
        let ours = entry.get("keybearer").filter(|ours| !ours.is_null()).cloned().unwrap_or_else(|| json!({}));
        let written = ours.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let url = match (url.parse::<ServerUrl>(), check_name(name)) {
            (Ok(url), Ok(())) => url,
            // An entry of another client that Keybearer can't use is that client's own business.
            _ if written.is_empty() => {
                tracing::info!("an entry of servers.json without an id of ours can't be used; it is left alone");
                continue;
            }
            (Err(error), _) => return Err(problem(error.to_string())),
            (_, Err(error)) => return Err(problem(error.to_string())),
        };
        let settings = Settings::deserialize(&ours).map_err(|error| problem(error.to_string()))?;
        let fresh = !is_id(&written) || !ids.insert(written.clone());
        let id = if fresh { random_id() } else { written };
        if fresh {
            ids.insert(id.clone());
            set_id(entry, &id);
            adopted = true;
        }
        profiles.push(Profile { name: name.clone(), id, url, settings });
    }
    Ok(Document { whole: document, profiles, adopted })
}

/// A name made from the address: the host's telling label, numbered if it is taken.
pub fn suggest_name(url: &ServerUrl, taken: impl Fn(&str) -> bool) -> String {
    const EMPTY_WORDS: [&str; 6] = ["mcp", "www", "api", "com", "co", "localhost"];
    let labels: Vec<&str> = url.host().split('.').collect();
    let numeric = url.host().parse::<std::net::IpAddr>().is_ok() || url.host().starts_with('[');
    let telling = || {
        let known = labels.len().saturating_sub(1).max(1);
        labels[..known].iter().rev().find(|label| !EMPTY_WORDS.contains(label)).map(|label| (*label).to_owned())
    };
    let base = if numeric { None } else { telling() }.filter(|name| check_name(name).is_ok());
    numbered(base.unwrap_or_else(|| "local".to_owned()), taken)
}

/// This name, if an account can have it, or else one made from the address; numbered if it is taken.
pub fn suggest_like(name: &str, url: &ServerUrl, taken: impl Fn(&str) -> bool) -> String {
    if check_name(name).is_ok() { numbered(name.to_owned(), taken) } else { suggest_name(url, taken) }
}

fn numbered(base: String, taken: impl Fn(&str) -> bool) -> String {
    let further = (2..).map(|number| format!("{base}-{number}"));
    std::iter::once(base.clone()).chain(further).find(|name| !taken(name)).unwrap_or(base)
}

fn check_name(name: &str) -> Result<(), ProfileError> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ' | '@');
    let good = !name.is_empty()
        && name.chars().count() <= 64
        && name.chars().all(fits)
        && name.trim() == name
        && !name.starts_with('-');
    if good { Ok(()) } else { Err(ProfileError::BadName(name.chars().filter(|c| !c.is_control()).take(80).collect())) }
}

fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn set_id(entry: &mut Value, id: &str) {
    if let Some(entry) = entry.as_object_mut() {
        let ours = entry.entry("keybearer").or_insert_with(|| json!({}));
        if let Some(ours) = ours.as_object_mut() {
            ours.insert("id".to_owned(), id.into());
        }
    }
}

fn entry(profile: &Profile) -> Result<Value, ProfileError> {
    let mut ours = json!({ "id": profile.id });
    let settings = written(&profile.settings)?;
    if let Some(ours) = ours.as_object_mut() {
        ours.extend(settings);
    }
    Ok(json!({ "type": "http", "url": profile.url.as_str(), "keybearer": ours }))
}

/// Settings as they stand in an entry.
fn written(settings: &Settings) -> Result<Map<String, Value>, ProfileError> {
    let written = serde_json::to_value(settings).map_err(|error| ProfileError::BadName(error.to_string()))?;
    Ok(written.as_object().cloned().unwrap_or_default())
}

fn read_document(path: &Path) -> Result<Value, ProfileError> {
    let text = match fs::metadata(path).and_then(|metadata| Ok((metadata.len(), fs::read_to_string(path)?))) {
        Ok((size, _)) if size > SIZE_LIMIT => return Err(broken(path, "it is larger than 16 MiB".to_owned())),
        Ok((_, text)) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(empty_document()),
        Err(error) => return Err(broken(path, error.to_string())),
    };
    if text.trim().is_empty() {
        // An editor in mid-save: no reason to forget all accounts.
        return Err(broken(path, "it is empty (for no accounts, write {} or delete it)".to_owned()));
    }
    // serde_json's words end in "at line L column C".
    let document: Value = serde_json::from_str(&text).map_err(|error| broken(path, error.to_string()))?;
    let version = document.pointer("/keybearer/version").and_then(Value::as_u64).unwrap_or(VERSION);
    if version > VERSION { Err(ProfileError::Newer(path.to_owned())) } else { Ok(document) }
}

fn empty_document() -> Value {
    json!({ "keybearer": { "version": VERSION }, "mcpServers": {} })
}

fn servers<'a>(path: &Path, document: &'a mut Value) -> Result<&'a mut Map<String, Value>, ProfileError> {
    let whole = document.as_object_mut().ok_or_else(|| broken(path, "line 1: it isn't a JSON object".to_owned()))?;
    let servers = whole.entry("mcpServers").or_insert_with(|| json!({}));
    servers.as_object_mut().ok_or_else(|| broken(path, "\"mcpServers\" isn't a JSON object".to_owned()))
}

fn broken(path: &Path, problem: String) -> ProfileError {
    ProfileError::Broken { path: path.to_owned(), problem }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Some((metadata.modified().ok()?, metadata.len(), inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(content: &str) -> (tempfile::TempDir, ProfileStore) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("servers.json");
        replace(&path, content.as_bytes()).expect("written");
        (folder, ProfileStore::new(path))
    }

    fn names(store: &mut ProfileStore) -> Vec<String> {
        store.news().expect("readable").expect("news").into_iter().map(|profile| profile.name).collect()
    }

    #[test]
    fn what_keybearer_does_not_know_stays_as_it_is() {
        let (_folder, mut store) = store(
            r#"{"theme":"x","mcpServers":{"old":{"command":"npx","args":["y"]},
                "mine":{"url":"https://a.example/mcp","note":7,"keybearer":{"later":true}}}}"#,
        );
        let url = "https://b.example/mcp".parse().expect("an address");
        store.add("new", url, Settings::default()).expect("added");
        store.rename("mine", "ours").expect("renamed");
        assert_eq!(names(&mut store), ["ours", "new"]);
        let text = fs::read_to_string(&store.path).expect("a file");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["theme"], "x");
        assert_eq!(document["mcpServers"]["old"]["args"][0], "y");
        assert_eq!(
            (&document["mcpServers"]["ours"]["note"], &document["mcpServers"]["ours"]["keybearer"]["later"]),
            (&json!(7), &json!(true))
        );
        let order: Vec<_> = document["mcpServers"].as_object().expect("an object").keys().collect();
        assert_eq!(order, ["old", "ours", "new"]);
    }

    #[test]
    fn entries_of_other_clients_that_cannot_be_used_are_left_alone() {
        let (_folder, mut store) = store(
            r#"{"mcpServers":{"io.github/x":{"url":"https://a.example"},"nas":{"url":"http://nas:80"},
                "v":{"url":"${BASE}/mcp"},"good":{"url":"https://b.example","keybearer":null}}}"#,
        );
        assert_eq!(names(&mut store), ["good"]);
    }

    #[test]
    fn an_id_is_kept_and_a_copied_one_becomes_new() {
        let entry = r#"{"url":"https://a.example/","keybearer":{"id":"0123456789abcdef"}}"#;
        let (_folder, mut store) = store(&format!(r#"{{"mcpServers":{{"a":{entry},"b":{entry}}}}}"#));
        let ids = |store: &mut ProfileStore| -> Vec<String> {
            store.news().expect("readable").expect("news").into_iter().map(|profile| profile.id).collect()
        };
        let given = ids(&mut store);
        assert_eq!(given[0], "0123456789abcdef");
        assert_ne!(given[0], given[1]);
        assert_eq!(ids(&mut ProfileStore::new(store.path.clone())), given);
    }

    #[test]
    fn a_broken_file_is_named_with_its_place_and_left_alone() {
        for (content, place) in [
            ("{\n  \"mcpServers\": {\n    oops\n", "line 3 column 5"),
            ("[]", "line 1"),
            (r#"{"mcpServers":[]}"#, "mcpServers"),
            (r#"{"mcpServers":{"a":{"url":"http://evil.example","keybearer":{"id":"0123456789abcdef"}}}}"#, "\"a\""),
            (r#"{"mcpServers":{"a":{"url":"https://a.example","keybearer":{"auth":"magic"}}}}"#, "magic"),
            (r#"{"keybearer":{"version":2}}"#, "newer"),
        ] {
            let (_folder, mut store) = store(content);
            let error = store.news().expect_err(content).to_string();
            assert!(error.contains(place), "{error} lacks {place}");
            let url = "https://b.example/mcp".parse().expect("an address");
            assert!(store.add("new", url, Settings::default()).is_err());
            assert_eq!(fs::read_to_string(&store.path).expect("a file"), content);
        }
    }

    #[test]
    fn names_come_from_the_telling_part_of_the_host() {
        for (url, name) in [
            ("https://mcp.linear.app/mcp", "linear"),
            ("https://api.githubcopilot.com/mcp/", "githubcopilot"),
            ("https://mcp.example.co.uk", "example"),
            ("http://127.0.0.1:8000/mcp", "local"),
            ("https://intranet/mcp", "intranet"),
        ] {
            let url: ServerUrl = url.parse().expect("an address");
            assert_eq!(suggest_name(&url, |_| false), name);
            assert_eq!(suggest_name(&url, |taken| taken == name), format!("{name}-2"));
        }
    }
}
