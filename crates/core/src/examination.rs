//! What an agent would find here, found without being one: nothing is started, made, written down or refreshed.

use crate::browser::Browser;
use crate::clock::now;
use crate::home::Home;
use crate::profile::{Profile, ProfileStore};
use crate::settings::SettingsFile;
use crate::vault::{Vault, VaultError};
use http::{HeaderMap, Method, Request, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use keybearer_oauth::http::{Http, host};
use keybearer_oauth::server_url::ServerUrl;
use keybearer_protocol::auth::DISPLAY_VARIABLES;
use keybearer_protocol::examination::{Examination, ExaminedProfile, FolderView, RunningAgent, ServerClock};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long a server may take to tell the time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Whose item the keyring is tried with while the home has no name of its own.
const NO_HOME: &str = "examination";
/// The most servers that are asked.
const SERVERS: usize = 16;

/// Looks at everything. Servers are asked for the time only if `online`.
pub async fn examine(home: &Home, online: bool) -> Examination {
    let profiles = ProfileStore::look(&home.servers_file());
    let settings = SettingsFile::new(home).read();
    let chosen = settings.as_ref().ok().and_then(|settings| settings.browser.clone());
    let configuration_problem = match (&profiles, settings) {
        (Err(error), _) => Some(error.to_string()),
        (Ok(_), Err(error)) => Some(error.to_string()),
        (Ok(_), Ok(_)) => None,
    };
    let profiles = profiles.unwrap_or_default();
    let [config, _] = home.folders();
    // A keyring that keeps the probe's item keeps one, however often it is looked at.
    let home_id = home.known_id().ok().flatten().unwrap_or_else(|| NO_HOME.to_owned());
    let vault = Vault::start_looking(home, &home_id);
    let (standing, vault_problem) = (vault.standing().await.ok(), vault.probe().await.err());
    let environment: BTreeMap<String, String> =
        DISPLAY_VARIABLES.into_iter().filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))).collect();
    Examination {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        running: holder(&home.lock_file()),
        folders: home.folders().map(|folder| look_at(folder, folder == config)).into(),
        configuration_problem,
        vault_kind: standing.map(|standing| standing.kind),
        vault: VaultError::state(vault_problem.as_ref()),
        vault_advice: vault_problem.as_ref().and_then(VaultError::way_out).map(str::to_owned),
        vault_problem: vault_problem.map(|problem| problem.to_string()),
        browser: Browser::of_caller(&environment)
            .choosing(chosen)
            .program()
            .map(|program| program.display().to_string()),
        log: home.log_file().display().to_string(),
        clocks: if online { clocks(&profiles).await } else { Vec::new() },
        profiles: profiles.into_iter().map(written).collect(),
    }
}

fn written(profile: Profile) -> ExaminedProfile {
    ExaminedProfile { url: profile.url.as_str().to_owned(), name: profile.name }
}

/// Who holds the lock of an agent, by what it wrote into it: process, version, base folder of its sockets.
fn holder(lock: &Path) -> Option<RunningAgent> {
    let file = File::open(lock).ok()?;
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let content = std::fs::read_to_string(lock).unwrap_or_default();
    let mut words = content.trim_end_matches('\n').splitn(3, ' ');
    let pid = words.next().and_then(|pid| pid.parse().ok());
    Some(RunningAgent { pid, sockets: words.nth(1).map(str::to_owned) })
}

/// A folder that is `shareable` may have other authors in its group: a token never follows what they edit.
fn look_at(folder: &Path, shareable: bool) -> FolderView {
    let exists = folder.exists();
    // One that is missing is made, so what counts is the first above it that is there.
    let there = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(folder);
    let mode = mode(folder);
    let changed_by = |whom| Some(format!("{} can be changed by {whom} (mode {mode:04o})", folder.display()));
    let (by_group, by_all) = (mode & 0o020 != 0, mode & 0o002 != 0);
    let (problem, concern) = match tempfile::tempfile_in(there) {
        Err(error) => (Some(format!("{} can't be written to: {error}", there.display())), None),
        Ok(_) if by_all || (by_group && !shareable) => (changed_by("other users"), None),
        Ok(_) if by_group => (None, changed_by("its group")),
        Ok(_) => (None, None),
    };
    FolderView { path: folder.display().to_string(), exists, problem, concern }
}

/// Who may do what with a folder; nothing is known of one that isn't there.
#[cfg(unix)]
fn mode(folder: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(folder).map_or(0, |metadata| metadata.mode() & 0o7777)
}

/// Where folders have no mode, who may use one is inherited from the user's own folder.
#[cfg(not(unix))]
fn mode(_folder: &Path) -> u32 {
    0
}

/// Asks each account's server once what time it is: its front page, without a token, and nothing but the head.
async fn clocks(profiles: &[Profile]) -> Vec<ServerClock> {
    let mut servers: Vec<&ServerUrl> = Vec::new();
    for profile in profiles {
        let known = servers.iter().any(|server| server.url().origin() == profile.url.url().origin());
        if !known && servers.len() < SERVERS {
            servers.push(&profile.url);
        }
    }
    let mut asked = JoinSet::new();
    for server in servers {
        asked.spawn(clock_of(server.clone()));
    }
    let mut clocks = asked.join_all().await;
    clocks.sort_by(|one, other| one.host.cmp(&other.host));
    clocks
}

async fn clock_of(server: ServerUrl) -> ServerClock {
    let host = host(server.url());
    let (ahead, problem) = match tokio::time::timeout(PATIENCE, time_of(&server)).await {
        Ok(Ok(time)) => (time.map(|time| now().duration_since(time).as_secs()), None),
        Ok(Err(problem)) => (None, Some(problem)),
        Err(_) => (None, Some(format!("{host} didn't answer in time"))),
    };
    ServerClock { host, ahead, problem }
}

async fn time_of(server: &ServerUrl) -> Result<Option<Timestamp>, String> {
    let front = server.url().join("/").map_err(|error| error.to_string())?;
    let request = Request::builder().method(Method::HEAD).uri(front.as_str()).body(Vec::new());
    let request = request.map_err(|error| error.to_string())?;
    let http = Http::for_server(server).map_err(|error| error.to_string())?;
    let answer = http.open(request).await.map_err(|error| error.to_string())?;
    Ok(told_by(answer.headers()))
}

/// The time that an answer tells: when it was made (`Date`, RFC 9110 §6.6.1), and for how many seconds caches have kept it
/// since (`Age`, RFC 9111 §5.1).
fn told_by(headers: &HeaderMap) -> Option<Timestamp> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let made = rfc2822::DateTimeParser::new().parse_timestamp(text(header::DATE)?).ok()?;
    let age: u32 = text(header::AGE).and_then(|age| age.trim().parse().ok()).unwrap_or_default();
    made.checked_add(Duration::from_secs(age.into())).ok()
}
