//! A private session bus with a real Secret Service on it: gnome-keyring, unless another one is wanted.

use crate::keyring::{Daemon, Keyring};
use anyhow::Context;
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
    keyring: Keyring,
    daemon: Option<Daemon>,
    bus: Option<Bus>,
    /// The bus of the machine.
    system_bus: Option<Bus>,
    /// Where the keyring's dialogs appear.
    screen: Option<String>,
}

#[derive(Debug)]
struct Bus(Child);

impl Session {
    /// A session whose keyring is unlocked.
    pub fn unlocked() -> anyhow::Result<Session> {
        Session::with(Keyring::Gnome)
    }

    /// A session with this keyring, unlocked.
    pub fn with(keyring: Keyring) -> anyhow::Result<Session> {
        let mut session = Session { keyring, ..Session::absent()? };
        session.start_bus(keyring == Keyring::Gnome)?;
        session.unlock()?;
        Ok(session)
    }

    /// A session without a bus, so without a keyring.
    pub fn absent() -> anyhow::Result<Session> {
        let folder = tempfile::Builder::new().prefix("kb-").tempdir()?;
        for name in ["home", "run", "data", "config", "cache", "state"] {
            DirBuilder::new().mode(0o700).create(folder.path().join(name))?;
        }
        Ok(Session { folder, keyring: Keyring::Gnome, daemon: None, bus: None, system_bus: None, screen: None })
    }

    /// Starts a bus on which no program offers a keyring.
    pub fn start_bare_bus(&mut self) -> anyhow::Result<()> {
        self.start_bus(false)
    }

    /// A session whose keyring is unlocked, and shows its dialogs on this screen.
    pub fn on_screen(screen: &str) -> anyhow::Result<Session> {
        let mut session = Session { screen: Some(screen.to_owned()), ..Session::absent()? };
        session.start_bus(true)?;
        session.unlock()?;
        Ok(session)
    }

    /// Restarts the bus; its keyring comes up locked, as after a login without a password.
    pub fn lock(&mut self) -> anyhow::Result<()> {
        self.bus = None;
        self.start_bus(true)
    }

    /// Unlocks the keyring on the bus, making it where there is none, and starting it where it doesn't run.
    pub fn unlock(&mut self) -> anyhow::Result<()> {
        let old = self.daemon.take();
        self.daemon = self.keyring.unlock(self, old)?;
        Ok(())
    }

    /// The signal that has ended the keyring's process, if one has. A keyring that leaves by itself tells nothing.
    pub fn keyring_crash(&mut self) -> anyhow::Result<Option<i32>> {
        self.daemon.as_mut().map_or(Ok(None), Daemon::crash)
    }

    /// Puts another process with the same files in the place of the keyring's, as an upgrade does.
    pub fn replace_keyring(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.keyring == Keyring::Gnome, "only gnome-keyring makes room for another");
        self.keyring.unlock(self, None).map(drop)
    }

    /// Ends the bus at once, and the keyring with it.
    pub fn kill_bus(&self) -> anyhow::Result<()> {
        let bus = self.bus.as_ref().context("no bus runs")?;
        anyhow::ensure!(Command::new("kill").args(["-s", "KILL", &bus.0.id().to_string()]).status()?.success());
        Ok(())
    }

    /// The variables that lead programs to this session and away from the user's own.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let folder = |name: &str| self.folder.path().join(name);
        let address = |name: &str| PathBuf::from(format!("unix:path={}", folder(name).display()));
        vec![
            ("HOME", folder("home")),
            ("XDG_RUNTIME_DIR", folder("run")),
            ("XDG_DATA_HOME", folder("data")),
            ("XDG_CONFIG_HOME", folder("config")),
            ("XDG_CACHE_HOME", folder("cache")),
            ("XDG_STATE_HOME", folder("state")),
            ("DBUS_SESSION_BUS_ADDRESS", address("bus")),
            ("DBUS_SYSTEM_BUS_ADDRESS", address("system-bus")),
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

    /// Starts what stands for the bus of the machine, with nobody on it.
    pub fn start_system_bus(&mut self) -> anyhow::Result<()> {
        self.system_bus = Some(self.bus_at("system-bus", "")?);
        Ok(())
    }

    /// Starts a bus at the session's one address; one that can activate programs starts gnome-keyring when it is asked for.
    fn start_bus(&mut self, activates: bool) -> anyhow::Result<()> {
        self.bus = Some(self.bus_at("bus", if activates { "<standard_session_servicedirs/>" } else { "" })?);
        Ok(())
    }

    fn bus_at(&self, name: &str, services: &str) -> anyhow::Result<Bus> {
        let settings = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen>{services}<policy context=\"default\">\
             <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy>\
             </busconfig>",
            self.folder.path().join(name).display()
        );
        let settings = self.write(&format!("{name}.conf"), &settings)?;
        let log = fs::File::create(self.folder.path().join(format!("{name}.log")))?;
        let mut command = Command::new("dbus-daemon");
        command.args(["--nofork", "--nopidfile", "--print-address=1", "--config-file"]).arg(settings);
        command.envs(self.environment()).envs(self.screen.iter().map(|screen| ("DISPLAY", screen)));
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().context("dbus-daemon can't be started")?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().context("a pipe")?).read_line(&mut address)?;
        Ok(Bus(child))
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // The keyring ends with its bus.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
