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
use tempfile::{NamedTempFile, TempDir};

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
        self.spawn(arguments)?.end()
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
    pub(crate) fn spawn(&self, arguments: &[&str]) -> anyhow::Result<Running> {
        Running::start(self.command(arguments))
    }

    /// Starts the agent itself, with the pipes of this place in place of its home's own.
    pub(crate) fn agent_at(&self, place: &str) -> anyhow::Result<Running> {
        let mut command = wine(self.executables.join("keybearer-agent.exe"));
        command.env("KEYBEARER_HOME", windows_path(self.home.path())).env("KEYBEARER_SOCKET", place);
        Running::start(command)
    }

    /// Runs `keybearer.exe` with the pipes of this place.
    pub(crate) fn run_at(&self, place: &str, arguments: &[&str]) -> anyhow::Result<Run> {
        let mut command = self.command(arguments);
        command.env("KEYBEARER_SOCKET", place);
        Running::start(command)?.end()
    }

    /// The names of this home's credentials.
    pub(crate) fn items(&self) -> anyhow::Result<Vec<String>> {
        let home_id = fs::read_to_string(self.home.path().join("state/home-id"))?;
        let mut query = wine("reg");
        query.args(["query", CREDENTIALS, "/s"]);
        let run = Running::start(query)?.end()?;
        // Each credential is a key under that one; its values stand below, indented.
        let keys = run.out.lines().filter(|line| line.starts_with("HKEY")).filter_map(|line| line.rsplit('\\').next());
        Ok(keys.filter(|key| key.contains(home_id.trim())).map(|key| key.trim().to_owned()).collect())
    }

    /// Ends the agent at once, as a crash would, and waits until it is gone.
    pub(crate) fn kill_agent(&self) -> anyhow::Result<()> {
        let pid = self.json(&["agent", "status"])?["pid"].to_string();
        let mut kill = wine("taskkill");
        kill.args(["/f", "/pid", &pid]);
        let killed = Running::start(kill)?.end()?;
        ensure!(killed.code == 0, "the agent can't be killed: {killed:?}");
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
        let _ = self.run(&["agent", "stop"]);
    }
}

/// A program under Wine. What it says goes to files: Wine's own services, and the agent, hold open whatever the first
/// program was given.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    out: NamedTempFile,
    err: NamedTempFile,
}

impl Running {
    fn start(mut command: Command) -> anyhow::Result<Running> {
        let (out, err) = (NamedTempFile::new()?, NamedTempFile::new()?);
        command.stdout(out.reopen()?).stderr(err.reopen()?);
        Ok(Running { child: command.spawn().context("wine can't be started")?, out, err })
    }

    /// What it did, after its end.
    pub(crate) fn end(mut self) -> anyhow::Result<Run> {
        let code = self.child.wait()?.code().unwrap_or(-1);
        Ok(Run { code, out: fs::read_to_string(self.out)?, err: fs::read_to_string(self.err)? })
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
