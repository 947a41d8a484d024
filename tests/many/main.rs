//! Makes many accounts out of one, for measurements: `keybearer-many NAME COUNT` copies what the vault in use has for the
//! account NAME until there are COUNT, and writes all of them into `servers.json`. No agent may run meanwhile.

#![forbid(unsafe_code)]

use anyhow::Context;
use keybearer_core::home::{Home, random_id, replace};
use keybearer_core::vault::Vault;
use keybearer_core::vault::record::Record;
use serde_json::{Value, json};
use std::path::Path;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().context("the account's name")?;
    let count: usize = arguments.next().context("how many")?.parse()?;
    let root = std::env::var_os("KEYBEARER_HOME").context("KEYBEARER_HOME names the home")?;
    let home = Home::open(Some(Path::new(&root)))?;
    let vault = Vault::start(&home)?;
    let mut document: Value = serde_json::from_slice(&std::fs::read(home.servers_file())?)?;
    let servers = document["mcpServers"].as_object_mut().context("servers")?;
    let first = servers.get(&name).with_context(|| format!("no account is called {name}"))?;
    let id = first["keybearer"]["id"].as_str().context("an id")?;
    let url = first["url"].as_str().context("an address")?.to_owned();
    let record: Record = vault.read(id).await?.context("it has nothing in the vault")?;
    for number in servers.len()..count {
        // Each has an address of its own, which the tokens of the first one cover.
        let (id, url) = (random_id(), format!("{url}/{number}"));
        vault.write(&id, &Record { url: url.clone(), ..record.clone() }).await?;
        let entry = json!({ "type": "http", "url": url, "keybearer": { "id": id, "auth": "auto" } });
        servers.insert(format!("{name}-{number:05}"), entry);
    }
    replace(&home.servers_file(), serde_json::to_string_pretty(&document)?.as_bytes())?;
    Ok(())
}
