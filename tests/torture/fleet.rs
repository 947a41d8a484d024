//! Many accounts of one Keybearer at one practice server, and what must hold of them whatever happened.

use anyhow::{Context, ensure};
use keybearer_tests::loopback;
use keybearer_tests::practice::Practice;
use keybearer_tests::until::until;
use keybearer_tests::wire::Wire;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;

/// The code of an account that only its person can bring back.
const AUTH_REQUIRED: i64 = 1006;

/// The accounts, all signed in. The number of an account is that of its grant at the server.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// Command, agent and keyring.
    pub(crate) world: World,
    /// The server of all of them.
    pub(crate) practice: Practice,
    /// Their names.
    pub(crate) names: Vec<String>,
    /// What `servers.json` held when all had signed in.
    servers: Vec<u8>,
}

/// What came of asking for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A token that the server takes, with its generation.
    Good(u64),
    /// A token that the server refuses, with its generation.
    Dead(u64),
    /// The account needs its person.
    NeedsSignIn(String),
    /// Something else was in the way: the name of the code, and the words.
    Failed(String, String),
}

impl Fleet {
    /// So many accounts, at a server that is started with these arguments.
    pub(crate) fn new(accounts: usize, practice: &[&str]) -> anyhow::Result<Fleet> {
        Fleet::on(World::new()?, accounts, practice)
    }

    /// The same on this Keybearer, whose agent logs as much as a person's does.
    pub(crate) fn on(mut world: World, accounts: usize, practice: &[&str]) -> anyhow::Result<Fleet> {
        world.log_level = "info";
        let practice = Practice::start(practice)?;
        let names: Vec<String> = (0..accounts).map(|number| format!("account-{number}")).collect();
        for name in &names {
            world.sign_in(name, practice.mcp_url())?;
        }
        let servers = fs::read(world.servers_file())?;
        ensure!(practice.grants()?.len() == accounts, "not every account has a grant of its own");
        Ok(Fleet { world, practice, names, servers })
    }

    /// A connection to the agent, which is started where none runs.
    pub(crate) fn connect(&self) -> anyhow::Result<Wire> {
        until("an agent", || {
            if let Ok(wire) = self.world.programs() {
                return Ok(Some(wire));
            }
            // It may be killed in the middle of this.
            let _ = self.world.run(&["status"])?;
            Ok(None)
        })
    }

    /// Asks for a token of this account, and uses it at once. An error means that the agent has hung up.
    pub(crate) fn ask(&self, wire: &mut Wire, account: usize, force: bool) -> anyhow::Result<Asked> {
        let params = json!({ "profile": self.names[account], "force": force, "interactive": false });
        let reply = wire.call("token.get", &params)?;
        if let Some(error) = reply.get("error") {
            let words = error["message"].as_str().unwrap_or_default().to_owned();
            return Ok(match error["code"].as_i64() {
                Some(AUTH_REQUIRED) => Asked::NeedsSignIn(words),
                _ => Asked::Failed(error["data"]["name"].as_str().unwrap_or("?").to_owned(), error.to_string()),
            });
        }
        let token = reply["result"]["access_token"].as_str().context("a token")?;
        let generation = reply["result"]["generation"].as_u64().context("a generation")?;
        Ok(if self.accepts(token)? { Asked::Good(generation) } else { Asked::Dead(generation) })
    }

    /// Whether the server takes this token.
    pub(crate) fn accepts(&self, token: &str) -> anyhow::Result<bool> {
        let header = format!("Authorization: Bearer {token}");
        Ok(loopback::request_with("GET", &self.practice.gate_url(), &header, None)?.status == 204)
    }

    /// The state of each account, as the list has it.
    pub(crate) fn states(&self) -> anyhow::Result<Vec<String>> {
        let list = self.world.json(&["list"])?;
        let list = list.as_array().context("a list")?;
        let state = |name: &String| {
            let account = list.iter().find(|account| account["profile"] == **name);
            account.and_then(|account| account["status"].as_str()).unwrap_or("gone").to_owned()
        };
        Ok(self.names.iter().map(state).collect())
    }

    /// What must hold in the end: the keyring opens, the list of servers is as it was, nobody's refresh token was used
    /// twice, and every account but these is connected and has a token that the server takes, at hand and renewed.
    pub(crate) fn check(&self, lost: &[usize]) -> anyhow::Result<()> {
        let mut wire = self.connect()?;
        for account in 0..self.names.len() {
            for force in [false, true] {
                let asked = self.ask(&mut wire, account, force)?;
                let is_good = matches!(asked, Asked::Good(_));
                let name = &self.names[account];
                match lost.contains(&account) {
                    true if force => ensure!(matches!(asked, Asked::NeedsSignIn(_)), "{name} is lost, and: {asked:?}"),
                    true => {}
                    false => ensure!(is_good, "{name}: {asked:?}"),
                }
            }
        }
        for (account, state) in self.states()?.iter().enumerate() {
            // A lost account's access token may still be good.
            let fits = if lost.contains(&account) { state != "locked" } else { state == "connected" };
            ensure!(fits, "{} is {state}", self.names[account]);
        }
        let status = self.world.json(&["status"])?;
        ensure!(status["vault"] == "unlocked", "the keyring is {}", status["vault"]);
        ensure!(fs::read(self.world.servers_file())? == self.servers, "servers.json has changed");
        for (account, tally) in self.practice.grants()?.iter().enumerate().take(self.names.len()) {
            let reused = tally["reused"].as_u64();
            ensure!(lost.contains(&account) || reused == Some(0), "{}: {tally}", self.names[account]);
        }
        Ok(())
    }

    /// The tally of an account at the server.
    pub(crate) fn tally(&self, account: usize) -> anyhow::Result<Value> {
        self.practice.grants()?.get(account).cloned().context("a tally")
    }
}
