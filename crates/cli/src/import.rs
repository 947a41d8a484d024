//! Bringing in the servers that MCP clients have already: as accounts to sign in to. No token of anybody's is taken over.

use crate::arguments::ImportArguments;
use crate::clients::names;
use crate::confirm::{check, confirm};
use crate::connection::Reach;
use crate::output::{Failure, answer, answer_json, answer_or_note, note, quoted};
use crate::transfer;
use keybearer_ipc::client::{Client, environment, servers};
use keybearer_protocol::Door;
use keybearer_protocol::clients::{
    ClientProblem, ClientsServers, ClientsServersParams, ClientsServersReply, OtherSignIns, ServerFound,
};
use keybearer_protocol::profile::{AccountView, ProfileAdd, ProfileAddParams};
use serde::Serialize;

/// What programs are told.
#[derive(Serialize)]
struct Imported {
    servers: Vec<ServerFound>,
    added: Vec<AccountView>,
    others: u32,
    problems: Vec<ClientProblem>,
    sign_ins: Vec<OtherSignIns>,
}

/// `keybearer import`
pub(crate) fn import(reach: &Reach, arguments: ImportArguments, json: bool) -> Result<(), Failure> {
    let ImportArguments { file, passphrase_stdin, from, dry_run, yes } = arguments;
    if let Some(file) = file {
        return transfer::import(reach, &file, passphrase_stdin, json);
    }
    if !dry_run {
        check(yes)?;
    }
    let mut agent = reach.open(Door::Admin)?;
    let params = ClientsServersParams { environment: environment(), clients: from, after: None };
    let found = servers(&params, |params| Ok::<_, Failure>(agent.call::<ClientsServers>(params)?))?;
    if !json {
        show(&found, dry_run)?;
    }
    let new: Vec<ServerFound> = found.servers.iter().filter(|server| server.profile.is_none()).cloned().collect();
    let mut added = Vec::new();
    if !dry_run && !new.is_empty() && confirm(&format!("Add {}?", count(new.len())), yes)? {
        for server in &new {
            added.push(add(&mut agent, server)?);
        }
    }
    if json {
        let ClientsServersReply { servers, others, problems, sign_ins, more: _ } = found;
        return answer_json(&Imported { servers, added, others, problems, sign_ins });
    }
    match added.first() {
        Some(first) => {
            answer(&format!("{} added, and nothing changed in any file.", was_or_were(added.len())))?;
            note(&format!("To sign in: keybearer sign-in {}", quoted(&first.profile)));
            note("To use one from a client: keybearer install CLIENT NAME");
        }
        None if new.is_empty() => answer("There is nothing new to import.")?,
        None => answer("Nothing was added.")?,
    }
    Ok(())
}

fn add(agent: &mut Client, server: &ServerFound) -> Result<AccountView, Failure> {
    let params = ProfileAddParams {
        url: server.server_url.clone(),
        name: Some(server.name.clone()),
        ..ProfileAddParams::default()
    };
    Ok(agent.call::<ProfileAdd>(&params)?)
}

/// A table: name, address, where it was found; and below, what a person should know. It is the answer of a dry run, and a
/// question otherwise.
fn show(found: &ClientsServersReply, dry_run: bool) -> Result<(), Failure> {
    let say = |line: &str| answer_or_note(dry_run, line);
    let name = |server: &ServerFound| server.profile.as_ref().unwrap_or(&server.name).clone();
    let width = |column: &dyn Fn(&ServerFound) -> String| {
        found.servers.iter().map(|server| column(server).chars().count()).max().unwrap_or_default()
    };
    let (names_width, urls_width) = (width(&name), width(&|server| server.server_url.clone()));
    for server in &found.servers {
        let here = if server.profile.is_some() { " · already here" } else { "" };
        let (name, places) = (name(server), places(server));
        say(&format!("{name:names_width$}  {:urls_width$}  {places}{here}", server.server_url))?;
    }
    for server in &found.servers {
        for place in server.found.iter().filter(|place| !place.plain_text.is_empty()) {
            let (secrets, client) = (names(&place.plain_text), &place.client_name);
            note(&format!(
                "{}: {secrets} stands in the file of {client} as plain text; it isn't taken over",
                place.entry
            ));
        }
    }
    for problem in &found.problems {
        note(&problem.message);
    }
    for OtherSignIns { program, place } in &found.sign_ins {
        note(&format!(
            "{program} keeps sign-ins of its own in {place}; they are left alone, so sign in here once more"
        ));
    }
    match found.others {
        0 => {}
        1 => note("1 other entry leads to no server that could be signed in to"),
        others => note(&format!("{others} other entries lead to no server that could be signed in to")),
    }
    Ok(())
}

/// Where a server was found, each client once.
fn places(server: &ServerFound) -> String {
    let mut places: Vec<&str> = server.found.iter().map(|place| place.client_name.as_str()).collect();
    places.dedup();
    places.join(", ")
}

fn count(servers: usize) -> String {
    if servers == 1 { "1 server".to_owned() } else { format!("{servers} servers") }
}

fn was_or_were(servers: usize) -> String {
    format!("{} {}", count(servers), if servers == 1 { "was" } else { "were" })
}
