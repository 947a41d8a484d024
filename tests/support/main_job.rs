//! The main job: from a server's address to a program with a fresh token, and back. The same on every system.

use crate::practice::Practice;
use anyhow::{Context, ensure};
use serde_json::Value;

/// The name of the account.
pub const ACCOUNT: &str = "practice";

/// A Keybearer that does what it is told, wherever it runs.
pub trait Keybearer {
    /// Runs the command and expects it to succeed; gives its standard output without the line's end.
    fn ok(&self, arguments: &[&str]) -> anyhow::Result<String>;

    /// The items that it has in the keyring: their names and attributes, without their secrets, one in a line.
    fn keyring_items(&self) -> anyhow::Result<Vec<String>>;
}

/// Does the job; says what comes next, and what came of it.
pub fn run(
    keybearer: &impl Keybearer,
    practice: &Practice,
    mut say: impl FnMut(&str),
    mut detail: impl FnMut(&str),
) -> anyhow::Result<()> {
    say("keybearer add");
    detail(&keybearer.ok(&["add", practice.mcp_url(), "--name", ACCOUNT, "--no-sign-in"])?);

    say("keybearer sign-in, with a stand-in for browser and person");
    detail(&keybearer.ok(&["sign-in", ACCOUNT])?);
    steps(keybearer)?.iter().for_each(|step| detail(step));

    say("the token in the keyring (attributes alone; the secret stays there)");
    let items = keybearer.keyring_items()?;
    ensure!(!items.is_empty(), "the keyring has no item");
    items.iter().for_each(|item| detail(item));

    say("keybearer token, through the socket");
    let reply: Value = serde_json::from_str(&keybearer.ok(&["token", ACCOUNT, "--json"])?)?;
    let token = reply["access_token"].as_str().context("no token came")?;
    detail(&format!("a token of {} characters, good until {}", token.len(), reply["expires_at"]));

    say("keybearer test, a real tools/list with it");
    detail(&keybearer.ok(&["test", ACCOUNT])?);

    say("keybearer list");
    detail(&keybearer.ok(&["list"])?);

    say("keybearer sign-out");
    detail(&keybearer.ok(&["sign-out", ACCOUNT])?);
    Ok(())
}

/// The steps of the last sign-in, as the window would show them.
fn steps(keybearer: &impl Keybearer) -> anyhow::Result<Vec<String>> {
    let question = serde_json::json!({ "method": "auth.status", "params": { "profile": ACCOUNT } });
    let view: Value = serde_json::from_str(&keybearer.ok(&["rpc", "--admin", &question.to_string()])?)?;
    let text = |step: &Value, key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let word = |step: &Value, key: &str| text(step, key).replace('_', " ");
    let line = |step: &Value| format!("{:22}{:9}{}", word(step, "name"), word(step, "state"), text(step, "fact"));
    Ok(view["steps"].as_array().context("a sign-in has steps")?.iter().map(line).collect())
}
