//! The main job, with the built-in practice server: from a server's address to a program with a fresh token.

use crate::setup;
use crate::step::{cargo, detail, say, step};
use crate::test::{WORKSPACE, build_window};
use anyhow::{Context, ensure};
use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::world::World;
use serde_json::Value;
use std::env;
use std::process::Command;

/// On a screen, opens the window, where the practice server is offered. Without one, does the same job headless.
pub(crate) fn run() -> anyhow::Result<()> {
    let on_screen =
        ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|it| !it.is_empty()));
    if on_screen { window() } else { headless() }
}

/// Opens the window on this screen, with the session's own keyring and a home that is thrown away.
fn window() -> anyhow::Result<()> {
    setup::window()?;
    build_window()?;
    step("build", &mut cargo(&[&["build", "--locked"], WORKSPACE].concat()))?;
    let home = tempfile::Builder::new().prefix("keybearer-").tempdir()?;
    say("the window: choose \"Try the practice server\" there; Quit in its tray, or in its settings, ends it");
    detail(&format!("home  {}", home.path().display()));
    detail("Accounts that you add land in that home and in your keyring; remove them in the window when you are done.");
    let mut desktop = Command::new(executable("keybearer-desktop"));
    let ended = desktop.env("KEYBEARER_HOME", home.path()).status().context("the window can't be started")?;
    // Where the desktop was killed, its agent may still be there.
    let _ = Command::new(executable("keybearer")).args(["agent", "stop"]).env("KEYBEARER_HOME", home.path()).output();
    ensure!(ended.success(), "the window ended with {ended}");
    Ok(())
}

/// Does the job on a private session with a real keyring, and prints each step.
fn headless() -> anyhow::Result<()> {
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
