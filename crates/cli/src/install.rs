//! Writing accounts into the files of MCP clients, and taking that back. The agent reads and writes the files; here a person
//! sees what would be written, and says whether it is to be.

use crate::arguments::InstallArguments;
use crate::clients::{names, scan, uses};
use crate::confirm::{check, confirm};
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, answer_or_note, note, quoted};
use keybearer_ipc::client::{Client, environment};
use keybearer_protocol::Door;
use keybearer_protocol::clients::{
    ClientEntry, ClientInstall, ClientPreview, ClientUndone, ClientView, ClientsApply, ClientsApplyParams,
    ClientsPreview, ClientsPreviewParams, ClientsUndo, ClientsUndoParams, UndoOutcome,
};
use serde::Serialize;
use std::env;
use std::io::{self, IsTerminal};

/// What programs are told of one account.
#[derive(Serialize)]
struct Installed {
    preview: ClientPreview,
    /// Absent if it was shown only.
    install: Option<ClientInstall>,
}

/// `keybearer install`
pub(crate) fn install(reach: &Reach, arguments: InstallArguments, json: bool) -> Result<(), Failure> {
    let mut agent = reach.open(Door::Admin)?;
    match &arguments.client {
        None => list(&mut agent, json),
        Some(client) if arguments.undo => undo(&mut agent, client, &arguments.names, json),
        Some(_) if arguments.names.is_empty() => {
            Err(Failure::usage("name the accounts that the client is to use: keybearer install CLIENT NAME…"))
        }
        Some(client) => write(&mut agent, client, &arguments, json),
    }
}

fn write(agent: &mut Client, client: &str, arguments: &InstallArguments, json: bool) -> Result<(), Failure> {
    if !arguments.dry_run {
        check(arguments.yes)?;
    }
    let mut all = Vec::new();
    for name in &arguments.names {
        // Made one after the other: each finds what the one before has written.
        let params = ClientsPreviewParams {
            client: client.to_owned(),
            profile: name.clone(),
            mode: arguments.mode,
            environment: environment(),
        };
        let preview = agent.call::<ClientsPreview>(&params)?;
        if !json {
            show(&preview, arguments.dry_run)?;
        }
        let question = format!("Write this to {}?", preview.file);
        let wanted = !arguments.dry_run && !preview.done && confirm(&question, arguments.yes)?;
        let params = ClientsApplyParams { preview: preview.preview.clone() };
        let install = if wanted { Some(agent.call::<ClientsApply>(&params)?) } else { None };
        if !json {
            tell(&preview, install.as_ref(), arguments.dry_run)?;
        }
        all.push(Installed { preview, install });
    }
    if json { answer_json(&all) } else { Ok(()) }
}

/// What would be written, and what a person should know of it: the answer of a dry run, and a question otherwise.
fn show(preview: &ClientPreview, dry_run: bool) -> Result<(), Failure> {
    if preview.done {
        return Ok(());
    }
    let made = if preview.creates { " (a new file)" } else { "" };
    let say = |line: &str| answer_or_note(dry_run, line);
    say(&format!("{}{made}  +{} −{}", preview.file, preview.added, preview.removed))?;
    let is_seen = if dry_run { io::stdout().is_terminal() } else { io::stderr().is_terminal() };
    let in_colour = is_seen && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    for line in &preview.diff {
        match line.chars().next().filter(|_| in_colour) {
            Some('+') => say(&format!("\x1b[32m{line}\x1b[0m"))?,
            Some('-') => say(&format!("\x1b[31m{line}\x1b[0m"))?,
            Some(_) | None => say(line)?,
        }
    }
    if preview.omitted > 0 {
        say(&format!("… and {} more lines", preview.omitted))?;
    }
    note(&preview.why);
    if !preview.removes_plain_text.is_empty() {
        let secrets = names(&preview.removes_plain_text);
        note(&format!(
            "{secrets} stands in this entry as plain text, and goes from it. It stays good at the server until you revoke it \
             there."
        ));
    }
    if preview.disabled {
        note(&format!("The entry {} is switched off there, and stays so.", preview.entry));
    }
    if !preview.same_server.is_empty() {
        note(&format!("These lead to the same server, and stay as they are: {}.", preview.same_server.join(", ")));
    }
    Ok(())
}

fn tell(preview: &ClientPreview, install: Option<&ClientInstall>, dry_run: bool) -> Result<(), Failure> {
    let ClientPreview { profile, client, file, entry, done, .. } = preview;
    let Some(install) = install else {
        return match (done, dry_run) {
            (true, _) => answer(&format!("{client} uses {profile} already, as {entry} in {file}")),
            (false, true) => answer("Nothing was written."),
            (false, false) => answer(&format!("{file} was left as it is.")),
        };
    };
    answer(&format!("{client} uses {profile} now, as {entry} in {file}"))?;
    note(&install.note);
    if let Some(backup) = &install.backup {
        note(&format!("The file as it was: {backup}"));
    }
    note(&format!("To take it back: keybearer install {client} {} --undo", quoted(profile)));
    Ok(())
}

fn undo(agent: &mut Client, client: &str, names: &[String], json: bool) -> Result<(), Failure> {
    let which: Vec<Option<String>> =
        if names.is_empty() { vec![None] } else { names.iter().cloned().map(Some).collect() };
    let mut all: Vec<ClientUndone> = Vec::new();
    for profile in which {
        let params =
            ClientsUndoParams { client: client.to_owned(), profile, receipt: None, environment: environment() };
        let undone = agent.call::<ClientsUndo>(&params)?;
        if !json {
            undone.files.iter().try_for_each(|file| answer(&format!("{}: {}", file.file, outcome(file.outcome))))?;
        }
        all.push(undone);
    }
    if json { answer_json(&all) } else { Ok(()) }
}

fn outcome(outcome: UndoOutcome) -> &'static str {
    match outcome {
        UndoOutcome::Restored => "byte for byte as it was before",
        UndoOutcome::Removed => "removed; it was made for this",
        UndoOutcome::TakenBack => "Keybearer's entry was taken back; what others have changed since stays",
        UndoOutcome::Nothing => "there was nothing left to take back",
    }
}

/// The clients, those that are here first, with what they have of Keybearer's.
fn list(agent: &mut Client, json: bool) -> Result<(), Failure> {
    let mut clients = scan(agent)?;
    if json {
        return answer_json(&clients);
    }
    clients.sort_by_key(|client| !client.installed);
    let width = |column: &dyn Fn(&ClientView) -> &str| {
        clients.iter().map(|client| column(client).chars().count()).max().unwrap_or_default()
    };
    let (ids, client_names) = (width(&|client| &client.client), width(&|client| &client.name));
    for client in &clients {
        let state = if client.installed { standing(client) } else { "not found here".to_owned() };
        answer(&format!("{:ids$}  {:client_names$}  {state}", client.client, client.name))?;
        client.problems.iter().for_each(|problem| note(&problem.message));
    }
    Ok(())
}

fn standing(client: &ClientView) -> String {
    let used: Vec<String> = uses(client)
        .map(|(entry, ours)| {
            let profile = ours.profile.as_deref().unwrap_or(entry);
            let gone = if ours.known { "" } else { ", which isn't there" };
            format!("{profile} ({}{gone})", ours.mode.word())
        })
        .collect();
    let is_other = |entry: &&ClientEntry| entry.keybearer.is_none();
    let others = client.entries.iter().filter(is_other).count() + usize::try_from(client.omitted).unwrap_or_default();
    let best = client.modes.first().map_or("", |mode| mode.mode.word());
    match (used.is_empty(), others) {
        (false, 0) => used.join(", "),
        (false, others) => format!("{}; {others} without Keybearer", used.join(", ")),
        (true, 0) => format!("ready ({best})"),
        (true, others) => format!("ready ({best}); {others} without Keybearer"),
    }
}
