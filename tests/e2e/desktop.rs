//! The window's process: started by a test, or by a link; ended as a crash would end it.

use crate::page::Page;
use anyhow::{Context, ensure};
use keybearer_tests::until::until;
use std::fs;
use std::process::{Child, Command};

/// A window that a test has started.
#[derive(Debug)]
pub(crate) struct Desktop {
    child: Child,
}

impl Desktop {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Desktop> {
        Ok(Desktop { child: command.spawn().context("keybearer-desktop can't be started")? })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it at once.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits for it to end by itself; gives its exit code.
    pub(crate) fn wait(mut self) -> anyhow::Result<Option<i32>> {
        until("the window's end", || Ok(self.child.try_wait()?.map(|status| status.code())))
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
