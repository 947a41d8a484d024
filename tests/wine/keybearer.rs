//! One Keybearer of Windows: a home of its own, the command under Wine, and a keyring that Wine keeps.

use anyhow::{Context, ensure};
use keybearer_tests::main_job::Keybearer;
use keybearer_tests::until::until;
use keybearer_tests::world::Run;
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Where Wine keeps credentials.
const CREDENTIALS: &str = r"HKCU\Software\Wine\Credential Manager";

/// A Keybearer under Wine. Its agent ends with it.
#[derive(Debug)]
pub(crate) struct WineKeybearer {
    home: TempDir,
    executables: PathBuf,
}

impl WineKeybearer {
    /// A fresh one.
    pub(crate) fn new() -> anyhow::Result<WineKeybearer> {
        let executables = std::env::var_os("KEYBEARER_WINDOWS").context("run this with `cargo xtask platforms`")?;
        let home = tempfile::Builder::new().prefix("kb-").tempdir()?;
        Ok(WineKeybearer { home, executables: PathBuf::from(executables) })
    }

    /// Runs `keybearer.exe`.
    pub(crate) fn run(&self, arguments: &[&str]) -> anyhow::Result<Run> {
        Ok(self.command(arguments).output().context("wine can't be started")?.into())
    }

    /// The same, and expects it to succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let run = self.run(arguments)?;
        ensure!(run.code == 0, "keybearer.exe {arguments:?} ended with {run:?}");
        Ok(run.out.trim_end().to_owned())
    }

    /// The same with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.ok(&[arguments, &["--json"]].concat())?)?)
    }

    /// Starts it in the background, with its output kept.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        Ok(self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }

    /// The names of this home's credentials.
    pub(crate) fn items(&self) -> anyhow::Result<Vec<String>> {
        let home_id = fs::read_to_string(self.home.path().join("state/home-id"))?;
        let output = wine("reg").args(["query", CREDENTIALS, "/s"]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let keys = text.lines().filter_map(|line| line.trim().rsplit('\\').next());
        Ok(keys.filter(|key| key.contains(home_id.trim())).map(str::to_owned).collect())
    }

    /// Ends the agent at once, as a crash would, and waits until it is gone.
    pub(crate) fn kill_agent(&self) -> anyhow::Result<()> {
        let pid = self.json(&["agent", "status"])?["pid"].to_string();
        let killed = wine("taskkill").args(["/f", "/pid", &pid]).output()?;
        ensure!(killed.status.success(), "the agent can't be killed: {}", String::from_utf8_lossy(&killed.stdout));
        until("the agent's end", || Ok((self.run(&["agent", "status"])?.code == 30).then_some(())))
    }

    /// Every file of its home.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<(PathBuf, String)>> {
        let mut files = Vec::new();
        let mut folders = vec![self.home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let content = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
                    files.push((path, content));
                }
            }
        }
        Ok(files)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = wine(self.executables.join("keybearer.exe"));
        let browser = windows_path(&self.executables.join("keybearer-practice.exe"));
        command.env("KEYBEARER_HOME", windows_path(self.home.path())).env("KEYBEARER_LOG", "trace");
        command.env("BROWSER", format!("\"{browser}\" browse")).args(arguments);
        command
    }
}

impl Keybearer for WineKeybearer {
    fn ok(&self, arguments: &[&str]) -> anyhow::Result<String> {
        WineKeybearer::ok(self, arguments)
    }

    fn keyring_items(&self) -> anyhow::Result<Vec<String>> {
        self.items()
    }
}

impl Drop for WineKeybearer {
    fn drop(&mut self) {
        // Without an agent there is nothing to stop.
        let _ = self.command(&["agent", "stop"]).output();
    }
}

/// A program under Wine, with nothing of this machine's own but what finds Wine.
fn wine(program: impl Into<OsString>) -> Command {
    let mut command = Command::new("wine");
    command.arg(program.into()).env_clear().stdin(Stdio::null());
    for name in ["PATH", "HOME", "WINEPREFIX", "WINEDEBUG"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// A path as programs under Wine see it.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}
