//! The window on a screen of its own, as long as it lives.

use anyhow::Context;
use keybearer_tests::display::Display;
use keybearer_tests::executables::executable;
use keybearer_tests::world::World;
use serde_json::json;
use std::process::{Child, Stdio};

/// The window.
#[derive(Debug)]
pub(crate) struct Desktop {
    window: Child,
    display: Display,
}

impl Desktop {
    /// Opens it for a person who lets every program have tokens.
    pub(crate) fn start(world: &World) -> anyhow::Result<Desktop> {
        // Only as long as no window has registered may anybody say so.
        let settings = json!({ "method": "settings.set", "params": { "approval": "same_user" } });
        world.ok(&["rpc", "--admin", &settings.to_string()])?;
        let display = Display::new()?;
        Ok(Desktop { window: open(world, &display)?, display })
    }

    /// Kills it at once, and opens another.
    pub(crate) fn open_another(&mut self, world: &World) -> anyhow::Result<()> {
        self.end();
        self.window = open(world, &self.display)?;
        Ok(())
    }

    fn end(&mut self) {
        // It may have ended already.
        let _ = self.window.kill();
        let _ = self.window.wait();
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.end();
    }
}

fn open(world: &World, display: &Display) -> anyhow::Result<Child> {
    let mut command = world.program(executable("keybearer-desktop"));
    command.envs(display.environment()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("keybearer-desktop can't be started")
}
