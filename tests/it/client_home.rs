//! A person's home with MCP clients in it, whose files are those of `crates/client-configs/tests/samples`.

use keybearer_tests::world::{Run, World};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands in samples where a secret would.
pub(crate) const PLANTED: &str = "PLANTED";

/// A Keybearer of somebody who has clients.
pub(crate) struct ClientHome {
    pub(crate) world: World,
}

impl ClientHome {
    pub(crate) fn new() -> ClientHome {
        ClientHome::of(World::new().unwrap())
    }

    pub(crate) fn of(world: World) -> ClientHome {
        ClientHome { world }
    }

    /// A file below the home.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.world.session.folder().join("home").join(below)
    }

    /// A client's file with this in it.
    pub(crate) fn write(&self, below: &str, text: &str) -> PathBuf {
        self.world.session.write(&format!("home/{below}"), text).unwrap()
    }

    /// A client's file as the sample of it is.
    pub(crate) fn sample(&self, client: &str, below: &str) -> PathBuf {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/client-configs/tests/samples");
        let ending = Path::new(below).extension().unwrap().to_str().unwrap();
        let text = fs::read_to_string(samples.join(client).join(format!("before.{ending}"))).unwrap();
        assert!(text.contains(PLANTED), "{client}: there is a secret to be kept");
        self.write(below, &text)
    }

    /// Runs `keybearer` for somebody who has no client in `PATH`, and whose files are all below the home.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.world.command(arguments);
        command.env("PATH", "").env("XDG_CONFIG_HOME", self.path(".config"));
        let run: Run = command.output().unwrap().into();
        assert!(!run.out.contains(PLANTED) && !run.err.contains(PLANTED), "{arguments:?}: {run:?}");
        run
    }

    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
        run
    }

    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let run = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    }

    /// Every file below the home, with what is in it.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.path("")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                } else if entry.is_file() {
                    files.push((entry.clone(), fs::read(&entry).unwrap()));
                }
            }
        }
        files.sort();
        files
    }
}
