//! A visit to the suite's server: what it offers, and one call of its tool.

use crate::keybearer::Keybearer;
use crate::mcp::Server;
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::env;

/// How often one request is tried at most.
const TRIES: usize = 4;

/// What the suite says of the scenario, in variables of its own.
struct Scenario {
    /// The revision to speak.
    revision: String,
    /// How the user says that the account signs in.
    auth: &'static str,
    /// What belongs to the scenario, such as a client that was registered by hand.
    context: Value,
}

impl Scenario {
    fn of_environment() -> anyhow::Result<Scenario> {
        let revision = env::var("MCP_CONFORMANCE_PROTOCOL_VERSION").unwrap_or_else(|_| "2025-11-25".to_owned());
        let context = env::var("MCP_CONFORMANCE_CONTEXT").map(|context| serde_json::from_str(&context));
        let name = env::var("MCP_CONFORMANCE_SCENARIO").unwrap_or_default();
        let ways = [
            ("client-credentials", "client_credentials"),
            ("wif-jwt-bearer", "workload"),
            ("enterprise-managed-authorization", "enterprise"),
        ];
        let auth = ways.iter().find(|(part, _)| name.contains(part)).map_or("auto", |(_, auth)| *auth);
        Ok(Scenario { revision, auth, context: context.unwrap_or(Ok(Value::Null)).context("MCP_CONFORMANCE_CONTEXT")? })
    }
}

/// Does all that the suite wants to see. Its verdict is the suite's.
pub(crate) fn run() -> anyhow::Result<()> {
    let url = env::args().nth(1).context("the server's address is the last argument")?;
    let scenario = Scenario::of_environment()?;
    let mut visit = Visit {
        keybearer: Keybearer::start(&url, &scenario.context, scenario.auth)?,
        server: Server::at(&url, &scenario.revision),
        is_guarded: false,
    };
    for (method, params) in visit.server.opening() {
        visit.request(method, params)?;
    }
    visit.request("tools/list", json!({}))?;
    visit.request("tools/call", json!({ "name": "test-tool", "arguments": {} }))
}

struct Visit {
    keybearer: Keybearer,
    server: Server,
    /// Whether the server has wanted access already.
    is_guarded: bool,
}

impl Visit {
    /// Makes a request. Where the server wants access, or more of it, Keybearer is told, and asked.
    fn request(&mut self, method: &str, params: Value) -> anyhow::Result<()> {
        let (mut scopes, mut nonce) = (Vec::new(), None);
        for _ in 0..TRIES {
            let url = self.server.url().to_owned();
            let access = match self.is_guarded {
                true => Some(self.keybearer.headers(&url, &scopes, nonce.as_deref())?),
                false => None,
            };
            let lines = access.as_ref().map(|access| access.lines.as_slice()).unwrap_or_default();
            let answer = self.server.ask(method, &params, lines)?;
            match answer.status {
                200..=299 => return Ok(()),
                401 | 403 => {
                    if let Some(refused) = access {
                        scopes = self.keybearer.report(&refused, &answer)?;
                    }
                    (self.is_guarded, nonce) = (true, answer.nonce);
                }
                status => bail!("{method}: the server answered {status}: {}", answer.body),
            }
        }
        bail!("{method}: the server refused {TRIES} times")
    }
}
