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

    /// From the first start: types a server's address and a token that doesn't change, under a name, and has it tested.
    pub(crate) fn add_with_token(&self, url: &str, name: &str, token: &str) -> anyhow::Result<()> {
        self.go_to_details()?;
        self.0.write("Server address", url)?;
        self.0.write("Name", name)?;
        self.0.choose("Bearer token")?;
        self.type_token(token)
    }

    /// From the first start: goes to all that can be said of a server.
    pub(crate) fn go_to_details(&self) -> anyhow::Result<()> {
        self.is_open()?;
        self.0.click("button", "Use a key or client ID instead")?;
        self.0.find("radio", "Bearer token").map(drop)
    }

    /// Leaves what was begun for the list, by its key.
    pub(crate) fn go_back_to_servers(&self) -> anyhow::Result<()> {
        until("Esc to leave the page", || {
            self.0.press(&[ESCAPE])?;
            Ok((!self.0.has("radio", "Bearer token")?).then_some(()))
        })
    }

    /// Types the token, where the way to add a server asks for it, and has it tested.
    pub(crate) fn type_token(&self, token: &str) -> anyhow::Result<()> {
        self.0.write("Token", token)?;
        self.0.click("button", "Save and test")
    }

    /// Goes back from what failed to what was typed.
    pub(crate) fn edit_address(&self) -> anyhow::Result<()> {
        self.0.click("button", "Edit address")?;
        self.offers_to_add()
    }

    /// Types a client ID where a sign-in has stopped for want of one.
    pub(crate) fn go_on_with_client(&self, id: &str) -> anyhow::Result<()> {
        self.0.write("Client ID", id)?;
        self.0.click("button", "Continue")
    }

    /// Ends the sign-in that is shown.
    pub(crate) fn cancel(&self) -> anyhow::Result<()> {
        self.0.click("button", "Cancel")
    }

    /// Has the browser come back to 127.0.0.1 instead.
    pub(crate) fn switch_to_loopback(&self) -> anyhow::Result<()> {
        self.0.click("button", "Try again with 127.0.0.1")?;
        // Once it waits anew, the other way is offered.
        self.0.find("button", "Try again with the app link").map(drop)
    }

    /// Waits until the sign-in is under way with this step as its last word.
    pub(crate) fn is_at_step(&self, step: &str) -> anyhow::Result<()> {
        self.says(step)?;
        self.0.find("button", "Cancel").map(drop)
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

    /// The same before the token has ended.
    pub(crate) fn sign_in_now(&self) -> anyhow::Result<()> {
        self.0.click("button", "Sign in now")
    }

    /// Waits until the window says this.
    pub(crate) fn says(&self, sentence: &str) -> anyhow::Result<()> {
        self.0.wait_for_text(sentence)
    }

    /// Tests the connection on the account's page.
    pub(crate) fn test(&self) -> anyhow::Result<()> {
        self.begin_test()?;
        self.0.wait_for_text("The connection works.")
    }

    /// Begins to test the connection on the account's page, whatever comes of it.
    pub(crate) fn begin_test(&self) -> anyhow::Result<()> {
        self.0.click("button", "Test connection")
    }

    /// Renews the token on the account's page, whatever comes of it.
    pub(crate) fn refresh(&self) -> anyhow::Result<()> {
        self.0.click("button", "Refresh now")
    }

    /// Renews the token until the list says that all is well: after a failure there is a wait, and a click in it is refused.
    pub(crate) fn try_refresh_until_connected(&self, account: &str) -> anyhow::Result<()> {
        until(&format!("{account} to be connected again"), || {
            self.refresh()?;
            let names = self.0.names("option")?;
            Ok(names.iter().any(|name| name.contains(account) && name.contains("Connected")).then_some(()))
        })
    }

    /// Changes the client ID and its secret on the account's page.
    pub(crate) fn change_client(&self, id: &str, secret: &str) -> anyhow::Result<()> {
        self.open_change()?;
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

    /// Goes to what happened to the account that is shown.
    pub(crate) fn go_to_activity_of_account(&self) -> anyhow::Result<()> {
        self.0.click("tab", "Activity")?;
        self.says("Account added")
    }

    /// From the settings, goes to the programs that were allowed.
    pub(crate) fn go_to_allowed_programs(&self) -> anyhow::Result<()> {
        self.0.click("button", "Review…")?;
        self.0.find("heading", "Programs allowed").map(drop)
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

    /// Leaves the settings for the list.
    pub(crate) fn leave_settings(&self) -> anyhow::Result<()> {
        self.0.click("button", "Back (Esc)")?;
        self.is_open()
    }

    /// Exports all accounts with their sign-ins, into the file that the system's dialog gives.
    pub(crate) fn export_with_sign_ins(&self, passphrase: &str) -> anyhow::Result<()> {
        self.0.click("button", "Export with sign-ins…")?;
        self.0.write("New passphrase", passphrase)?;
        self.0.write("The same again", passphrase)?;
        self.0.click("button", "Choose a file…")
    }

    /// Types the passphrase that a sealed file asks for.
    pub(crate) fn type_passphrase_of_file(&self, passphrase: &str) -> anyhow::Result<()> {
        self.0.write("Passphrase of the file", passphrase)?;
        self.0.click("button", "Import")
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

    /// Goes to the programs that were answered for the account, once this one is among them.
    pub(crate) fn go_to_programs(&self, program: &str) -> anyhow::Result<()> {
        let tab = self.0.find_like("tab", "Programs")?;
        self.0.click_on(&tab)?;
        self.says(program)
    }

    /// Takes back the answer to a program, on the account's page.
    pub(crate) fn revoke(&self, program: &str) -> anyhow::Result<()> {
        self.go_to_programs(program)?;
        self.0.click("button", &format!("Revoke {program}"))?;
        self.0.wait_gone("button", &format!("Revoke {program}"))
    }

    /// Opens all that can be done, by its key.
    pub(crate) fn open_palette(&self) -> anyhow::Result<()> {
        self.until_open("Commands", &[CONTROL, 'k'])
    }

    /// Opens the list of keys, by its key.
    pub(crate) fn open_keys(&self) -> anyhow::Result<()> {
        // With Shift, as keyboards have it: beside Ctrl alone the driver writes what is on the key below.
        self.until_open("Keyboard shortcuts", &[CONTROL, SHIFT, '?'])
    }

    /// Closes what lies over the window, by its key.
    pub(crate) fn close_dialog(&self) -> anyhow::Result<()> {
        until("the dialog to close", || {
            self.0.press(&[ESCAPE])?;
            Ok(self.0.names("dialog")?.is_empty().then_some(()))
        })
    }

    /// Does what the palette finds by these words.
    pub(crate) fn do_by_palette(&self, words: &str) -> anyhow::Result<()> {
        self.open_palette()?;
        self.0.find("combobox", "Search servers and commands")?;
        self.0.type_text(words)?;
        self.0.press(&[ENTER])
    }

    /// Chooses what can be done besides, on the account's page.
    fn choose_more(&self, item: &str) -> anyhow::Result<()> {
        self.0.click("button", "More actions")?;
        self.0.click("menuitem", item)
    }

    /// Asks for the access token, which is answered with a question.
    pub(crate) fn ask_to_copy_token(&self) -> anyhow::Result<()> {
        self.0.click("button", "Copy access token…")?;
        self.0.find("button", "Copy access token").map(drop)
    }

    /// Says yes to that.
    pub(crate) fn copy_token(&self) -> anyhow::Result<()> {
        self.0.click("button", "Copy access token")?;
        self.says("Access token copied.")
    }

    /// Opens the list of the server's tools, once it is there.
    pub(crate) fn open_tools(&self) -> anyhow::Result<()> {
        self.0.click("button", "Show list")?;
        self.says("whoami")
    }

    /// Opens what the account's access rests on, to change it.
    pub(crate) fn open_change(&self) -> anyhow::Result<()> {
        self.0.click("button", "Change…")?;
        self.0.find("button", "Save").map(drop)
    }

    /// Removes the account that is shown.
    pub(crate) fn remove(&self, account: &str) -> anyhow::Result<()> {
        self.ask_to_remove(account)?;
        self.remove_asked(account)
    }

    /// Wants to remove it, which is answered with a question.
    pub(crate) fn ask_to_remove(&self, account: &str) -> anyhow::Result<()> {
        self.choose_more("Remove…")?;
        self.0.find("heading", &format!("Remove {account}?")).map(drop)
    }

    /// Says yes to that.
    pub(crate) fn remove_asked(&self, account: &str) -> anyhow::Result<()> {
        self.0.click("button", "Remove")?;
        self.says(&format!("{account} was removed."))
    }

    /// Takes back what was done last, by its key, until the window says so.
    pub(crate) fn undo_until(&self, sentence: &str) -> anyhow::Result<()> {
        until(&format!("Ctrl Z to bring {sentence:?}"), || {
            self.0.press(&[CONTROL, 'z'])?;
            Ok(self.0.text()?.contains(sentence).then_some(()))
        })
    }

    /// Has Keybearer give out nothing for a while.
    pub(crate) fn pause_for_15_minutes(&self) -> anyhow::Result<()> {
        self.0.click("button", "Giving out tokens")?;
        self.0.click("menuitem", "Pause for 15 minutes")?;
        self.0.find("button", "Resume").map(drop)
    }

    /// Ends the pause.
    pub(crate) fn resume(&self) -> anyhow::Result<()> {
        self.0.click("button", "Resume")?;
        self.0.wait_gone("button", "Resume")
    }

    fn until_open(&self, dialog: &str, keys: &[char]) -> anyhow::Result<()> {
        until(&format!("the keys that open {dialog:?}"), || {
            self.0.press(keys)?;
            self.0.has("dialog", dialog).map(|open| open.then_some(()))
        })
    }

    /// Chooses one of a few, in whatever language the window has.
    pub(crate) fn choose(&self, choice: &str) -> anyhow::Result<()> {
        self.0.choose(choice)
    }

    /// Locks by its key.
    pub(crate) fn lock_by_key(&self) -> anyhow::Result<()> {
        self.0.press(&[CONTROL, 'l'])?;
        self.is_locked()
    }

    /// Ends the lock by the keys that go to a button and press it.
    pub(crate) fn unlock_by_keys(&self) -> anyhow::Result<()> {
        self.0.tab_to("button", "Unlock")?;
        self.0.press(&[ENTER])?;
        self.0.wait_gone("heading", "Keybearer is locked")
    }

    /// Waits until the window says that the system's keyring is locked.
    pub(crate) fn tells_of_locked_keyring(&self) -> anyhow::Result<()> {
        self.0.find("heading", "The system keyring is locked").map(drop)
    }

    /// Waits until the window shows that it is locked.
    pub(crate) fn is_locked(&self) -> anyhow::Result<()> {
        self.0.find("heading", "Keybearer is locked").map(drop)
    }
}

/// The window that asks about a program. It is gone with its last question.
pub(crate) struct Approval<'a>(pub(crate) &'a Page);

/// Keys, as WebDriver names them.
pub(crate) const CONTROL: char = '\u{e009}';
const SHIFT: char = '\u{e008}';
const ESCAPE: char = '\u{e00c}';
/// The key that presses what has the focus.
pub(crate) const ENTER: char = '\u{e007}';

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
