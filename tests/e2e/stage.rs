//! All parts of one test put together. One stage at a time: the ports of sign-ins, the processors and the patience of
//! web views are shared.

use crate::browser::Browser;
use crate::desktop::Desktop;
use crate::page::Page;
use crate::tray::Panel;
use crate::webdriver::free_port;
use anyhow::Context;
use keybearer_tests::display::Display;
use keybearer_tests::executables::executable;
use keybearer_tests::session::Session;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by the stage that is up.
static UP: Mutex<()> = Mutex::new(());

/// A desktop session with everything on it; the window is not yet open.
#[derive(Debug)]
pub(crate) struct Stage {
    desktop: Option<Desktop>,
    /// The panel.
    pub(crate) panel: Panel,
    /// The command, the agent, and the session that they live in.
    pub(crate) world: World,
    /// The browser.
    pub(crate) browser: Browser,
    display: Display,
    inspector: u16,
    // Dropped last, when everything else is gone.
    _up: MutexGuard<'static, ()>,
}

impl Stage {
    /// A session with a screen, a keyring, a panel and a browser.
    pub(crate) fn new() -> anyhow::Result<Stage> {
        let up = UP.lock().unwrap_or_else(PoisonError::into_inner);
        let session = Session::unlocked()?;
        let browser = Browser::new(&session.folder())?;
        let bus = session.environment().into_iter().find(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS");
        let panel = Panel::new(&bus.context("a bus")?.1.to_string_lossy())?;
        let mut world = World::on(session);
        world.browser = browser.program.display().to_string();
        Ok(Stage { desktop: None, panel, world, browser, display: Display::new()?, inspector: free_port()?, _up: up })
    }

    /// Any program of this session, on its screen. A window that it starts can be driven.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = self.world.program(name);
        command.envs(self.display.environment()).env("TAURI_WEBVIEW_AUTOMATION", "true");
        command.env("WEBKIT_INSPECTOR_SERVER", format!("127.0.0.1:{}", self.inspector));
        command
    }

    /// Opens the window.
    pub(crate) fn open(&mut self) -> anyhow::Result<Page> {
        self.open_with(&[])
    }

    /// Starts the window's program with these arguments; gives its first web view.
    pub(crate) fn open_with(&mut self, arguments: &[&str]) -> anyhow::Result<Page> {
        let mut command = self.program(&executable("keybearer-desktop").to_string_lossy());
        let log = File::options().create(true).append(true).open(self.desktop_log())?;
        command.args(arguments).stdout(log.try_clone()?).stderr(log);
        self.desktop = Some(Desktop::start(command)?);
        self.attach()
    }

    /// Takes the window in hand, whoever started it.
    pub(crate) fn attach(&self) -> anyhow::Result<Page> {
        Page::attach(self.inspector).with_context(|| format!("the window said: {}", self.desktop_said()))
    }

    /// The window's process, which this test has started.
    pub(crate) fn desktop(&mut self) -> anyhow::Result<Desktop> {
        self.desktop.take().context("the window isn't open")
    }

    /// What the window has written to its terminal so far.
    pub(crate) fn desktop_said(&self) -> String {
        fs::read_to_string(self.desktop_log()).unwrap_or_default()
    }

    fn desktop_log(&self) -> PathBuf {
        self.world.session.folder().join("desktop.log")
    }
}
