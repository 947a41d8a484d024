//! All parts of one test put together. One stage at a time: the ports of sign-ins, the processors and the patience of
//! web views are shared.

use crate::browser::Browser;
use crate::frame;
use crate::page::{Page, View};
use crate::panel::Panel;
use crate::webdriver::free_port;
use anyhow::{Context, ensure};
use keybearer_tests::display::Display;
use keybearer_tests::executables::executable;
use keybearer_tests::practice::Practice;
use keybearer_tests::session::Session;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by the stage that is up.
static UP: Mutex<()> = Mutex::new(());

/// The name on the bus that a running window owns, by which a second one finds the first.
const SINGLE_INSTANCE: &str = "app.keybearer.desktop.SingleInstance";

/// A desktop session with everything on it; the window is not yet open.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The panel.
    pub(crate) panel: Panel,
    /// The command, the agent, and the session that they live in.
    pub(crate) world: World,
    /// The browser.
    pub(crate) browser: Browser,
    started: Vec<Child>,
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
        // As for a person who wants no motion: a picture of something that turns is another one each time.
        session.write("config/gtk-3.0/settings.ini", "[Settings]\ngtk-enable-animations=0\n")?;
        let browser = Browser::new(&session)?;
        let panel = Panel::new(&bus(&session)?)?;
        let mut world = World::on(session);
        world.browser = browser.program.display().to_string();
        Ok(Stage {
            panel,
            world,
            browser,
            started: Vec::new(),
            display: Display::new()?,
            inspector: free_port()?,
            _up: up,
        })
    }

    /// Any program of this session, on its screen. A window that it starts can be driven.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = self.world.program(name);
        command.envs(self.display.environment()).env("TAURI_WEBVIEW_AUTOMATION", "true");
        command.env("WEBKIT_INSPECTOR_SERVER", format!("127.0.0.1:{}", self.inspector));
        command
    }

    /// The window's program, not yet started.
    pub(crate) fn desktop(&self) -> Command {
        self.program(&executable("keybearer-desktop").to_string_lossy())
    }

    /// Makes the browser the session's own, for a window that isn't told which to take.
    pub(crate) fn install_browser(&self) -> anyhow::Result<()> {
        self.browser.install(&self.world.session, self.program("xdg-mime"))
    }

    /// Opens the window and takes it in hand.
    pub(crate) fn open(&mut self) -> anyhow::Result<Page> {
        let command = self.desktop();
        self.start(command)?;
        self.attach()
    }

    /// Starts the window's program, with what it says kept.
    pub(crate) fn start(&mut self, mut desktop: Command) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(self.desktop_log())?;
        let child = desktop.stdout(log.try_clone()?).stderr(log).spawn();
        self.started.push(child.context("keybearer-desktop can't be started")?);
        Ok(())
    }

    /// Takes the window in hand, whoever started it.
    pub(crate) fn attach(&self) -> anyhow::Result<Page> {
        self.attach_to(View::Main)
    }

    /// The same for another of its windows.
    pub(crate) fn attach_to(&self, view: View) -> anyhow::Result<Page> {
        Page::attach(self.inspector, view).with_context(|| format!("the window said: {}", self.desktop_said()))
    }

    /// Follows a link as a desktop does when somebody clicks on it elsewhere.
    pub(crate) fn follow(&self, link: &str) -> anyhow::Result<()> {
        // A window that it starts lives on with its output, so nobody waits for that to end.
        let log = File::options().create(true).append(true).open(self.desktop_log())?;
        let mut gio = self.program("gio");
        let followed = gio.args(["open", link]).stdout(Stdio::null()).stderr(log).status();
        let followed = followed.context("gio can't be started: `cargo xtask e2e` installs it")?;
        ensure!(followed.success(), "gio can't follow the link: {}", self.desktop_said());
        Ok(())
    }

    /// Closes the window by its frame; its process lives on in the tray.
    pub(crate) fn close_window(&self) -> anyhow::Result<()> {
        frame::close(self.display.name())
    }

    /// The name of the screen.
    pub(crate) fn display(&self) -> &str {
        self.display.name()
    }

    /// Moves the window, and makes it that large.
    pub(crate) fn place_window(&self, place: frame::Place) -> anyhow::Result<()> {
        frame::put(self.display.name(), place)
    }

    /// Where the window stands, and how large it is.
    pub(crate) fn window_place(&self) -> anyhow::Result<frame::Place> {
        frame::place(self.display.name())
    }

    /// Clicks into the window.
    pub(crate) fn focus_window(&self) -> anyhow::Result<()> {
        frame::focus(self.display.name())
    }

    /// The address of the session's bus.
    pub(crate) fn bus(&self) -> anyhow::Result<String> {
        bus(&self.world.session)
    }

    /// The processes that show pages for the window.
    pub(crate) fn web_processes(&self) -> anyhow::Result<Vec<u32>> {
        let parent = self.window_pid()?.context("no window runs")?;
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
        let pids = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        let shows_pages = |pid: &u32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("WebKitWebProc"))
        };
        Ok(pids.filter(shows_pages).collect())
    }

    /// How many windows are on the screen.
    pub(crate) fn windows(&self) -> anyhow::Result<usize> {
        frame::count(self.display.name())
    }

    /// The process of the window, if one runs.
    pub(crate) fn window_pid(&self) -> anyhow::Result<Option<u32>> {
        self.panel.owner(SINGLE_INSTANCE)
    }

    /// Kills the window's process at once, whoever started it, as a crash would.
    pub(crate) fn kill_window(&mut self) -> anyhow::Result<()> {
        let pid = self.window_pid()?.context("no window runs")?;
        let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status()?;
        ensure!(killed.success(), "the window can't be killed");
        self.wait_for_its_end().map(drop)
    }

    /// Waits until no window runs any more; gives the exit code of the last one that this test has started.
    pub(crate) fn wait_for_its_end(&mut self) -> anyhow::Result<Option<i32>> {
        until("the window's end", || Ok(self.window_pid()?.is_none().then_some(())))?;
        let status = self.started.pop().map(|mut child| child.wait()).transpose()?;
        Ok(status.and_then(|status| status.code()))
    }

    /// Signs in to an account by the command, with the person at the browser; the answer comes through the window.
    pub(crate) fn sign_in(&self, name: &str, practice: &Practice) -> anyhow::Result<()> {
        let opened = self.browser.opened().len();
        self.world.add(name, practice.mcp_url())?;
        let mut waiting = self.world.spawn(&["sign-in", name])?;
        let callback = self.browser.consent(&self.browser.wait_for(opened + 1)?)?;
        self.follow(&callback)?;
        ensure!(waiting.wait()?.success(), "the sign-in failed: {:?}", self.world.sign_in_view(name));
        Ok(())
    }

    /// Signs in before any window ran: the person comes back to 127.0.0.1, as the command has it.
    pub(crate) fn sign_in_without_window(&mut self, name: &str, practice: &Practice) -> anyhow::Result<()> {
        let person = format!("'{}' browse", executable("keybearer-practice").display());
        let browser = std::mem::replace(&mut self.world.browser, person);
        self.world.sign_in(name, practice.mcp_url())?;
        self.world.browser = browser;
        // The next one opens that browser.
        self.world.ok(&["agent", "stop"]).map(drop)
    }

    /// Says what a program says whose server wants another scope.
    pub(crate) fn report_more_scopes(&self, name: &str, scope: &str) -> anyhow::Result<()> {
        self.world.ok(&["status"])?;
        let mut program = self.world.programs()?;
        let given = program.call("token.get", &json!({ "profile": name }))?;
        let challenge = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
        let report = json!({
            "profile": name, "generation": given["result"]["generation"], "reason": "insufficient_scope",
            "www_authenticate": challenge,
        });
        let taken = program.call("token.invalidate", &report)?;
        ensure!(taken["result"]["scopes"].is_array(), "{taken}");
        Ok(())
    }

    /// The name of the one account that there is.
    pub(crate) fn only_account(&self) -> anyhow::Result<String> {
        let accounts = self.world.json(&["list"])?;
        ensure!(accounts.as_array().is_some_and(|accounts| accounts.len() == 1), "the accounts are {accounts}");
        Ok(accounts[0]["profile"].as_str().context("a name")?.to_owned())
    }

    /// Waits until the account is connected, which a real `tools/list` has shown; gives all that is known of it.
    pub(crate) fn connected(&self, name: &str) -> anyhow::Result<Value> {
        let account = until(&format!("{name} to be connected"), || {
            let account = self.world.json(&["show", name])?;
            Ok((account["status"] == "connected" && account["last_test"].is_object()).then_some(account))
        });
        account.with_context(|| format!("its sign-in: {:?}", self.world.sign_in_view(name)))
    }

    /// What the window has written to its terminal so far.
    pub(crate) fn desktop_said(&self) -> String {
        fs::read_to_string(self.desktop_log()).unwrap_or_default()
    }

    fn desktop_log(&self) -> PathBuf {
        self.world.session.folder().join("desktop.log")
    }
}

/// The address of a session's bus.
pub(crate) fn bus(session: &Session) -> anyhow::Result<String> {
    let bus = session.environment().into_iter().find(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS");
    Ok(bus.context("a bus")?.1.to_string_lossy().into_owned())
}

impl Drop for Stage {
    fn drop(&mut self) {
        // While a window runs, it starts an agent whenever there is none.
        if matches!(self.window_pid(), Ok(Some(_))) {
            let _ = self.kill_window();
        }
        for mut child in self.started.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
