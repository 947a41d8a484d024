//! The window on a screen of its own, as long as it lives.

use anyhow::Context;
use keybearer_tests::display::Display;
use keybearer_tests::executables::{copy, executable};
use keybearer_tests::prompter::Prompter;
use keybearer_tests::world::World;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// The window.
#[derive(Debug)]
pub(crate) struct Desktop {
    window: Child,
    display: Display,
}

impl Desktop {
    /// Opens it for a person who lets every program have tokens. The world must have a desktop's stand-in, which chooses
    /// that in the window's place: nobody else may.
    pub(crate) fn start(world: &World) -> anyhow::Result<Desktop> {
        let mut prompter = Prompter::register(world)?;
        prompter.0.ok("settings.set", &json!({ "approval": "same_user" }))?;
        drop(prompter);
        world.ok(&["agent", "stop"])?;
        fs::remove_file(place(world))?;
        copy(&executable("keybearer-desktop"), &place(world))?;
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

fn place(world: &World) -> PathBuf {
    world.keybearer().with_file_name("keybearer-desktop")
}

fn open(world: &World, display: &Display) -> anyhow::Result<Child> {
    let mut command = world.program(place(world));
    command.envs(display.environment()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("keybearer-desktop can't be started")
}
