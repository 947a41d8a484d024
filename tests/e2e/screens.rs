//! The window's screens: the one place that knows their words.

use crate::page::Page;

/// Wherever the window is.
pub(crate) struct Window<'a>(pub(crate) &'a Page);

impl Window<'_> {
    /// Waits until the window shows anything of its own.
    pub(crate) fn is_open(&self) -> anyhow::Result<()> {
        self.0.wait_for_text("Add")
    }

    /// Waits until the window offers to add a server.
    pub(crate) fn offers_to_add(&self) -> anyhow::Result<()> {
        self.0.find("textbox", "Server address").map(drop)
    }

    /// Waits until the window shows the settings.
    pub(crate) fn shows_settings(&self) -> anyhow::Result<()> {
        self.0.find("heading", "Settings").map(drop)
    }

    /// Types a server's address and begins to sign in.
    pub(crate) fn add(&self, url: &str) -> anyhow::Result<()> {
        let page = self.0;
        if !page.has("textbox", "Server address")? {
            page.click("button", "Add server")?;
        }
        page.write("Server address", url)?;
        page.click("button", "Continue")
    }

    /// Waits until the sign-in waits for the browser.
    pub(crate) fn waits_for_browser(&self) -> anyhow::Result<()> {
        self.0.find("button", "Open browser again").map(drop)
    }

    /// Brings a callback as a person would who has copied it.
    pub(crate) fn paste_callback(&self, callback: &str) -> anyhow::Result<()> {
        self.0.write("Callback address", callback)?;
        self.0.click("button", "Continue")
    }

    /// Opens an account from the list.
    pub(crate) fn show(&self, account: &str) -> anyhow::Result<()> {
        let row = self.0.find_like("option", account)?;
        self.0.click_on(&row)
    }

    /// Waits until the account that is shown is connected.
    pub(crate) fn is_connected(&self) -> anyhow::Result<()> {
        self.0.wait_for_text("Connected")
    }
}

/// The window that asks about a program.
pub(crate) struct Approval<'a>(pub(crate) &'a Page);

impl Approval<'_> {
    /// Answers with this button, which takes no click in its first moment.
    pub(crate) fn answer(&self, button: &str) -> anyhow::Result<()> {
        self.0.click("button", button)
    }
}
