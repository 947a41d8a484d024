//! `keybearer diagnostics`: logs and settings for whoever helps, with everything secret removed. It starts no agent, and a
//! person sees each file before anybody else does.

/// What is taken out.
mod clean;
/// The last lines of the log.
mod log;

use crate::arguments::DiagnosticsArguments;
use crate::connection::Reach;
use crate::doctor;
use crate::output::{Failure, answer, answer_json, now};
use crate::vault::place;
use clean::Cleaner;
use jiff::Timestamp;
use keybearer_ipc::client::Client;
use keybearer_protocol::activity::{ActivityFilter, ActivityList, ActivityListParams, ActivityRow};
use keybearer_protocol::diagnostics::{DiagnosticsFile, text};
use keybearer_protocol::examination::{Examination, ExaminedProfile};
use keybearer_protocol::method::Empty;
use keybearer_protocol::profile::{AccountStatus, AccountView, AuthType};
use keybearer_protocol::settings::SettingsGet;
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// How long one answer of the agent may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many rows of activity are counted, the newest.
const ROWS: usize = 1000;

/// `keybearer diagnostics`
pub(crate) fn diagnostics(reach: &Reach, arguments: &DiagnosticsArguments, json: bool) -> Result<(), Failure> {
    let files = collect(reach, !arguments.without_names);
    if let Some(path) = &arguments.file {
        write(path, &text(&files))?;
        return match json {
            true => answer_json(&json!({ "file": path.display().to_string() })),
            false => answer(&format!("{} is written: read it before you hand it on", path.display())),
        };
    }
    if json { answer_json(&files) } else { answer(&text(&files)) }
}

/// Every file, cleaned.
fn collect(reach: &Reach, with_names: bool) -> Vec<DiagnosticsFile> {
    let case = doctor::look(reach, false);
    let mut agent = case.status.as_ref().and_then(|status| status.as_ref().ok()).and_then(|_| connect(reach));
    let examined = case.examined.as_ref().ok();
    let cleaner = match (with_names, examined) {
        (false, Some(examined)) => Cleaner::without_names(&examined.profiles),
        (true, _) | (false, None) => Cleaner::default(),
    };
    let accounts = agent.as_mut().and_then(|agent| agent.accounts().ok());
    let status = case.status.as_ref().map(|status| match status {
        Ok(status) => readably(status),
        Err(problem) => readably(&json!({ "problem": problem })),
    });
    let settings = agent.as_mut().map(|agent| match agent.call::<SettingsGet>(&Empty {}) {
        Ok(settings) => readably(&settings),
        Err(problem) => readably(&json!({ "problem": problem.to_string() })),
    });
    let files = [
        ("about.txt", Some(about(examined))),
        ("doctor.txt", Some(doctor::words(&doctor::findings(&case)))),
        ("status.json", status),
        ("settings.json", settings),
        ("accounts.json", Some(readably(&states(accounts, examined)))),
        ("activity.txt", agent.as_mut().map(counts)),
        ("log.txt", examined.and_then(|examined| log::of_file(Path::new(&examined.log)))),
        // Without the names of the accounts they can't be taken out of it either.
        ("journal.txt", examined.and_then(|_| log::of_journal())),
    ];
    let cleaned = files.into_iter().filter_map(|(name, content)| {
        let content = content.filter(|content| !content.is_empty())?;
        Some(DiagnosticsFile { name: name.to_owned(), content: cleaner.clean(&content) })
    });
    cleaned.collect()
}

/// What runs, and on what.
fn about(examined: Option<&Examination>) -> String {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| "-".to_owned());
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or_default();
    let agent = examined.map_or("can't be run", |examined| &examined.version);
    let vault = examined.and_then(|examined| examined.vault_kind);
    [
        format!("made      {}", now()),
        format!("keybearer {}", env!("CARGO_PKG_VERSION")),
        format!("agent     {agent}"),
        format!("system    {} {} {}", std::env::consts::OS, std::env::consts::ARCH, system.trim_matches('"')),
        format!("desktop   {} on {}", variable("XDG_CURRENT_DESKTOP"), variable("XDG_SESSION_TYPE")),
        format!("vault     {}", vault.map_or("can't be told", place)),
    ]
    .join("\n")
}

/// An account, without what it may be used with.
#[derive(Serialize)]
struct AccountState {
    name: String,
    server: String,
    #[serde(flatten)]
    state: Option<Known>,
}

/// What the agent knows of one.
#[derive(Serialize)]
struct Known {
    auth: AuthType,
    status: AccountStatus,
    expires_at: Option<Timestamp>,
    unreachable_since: Option<Timestamp>,
}

/// The accounts as the agent has them, or else as they are written down.
fn states(accounts: Option<Vec<AccountView>>, examined: Option<&Examination>) -> Vec<AccountState> {
    let known = |account: AccountView| AccountState {
        name: account.profile,
        server: account.server_url,
        state: Some(Known {
            auth: account.auth,
            status: account.status,
            expires_at: account.expires_at,
            unreachable_since: account.unreachable_since,
        }),
    };
    let written = || {
        let profiles = examined.map(|examined| examined.profiles.clone()).unwrap_or_default();
        let unknown = |profile: ExaminedProfile| AccountState { name: profile.name, server: profile.url, state: None };
        profiles.into_iter().map(unknown).collect()
    };
    accounts.map_or_else(written, |accounts| accounts.into_iter().map(known).collect())
}

/// How often what happened, of late.
fn counts(agent: &mut Client) -> String {
    let (mut counts, mut oldest, mut rows) = (BTreeMap::<String, u32>::new(), None, 0);
    while rows < ROWS {
        let before = oldest.as_ref().map(|row: &ActivityRow| row.number);
        let params = ActivityListParams { filter: ActivityFilter::default(), before, limit: None };
        let page = match agent.call::<ActivityList>(&params) {
            Ok(page) => page,
            Err(problem) => return problem.to_string(),
        };
        for row in &page.rows {
            let kind = serde_json::to_value(row.entry.kind).unwrap_or_default();
            let error = row.entry.error.as_deref().map(|error| format!(" {error}")).unwrap_or_default();
            let what = format!("{}{error}", kind.as_str().unwrap_or_default());
            *counts.entry(what).or_default() += row.entry.calls.max(1);
        }
        rows += page.rows.len();
        oldest = page.rows.into_iter().last().or(oldest);
        if !page.more {
            break;
        }
    }
    let Some(oldest) = oldest else { return "nothing has happened yet".to_owned() };
    let lines = counts.iter().map(|(what, count)| format!("{count:6}  {what}"));
    std::iter::once(format!("since {}", oldest.entry.at)).chain(lines).collect::<Vec<_>>().join("\n")
}

fn connect(reach: &Reach) -> Option<Client> {
    let mut agent = reach.open_if_running(Door::Admin).ok().flatten()?;
    agent.set_timeout(Some(PATIENCE));
    Some(agent)
}

fn readably(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Writes a file that wasn't there, for nobody else to read.
fn write(path: &Path, content: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(content.as_bytes()));
    written.map_err(|error| {
        Failure(ErrorObject::new(ErrorCode::Usage, format!("{} can't be written: {error}", path.display())))
    })
}
