//! One Keybearer: a home, a session, and the command, cut off from everything of the user's own.

use crate::executables::{copy, executable};
use crate::main_job::Keybearer;
use crate::session::Session;
use crate::stand_in::StandIn;
use crate::until::until;
use crate::wire::Wire;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A Keybearer on a session of its own.
#[derive(Debug)]
pub struct World {
    /// Its bus and keyring.
    pub session: Session,
    /// Its home.
    pub home: PathBuf,
    /// What `$BROWSER` names.
    pub browser: String,
    /// How much its agent logs: everything, as what must not be told is looked for in all of it.
    pub log_level: &'static str,
    keybearer: PathBuf,
}

/// Sign-ins of all tests share ten ports of this machine. Held while one is opened.
static PORTS: RwLock<()> = RwLock::new(());

/// For a test that opens a sign-in itself.
pub fn share_ports() -> RwLockReadGuard<'static, ()> {
    PORTS.read().unwrap_or_else(PoisonError::into_inner)
}

/// For a test whose port must stay free while no agent holds it.
pub fn keep_ports() -> RwLockWriteGuard<'static, ()> {
    PORTS.write().unwrap_or_else(PoisonError::into_inner)
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl World {
    /// A Keybearer on this session. Its browser is the practice server's stand-in.
    pub fn on(session: Session) -> World {
        let keybearer = executable("keybearer");
        World::installed(session, keybearer.parent().expect("executables lie in folders"))
    }

    /// The Keybearer in this folder, on this session.
    pub fn installed(session: Session, folder: &Path) -> World {
        let home = session.folder().join("kb");
        let browser = format!("'{}' browse", folder.join("keybearer-practice").display());
        World { session, home, browser, log_level: "trace", keybearer: folder.join("keybearer") }
    }

    /// A Keybearer on an unlocked keyring.
    pub fn new() -> anyhow::Result<World> {
        Ok(World::on(Session::unlocked()?))
    }

    /// A Keybearer whose executables lie in a folder of their own, with a stand-in in the place of its desktop.
    pub fn with_desktop() -> anyhow::Result<World> {
        let mut world = World::new()?;
        let folder = world.session.folder().join("bin");
        fs::create_dir(&folder)?;
        let names = ["keybearer", "keybearer-agent", "keybearer-stand-in"];
        for (name, place) in names.iter().zip(["keybearer", "keybearer-agent", "keybearer-desktop"]) {
            copy(&executable(name), &folder.join(place))?;
        }
        world.keybearer = folder.join("keybearer");
        Ok(world)
    }

    /// The stand-in for this world's desktop, with a connection to the admin door. Starts the agent.
    pub fn desktop(&self) -> anyhow::Result<StandIn> {
        self.ok(&["status"])?;
        StandIn::start(&self.keybearer.with_file_name("keybearer-desktop"), &self.admin_socket())
    }

    /// The command's executable.
    pub fn keybearer(&self) -> &Path {
        &self.keybearer
    }

    /// The door for Keybearer's own programs.
    pub fn admin_socket(&self) -> PathBuf {
        self.home.join("run/admin/admin.v1.sock")
    }

    /// The door for programs.
    pub fn programs_socket(&self) -> PathBuf {
        self.home.join("run/programs/agent.v1.sock")
    }

    /// The command `keybearer` in this world, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(&self.keybearer);
        command.args(arguments);
        command
    }

    /// Any program in this world, not yet started, with this world's variables and no others.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.session.environment());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("KEYBEARER_HOME", &self.home).env("BROWSER", &self.browser);
        command.env("KEYBEARER_LOG", self.log_level).stdin(Stdio::null());
        command
    }

    /// Runs `keybearer` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<Run> {
        let opens_a_port = matches!(arguments.first(), Some(&("add" | "sign-in")));
        let _shared = opens_a_port.then(share_ports);
        Ok(self.command(arguments).output().context("keybearer can't be started")?.into())
    }

    /// The same with something to read on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> anyhow::Result<Run> {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let written = writeln!(child.stdin.take().context("a pipe")?, "{input}");
        // It may end before it has read everything; what it says of that is what counts.
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
            Ok(()) | Err(_) => Ok(child.wait_with_output()?.into()),
        }
    }

    /// Runs `keybearer` and expects it to succeed; gives its standard output without the line's end.
    pub fn ok(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let run = self.run(arguments)?;
        ensure!(run.code == 0, "keybearer {arguments:?} ended with {run:?}");
        Ok(run.out.trim_end().to_owned())
    }

    /// The same with `--json`.
    pub fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let out = self.ok(&[arguments, &["--json"]].concat())?;
        let last = out.lines().last().unwrap_or_default();
        serde_json::from_str(last).with_context(|| format!("keybearer {arguments:?} answered {out:?}"))
    }

    /// Starts `keybearer` in the background, with its output kept.
    pub fn spawn(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        let mut command = self.command(arguments);
        Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }

    /// Writes down an account for this server without signing in.
    pub fn add(&self, name: &str, url: &str) -> anyhow::Result<()> {
        self.ok(&["add", url, "--name", name, "--no-sign-in"]).map(drop)
    }

    /// Adds an account and signs in to it, with the browser's stand-in.
    pub fn sign_in(&self, name: &str, url: &str) -> anyhow::Result<()> {
        self.ok(&["add", url, "--name", name]).map(drop)
    }

    /// Starts a sign-in without a browser; gives its first view that waits for one, or is over.
    pub fn begin_sign_in(&self, name: &str) -> anyhow::Result<Value> {
        self.begin_sign_in_as(name, &json!({}))
    }

    /// The same with further parameters of `auth.start`.
    pub fn begin_sign_in_as(&self, name: &str, wish: &Value) -> anyhow::Result<Value> {
        let _shared = share_ports();
        self.begin_sign_in_on_held_ports(name, wish)
    }

    /// Starts a sign-in without a browser, for whoever keeps the ports already; gives the address for the browser.
    pub fn begin_sign_in_held(&self, name: &str) -> anyhow::Result<String> {
        let view = self.begin_sign_in_on_held_ports(name, &json!({}))?;
        Ok(view["authorization_url"].as_str().with_context(|| format!("no page to open: {view}"))?.to_owned())
    }

    fn begin_sign_in_on_held_ports(&self, name: &str, wish: &Value) -> anyhow::Result<Value> {
        let mut params = json!({ "profile": name, "no_open": true });
        let wish = wish.as_object().cloned().unwrap_or_default();
        params.as_object_mut().context("an object")?.extend(wish);
        let start = json!({ "method": "auth.start", "params": params });
        self.ok(&["rpc", "--admin", &start.to_string()])?;
        until("the sign-in", || {
            let view = self.sign_in_view(name)?;
            Ok((view["phase"] != "preparing").then_some(view))
        })
    }

    /// How the account's sign-in stands.
    pub fn sign_in_view(&self, name: &str) -> anyhow::Result<Value> {
        let question = json!({ "method": "auth.status", "params": { "profile": name } });
        self.json(&["rpc", "--admin", &question.to_string()])
    }

    /// A raw connection to the door for programs, its handshake done.
    pub fn programs(&self) -> anyhow::Result<Wire> {
        Wire::open(&self.programs_socket())
    }

    /// The agent's process id, if one runs.
    pub fn agent_pid(&self) -> Option<u32> {
        let lock = fs::read_to_string(self.home.join("state/agent.lock")).ok()?;
        lock.split(' ').next()?.parse().ok()
    }

    /// Kills the agent at once, as a crash or the kernel would, and waits until it is gone.
    pub fn kill_agent(&self) -> anyhow::Result<()> {
        let pid = self.agent_pid().context("no agent runs")?;
        let status = Command::new("kill").args(["-KILL", &pid.to_string()]).status()?;
        ensure!(status.success(), "the agent can't be killed");
        until("the agent's end", || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // Detached, it is a child of nobody here, who may leave it a zombie.
            Ok((stat.is_empty() || stat.contains(") Z ")).then_some(()))
        })
    }

    /// What the agent has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.join("state/agent.log")).unwrap_or_default()
    }

    /// The record of activity.
    pub fn activity_file(&self) -> PathBuf {
        self.home.join("state/activity.db")
    }

    /// The path of `servers.json`.
    pub fn servers_file(&self) -> PathBuf {
        self.home.join("config/servers.json")
    }
}

impl Keybearer for World {
    fn ok(&self, arguments: &[&str]) -> anyhow::Result<String> {
        World::ok(self, arguments)
    }

    fn keyring_items(&self) -> anyhow::Result<Vec<String>> {
        let items = self.session.keyring_items()?;
        let attributes = items.lines().filter(|line| line.starts_with("attribute."));
        Ok(attributes.map(str::to_owned).collect())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Without an agent there is nothing to stop.
        let _ = self.command(&["agent", "stop"]).output();
        let lock = fs::File::open(self.home.join("state/agent.lock"));
        if lock.is_ok_and(|lock| lock.try_lock().is_err()) {
            // A test that failed may have left an agent that nobody can reach.
            let _ = self.kill_agent();
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
