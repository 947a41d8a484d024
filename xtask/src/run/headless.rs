//! The job where nobody sits: on a private session with a real keyring, each step printed.

use crate::setup;
use crate::step::{cargo, detail, say, step};
use keybearer_tests::main_job;
use keybearer_tests::practice::Practice;
use keybearer_tests::world::World;
use std::env;

/// Whether there is a screen to show a window on.
pub(crate) fn is_on_screen() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|it| !it.is_empty()))
}

/// Does the job.
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

    main_job::run(&world, &practice, say, detail)?;
    say("all done");
    Ok(())
}
