//! The least that this machine can do: small programs in C, and what starts and asks them and ours alike.

use crate::released::target_folder;
use crate::step::{root, step};
use anyhow::{Context, ensure};
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The sources, from the project's root.
const SOURCES: &str = "tests/bench";

/// The programs, and what the compiler is told beside their names.
const PROGRAMS: [(&str, &[&str]); 4] = [("asker", &[]), ("floor", &[]), ("starter", &[]), ("nothing", &["-static"])];

/// The processor of whoever asks.
const ASKERS: &str = "0";

/// The processor of whoever answers. The system would move both ends about while they are timed, and on one processor a
/// question costs a quarter of what it costs on two.
#[derive(Clone, Copy)]
pub(crate) enum Placed {
    /// The same as the asker's.
    Together,
    /// The next one.
    Apart,
    /// Where the system likes.
    Anywhere,
}

impl Placed {
    /// Moves all threads of a process there.
    pub(crate) fn place(self, pid: u32) -> anyhow::Result<()> {
        let processor = match self {
            Placed::Together => ASKERS,
            Placed::Apart => "1",
            Placed::Anywhere => "0-1",
        };
        let mut taskset = Command::new("taskset");
        taskset.args(["--all-tasks", "--cpu-list", "--pid", processor, &pid.to_string()]).stdout(Stdio::null());
        ensure!(taskset.status()?.success(), "process {pid} can't be moved to processor {processor}");
        Ok(())
    }
}

/// The programs, compiled.
pub(crate) struct Floors {
    folder: PathBuf,
}

impl Floors {
    /// Compiles them.
    pub(crate) fn compile() -> anyhow::Result<Floors> {
        let floors = Floors { folder: folder()? };
        PROGRAMS.iter().try_for_each(|(name, options)| compile(name, options).map(drop))?;
        Ok(floors)
    }

    /// One of them.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Asks this socket for the token of an account, so many times, on one connection or on one for each; the asker stays on
    /// one processor.
    pub(crate) fn ask(&self, socket: &Path, account: &str, times: usize, on: Connections) -> Command {
        let way = match on {
            Connections::One => "keep",
            Connections::Each => "visit",
        };
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", ASKERS]).arg(self.program("asker"));
        command.arg(socket).args([account, &times.to_string(), way]);
        command
    }

    /// Has this started so many times; what starts it has the same environment.
    pub(crate) fn start(&self, command: &Command, times: usize) -> Command {
        let mut starter = Command::new(self.program("starter"));
        starter.arg(times.to_string()).arg(command.get_program()).args(command.get_args()).env_clear();
        starter.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        starter
    }

    /// Starts the server that answers as the agent of this world does for this account, in bytes of the same number.
    pub(crate) fn serve(&self, world: &World, account: &str) -> anyhow::Result<Server> {
        let socket = world.session.folder().join("floor.sock");
        let mut command = Command::new(self.program("floor"));
        command.arg(&socket).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Server { child: command.spawn()?, socket };
        let mut input = server.child.stdin.take().context("a pipe")?;
        for answer in answers(&world.programs_socket(), account)? {
            input.write_all(answer.as_bytes())?;
        }
        drop(input);
        let mut line = String::new();
        BufReader::new(server.child.stdout.take().context("a pipe")?).read_line(&mut line)?;
        ensure!(line == "ready\n", "the floor's server said {line:?}");
        Ok(server)
    }
}

/// Compiles one of the sources, with whatever else the compiler is told.
pub(crate) fn compile(name: &str, options: &[impl AsRef<OsStr>]) -> anyhow::Result<PathBuf> {
    let folder = folder()?;
    fs::create_dir_all(&folder)?;
    let program = folder.join(name);
    let mut compiler = Command::new("cc");
    compiler.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&program);
    compiler.arg(root().join(SOURCES).join(format!("{name}.c"))).args(options);
    step(&format!("cc {name}.c"), &mut compiler)?;
    Ok(program)
}

/// Where they lie.
fn folder() -> anyhow::Result<PathBuf> {
    Ok(target_folder()?.join("bench"))
}

/// How many connections are made for many questions.
#[derive(Clone, Copy)]
pub(crate) enum Connections {
    One,
    Each,
}

/// The server, as long as it is held.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) socket: PathBuf,
}

impl Server {
    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an agent answers to hello and to a question for the token of this account, with the ends of the lines.
fn answers(socket: &Path, account: &str) -> anyhow::Result<[String; 2]> {
    let mut stream = BufReader::new(UnixStream::connect(socket)?);
    let mut ask = |request: Value| -> anyhow::Result<String> {
        stream.get_mut().write_all(format!("{request}\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_line(&mut answer)?;
        Ok(answer)
    };
    let hello = json!({ "protocol": { "min": 1, "max": 1 }, "client": { "name": "asker", "version": "1" } });
    let hello = ask(json!({ "jsonrpc": "2.0", "id": 0, "method": "session.open", "params": hello }))?;
    let session = serde_json::from_str::<Value>(&hello)?["result"]["session"].take();
    let params = json!({ "profile": account });
    let token = json!({ "jsonrpc": "2.0", "id": 1, "method": "token.get", "params": params, "session": session });
    let token = ask(token)?;
    ensure!(token.contains("\"access_token\":"), "the agent gives no token");
    Ok([hello, token])
}
