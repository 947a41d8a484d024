//! A private session bus with a real Secret Service (gnome-keyring) on it.

use anyhow::{Context, ensure};
use std::fs::{self, DirBuilder};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A bus, a keyring, and the folders that belong to them. All ends when it is dropped.
#[derive(Debug)]
pub struct Session {
    folder: TempDir,
    bus: Option<Bus>,
}

#[derive(Debug)]
struct Bus {
    child: Child,
    address: String,
}

impl Session {
    /// A session whose keyring is unlocked.
    pub fn unlocked() -> anyhow::Result<Session> {
        let mut session = Session::absent()?;
        session.start_bus()?;
        session.unlock()?;
        Ok(session)
    }

    /// A session without a bus, so without a keyring.
    pub fn absent() -> anyhow::Result<Session> {
        let folder = tempfile::Builder::new().prefix("kb-").tempdir()?;
        for name in ["home", "run", "data", "config", "cache", "state"] {
            DirBuilder::new().mode(0o700).create(folder.path().join(name))?;
        }
        Ok(Session { folder, bus: None })
    }

    /// Restarts the bus; its keyring comes up locked, as after a login without a password.
    pub fn lock(&mut self) -> anyhow::Result<()> {
        self.bus = None;
        self.start_bus()
    }

    /// Unlocks the keyring on the bus, making it where there is none.
    pub fn unlock(&self) -> anyhow::Result<()> {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--unlock", "--replace", "--components=secrets"]).envs(self.environment());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child =
            child.as_mut().map_err(|error| anyhow::anyhow!("gnome-keyring-daemon can't be started: {error}"))?;
        // No line end: it would become part of the password.
        child.stdin.take().context("a pipe")?.write_all(b"test-password")?;
        ensure!(child.wait()?.success(), "the keyring can't be unlocked");
        Ok(())
    }

    /// The variables that lead programs to this session and away from the user's own.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let folder = |name: &str| self.folder.path().join(name);
        let nowhere = || format!("unix:path={}", folder("no-bus").display());
        let address = self.bus.as_ref().map_or_else(nowhere, |bus| bus.address.clone());
        vec![
            ("HOME", folder("home")),
            ("XDG_RUNTIME_DIR", folder("run")),
            ("XDG_DATA_HOME", folder("data")),
            ("XDG_CONFIG_HOME", folder("config")),
            ("XDG_CACHE_HOME", folder("cache")),
            ("XDG_STATE_HOME", folder("state")),
            ("DBUS_SESSION_BUS_ADDRESS", PathBuf::from(address)),
        ]
    }

    /// A folder for whatever belongs to this session.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Writes a file of this session, as an editor or an installer would; gives its path.
    pub fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::File::create(&path)?.write_all(text.as_bytes())?;
        Ok(path)
    }

    /// Hands links of Keybearer's scheme to this command, as the installation of a desktop does.
    pub fn hand_links_to(&self, command: &str) -> anyhow::Result<()> {
        let entry = format!(
            "[Desktop Entry]\nType=Application\nName=Keybearer\nExec={command}\nNoDisplay=true\n\
             MimeType=x-scheme-handler/app.keybearer;\n"
        );
        self.write("data/applications/Keybearer.desktop", &entry)?;
        let list = "[Default Applications]\nx-scheme-handler/app.keybearer=Keybearer.desktop\n";
        self.write("config/mimeapps.list", list).map(drop)
    }

    /// The items of the keyring with their attributes and without their secrets.
    pub fn keyring_items(&self) -> anyhow::Result<String> {
        let mut command = Command::new("secret-tool");
        command.args(["search", "--all", "service", "keybearer"]).envs(self.environment());
        // Secrets go to standard output, attributes to standard error.
        let output = command.stdout(Stdio::null()).output().context("secret-tool can't be started")?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn start_bus(&mut self) -> anyhow::Result<()> {
        let log = fs::File::create(self.folder.path().join("bus.log"))?;
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]).envs(self.environment());
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().context("dbus-daemon can't be started")?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().context("a pipe")?).read_line(&mut address)?;
        self.bus = Some(Bus { child, address: address.trim().to_owned() });
        Ok(())
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // The keyring ends with its bus.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
