//! The main job, with the built-in practice server: from a server's address to a program with a fresh token.

use crate::setup;
use crate::step::{cargo, detail, say, step};
use anyhow::{Context, ensure};
use keybearer_tests::practice::Practice;
use keybearer_tests::world::World;
use serde_json::Value;

/// Does the job headless, on a private session with a real keyring, and prints each step.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::base()?;
    step("build", &mut cargo(&["build", "--locked"]))?;

    say("practice server");
    let practice = Practice::start(&[])?;
    detail(&format!("MCP server            {}", practice.mcp_url()));
    detail(&format!("authorization server  {}", practice.issuer()));

    say("a private session with a real Secret Service, and a Keybearer of its own");
    let world = World::new()?;
    detail(&format!("home  {}", world.home.display()));

    say("keybearer add");
    detail(&world.ok(&["add", practice.mcp_url(), "--name", "practice", "--no-sign-in"])?);

    say("keybearer sign-in, with a stand-in for browser and person");
    detail(&world.ok(&["sign-in", "practice"])?);
    for step in steps(&world)? {
        detail(&step);
    }

    say("the token in the keyring (attributes alone; the secret stays there)");
    let items = world.session.keyring_items()?;
    ensure!(items.contains("attribute.service = keybearer"), "the keyring has no item: {items}");
    items.lines().filter(|line| line.starts_with("attribute.")).for_each(detail);

    say("keybearer token, through the socket");
    let reply = world.json(&["token", "practice"])?;
    let token = reply["access_token"].as_str().context("no token came")?;
    detail(&format!("a token of {} characters, good until {}", token.len(), reply["expires_at"]));

    say("keybearer test, a real tools/list with it");
    detail(&world.ok(&["test", "practice"])?);

    say("keybearer list");
    detail(&world.ok(&["list"])?);

    say("keybearer sign-out");
    detail(&world.ok(&["sign-out", "practice"])?);
    say("all done");
    Ok(())
}

/// The steps of the last sign-in, as the window would show them.
fn steps(world: &World) -> anyhow::Result<Vec<String>> {
    let question = r#"{"method":"auth.status","params":{"profile":"practice"}}"#;
    let view: Value = serde_json::from_str(&world.ok(&["rpc", "--admin", question])?)?;
    let text = |step: &Value, key: &str| step[key].as_str().unwrap_or_default().replace('_', " ");
    let line = |step: &Value| format!("{:22}{:9}{}", text(step, "name"), text(step, "state"), text(step, "fact"));
    Ok(view["steps"].as_array().context("a sign-in has steps")?.iter().map(line).collect())
}
