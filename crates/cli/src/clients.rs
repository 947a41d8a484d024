//! The MCP clients of whoever types: what the agent finds in their files.

use crate::output::Failure;
use keybearer_ipc::client::{Client, clients, environment};
use keybearer_protocol::clients::{ClientUse, ClientView, ClientsScan, PlainTextSecret};

/// All clients, with what stands in their files.
pub(crate) fn scan(agent: &mut Client) -> Result<Vec<ClientView>, Failure> {
    clients(&environment(), |params| Ok(agent.call::<ClientsScan>(params)?))
}

/// The entries of a client that lead to Keybearer, with what they say of it.
pub(crate) fn uses(client: &ClientView) -> impl Iterator<Item = (&str, &ClientUse)> {
    client.entries.iter().filter_map(|entry| Some((entry.name.as_str(), entry.keybearer.as_ref()?)))
}

/// The names of secrets, as they are said in a sentence.
pub(crate) fn names(secrets: &[PlainTextSecret]) -> String {
    let names: Vec<&str> = secrets.iter().map(|secret| secret.name.as_str()).collect();
    names.join(", ")
}
