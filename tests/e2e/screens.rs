//! The window's screens: the one place that knows their words.

use crate::page::{Page, View};
use anyhow::{Context, anyhow};
use keybearer_tests::until::until;

/// The main window, wherever in it the person is.
pub(crate) struct Window<'a>(pub(crate) &'a Page);

impl Window<'_> {
    /// Waits until the window has read what there is.
    pub(crate) fn is_open(&self) -> anyhow::Result<()> {
        until("the window to show anything", || {
            let empty = self.0.has("heading", "Add your first server")?;
            Ok((empty || self.0.has("button", "Add server (Ctrl N)")?).then_some(()))
        })
    }

    /// Goes to the way to add a server, unless the window is there already.
    pub(crate) fn go_to_add(&self) -> anyhow::Result<()> {
        self.is_open()?;
        if !self.0.has("textbox", "Server address")? {
            self.0.click("button", "Add server (Ctrl N)")?;
        }
        self.offers_to_add()
    }

    /// Waits until the window offers to add a server.
    pub(crate) fn offers_to_add(&self) -> anyhow::Result<()> {
        self.0.find("textbox", "Server address").map(drop)
    }

    /// Types a server's address and begins to sign in.
    pub(crate) fn add(&self, url: &str) -> anyhow::Result<()> {
        self.go_to_add()?;
        self.0.write("Server address", url)?;
        self.0.click("button", "Continue")
    }

    /// Waits until the sign-in waits for the browser.
    pub(crate) fn waits_for_browser(&self) -> anyhow::Result<()> {
        self.0.find("button", "Open browser again").map(drop)
    }

    /// Brings an answer as a person would who has copied it.
    pub(crate) fn paste_callback(&self, callback: &str) -> anyhow::Result<()> {
        self.0.write("Browser done, but nothing happened here?", callback)?;
        self.0.click("button", "Continue")
    }

    /// Waits until the sign-in has come to its good end.
    pub(crate) fn is_ready(&self, account: &str) -> anyhow::Result<()> {
        self.0.find("heading", &format!("{account} is ready")).map(drop)
    }

    /// Goes to the page of an account that is connected, from the list.
    pub(crate) fn show_connected(&self, account: &str) -> anyhow::Result<()> {
        self.lists(account, "Connected")?;
        self.show(account)
    }

    /// Goes to the account's page from the list, or to its sign-in while that is open.
    pub(crate) fn show(&self, account: &str) -> anyhow::Result<()> {
        self.is_open()?;
        let row = self.0.find_like("option", account)?;
        self.0.click_on(&row)
    }

    /// Waits until the list shows the account with this state.
    pub(crate) fn lists(&self, account: &str, state: &str) -> anyhow::Result<()> {
        let listed = |names: &[String]| names.iter().any(|name| name.contains(account) && name.contains(state));
        let mut last = Vec::new();
        until(&format!("{account}, {state:?} in the list"), || {
            last = self.0.names("option")?;
            Ok(listed(&last).then_some(()))
        })
        .map_err(|error| anyhow!("{error}; the list is {last:?}"))
    }

    /// Signs in again from the account's page.
    pub(crate) fn sign_in_again(&self) -> anyhow::Result<()> {
        self.0.click("button", "Sign in again")
    }

    /// Waits until the window says this.
    pub(crate) fn says(&self, sentence: &str) -> anyhow::Result<()> {
        self.0.wait_for_text(sentence)
    }

    /// Tests the connection on the account's page.
    pub(crate) fn test(&self) -> anyhow::Result<()> {
        self.0.click("button", "Test connection")?;
        self.0.wait_for_text("The connection works.")
    }

    /// Renews the token on the account's page, whatever comes of it.
    pub(crate) fn refresh(&self) -> anyhow::Result<()> {
        self.0.click("button", "Refresh now")
    }

    /// Changes the client ID and its secret on the account's page.
    pub(crate) fn change_client(&self, id: &str, secret: &str) -> anyhow::Result<()> {
        self.0.click("button", "Change…")?;
        self.0.write("Client ID", id)?;
        self.0.write("Client secret", secret)?;
        self.0.click("button", "Save")?;
        self.0.wait_gone("button", "Save")
    }

    /// Imports the servers that are chosen; the button says how many.
    pub(crate) fn import(&self, button: &str) -> anyhow::Result<()> {
        self.0.click("button", button)
    }

    /// Goes to what is written into a client's file, on the account's page.
    pub(crate) fn go_to_use_it_from(&self, client: &str) -> anyhow::Result<()> {
        self.0.click("tab", "Use it from")?;
        let tab = self.0.find_like("tab", client)?;
        self.0.click_on(&tab)
    }

    /// Writes what is shown.
    pub(crate) fn install(&self) -> anyhow::Result<()> {
        self.0.click("button", "Install")
    }

    /// Takes back what was installed last. A key that comes while the focus finds another place is lost, so it is pressed
    /// again; there is nothing to take back twice.
    pub(crate) fn undo_by_key(&self) -> anyhow::Result<()> {
        until("Ctrl Z to be taken", || {
            self.0.press(&[CONTROL, 'z'])?;
            Ok(self.0.text()?.contains("Taken back from").then_some(()))
        })
    }

    /// Goes to what happened.
    pub(crate) fn go_to_activity(&self) -> anyhow::Result<()> {
        self.0.click("button", "Activity")?;
        self.0.find("heading", "Activity").map(drop)?;
        // What has happened to an account in any test.
        self.says("Account added")
    }

    /// Goes to the settings.
    pub(crate) fn go_to_settings(&self) -> anyhow::Result<()> {
        self.0.click("button", "Settings (Ctrl ,)")?;
        self.shows_settings()
    }

    /// Waits until the window shows the settings.
    pub(crate) fn shows_settings(&self) -> anyhow::Result<()> {
        self.0.find("heading", "Settings").map(drop)
    }

    /// Switches the start at login, and waits until the settings show it.
    pub(crate) fn switch_start_at_login(&self, on: bool) -> anyhow::Result<()> {
        self.0.click("switch", "Start at login")?;
        self.shows_start_at_login(on)
    }

    /// Waits until the settings show whether it starts at login.
    pub(crate) fn shows_start_at_login(&self, on: bool) -> anyhow::Result<()> {
        until(&format!("the switch to be {on}"), || {
            let found = self.0.find("switch", "Start at login")?;
            let checked = self.0.execute("return arguments[0].checked", &[found.as_argument()])?;
            Ok((checked == on).then_some(()))
        })
    }

    /// Waits until the window shows that it is locked.
    pub(crate) fn is_locked(&self) -> anyhow::Result<()> {
        self.0.find("heading", "Keybearer is locked").map(drop)
    }
}

/// The window that asks about a program. It is gone with its last question.
pub(crate) struct Approval<'a>(pub(crate) &'a Page);

/// Keys, as WebDriver names them.
const CONTROL: char = '\u{e009}';
const ESCAPE: char = '\u{e00c}';

impl Approval<'_> {
    /// Waits until it asks about this program and this account.
    pub(crate) fn asks_about(&self, program: &str, account: &str) -> anyhow::Result<()> {
        self.0.find("heading", &format!("Let “{program}” use {account}?")).map(drop)
    }

    /// No.
    pub(crate) fn deny(&self) -> anyhow::Result<()> {
        self.answer("Deny")
    }

    /// No, by the key that closes things.
    pub(crate) fn deny_by_key(&self) -> anyhow::Result<()> {
        self.0.find("button", "Deny")?;
        self.until_gone("Esc", || self.0.press(&[ESCAPE]))
    }

    /// Yes, to the calls that wait.
    pub(crate) fn allow_once(&self) -> anyhow::Result<()> {
        self.answer("Once")
    }

    /// Yes, as long as the program runs.
    pub(crate) fn allow_while_it_runs(&self) -> anyhow::Result<()> {
        self.answer("While it runs")
    }

    fn answer(&self, button: &str) -> anyhow::Result<()> {
        let found = self.0.find("button", button)?;
        self.until_gone(button, || self.0.click_on(&found))
    }

    /// Does it again until it counts: in its first moment the window takes no answer, so that nobody gives one by
    /// accident.
    fn until_gone(&self, what: &str, act: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut last = Ok(());
        until(&format!("{what} to be taken for an answer"), || {
            // Once it was, there is nothing left to click on.
            last = act();
            Ok((self.0.count()? == 1).then_some(()))
        })
        .with_context(|| format!("{last:?}; the window asks on: {}", self.0.text().unwrap_or_default()))?;
        self.0.switch_to(View::Main)
    }
}
