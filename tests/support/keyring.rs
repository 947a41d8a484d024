//! The keyrings that people have, each as a real one on a session bus of its own, and what can happen to any of them.

mod gnome;
mod keepassxc;
mod kwallet;

use crate::session::Session;
use crate::until::until;
use anyhow::{Context, ensure};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

/// The password of every keyring here.
const PASSWORD: &str = "test-password";
/// The Secret Service on a bus.
const SECRETS: &str = "org.freedesktop.secrets";
const SECRETS_PATH: &str = "/org/freedesktop/secrets";

/// A kind of keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyring {
    /// gnome-keyring, which most desktops have.
    Gnome,
    /// KeePassXC with its Secret Service turned on.
    KeePassXc,
    /// KWallet of KDE.
    KWallet,
}

/// The process of a keyring that doesn't leave by itself, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Ends it as a person does who quits it: what it had still to save is on the disk then.
    fn quit(mut self) -> anyhow::Result<()> {
        Command::new("kill").arg(self.0.id().to_string()).status()?;
        until("the keyring to quit", || Ok(self.0.try_wait()?.map(drop)))
    }

    /// The signal that has ended it, if one has.
    pub(crate) fn crash(&mut self) -> anyhow::Result<Option<i32>> {
        Ok(self.0.try_wait()?.and_then(|status| status.signal()))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Keyring {
    /// Makes this keyring ready and unlocked, on the session's bus and in its folders.
    pub(crate) fn unlock(self, session: &Session, old: Option<Daemon>) -> anyhow::Result<Option<Daemon>> {
        match old {
            Some(old) if self == Keyring::KeePassXc => old.quit()?,
            other => drop(other),
        }
        match self {
            Keyring::Gnome => gnome::unlock(session).map(|()| None),
            Keyring::KeePassXc => keepassxc::start(session).map(Some),
            Keyring::KWallet => kwallet::start(session).map(Some),
        }
    }
}

/// What can happen to the keyring of a session.
impl Session {
    /// Locks it, as a person does in its window.
    pub fn lock_keyring(&self) -> anyhow::Result<()> {
        let collection = self.default_collection()?.context("no default collection")?;
        let objects = format!("array:objpath:{collection}");
        let reply = self.call(SECRETS, SECRETS_PATH, "org.freedesktop.Secret.Service.Lock", &[&objects])?;
        // The second answer is a question for the person, where there is one.
        if let Some(prompt) = object_paths(&reply).find(|path| path.contains("/prompt/")) {
            self.call(SECRETS, &prompt, "org.freedesktop.Secret.Prompt.Prompt", &["string:"])?;
        }
        until("the lock", || Ok(self.is_keyring_locked(&collection)?.then_some(())))
    }

    fn is_keyring_locked(&self, collection: &str) -> anyhow::Result<bool> {
        let property = ["string:org.freedesktop.Secret.Collection", "string:Locked"];
        Ok(self.call(SECRETS, collection, "org.freedesktop.DBus.Properties.Get", &property)?.contains("true"))
    }

    /// Its default collection, if it has one.
    pub fn default_collection(&self) -> anyhow::Result<Option<String>> {
        let method = "org.freedesktop.Secret.Service.ReadAlias";
        let reply = self.call(SECRETS, SECRETS_PATH, method, &["string:default"])?;
        Ok(object_paths(&reply).find(|path| path != "/"))
    }

    /// Sends its process a signal, such as `STOP`, `CONT` or `KILL`.
    pub fn signal_keyring(&self, signal: &str) -> anyhow::Result<()> {
        let method = "org.freedesktop.DBus.GetConnectionUnixProcessID";
        let reply =
            self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", method, &[&format!("string:{SECRETS}")])?;
        let pid = reply.split_whitespace().next_back().context("a process id")?;
        ensure!(Command::new("kill").args(["-s", signal, pid]).status()?.success(), "no {signal} for {pid}");
        Ok(())
    }

    /// The items of the keyring with their attributes and without their secrets.
    pub fn keyring_items(&self) -> anyhow::Result<String> {
        let mut command = self.secret_tool(&["search", "--all", "service", "keybearer"]);
        // Secrets go to standard output, attributes to standard error.
        let output = command.stdout(Stdio::null()).output().context("secret-tool can't be started")?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// How many accounts of Keybearer the keyring has something of.
    pub fn count_keyring_items(&self) -> anyhow::Result<usize> {
        let items = self.keyring_items()?;
        let users = items.lines().filter(|line| line.starts_with("attribute.username = "));
        // A keyring that asks before it deletes keeps what it was tried with.
        Ok(users.filter(|user| !user.ends_with(".probe")).count())
    }

    /// Deletes all items of Keybearer, as a person does in the keyring's window.
    pub fn clear_keyring(&self) -> anyhow::Result<()> {
        ensure!(self.secret_tool(&["clear", "service", "keybearer"]).status()?.success(), "nothing was cleared");
        Ok(())
    }

    /// Puts something else in the place of the item of the account with this id.
    pub fn overwrite_item(&self, id: &str, secret: &str) -> anyhow::Result<()> {
        let user = self.item_user(id)?;
        self.delete_item(id)?;
        self.store_item(&user, &[], secret)
    }

    /// Deletes the item of the account with this id.
    pub fn delete_item(&self, id: &str) -> anyhow::Result<()> {
        let user = self.item_user(id)?;
        ensure!(self.secret_tool(&["clear", "username", &user]).status()?.success(), "the item wasn't deleted");
        Ok(())
    }

    /// Puts a second item beside the one of the account with this id, as synchronizing does.
    pub fn copy_item(&self, id: &str) -> anyhow::Result<()> {
        // The attribute of its own keeps it from taking the other's place.
        self.store_item(&self.item_user(id)?, &["copy", "1"], &self.read_item(id)?)
    }

    /// What the item of the account with this id holds.
    pub fn read_item(&self, id: &str) -> anyhow::Result<String> {
        let output = self.secret_tool(&["lookup", "username", &self.item_user(id)?]).output()?;
        Ok(String::from_utf8(output.stdout)?)
    }

    fn store_item(&self, user: &str, attributes: &[&str], secret: &str) -> anyhow::Result<()> {
        let mut command = self.secret_tool(&["store", "--label=by hand", "service", "keybearer", "username", user]);
        let mut child =
            command.args(attributes).stdin(Stdio::piped()).spawn().context("secret-tool can't be started")?;
        child.stdin.take().context("a pipe")?.write_all(secret.as_bytes())?;
        ensure!(child.wait()?.success(), "the item wasn't stored");
        Ok(())
    }

    /// The user name that the item has in the keyring, which also tells homes apart.
    fn item_user(&self, id: &str) -> anyhow::Result<String> {
        let items = self.keyring_items()?;
        let mut users = items.lines().filter_map(|line| line.strip_prefix("attribute.username = "));
        Ok(users.find(|user| user.ends_with(id)).with_context(|| format!("no item of {id}: {items}"))?.to_owned())
    }

    /// The program that looks at keyrings from outside.
    pub(crate) fn secret_tool(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("secret-tool");
        command.args(arguments).envs(self.environment());
        command
    }

    /// Calls a method on the session bus; gives what it answers, as text.
    pub(crate) fn call(
        &self,
        destination: &str,
        object: &str,
        method: &str,
        arguments: &[&str],
    ) -> anyhow::Result<String> {
        let mut command = Command::new("dbus-send");
        command.args(["--session", "--print-reply", "--reply-timeout=20000"]).envs(self.environment());
        command.arg(format!("--dest={destination}")).args([object, method]).args(arguments);
        let output = command.output().context("dbus-send can't be started")?;
        ensure!(output.status.success(), "{method}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// The object paths in what `dbus-send` prints.
fn object_paths(reply: &str) -> impl Iterator<Item = String> {
    reply.lines().filter_map(|line| Some(line.trim().strip_prefix("object path \"")?.trim_end_matches('"').to_owned()))
}
